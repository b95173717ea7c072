//! Lock files: `uv.lock` and, PEP 751, `pylock.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{DocumentMut, Table, TableLike};

use super::{Pin, Source};
use crate::environment::normalized;
use crate::files::Files;

/// What a lock file says.
#[derive(Default)]
pub(super) struct Locked {
    /// Releases by their normalised names.
    pub(super) pins: BTreeMap<String, Vec<Pin>>,
    /// The indexes they come from.
    pub(super) indexes: Vec<String>,
}

/// Reads a lock file of either kind; `None` where there is none.
pub(super) fn read(files: &dyn Files, path: &Path) -> Option<Locked> {
    let text = String::from_utf8(files.read(path).ok()?).ok()?;
    let document: DocumentMut = text.parse().ok()?;
    let folder = path.parent().unwrap_or(path);
    let is_pylock = document.contains_key("lock-version");
    let packages = document.get(if is_pylock { "packages" } else { "package" });
    let packages = packages.and_then(toml_edit::Item::as_array_of_tables);
    let mut locked = Locked::default();
    for package in packages.into_iter().flatten() {
        let read = if is_pylock { of_pylock } else { of_uv };
        if let Some((name, pin, index)) = read(package, folder) {
            locked.pins.entry(normalized(&name)).or_default().push(pin);
            locked.indexes.extend(index);
        }
    }
    locked.indexes.sort();
    locked.indexes.dedup();
    Some(locked)
}

fn text(table: &dyn TableLike, key: &str) -> Option<String> {
    Some(table.get(key)?.as_str()?.to_owned())
}

/// Name, release and index of a `[[package]]` of uv's.
fn of_uv(package: &Table, folder: &Path) -> Option<(String, Pin, Option<String>)> {
    let name = text(package, "name")?;
    let source = package.get("source")?.as_table_like()?;
    let (source, index) = if let Some(registry) = text(source, "registry") {
        // A folder of archives may be one too.
        let index = registry.contains("://").then_some(registry);
        (Source::Index, index)
    } else if let Some(git) = text(source, "git") {
        (Source::Url(git_of_uv(&git)), None)
    } else if let Some(url) = text(source, "url") {
        (Source::Url(url), None)
    } else if let Some(path) = text(source, "path") {
        (Source::Archive(folder.join(path)), None)
    } else {
        // The project itself, and what lies beside it: its files travel where they are imported.
        return None;
    };
    let mut requires = requires_of_uv(package.get("dependencies"), None);
    let extras = package
        .get("optional-dependencies")
        .and_then(toml_edit::Item::as_table_like);
    for (extra, dependencies) in extras.into_iter().flat_map(TableLike::iter) {
        requires.extend(requires_of_uv(Some(dependencies), Some(extra)));
    }
    let markers = package
        .get("resolution-markers")
        .and_then(toml_edit::Item::as_array);
    let markers: Vec<String> = markers
        .into_iter()
        .flatten()
        .filter_map(|marker| Some(format!("({})", marker.as_str()?)))
        .collect();
    let pin = Pin {
        version: text(package, "version").unwrap_or_default(),
        when: (!markers.is_empty()).then(|| markers.join(" or ")),
        requires: Some(requires),
        python: None,
        source,
        by_conda: false,
    };
    Some((name, pin, index))
}

/// `https://x.org/a.git?rev=main&subdirectory=py#COMMIT` in pip's words.
fn git_of_uv(url: &str) -> String {
    let (url, commit) = url.split_once('#').unwrap_or((url, ""));
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let part = query
        .split('&')
        .find_map(|word| word.strip_prefix("subdirectory="));
    let part = part
        .map(|part| format!("#subdirectory={part}"))
        .unwrap_or_default();
    let commit = if commit.is_empty() {
        String::new()
    } else {
        format!("@{commit}")
    };
    format!("git+{url}{commit}{part}")
}

/// Dependencies as PEP 508 writes them.
fn requires_of_uv(list: Option<&toml_edit::Item>, of_extra: Option<&str>) -> Vec<String> {
    let list = list
        .and_then(toml_edit::Item::as_array)
        .into_iter()
        .flatten();
    let one = |value: &toml_edit::Value| {
        let table = value.as_inline_table()?;
        let name = text(table, "name")?;
        let extras = table.get("extra").and_then(toml_edit::Value::as_array);
        let extras: Vec<&str> = extras
            .into_iter()
            .flatten()
            .filter_map(toml_edit::Value::as_str)
            .collect();
        let extras = match extras.is_empty() {
            true => String::new(),
            false => format!("[{}]", extras.join(",")),
        };
        // One of several releases is named by its version.
        let version = text(table, "version").map(|version| format!("=={version}"));
        let marker = text(table, "marker").map(|marker| format!("({marker})"));
        let extra = of_extra.map(|extra| format!("extra == '{extra}'"));
        let markers: Vec<String> = marker.into_iter().chain(extra).collect();
        let marker = match markers.is_empty() {
            true => String::new(),
            false => format!(" ; {}", markers.join(" and ")),
        };
        Some(format!(
            "{name}{extras}{}{marker}",
            version.unwrap_or_default()
        ))
    };
    list.filter_map(one).collect()
}

/// Name, release and index of a `[[packages]]` of PEP 751.
fn of_pylock(package: &Table, folder: &Path) -> Option<(String, Pin, Option<String>)> {
    let name = text(package, "name")?;
    let table = |key: &str| package.get(key).and_then(toml_edit::Item::as_table_like);
    let part = |table: &dyn TableLike| {
        let part = text(table, "subdirectory");
        part.map(|part| format!("#subdirectory={part}"))
            .unwrap_or_default()
    };
    let source = if let Some(vcs) = table("vcs") {
        let (kind, commit) = (text(vcs, "type")?, text(vcs, "commit-id")?);
        Source::Url(format!(
            "{kind}+{}@{commit}{}",
            text(vcs, "url")?,
            part(vcs)
        ))
    } else if let Some(archive) = table("archive") {
        match text(archive, "url") {
            Some(url) => Source::Url(format!("{url}{}", part(archive))),
            None => Source::Archive(folder.join(text(archive, "path")?)),
        }
    } else if table("directory").is_some() {
        // Its files travel where they are imported.
        return None;
    } else {
        Source::Index
    };
    let dependencies = package.get("dependencies").and_then(|list| {
        // Inline tables in an array, or an array of tables.
        let names: Vec<String> = match list.as_array_of_tables() {
            Some(tables) => tables
                .iter()
                .filter_map(|table| text(table, "name"))
                .collect(),
            None => {
                let values = list.as_array()?.iter();
                values
                    .filter_map(|value| text(value.as_inline_table()?, "name"))
                    .collect()
            }
        };
        Some(names)
    });
    let pin = Pin {
        version: text(package, "version").unwrap_or_default(),
        when: text(package, "marker"),
        requires: dependencies,
        python: text(package, "requires-python"),
        source,
        by_conda: false,
    };
    Some((name, pin, text(package, "index")))
}
