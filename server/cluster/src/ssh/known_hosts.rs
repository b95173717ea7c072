//! Known hosts as OpenSSH reads them (sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT): plain, wildcard, negated and hashed names,
//! `[host]:port`, `@revoked`, `@cert-authority`, several files.

use std::io::Write;
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};

/// What the files say of a host's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This very key stands there for this host.
    Known,
    /// No key of this host stands anywhere.
    Unknown,
    /// Other keys of this host stand there, and not this one.
    Changed {
        /// The file with the other key.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// The key is marked `@revoked`.
    Revoked {
        /// The file that says so.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
}

/// Why the known hosts could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// A file is there and cannot be read. To go on would make every host an unknown one.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A new key could not be written down.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// One line that speaks of a host.
struct Line {
    file: PathBuf,
    number: usize,
    entry: Entry,
}

/// All lines of `files` that match `name` (`host`, or `[host]:port`).
fn lines(files: &[PathBuf], name: &str) -> Result<Vec<Line>, KnownHostsError> {
    let mut found = Vec::new();
    for file in files {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => {
                return Err(KnownHostsError::Read {
                    path: file.clone(),
                    source,
                });
            }
        };
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            // OpenSSH takes any white space between the fields, the crate one blank.
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // A line that cannot be read (an old key type, say) speaks of no key that could be offered; OpenSSH skips it as well.
            if let Ok(entry) = line.parse::<Entry>()
                && matches(entry.host_patterns(), name)
            {
                found.push(Line {
                    file: file.clone(),
                    number: index + 1,
                    entry,
                });
            }
        }
    }
    Ok(found)
}

fn matches(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => hmac_sha1(salt, name.as_bytes()) == *hash,
        HostPatterns::Patterns(patterns) => {
            let mut matched = false;
            for pattern in patterns {
                let (negated, pattern) = match pattern.strip_prefix('!') {
                    Some(rest) => (true, rest),
                    None => (false, pattern.as_str()),
                };
                if wildcard(&pattern.to_lowercase(), name) {
                    if negated {
                        return false;
                    }
                    matched = true;
                }
            }
            matched
        }
    }
}

/// `*` and `?` of ssh_config(5), section PATTERNS.
fn wildcard(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some('?') => {
                p += 1;
                n += 1;
            }
            Some(c) if *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn hmac_sha1(salt: &[u8], name: &[u8]) -> [u8; 20] {
    use hmac::{KeyInit, Mac};
    match hmac::Hmac::<sha1::Sha1>::new_from_slice(salt) {
        Ok(mut mac) => {
            mac.update(name);
            mac.finalize().into_bytes().into()
        }
        Err(_) => [0; 20],
    }
}

/// What `files` say of `key`, offered by the host `name` (see [`super::config::Host::key_name`]).
///
/// # Errors
/// A file that is there and cannot be read.
pub fn check(files: &[PathBuf], name: &str, key: &PublicKey) -> Result<Verdict, KnownHostsError> {
    let lines = lines(files, name)?;
    let same = |line: &&Line| line.entry.public_key().key_data() == key.key_data();
    if let Some(line) = lines
        .iter()
        .filter(same)
        .find(|line| line.entry.marker() == Some(&Marker::Revoked))
    {
        return Ok(Verdict::Revoked {
            file: line.file.clone(),
            line: line.number,
        });
    }
    let plain = || lines.iter().filter(|line| line.entry.marker().is_none());
    if plain().any(|line| same(&line)) {
        return Ok(Verdict::Known);
    }
    // A key of another type is no proof of a change, but the connection asked for the known types first (`algorithms`), so a
    // host that really has its old key would have offered it.
    Ok(match plain().next() {
        Some(line) => Verdict::Changed {
            file: line.file.clone(),
            line: line.number,
        },
        None => Verdict::Unknown,
    })
}

/// The kinds of keys known for `name`, to be asked for first, so that a host with several keys shows the one that is known.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn algorithms(files: &[PathBuf], name: &str) -> Result<Vec<Algorithm>, KnownHostsError> {
    let mut found = Vec::new();
    for line in lines(files, name)? {
        let algorithm = line.entry.public_key().algorithm();
        if line.entry.marker().is_none() && !found.contains(&algorithm) {
            found.push(algorithm);
        }
    }
    Ok(found)
}

/// The authorities (`@cert-authority`) whose host certificates are accepted for `name`.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn authorities(files: &[PathBuf], name: &str) -> Result<Vec<PublicKey>, KnownHostsError> {
    let lines = lines(files, name)?;
    let authorities = lines
        .into_iter()
        .filter(|line| line.entry.marker() == Some(&Marker::CertAuthority));
    Ok(authorities
        .map(|line| line.entry.public_key().clone())
        .collect())
}

/// The key's fingerprint as OpenSSH shows it: `SHA256:...`.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Adds a key that the user accepted to the end of `file`, making the file (0600) and its folder (0700) when they are missing.
///
/// # Errors
/// The file cannot be written.
pub fn add(file: &Path, name: &str, key: &PublicKey) -> Result<(), KnownHostsError> {
    let failed = |source| KnownHostsError::Write {
        path: file.to_owned(),
        source,
    };
    if let Some(folder) = file.parent()
        && !folder.exists()
    {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
    }
    let mut key = key.clone();
    key.set_comment("");
    let key = key
        .to_openssh()
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let unfinished =
        std::fs::read(file).is_ok_and(|bytes| !bytes.is_empty() && !bytes.ends_with(b"\n"));
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let line = format!(
        "{}{name} {}\n",
        if unfinished { "\n" } else { "" },
        key.trim()
    );
    options
        .open(file)
        .and_then(|mut out| out.write_all(line.as_bytes()))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGQBKKOBlVFvYmYYG8EomEsNHYVZSqrw0RP3ZMqdDU2P";
    const TWO: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";

    fn key(text: &str) -> PublicKey {
        text.parse().unwrap()
    }

    fn verdict(text: &str, name: &str) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        std::fs::write(&file, text).unwrap();
        check(&[folder.path().join("none"), file], name, &key(ONE)).unwrap()
    }

    #[test]
    fn plain_wildcard_and_negated_names() {
        assert_eq!(
            verdict(&format!("login {ONE} ada@home\n"), "login"),
            Verdict::Known
        );
        assert_eq!(
            verdict(&format!("# a comment\n\nother,LOGIN\t{ONE}\n"), "login"),
            Verdict::Known
        );
        assert_eq!(
            verdict(
                &format!("*.example.org,!bad.example.org {ONE}\n"),
                "a.example.org"
            ),
            Verdict::Known
        );
        assert_eq!(
            verdict(
                &format!("*.example.org,!bad.example.org {ONE}\n"),
                "bad.example.org"
            ),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(&format!("login? {ONE}\n"), "login"),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(&format!("login {ONE}\n"), "[login]:2222"),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(&format!("[login]:2222 {ONE}\n"), "[login]:2222"),
            Verdict::Known
        );
    }

    #[test]
    fn another_key_is_a_change_and_a_revoked_one_is_refused_whatever_else_stands_there() {
        assert!(matches!(
            verdict(&format!("x {ONE}\nlogin {TWO}\n"), "login"),
            Verdict::Changed { line: 2, .. }
        ));
        assert_eq!(
            verdict(&format!("login {TWO}\nlogin {ONE}\n"), "login"),
            Verdict::Known
        );
        assert!(matches!(
            verdict(&format!("login {ONE}\n@revoked * {ONE}\n"), "login"),
            Verdict::Revoked { line: 2, .. }
        ));
        assert_eq!(
            verdict(&format!("@revoked * {TWO}\nlogin {ONE}\n"), "login"),
            Verdict::Known
        );
    }

    #[test]
    fn an_authority_is_not_the_key_of_a_host() {
        let text = format!("@cert-authority *.example.org {ONE}\n");
        assert_eq!(verdict(&text, "a.example.org"), Verdict::Unknown);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        std::fs::write(&file, text).unwrap();
        assert_eq!(authorities(&[file], "a.example.org").unwrap().len(), 1);
    }

    #[test]
    fn lines_that_cannot_be_read_are_passed_over() {
        assert_eq!(
            verdict(
                &format!("login ssh-unheard-of AAAA\nbroken\nlogin {ONE}\n"),
                "login"
            ),
            Verdict::Known
        );
    }

    #[test]
    fn hashed_names_as_ssh_keygen_writes_them() {
        // Written by `ssh-keygen -H` for the name login.example.org.
        let hashed = "|1|eOdgr8AVGl7VvTEMw7WrSXhofno=|ezVyj340+HWehMpcq7ZZq6jwxds=";
        assert_eq!(
            verdict(&format!("{hashed} {ONE}\n"), "login.example.org"),
            Verdict::Known
        );
        assert!(matches!(
            verdict(&format!("{hashed} {TWO}\n"), "login.example.org"),
            Verdict::Changed { .. }
        ));
        assert_eq!(
            verdict(&format!("{hashed} {ONE}\n"), "[login.example.org]:2222"),
            Verdict::Unknown
        );
    }

    #[test]
    fn an_accepted_key_is_known_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ssh/known_hosts");
        add(&file, "login", &key(ONE)).unwrap();
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap().trim_end()).unwrap();
        add(&file, "[other]:22022", &key(TWO)).unwrap();
        assert_eq!(
            check(std::slice::from_ref(&file), "login", &key(ONE)).unwrap(),
            Verdict::Known
        );
        assert_eq!(
            check(std::slice::from_ref(&file), "[other]:22022", &key(TWO)).unwrap(),
            Verdict::Known
        );
        assert_eq!(algorithms(&[file], "login").unwrap(), [Algorithm::Ed25519]);
    }

    #[test]
    fn an_unreadable_file_is_an_error_and_not_an_unknown_host() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(&[folder.path().to_owned()], "login", &key(ONE)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn wildcards_agree_with_their_definition(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            fn slow(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.first(), name.first()) {
                    (None, None) => true,
                    (Some(b'*'), _) => slow(&pattern[1..], name) || (!name.is_empty() && slow(pattern, &name[1..])),
                    (Some(b'?'), Some(_)) => slow(&pattern[1..], &name[1..]),
                    (Some(p), Some(n)) if p == n => slow(&pattern[1..], &name[1..]),
                    _ => false,
                }
            }
            proptest::prop_assert_eq!(wildcard(&pattern, &name), slow(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
