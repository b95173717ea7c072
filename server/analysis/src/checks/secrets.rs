//! Secrets that stand in the code. Few false alarms count for more here than the last secret found: a text is told only when
//! its form is that of a known key, or when its name says "password" and it looks like one.

use std::ops::Range;

use super::finding;
use crate::python::{ast, constant_text, range_of};
use crate::{Code, Finding, Severity};
use ast::Expr;

/// Keys that begin with a mark of their maker: the mark, the least number of characters after it, what it is.
const MARKED: &[(&str, usize, &str)] = &[
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghu_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("ghr_", 36, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("hf_", 30, "a Hugging Face token"),
    ("sk-", 32, "an API key"),
    ("sk_live_", 20, "a Stripe key"),
    ("rk_live_", 20, "a Stripe key"),
    ("xoxb-", 24, "a Slack token"),
    ("xoxp-", 24, "a Slack token"),
    ("AIza", 35, "a Google API key"),
    ("pypi-AgEI", 40, "a PyPI token"),
    ("npm_", 36, "an npm token"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
];

/// The fewest characters of such a key with its mark.
const SHORTEST: usize = 20;

/// Names of what is a password in the eyes of a person.
const PASSWORDS: &[&str] = &["passphrase", "passwd", "password", "pwd"];

/// Names of keys that machines make.
const KEYS: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth_token",
    "bearer_token",
    "client_secret",
    "secret",
    "secret_access_key",
    "secret_key",
];

fn say(what: &str, range: Range<usize>, found: &mut Vec<Finding>) {
    if found
        .iter()
        .any(|other| other.code == Code::Secret && other.range == range)
    {
        return;
    }
    let message = format!(
        "this looks like {what}, and it would travel with the code and lie readable on the cluster: read it there from the environment or from a file"
    );
    found.push(finding(Code::Secret, Severity::Warning, message, range));
}

/// A literal by itself.
pub(super) fn literal(text: &str, range: Range<usize>, found: &mut Vec<Finding>) {
    if let Some(what) = recognised(text) {
        say(what, range, found);
    }
}

/// What a text must be by its form.
fn recognised(text: &str) -> Option<&'static str> {
    // No form is shorter than an address with a password in it.
    if text.len() < "://:pass@".len() {
        return None;
    }
    // A text that only looks for such a block has nothing in it.
    if text.len() > 100
        && let Some(at) = memchr::memmem::find(text.as_bytes(), b"-----BEGIN ")
        && text
            .get(at..)
            .and_then(|rest| rest.lines().next())
            .is_some_and(|line| line.contains("PRIVATE KEY-----"))
        && text.len() > at + 100
    {
        return Some("a private key");
    }
    if has_password_in_address(text) {
        return Some("a password in an address");
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let words = text.as_bytes().split(|byte| !is_part(byte));
    words
        .filter(|word| word.len() >= SHORTEST)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .find_map(|word| {
            MARKED.iter().find_map(|(mark, least, what)| {
                let rest = word.strip_prefix(mark)?;
                let fits = match *mark {
                    "AKIA" | "ASIA" => {
                        rest.len() == *least
                            && rest
                                .bytes()
                                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                    }
                    _ => rest.len() >= *least,
                };
                (fits && is_random(rest) && !is_placeholder(rest)).then_some(*what)
            })
        })
}

/// `postgresql://me:secret@host/db`
fn has_password_in_address(text: &str) -> bool {
    let mut colons = memchr::memchr_iter(b':', text.as_bytes());
    let Some(rest) = colons.find_map(|at| text[at..].strip_prefix("://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let Some((user, _)) = host.rsplit_once('@') else {
        return false;
    };
    user.split_once(':')
        .is_some_and(|(_, password)| is_password(password))
}

/// The value of an assignment.
pub(super) fn assigned(target: &Expr, value: &Expr, found: &mut Vec<Finding>) {
    match target {
        Expr::Name(name) => named(&name.id, value, found),
        Expr::Attribute(attribute) => named(&attribute.attr, value, found),
        Expr::Subscript(subscript) => {
            if let Some(key) = constant_text(&subscript.slice) {
                named(key, value, found);
            }
        }
        _ => {}
    }
}

/// A value under a name: of an assignment, a keyword argument, an entry of a dictionary.
pub(super) fn named(name: &str, value: &Expr, found: &mut Vec<Finding>) {
    let Some(text) = constant_text(value) else {
        return;
    };
    let name = name.to_ascii_lowercase().replace('-', "_");
    let ends_with = |list: &[&str]| {
        list.iter().any(|word| {
            name.strip_suffix(word)
                .is_some_and(|before| before.is_empty() || before.ends_with('_'))
        })
    };
    if ends_with(PASSWORDS) && is_password(text) {
        say("a password", range_of(value), found);
    } else if ends_with(KEYS) && text.len() >= 16 && is_random(text) && !is_placeholder(text) {
        say("a key", range_of(value), found);
    }
}

/// One word that a person may have chosen to keep others out.
fn is_password(text: &str) -> bool {
    let is_variable = text
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    text.chars().count() >= 4
        && !text.contains(char::is_whitespace)
        && !is_variable
        && !is_placeholder(text)
}

/// Does a text have what a machine's key has: letters and digits, and many different ones?
fn is_random(text: &str) -> bool {
    let different: std::collections::BTreeSet<char> = text.chars().collect();
    text.chars().all(|c| c.is_ascii_graphic())
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && different.len() * 3 > text.chars().count().min(30)
        && different.len() > 7
}

/// Is it there to be replaced, or to name something?
fn is_placeholder(text: &str) -> bool {
    let low = text.to_ascii_lowercase();
    let words = [
        "example",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "dummy",
        "redacted",
        "your",
        "xxxx",
        "****",
        "....",
        "todo",
        "fixme",
        "secret",
        "password",
        "passwd",
        "123456",
        "abcdef",
        "test",
        "none",
        "null",
    ];
    let whole = [
        "pass", "pw", "pwd", "user", "admin", "root", "guest", "token",
    ];
    words.iter().any(|word| low.contains(word))
        || whole.contains(&low.as_str())
        || text.contains(['<', '>', '{', '}', '$', '%'])
        // A path, an address, or a call written as text.
        || text.contains(['/', '(', ')', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of keys, put together here so that no file holds one whole.
    fn key(mark: &str, rest: &str) -> String {
        format!("{mark}{rest}")
    }

    #[test]
    fn keys_are_known_by_their_form() {
        let random = "A7f9K2m4Q8x1Z5c3V6b0N2a9S4d8F1g7H3j5";
        for (text, what) in [
            (key("ghp_", random), "a GitHub token"),
            (key("sk-", random), "an API key"),
            (key("AKIA", "Q7ZK4M2X9P8R3T5V"), "an AWS access key"),
            (
                format!("Authorization: token {}", key("hf_", random)),
                "a Hugging Face token",
            ),
            (
                key("postgresql://me:", "tr0ub4dor@db.local/x"),
                "a password in an address",
            ),
            (
                format!(
                    "-----BEGIN {} KEY-----\n{}\n",
                    "RSA PRIVATE",
                    random.repeat(4)
                ),
                "a private key",
            ),
        ] {
            assert_eq!(recognised(&text), Some(what), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-learn-is-a-library-for-machine-learning-in-python",
            "-----BEGIN PRIVATE KEY-----",
            "https://user:password@example.com/",
            "http://user:pass@complex.url.com/path?query=yes",
            "https://{user}:{token}@host/",
            "https://example.org/a:b@c",
            "ghp_",
            "hf_model_name_that_is_long_enough_but_words",
        ] {
            assert_eq!(recognised(text), None, "{text}");
        }
    }

    #[test]
    fn passwords_are_words_and_not_their_places() {
        for text in ["hunter2", "tr0ub4dor&3", "correcthorse"] {
            assert!(is_password(text), "{text}");
        }
        for text in [
            "",
            "abc",
            "DB_PASSWORD",
            "your-password",
            "<pad>",
            "${PASS}",
            "enter it now",
            "password",
            "/etc/key",
        ] {
            assert!(!is_password(text), "{text}");
        }
    }
}
