//! Text for a POSIX shell: quoting, paths with `~` and `$NAME`, and the wrapping that every login shell understands.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// `text` as one word of a POSIX shell; nothing in it is interpreted.
pub(crate) fn quote(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path of the configuration as one word of a shell: a leading `~` and `$NAME` or `${NAME}` between slashes are
/// left to the shell on the other side, everything else is quoted.
pub(crate) fn path(path: &str) -> String {
    let mut word = String::new();
    for (index, part) in path.split('/').enumerate() {
        if index > 0 {
            word.push('/');
        }
        let name = part.strip_prefix('$').map(|n| {
            n.strip_prefix('{')
                .and_then(|n| n.strip_suffix('}'))
                .unwrap_or(n)
        });
        match name {
            _ if index == 0 && part == "~" => word.push_str("\"$HOME\""),
            Some(name) if is_name(name) => {
                word.push_str(&format!("\"${{{name}:?is not set}}\""));
            }
            _ if part.is_empty() => {}
            _ => word.push_str(&quote(part)),
        }
    }
    if word.is_empty() {
        "''".to_owned()
    } else {
        word
    }
}

/// Whether this can be the name of a shell variable.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What a command's own output stands between, so that a talkative start file cannot be taken for it.
#[derive(Debug, Clone)]
pub(crate) struct Markers {
    begin: Vec<u8>,
    end: Vec<u8>,
}

impl Markers {
    /// Fresh markers that no other output can hold.
    pub(crate) fn fresh() -> Self {
        let number = || {
            std::collections::hash_map::RandomState::new()
                .build_hasher()
                .finish()
        };
        let nonce = format!("{:016x}{:016x}", number(), number());
        Self {
            begin: format!("hoist<{nonce}<\n").into_bytes(),
            end: format!("hoist>{nonce}>").into_bytes(),
        }
    }

    /// `script` that says where its output begins and ends, and with which status.
    pub(crate) fn around(&self, script: &str) -> String {
        let begin = String::from_utf8_lossy(&self.begin);
        let end = String::from_utf8_lossy(&self.end);
        format!(
            "printf %s\\\\n '{}'\n(\n{script}\n)\nprintf '%s%d\\n' '{end}' \"$?\"\n",
            begin.trim_end()
        )
    }

    /// `script` that says where its output begins; it may then become another programme.
    pub(crate) fn before(&self, script: &str) -> String {
        let begin = String::from_utf8_lossy(&self.begin);
        format!("printf %s\\\\n '{}'\n{script}\n", begin.trim_end())
    }

    /// A reader of what a script prints that only says where its output begins.
    pub(crate) fn endless_reader(&self) -> MarkedReader {
        MarkedReader {
            endless: true,
            ..self.reader()
        }
    }

    /// A reader of what a script prints that says where its output begins and ends.
    pub(crate) fn reader(&self) -> MarkedReader {
        MarkedReader {
            endless: false,
            markers: self.clone(),
            held: Vec::new(),
            state: State::Before,
        }
    }
}

enum State {
    Before,
    Within,
    After,
}

/// Takes what comes from the other side piece by piece and gives back what stands between the markers.
pub(crate) struct MarkedReader {
    endless: bool,
    markers: Markers,
    held: Vec<u8>,
    state: State,
}

impl MarkedReader {
    /// Adds the next piece; returns what is certainly the command's output.
    pub(crate) fn push<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        if self.endless && self.begun() && self.held.is_empty() {
            return Cow::Borrowed(piece);
        }
        Cow::Owned(self.push_held(piece))
    }

    fn push_held(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        if matches!(self.state, State::Before) {
            match find(&self.held, &self.markers.begin) {
                None => {
                    // Noise has no end that we know of: keep only what may be the marker's beginning.
                    let keep = self.held.len().min(self.markers.begin.len() - 1);
                    self.held.drain(..self.held.len() - keep);
                    return Vec::new();
                }
                Some(at) => {
                    self.held.drain(..at + self.markers.begin.len());
                    self.state = State::Within;
                }
            }
        }
        if !matches!(self.state, State::Within) {
            return Vec::new();
        }
        if self.endless {
            return std::mem::take(&mut self.held);
        }
        if let Some(at) = find(&self.held, &self.markers.end) {
            self.state = State::After;
            return self.held.drain(..at).collect();
        }
        let end = &self.markers.end;
        let longest = self.held.len().min(end.len() - 1);
        let keep = (1..=longest)
            .rev()
            .find(|&n| self.held.ends_with(&end[..n]))
            .unwrap_or(0);
        let ready = self.held.len() - keep;
        self.held.drain(..ready).collect()
    }

    /// Whether the output has begun.
    pub(crate) fn begun(&self) -> bool {
        !matches!(self.state, State::Before)
    }

    /// The command's exit status, once its end marker came whole.
    pub(crate) fn status(&self) -> Option<i32> {
        if !matches!(self.state, State::After) {
            return None;
        }
        let tail = &self.held[self.markers.end.len().min(self.held.len())..];
        let line = &tail[..tail.iter().position(|&b| b == b'\n')?];
        std::str::from_utf8(line).ok()?.trim().parse().ok()
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|&b| b == word[0]) {
        if text[from + at..].starts_with(word) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// A programme as the word behind Python's `-c`, whatever is in it.
pub(crate) fn python_word(program: &str) -> String {
    let encoded = BASE64.encode(program);
    quote(&format!(
        "import base64;exec(base64.b64decode('{encoded}'))"
    ))
}

/// Longest script that travels in the command itself; longer ones come as the first line of standard input.
const IN_COMMAND: usize = 12 * 1024;

/// `script` as every shell leaves it alone between single quotes, and as `printf %b` of `sh` gives it back: no quote, no line break,
/// no `!` (csh), and a backslash before nothing but `0` (fish). So it needs no process to be read.
fn escape(script: &str) -> String {
    let mut escaped = String::with_capacity(script.len() + script.len() / 4);
    for byte in script.bytes() {
        match byte {
            b'\'' | b'\\' | b'!' | ..=0x1f | 0x7f.. => escaped.push_str(&format!("\\0{byte:03o}")),
            _ => escaped.push(char::from(byte)),
        }
    }
    escaped
}

/// A command line that bash, dash, zsh, csh, tcsh and fish all understand alike, with what must come first on its
/// standard input (empty for all but very long scripts).
pub(crate) fn wrap(script: &str) -> (String, Vec<u8>) {
    let escaped = escape(script);
    if escaped.len() <= IN_COMMAND {
        (
            format!("exec /bin/sh -c 'eval \"$(printf %b \"$1\")\"' sh '{escaped}'"),
            Vec::new(),
        )
    } else {
        let encoded = BASE64.encode(script);
        // `read` takes no byte more than the line, so what follows is left to the script.
        let command = "exec /bin/sh -c 'IFS= read -r s; eval \"$(echo \"$s\" | base64 -d)\"'";
        (command.to_owned(), format!("{encoded}\n").into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn sh(script: &str) -> Vec<u8> {
        let out = Command::new("/bin/sh")
            .arg("-c")
            .arg(script)
            .output()
            .expect("sh runs");
        assert!(
            out.status.success(),
            "{script:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        out.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_quoted_word_comes_through_a_real_shell_unchanged(text in "[^\0]{0,200}") {
            prop_assert_eq!(sh(&format!("printf %s {}", quote(&text))), text.into_bytes());
        }

        #[test]
        fn hostile_words_come_through_a_real_shell_unchanged(
            parts in proptest::collection::vec(
                prop::sample::select(vec!["'", "\"", "\n", "$(touch /tmp/hoist-owned)", "`id`", "\\", "!", "*", "é", " ", "#", ";", "&", "\r", "${HOME}"]), 0..30)
        ) {
            let text = parts.concat();
            prop_assert_eq!(sh(&format!("printf %s {}", quote(&text))), text.into_bytes());
        }

        #[test]
        fn every_login_shell_passes_a_wrapped_script_on_unchanged(
            parts in proptest::collection::vec(
                prop::sample::select(vec!["'", "\"", "\n", "$(touch owned)", "`touch owned`", "\\", "!", "!!", "*", "é", " ", "#", ";", "&", "\r", "${HOME}", "~", "%", "^"]), 1..30),
            times in prop::sample::select(vec![1_usize, 1, 1, 200]),
        ) {
            let text = parts.concat().repeat(times);
            let (command, first) = wrap(&format!("printf %s {}", quote(&text)));
            let folder = tempfile::tempdir().expect("a folder");
            for shell in ["sh", "bash", "dash", "zsh", "tcsh", "csh", "fish"] {
                let started = Command::new(shell)
                    .args(["-c", &command])
                    .current_dir(folder.path())
                    .env("HOME", folder.path())
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .spawn();
                // Not every machine has every shell.
                let Ok(mut child) = started else { continue };
                let mut input = child.stdin.take().expect("piped");
                std::io::Write::write_all(&mut input, &first).expect("written");
                drop(input);
                let out = child.wait_with_output().expect("it ends");
                prop_assert_eq!(String::from_utf8_lossy(&out.stdout), text.as_str(), "{}", shell);
                prop_assert!(!folder.path().join("owned").exists(), "{}", shell);
            }
        }

        #[test]
        fn what_stands_between_the_markers_comes_back_however_it_is_cut(
            noise in proptest::collection::vec(any::<u8>(), 0..100),
            body in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 1_usize..50,
        ) {
            let markers = Markers::fresh();
            let mut all = noise;
            all.extend_from_slice(&markers.begin);
            all.extend_from_slice(&body);
            all.extend_from_slice(&markers.end);
            all.extend_from_slice(b"7\nbye\n");
            let mut reader = markers.reader();
            let got: Vec<u8> = all.chunks(cut).flat_map(|piece| reader.push(piece).into_owned()).collect();
            prop_assert_eq!(got, body);
            prop_assert_eq!(reader.status(), Some(7));
        }
    }

    #[test]
    fn a_line_is_given_out_before_anything_follows_it() {
        let markers = Markers::fresh();
        let mut reader = markers.reader();
        reader.push(&markers.begin);
        assert_eq!(&*reader.push(b"need\n"), b"need\n");
    }

    #[test]
    fn paths_of_the_configuration_are_read_by_the_other_side() {
        assert_eq!(path("~/.hoist"), "\"$HOME\"/.hoist");
        assert_eq!(
            path("/scratch/$USER/a b"),
            "/scratch/\"${USER:?is not set}\"/'a b'"
        );
        assert_eq!(
            path("/x/$(id)/${HOME}"),
            "/x/'$(id)'/\"${HOME:?is not set}\""
        );
        assert_eq!(path("/a/~/b"), "/a/'~'/b");
    }

    #[test]
    fn a_wrapped_script_runs_and_reads_its_input() {
        for padding in [0, 20_000] {
            let script = format!("#{}\ncat; printf '%s' 'it'\\''s'", "x".repeat(padding));
            let (command, first) = wrap(&script);
            let mut child = Command::new("/bin/sh")
                .arg("-c")
                .arg(command)
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("sh runs");
            let mut input = child.stdin.take().expect("piped");
            std::io::Write::write_all(&mut input, &[first.as_slice(), b"in\n"].concat())
                .expect("written");
            drop(input);
            assert_eq!(child.wait_with_output().expect("ends").stdout, b"in\nit's");
        }
    }
}
