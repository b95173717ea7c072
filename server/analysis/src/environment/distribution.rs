//! One installed distribution, read from the metadata that its installer left beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::names::normalized;
use super::provides;
use crate::files::Files;

/// A distribution that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// As its metadata spells it: `PyYAML`.
    pub name: String,
    /// As its metadata spells it.
    pub version: String,
    /// What it says of itself in one line.
    pub summary: Option<String>,
    /// The Pythons that it runs with, as version specifiers.
    pub python: Option<String>,
    /// Its metadata: a `.dist-info` or `.egg-info` folder, or an `.egg-info` file.
    pub metadata: PathBuf,
    /// The project's folder, when it is installed so that changes there count at once.
    pub editable: Option<PathBuf>,
    /// The dotted names that one imports it by; empty when its metadata does not tell.
    pub(super) modules: BTreeSet<String>,
}

/// An entry of a site folder that holds a distribution's metadata.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    DistInfo,
    EggInfo,
    EggInfoFile,
}

impl Entry {
    /// The entry of this name, when it is one.
    pub(super) fn of(site: &Path, name: &str, is_dir: bool) -> Option<Entry> {
        let kind = match (name.rsplit_once('.')?.1, is_dir) {
            ("dist-info", true) => Kind::DistInfo,
            ("egg-info", true) => Kind::EggInfo,
            ("egg-info", false) => Kind::EggInfoFile,
            _ => return None,
        };
        Some(Entry {
            path: site.join(name),
            kind,
        })
    }

    /// The metadata of an egg, which is a site folder of its own.
    pub(super) fn of_egg(egg: &Path) -> Entry {
        Entry {
            path: egg.join("EGG-INFO"),
            kind: Kind::EggInfo,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the distribution. `is_there` tells whether its site folder has a top-level module of a name; `shared` are
    /// packages that several distributions put files into.
    pub(super) fn read(
        &self,
        files: &dyn Files,
        is_there: &dyn Fn(&str) -> bool,
        shared: &BTreeSet<String>,
    ) -> Option<Distribution> {
        let text = |name: &str| {
            let bytes = files.read(&self.path.join(name)).ok()?;
            Some(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            })
        };
        let header = match self.kind {
            Kind::DistInfo => text("METADATA").or_else(|| text("PKG-INFO")),
            Kind::EggInfo => text("PKG-INFO"),
            Kind::EggInfoFile => files
                .read(&self.path)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        let mut editable = None;
        let mut modules = BTreeSet::new();
        match self.kind {
            Kind::DistInfo => {
                let record = text("RECORD");
                let record = record.as_deref();
                let paths: Vec<&str> = record.into_iter().flat_map(record_paths).collect();
                modules = provides::names(paths.iter().copied(), shared);
                let is_direct = |path: &&str| path.ends_with("direct_url.json");
                if record.is_none() || paths.iter().any(is_direct) {
                    editable = text("direct_url.json").and_then(|text| editable_folder(&text));
                }
            }
            Kind::EggInfo => {
                if let Some(installed) = text("installed-files.txt") {
                    let beside = |line| str::strip_prefix(line, "../");
                    modules = provides::names(installed.lines().filter_map(beside), shared);
                } else if let Some(sources) = text("SOURCES.txt") {
                    // Sources are more than what was installed.
                    modules = provides::names(sources.lines(), shared);
                    modules.retain(|name| is_there(top(name)));
                }
            }
            Kind::EggInfoFile => {}
        }
        if modules.is_empty() && self.kind != Kind::EggInfoFile {
            let listed = text("top_level.txt").unwrap_or_default();
            let names = listed.split_whitespace().map(|name| name.replace('/', "."));
            modules.extend(names.filter(|name| name.split('.').all(provides::is_identifier)));
        }
        let header = Header::read(header.as_deref().unwrap_or_default());
        let (by_folder, version) = self.stem();
        Some(Distribution {
            name: header.name.or(by_folder)?,
            version: header.version.or(version).unwrap_or_default(),
            summary: header.summary,
            python: header.python,
            metadata: self.path.clone(),
            editable,
            modules,
        })
    }

    /// `name-version` of the file's name.
    fn stem(&self) -> (Option<String>, Option<String>) {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let stem = name
            .and_then(|name| name.rsplit_once('.'))
            .map(|(stem, _)| stem);
        let mut parts = stem.unwrap_or_default().split('-').map(str::to_owned);
        (parts.next().filter(|name| !name.is_empty()), parts.next())
    }
}

impl Distribution {
    /// Its name as PEP 503 compares it.
    pub fn normalized(&self) -> String {
        normalized(&self.name)
    }
}

fn top(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The head of `METADATA`: lines as in a mail, up to the first empty one.
#[derive(Default)]
struct Header {
    name: Option<String>,
    version: Option<String>,
    summary: Option<String>,
    python: Option<String>,
}

impl Header {
    fn read(text: &str) -> Header {
        let mut header = Header::default();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            if value.is_empty() || value == "UNKNOWN" {
                continue;
            }
            let field = match key.to_ascii_lowercase().as_str() {
                "name" => &mut header.name,
                "version" => &mut header.version,
                "summary" => &mut header.summary,
                "requires-python" => &mut header.python,
                _ => continue,
            };
            field.get_or_insert_with(|| value.to_owned());
        }
        header
    }
}

/// The paths of `RECORD`, a table with commas and quotes; an environment has tens of thousands of its lines.
fn record_paths(record: &str) -> impl Iterator<Item = &str> {
    let breaks = memchr::memchr_iter(b'\n', record.as_bytes());
    let mut start = 0;
    let lines = breaks.chain([record.len()]).map(move |end| {
        let line = record.get(start..end).unwrap_or_default();
        start = end + 1;
        line
    });
    let lines = lines.filter(|line| !line.is_empty());
    lines.filter_map(|line| match line.strip_prefix('"') {
        // A path with a quote in it is no module's.
        Some(quoted) => quoted.split('"').next(),
        None => {
            let end = memchr::memchr2(b',', b'\r', line.as_bytes());
            line.get(..end.unwrap_or(line.len()))
        }
    })
}

#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    dir_info: Option<DirInfo>,
}

#[derive(Deserialize)]
struct DirInfo {
    #[serde(default)]
    editable: bool,
}

/// The folder of `direct_url.json` when the distribution is an editable one.
fn editable_folder(text: &str) -> Option<PathBuf> {
    let direct: DirectUrl = serde_json::from_str(text).ok()?;
    if !direct.dir_info?.editable {
        return None;
    }
    path_of_url(&direct.url)
}

/// The path of a `file:` URL.
pub(crate) fn path_of_url(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = unquoted(path)?;
    // `/C:/work`
    let is_drive = path.as_bytes().get(2) == Some(&b':');
    let path = if is_drive { path.get(1..)? } else { &path };
    Some(PathBuf::from(path))
}

/// A URL's path without its percent signs.
fn unquoted(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_the_first_empty_line() {
        let header = Header::read(
            "Metadata-Version: 2.1\nName: A.b\nVersion: 1.0\nSummary: does: things\nAuthor: UNKNOWN\n\nName: not this\n",
        );
        assert_eq!(header.name.as_deref(), Some("A.b"));
        assert_eq!(header.summary.as_deref(), Some("does: things"));
    }

    #[test]
    fn only_editable_folders_are_local() {
        let of = |text: &str| editable_folder(text);
        assert_eq!(
            of(r#"{"dir_info": {"editable": true}, "url": "file:///home/a%20b/p"}"#),
            Some(PathBuf::from("/home/a b/p"))
        );
        assert_eq!(of(r#"{"dir_info": {}, "url": "file:///home/p"}"#), None);
        assert_eq!(
            of(r#"{"url": "https://x/y.whl", "archive_info": {}}"#),
            None
        );
        assert_eq!(of("no JSON"), None);
    }

    #[test]
    fn a_record_may_quote_its_paths() {
        let record = "a/b.py,sha256=x,1\n\"a/b,c.txt\",,\nd.py,,\n";
        let paths: Vec<&str> = record_paths(record).collect();
        assert_eq!(paths, ["a/b.py", "a/b,c.txt", "d.py"]);
    }
}
