//! `~/.ssh/config`: from a host alias to how it is reached (ssh_config(5)).
//!
//! Read by the crate `ssh2-config`, which knows Host patterns, Include and quoting, but not `Match`. When the files that apply
//! have a `Match` line, OpenSSH itself is asked (`ssh -G`), since only it can evaluate one.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ssh2_config::{HostParams, ParseRule, SshConfig};

/// The system's file, read after the user's.
const SYSTEM_CONFIG: &str = "/etc/ssh/ssh_config";
const SYSTEM_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
const DEFAULT_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Why the configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SshConfigError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not follow ssh_config(5).
    #[error("{path} is no valid OpenSSH configuration: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is a `Match` block and nobody to evaluate it.
    #[error(
        "{path} has a Match block, which only OpenSSH can evaluate, and `ssh -G {alias}` failed: {reason}; use a Host block for {alias}, or install the OpenSSH client"
    )]
    Match {
        /// The file.
        path: PathBuf,
        /// The host that was asked for.
        alias: String,
        /// What ssh said.
        reason: String,
    },
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// `yes`: an unknown host is refused.
    Yes,
    /// `accept-new`: an unknown host is added, a changed key refused.
    AcceptNew,
    /// `ask`, the default.
    Ask,
    /// `no` or `off`: an unknown host is added. Hoist still refuses a changed key.
    No,
}

/// `IdentityAgent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentPlace {
    /// The one of `SSH_AUTH_SOCK`.
    Environment,
    /// `none`.
    None,
    /// A socket.
    Socket(PathBuf),
}

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name that was asked for.
    pub alias: String,
    /// Where to connect to.
    pub host_name: String,
    /// TCP port.
    pub port: u16,
    /// Login name there.
    pub user: String,
    /// Key files to try, in order; those that nobody named may not exist.
    pub identity_files: Vec<PathBuf>,
    /// `IdentitiesOnly`: of the agent's keys only those of `identity_files`.
    pub identities_only: bool,
    /// Which agent.
    pub agent: AgentPlace,
    /// An OpenSSH certificate for the user.
    pub certificate_file: Option<PathBuf>,
    /// Files of known hosts; a new one is added to the first.
    pub known_hosts: Vec<PathBuf>,
    /// The system's files of known hosts.
    pub global_known_hosts: Vec<PathBuf>,
    /// What happens with an unknown host.
    pub strictness: Strictness,
    /// `HostKeyAlias`: the name to look up in the files of known hosts.
    pub host_key_alias: Option<String>,
    /// Hosts to go through, in order, as written (`user@host:port` or an alias).
    pub proxy_jump: Vec<String>,
    /// A command whose standard input and output are the connection.
    pub proxy_command: Option<String>,
    /// How long to wait for the connection.
    pub connect_timeout: Option<Duration>,
    /// `ServerAliveInterval`.
    pub alive_interval: Option<Duration>,
    /// `Compression`.
    pub compression: bool,
}

impl Host {
    /// The name under which its key is looked up and written: `host`, or `[host]:port` for another port than 22.
    pub fn key_name(&self) -> String {
        let host = self.host_key_alias.as_deref().unwrap_or(&self.host_name);
        // With HostKeyAlias OpenSSH leaves the port out.
        if self.port == 22 || self.host_key_alias.is_some() {
            host.to_lowercase()
        } else {
            format!("[{}]:{}", host.to_lowercase(), self.port)
        }
    }

    /// All files of known hosts, the user's first.
    pub fn known_hosts_files(&self) -> Vec<PathBuf> {
        [self.known_hosts.as_slice(), &self.global_known_hosts].concat()
    }
}

/// Resolves `alias` (`host`, `user@host`, `host:port` or a Host of the configuration) with the files of `home`.
///
/// # Errors
/// A file that cannot be read or understood; never for a host that no file names: that is a host name.
pub fn resolve(alias: &str, home: &Path) -> Result<Host, SshConfigError> {
    let (user, rest) = match alias.rsplit_once('@') {
        Some((user, rest)) if !user.is_empty() => (Some(user.to_owned()), rest),
        _ => (None, alias),
    };
    let (name, port) = split_port(rest);

    let mut answers = Answers::default();
    for path in [home.join(".ssh/config"), PathBuf::from(SYSTEM_CONFIG)] {
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(SshConfigError::Read { path, source }),
        };
        let found = if has_match(&text, &path, home, 0) {
            ask_openssh(name, &path, home)?
        } else {
            read(&text, &path, name, home)?
        };
        answers.or(found);
    }
    Ok(answers.host(name, user, port, home))
}

/// `host:port` and `[v6]:port`; a bare IPv6 address has no port.
fn split_port(text: &str) -> (&str, Option<u16>) {
    if let Some(rest) = text.strip_prefix('[')
        && let Some((host, tail)) = rest.split_once(']')
    {
        return (
            host,
            tail.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Whether a `Match` line stands in `text` or in what it includes.
fn has_match(text: &str, path: &Path, home: &Path, depth: usize) -> bool {
    text.lines().any(|line| {
        let Some((keyword, rest)) = keyword(line) else {
            return false;
        };
        match keyword.as_str() {
            "match" => true,
            "include" if depth < 16 => included(rest, path, home).iter().any(|file| {
                std::fs::read(file).is_ok_and(|bytes| {
                    has_match(&String::from_utf8_lossy(&bytes), file, home, depth + 1)
                })
            }),
            _ => false,
        }
    })
}

/// The lower-cased keyword of a line and its arguments.
fn keyword(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let rest = line[end..].trim_start_matches(|c: char| c.is_whitespace() || c == '=');
    Some((line[..end].to_ascii_lowercase(), rest))
}

/// The files of an `Include`: relative names are beside the configuration, `~` is the home, `*` and `?` match in the last part.
fn included(arguments: &str, path: &Path, home: &Path) -> Vec<PathBuf> {
    let beside = if path.starts_with(home) {
        home.join(".ssh")
    } else {
        PathBuf::from("/etc/ssh")
    };
    let mut files = Vec::new();
    for word in arguments.split_whitespace() {
        let pattern = beside.join(expand_home(word.trim_matches('"'), home));
        if let Some(pattern) = pattern.to_str()
            && let Ok(paths) = glob::glob(pattern)
        {
            files.extend(paths.flatten());
        }
    }
    files
}

fn expand_home(text: &str, home: &Path) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if text == "~" => home.to_owned(),
        None => PathBuf::from(text),
    }
}

/// What the files say of a host: lower-cased keyword to its values. The first answer of a keyword wins, IdentityFile adds up.
#[derive(Debug, Default)]
struct Answers(HashMap<String, Vec<String>>);

impl Answers {
    fn or(&mut self, later: Answers) {
        for (keyword, values) in later.0 {
            if keyword == "identityfile" {
                self.0.entry(keyword).or_default().extend(values);
            } else {
                self.0.entry(keyword).or_insert(values);
            }
        }
    }

    fn all(&self, keyword: &str) -> &[String] {
        self.0.get(keyword).map_or(&[], Vec::as_slice)
    }

    fn one(&self, keyword: &str) -> Option<&str> {
        self.all(keyword).first().map(String::as_str)
    }

    fn host(&self, alias: &str, user: Option<String>, port: Option<u16>, home: &Path) -> Host {
        let local_user = local_user();
        let host_name = match self.one("hostname") {
            Some(pattern) => Tokens {
                alias,
                host: alias,
                port: 22,
                user: "",
                local_user: &local_user,
                home,
            }
            .expand(pattern),
            None => alias.to_owned(),
        };
        let port = port
            .or_else(|| self.one("port")?.parse().ok())
            .unwrap_or(22);
        let user = user
            .or_else(|| self.one("user").map(str::to_owned))
            .unwrap_or_else(|| local_user.clone());
        let tokens = Tokens {
            alias,
            host: &host_name,
            port,
            user: &user,
            local_user: &local_user,
            home,
        };
        let path = |text: &String| expand_home(&tokens.expand(text.trim_matches('"')), home);
        let given: Vec<PathBuf> = self
            .all("identityfile")
            .iter()
            .filter(|text| *text != "none")
            .map(path)
            .collect();
        let identity_files = if given.is_empty() && self.all("identityfile").is_empty() {
            DEFAULT_KEYS
                .iter()
                .map(|name| home.join(".ssh").join(name))
                .collect()
        } else {
            given
        };
        let files = |keyword: &str, default: Vec<PathBuf>| match self.all(keyword) {
            [] => default,
            [only] if only == "none" => Vec::new(),
            names => names.iter().map(path).collect(),
        };
        let yes = |keyword: &str| matches!(self.one(keyword), Some("yes" | "true"));
        let seconds = |keyword: &str| {
            let value: u64 = self.one(keyword)?.parse().ok()?;
            (value > 0).then(|| Duration::from_secs(value))
        };
        let list = |keyword: &str| {
            let words = self.all(keyword).iter().flat_map(|text| text.split(','));
            words
                .map(str::trim)
                .filter(|word| !word.is_empty() && *word != "none")
                .map(str::to_owned)
                .collect()
        };
        Host {
            identities_only: yes("identitiesonly"),
            agent: match self.one("identityagent") {
                None | Some("SSH_AUTH_SOCK") => AgentPlace::Environment,
                Some("none") => AgentPlace::None,
                Some(name) => match name.strip_prefix('$') {
                    Some(variable) => std::env::var_os(variable.trim_matches(['{', '}']))
                        .map_or(AgentPlace::None, |value| AgentPlace::Socket(value.into())),
                    None => AgentPlace::Socket(path(&name.to_owned())),
                },
            },
            certificate_file: self.all("certificatefile").first().map(path),
            known_hosts: files(
                "userknownhostsfile",
                vec![
                    home.join(".ssh/known_hosts"),
                    home.join(".ssh/known_hosts2"),
                ],
            ),
            global_known_hosts: files(
                "globalknownhostsfile",
                SYSTEM_KNOWN_HOSTS.map(PathBuf::from).to_vec(),
            ),
            strictness: match self.one("stricthostkeychecking") {
                Some("yes" | "true") => Strictness::Yes,
                Some("accept-new") => Strictness::AcceptNew,
                Some("no" | "false" | "off") => Strictness::No,
                _ => Strictness::Ask,
            },
            host_key_alias: self.one("hostkeyalias").map(str::to_owned),
            proxy_jump: list("proxyjump"),
            proxy_command: match self.all("proxycommand") {
                [] => None,
                [only] if only == "none" => None,
                words => Some(tokens.expand(&words.join(" "))),
            },
            connect_timeout: seconds("connecttimeout"),
            alive_interval: seconds("serveraliveinterval"),
            compression: yes("compression"),
            alias: alias.to_owned(),
            host_name,
            port,
            user,
            identity_files,
        }
    }
}

/// The tokens of ssh_config(5), section TOKENS, that stand in the values Hoist uses.
struct Tokens<'a> {
    alias: &'a str,
    host: &'a str,
    port: u16,
    user: &'a str,
    local_user: &'a str,
    home: &'a Path,
}

impl Tokens<'_> {
    fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match characters.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(self.host),
                Some('n') => out.push_str(self.alias),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(self.local_user),
                Some('d') => out.push_str(&self.home.to_string_lossy()),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        out
    }
}

fn local_user() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "root".to_owned())
}

fn read(text: &str, path: &Path, alias: &str, home: &Path) -> Result<Answers, SshConfigError> {
    let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
    let config = SshConfig::default()
        .home_dir(home)
        .parse(&mut Cursor::new(text), rules)
        .map_err(|error| SshConfigError::Invalid {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    Ok(answers(config.query(alias)))
}

fn answers(params: HostParams) -> Answers {
    let mut map: HashMap<String, Vec<String>> = HashMap::new();
    let fields = params
        .ignored_fields
        .into_iter()
        .chain(params.unsupported_fields);
    for (keyword, values) in fields {
        map.insert(keyword.to_ascii_lowercase(), values);
    }
    let mut set = |keyword: &str, value: Option<String>| {
        if let Some(value) = value {
            map.insert(keyword.to_owned(), vec![value]);
        }
    };
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    set("hostname", params.host_name);
    set("user", params.user);
    set("port", params.port.map(|port| port.to_string()));
    set("certificatefile", params.certificate_file.map(text));
    set(
        "connecttimeout",
        params
            .connect_timeout
            .map(|time| time.as_secs().to_string()),
    );
    set(
        "serveraliveinterval",
        params
            .server_alive_interval
            .map(|time| time.as_secs().to_string()),
    );
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    set("compression", params.compression.map(word));
    set("proxyjump", params.proxy_jump.map(|hosts| hosts.join(",")));
    if let Some(files) = params.identity_file {
        map.insert(
            "identityfile".to_owned(),
            files.into_iter().map(text).collect(),
        );
    }
    Answers(map)
}

/// OpenSSH's own answer for one file.
fn ask_openssh(alias: &str, path: &Path, home: &Path) -> Result<Answers, SshConfigError> {
    let failed = |reason: String| SshConfigError::Match {
        path: path.to_owned(),
        alias: alias.to_owned(),
        reason,
    };
    let output = Command::new("ssh")
        .arg("-G")
        .arg("-F")
        .arg(path)
        .args(["--", alias])
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    let mut map: HashMap<String, Vec<String>> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((keyword, value)) = line.split_once(' ') else {
            continue;
        };
        let values = map.entry(keyword.to_owned()).or_default();
        match keyword {
            "userknownhostsfile" | "globalknownhostsfile" => {
                values.extend(value.split(' ').map(str::to_owned))
            }
            // Without the user's word, ssh prints its own defaults, one of them DSA; those of Hoist stand in their place.
            "identityfile"
                if value.starts_with("~/.ssh/id_")
                    && !std::path::Path::new(&expand_home(value, home)).exists() => {}
            _ => values.push(value.to_owned()),
        }
    }
    map.retain(|_, values| !values.is_empty());
    Ok(Answers(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(config: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        std::fs::write(home.path().join(".ssh/config"), config).unwrap();
        home
    }

    #[test]
    fn a_host_that_nobody_names_is_a_host_name() {
        let home = tempfile::tempdir().unwrap();
        let host = resolve("ada@login.example.org:2222", home.path()).unwrap();
        assert_eq!(
            (host.host_name.as_str(), host.port, host.user.as_str()),
            ("login.example.org", 2222, "ada")
        );
        assert_eq!(host.identity_files[0], home.path().join(".ssh/id_ed25519"));
        assert_eq!(host.key_name(), "[login.example.org]:2222");
        assert_eq!(resolve("[::1]:22", home.path()).unwrap().host_name, "::1");
        assert_eq!(
            resolve("fe80::1", home.path()).unwrap().host_name,
            "fe80::1"
        );
    }

    #[test]
    fn the_first_answer_wins_and_key_files_add_up() {
        let home = home(
            "Host discovery\n  HostName=%h.dartmouth.example\n  User  ada\n  IdentityFile ~/.ssh/cluster_%r\n\
             Host disc*  !discover\n  User eve\n  Port 2200\n  ProxyJump gate,user@second:2022\n\
             Host *\n  IdentityFile ~/.ssh/general\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile ~/a ~/b\n  ServerAliveInterval 30\n  IdentitiesOnly yes\n  Compression yes\n",
        );
        let host = resolve("discovery", home.path()).unwrap();
        assert_eq!(host.host_name, "discovery.dartmouth.example");
        assert_eq!((host.user.as_str(), host.port), ("ada", 2200));
        assert_eq!(
            host.identity_files,
            [
                home.path().join(".ssh/cluster_ada"),
                home.path().join(".ssh/general")
            ]
        );
        assert_eq!(host.proxy_jump, ["gate", "user@second:2022"]);
        assert_eq!(host.strictness, Strictness::AcceptNew);
        assert_eq!(
            host.known_hosts,
            [home.path().join("a"), home.path().join("b")]
        );
        assert_eq!(host.alive_interval, Some(Duration::from_secs(30)));
        assert!(host.compression);
        assert!(host.identities_only);
        assert_eq!(
            resolve("eve@discovery:99", home.path()).unwrap().user,
            "eve"
        );
        assert_eq!(resolve("discover", home.path()).unwrap().port, 22);
    }

    #[test]
    fn included_files_are_read() {
        let home = home("Include conf.d/*\nHost *\n  User everyone\n");
        std::fs::create_dir(home.path().join(".ssh/conf.d")).unwrap();
        std::fs::write(
            home.path().join(".ssh/conf.d/one"),
            "Host one\n  Port 2201\n",
        )
        .unwrap();
        let host = resolve("one", home.path()).unwrap();
        assert_eq!((host.port, host.user.as_str()), (2201, "everyone"));
        assert_eq!(resolve("two", home.path()).unwrap().port, 22);
    }

    #[test]
    fn a_match_block_is_evaluated_by_openssh_and_never_taken_for_the_host_above_it() {
        let home = home(
            "Host one\n  Port 2201\nMatch host two user nobody-at-all\n  Port 2202\nMatch host three\n  Port 2203\n  User tina\n",
        );
        match resolve("one", home.path()) {
            Ok(host) => {
                assert_eq!(host.port, 2201);
                assert_eq!(resolve("two", home.path()).unwrap().port, 22);
                let three = resolve("three", home.path()).unwrap();
                assert_eq!((three.port, three.user.as_str()), (2203, "tina"));
            }
            // A machine without the OpenSSH client gets the sentence instead.
            Err(error) => assert!(error.to_string().contains("Match block"), "{error}"),
        }
    }
}
