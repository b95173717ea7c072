//! What the metadata of an installed distribution says of its needs and its origin.
//!
//! `METADATA` is the format of "Core metadata specifications", `direct_url.json` that of PEP 610, `requires.txt` setuptools' of eggs.

use std::path::Path;

use serde::Deserialize;

use super::{Pin, Source};
use crate::environment::Distribution;
use crate::files::Files;

/// The release that is installed.
pub(super) fn pin(files: &dyn Files, distribution: &Distribution) -> Pin {
    let text = |name: &str| {
        let bytes = files.read(&distribution.metadata.join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let head = text("METADATA").or_else(|| text("PKG-INFO"));
    let head = Head::read(head.as_deref().unwrap_or_default());
    let of_egg = || text("requires.txt").map(|text| requires_of_egg(&text));
    let source = text("direct_url.json").and_then(|text| source(&text));
    Pin {
        version: distribution.version.clone(),
        when: None,
        requires: Some(match head.requires.is_empty() {
            true => of_egg().unwrap_or_default(),
            false => head.requires,
        }),
        python: head.python,
        source: match (&distribution.editable, source) {
            (Some(folder), _) => Source::Folder(folder.clone()),
            (None, source) => source.unwrap_or_default(),
        },
        by_conda: text("INSTALLER").is_some_and(|name| name.trim() == "conda"),
    }
}

/// What the head of the metadata tells.
#[derive(Default)]
struct Head {
    requires: Vec<String>,
    python: Option<String>,
}

impl Head {
    fn read(text: &str) -> Head {
        let mut head = Head::default();
        let mut lines = text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .peekable();
        while let Some(line) = lines.next() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let mut value = value.trim().to_owned();
            // A long field goes on in the next line, as in a mail.
            while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
                value.push(' ');
                value.push_str(more.trim());
            }
            match key.to_ascii_lowercase().as_str() {
                "requires-dist" => head.requires.push(value),
                "requires-python" => head.python = Some(value).filter(|text| !text.is_empty()),
                _ => {}
            }
        }
        head
    }
}

/// The requirements of an egg: lines, those of extras and markers under a line `[extra:marker]`.
fn requires_of_egg(text: &str) -> Vec<String> {
    let mut condition = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            let (extra, marker) = section.split_once(':').unwrap_or((section, ""));
            let extra = (!extra.is_empty()).then(|| format!("extra == '{extra}'"));
            let marker = (!marker.is_empty()).then(|| format!("({marker})"));
            let parts: Vec<String> = marker.into_iter().chain(extra).collect();
            condition = parts.join(" and ");
        } else if condition.is_empty() {
            found.push(line.to_owned());
        } else {
            found.push(format!("{line} ; {condition}"));
        }
    }
    found
}

#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    subdirectory: Option<String>,
    vcs_info: Option<Vcs>,
    archive_info: Option<Archive>,
    dir_info: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Vcs {
    vcs: String,
    commit_id: String,
}

#[derive(Deserialize)]
struct Archive {
    hash: Option<String>,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

/// Where `direct_url.json` says that a distribution comes from.
fn source(text: &str) -> Option<Source> {
    let direct: DirectUrl = serde_json::from_str(text).ok()?;
    let local = crate::environment::path_of_url(&direct.url);
    if direct.dir_info.is_some() {
        return local.map(Source::Folder);
    }
    let part = direct
        .subdirectory
        .filter(|part| !part.is_empty())
        .map(|part| format!("subdirectory={part}"));
    if let Some(Vcs { vcs, commit_id }) = direct.vcs_info {
        let part = part.map(|part| format!("#{part}")).unwrap_or_default();
        return Some(Source::Url(format!(
            "{vcs}+{}@{commit_id}{part}",
            direct.url
        )));
    }
    if let Some(path) = local {
        return Some(match is_archive(&path) {
            true => Source::Archive(path),
            false => Source::Folder(path),
        });
    }
    let hash = direct.archive_info.and_then(|archive| {
        let sha256 = archive
            .hashes
            .get("sha256")
            .map(|sum| format!("sha256={sum}"));
        sha256.or(archive.hash)
    });
    let parts: Vec<String> = part.into_iter().chain(hash).collect();
    Some(Source::Url(match parts.is_empty() {
        true => direct.url,
        false => format!("{}#{}", direct.url, parts.join("&")),
    }))
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_what_is_required() {
        let head = Head::read(
            "Name: x\nRequires-Python: >=3.9\nRequires-Dist: numpy>=1.22.4;\n  python_version < \"3.11\"\n\
             Requires-Dist: pytest ; extra == 'test'\n\nRequires-Dist: not-this\n",
        );
        assert_eq!(
            head.requires,
            [
                "numpy>=1.22.4; python_version < \"3.11\"",
                "pytest ; extra == 'test'"
            ]
        );
        assert_eq!(head.python.as_deref(), Some(">=3.9"));
    }

    #[test]
    fn an_egg_tells_it_in_sections() {
        assert_eq!(
            requires_of_egg(
                "six\n\n[:python_version<'3']\nfutures\n[test:os_name=='nt']\na\n[doc]\nsphinx>1\n"
            ),
            [
                "six",
                "futures ; (python_version<'3')",
                "a ; (os_name=='nt') and extra == 'test'",
                "sphinx>1 ; extra == 'doc'"
            ]
        );
    }

    #[test]
    fn where_it_comes_from_is_told_as_pep_610_has_it() {
        let of = |text: &str| source(text);
        let url = |text: &str| Some(Source::Url(text.to_owned()));
        assert_eq!(
            of(
                r#"{"url": "https://x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"}, "subdirectory": "py"}"#
            ),
            url("git+https://x.org/a.git@abc#subdirectory=py")
        );
        assert_eq!(
            of(
                r#"{"url": "https://x.org/a.whl", "archive_info": {"hashes": {"sha256": "0f"}, "hash": "md5=1"}}"#
            ),
            url("https://x.org/a.whl#sha256=0f")
        );
        assert_eq!(
            of(r#"{"url": "https://x.org/a.zip", "archive_info": {}}"#),
            url("https://x.org/a.zip")
        );
        assert_eq!(
            of(r#"{"url": "file:///home/a%20b/x-1.whl", "archive_info": {}}"#),
            Some(Source::Archive("/home/a b/x-1.whl".into()))
        );
        assert_eq!(
            of(r#"{"url": "file:///home/x", "dir_info": {}}"#),
            Some(Source::Folder("/home/x".into()))
        );
        assert_eq!(of("{}"), None);
    }
}
