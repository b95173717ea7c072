//! Changes of a configuration file that keep everything else of it as its author wrote it.

use std::path::{Path, PathBuf};

use hoist_analysis::{Code, Edit, FileChange};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::{is_pyproject, prefix_of};

/// Which files a code is ignored in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoredIn {
    /// All of the workspace.
    Workspace,
    /// Those that a pattern from the workspace names.
    Files(String),
}

/// The change of a workspace's configuration after which a code is ignored; `read` gives the text of a file where there is one,
/// as an editor has it. `None` when it is ignored already, or the file cannot be changed as it stands.
pub fn ignore_change(
    workspace: &Path,
    code: Code,
    files: &IgnoredIn,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<FileChange> {
    let (path, before) = file_to_change(workspace, files, read)?;
    let text = before.clone().unwrap_or_default();
    let changed = ignore(&text, prefix_of(&path), code, files)?;
    Some(FileChange {
        path,
        edits: vec![difference(&text, &changed)],
        before,
    })
}

/// The file that has the list already, else the first one that has anything of ours, else one that exists.
fn file_to_change(
    workspace: &Path,
    files: &IgnoredIn,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<(PathBuf, Option<String>)> {
    let key = match files {
        IgnoredIn::Workspace => "ignore",
        IgnoredIn::Files(_) => "ignore_in",
    };
    let candidates: Vec<(PathBuf, Option<String>)> = ["pyproject.toml", "hoist.toml"]
        .iter()
        .map(|name| workspace.join(name))
        .map(|path| (read(&path), path))
        .map(|(text, path)| (path, text))
        .collect();
    let ours = |path: &Path, text: &Option<String>| -> Option<(bool, bool)> {
        let document: DocumentMut = text.as_ref()?.parse().ok()?;
        let mut table: &dyn TableLike = document.as_table();
        for part in prefix_of(path) {
            match table.get(part).and_then(Item::as_table_like) {
                Some(inner) => table = inner,
                None => return Some((false, false)),
            }
        }
        Some((true, table.contains_key(key)))
    };
    let states: Vec<Option<(bool, bool)>> = candidates
        .iter()
        .map(|(path, text)| ours(path, text))
        .collect();
    let chosen = states
        .iter()
        .position(|state| matches!(state, Some((_, true))))
        .or_else(|| {
            states
                .iter()
                .position(|state| matches!(state, Some((true, _))))
        })
        .or_else(|| states.iter().position(Option::is_some));
    match chosen {
        Some(index) => candidates.into_iter().nth(index),
        // Neither is there, or what is there cannot be read: then a new hoist.toml, if there is none.
        None => candidates
            .into_iter()
            .find(|(path, text)| !is_pyproject(path) && text.is_none()),
    }
}

/// The text with a code among the ignored ones; `None` when it is there already or the text cannot be changed.
fn ignore(text: &str, prefix: &[&str], code: Code, files: &IgnoredIn) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut item: &mut Item = document.as_item_mut();
    for part in prefix {
        let inner = item.as_table_like_mut()?.entry(part).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        item = inner;
    }
    if let Some(table) = item.as_table_mut() {
        // One that is only there for those in it gets a header of its own.
        table.set_implicit(false);
    }
    let table: &mut dyn TableLike = item.as_table_like_mut()?;
    let list = match files {
        IgnoredIn::Workspace => table.entry("ignore"),
        IgnoredIn::Files(pattern) => {
            let inner = table
                .entry("ignore_in")
                .or_insert_with(|| Item::Value(Value::InlineTable(toml_edit::InlineTable::new())));
            inner.as_table_like_mut()?.entry(pattern)
        }
    };
    let list = list
        .or_insert_with(|| Item::Value(Value::Array(Array::new())))
        .as_array_mut()?;
    let code = code.to_string();
    if list.iter().any(|known| {
        known
            .as_str()
            .is_some_and(|known| known.eq_ignore_ascii_case(&code))
    }) {
        return None;
    }
    let mut value = Value::from(code);
    let last = list.iter().last().and_then(|last| last.decor().prefix());
    let prefix = match last.and_then(toml_edit::RawString::as_str) {
        // On a line of its own where the others are.
        Some(prefix) if prefix.contains('\n') => prefix
            .get(prefix.rfind('\n').unwrap_or(0)..)
            .unwrap_or_default()
            .to_owned(),
        _ if list.is_empty() => String::new(),
        _ => " ".to_owned(),
    };
    // The comma goes right behind the last one, not on the line below it.
    if let Some(last) = list.iter_mut().last()
        && let Some(suffix) = last.decor().suffix().and_then(toml_edit::RawString::as_str)
        && suffix.trim().is_empty()
        && suffix.contains('\n')
    {
        let suffix = suffix.to_owned();
        last.decor_mut().set_suffix("");
        list.set_trailing(suffix);
    }
    value.decor_mut().set_prefix(prefix);
    list.push_formatted(value);
    Some(document.to_string())
}

/// What of a text is another, as one change.
fn difference(before: &str, after: &str) -> Edit {
    let common = |one: &mut dyn Iterator<Item = (char, char)>| {
        one.take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum::<usize>()
    };
    let start = common(&mut before.chars().zip(after.chars()));
    let end = common(
        &mut before[start..]
            .chars()
            .rev()
            .zip(after[start..].chars().rev()),
    );
    Edit {
        range: start..before.len() - end,
        text: after[start..after.len() - end].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoist_analysis::apply;

    /// The file after the change, from the text of pyproject.toml and hoist.toml.
    fn changed(pyproject: Option<&str>, hoist: Option<&str>, files: &IgnoredIn) -> String {
        let read = |path: &Path| {
            let text = if is_pyproject(path) { pyproject } else { hoist };
            text.map(str::to_owned)
        };
        match ignore_change(Path::new("/w"), Code::MissingData, files, &read) {
            Some(change) => format!(
                "{}\n{}",
                change.path.display(),
                apply(change.before.as_deref().unwrap_or_default(), &change.edits)
            ),
            None => "nothing to change".to_owned(),
        }
    }

    #[test]
    fn a_list_grows_as_it_is_written() {
        let all = IgnoredIn::Workspace;
        insta::assert_snapshot!(changed(None, None, &all), @r#"
        /w/hoist.toml
        ignore = ["HST012"]
        "#);
        let text = "# ours\ndefault_target = 'far' # always\n\n[targets.far]\nhost   =  'far'\n";
        insta::assert_snapshot!(changed(None, Some(text), &all), @r#"
        /w/hoist.toml
        # ours
        default_target = 'far' # always
        ignore = ["HST012"]

        [targets.far]
        host   =  'far'
        "#);
        let text = "ignore = [\n    \"HST003\", # we know\n    \"HST006\",\n]\n";
        insta::assert_snapshot!(changed(None, Some(text), &all), @r#"
        /w/hoist.toml
        ignore = [
            "HST003", # we know
            "HST006",
            "HST012",
        ]
        "#);
        assert_eq!(
            changed(None, Some("ignore = [\n  'HST003'\n]\n"), &all),
            "/w/hoist.toml\nignore = [\n  'HST003',\n  \"HST012\"\n]\n"
        );
        assert_eq!(
            changed(None, Some("ignore = ['hst012']\n"), &all),
            "nothing to change"
        );
    }

    #[test]
    fn the_file_that_speaks_of_it_already_is_changed() {
        let all = IgnoredIn::Workspace;
        let pyproject = "[project]\nname = 'x'\n\n[tool.ruff]\nselect = []\n";
        insta::assert_snapshot!(changed(Some(pyproject), None, &all), @r#"
        /w/pyproject.toml
        [project]
        name = 'x'

        [tool.ruff]
        select = []

        [tool.hoist]
        ignore = ["HST012"]
        "#);
        let ours = format!("{pyproject}\n[tool.hoist.targets.far]\nhost = 'far'\n");
        insta::assert_snapshot!(changed(Some(&ours), Some("data = []\n"), &all), @r#"
        /w/pyproject.toml
        [project]
        name = 'x'

        [tool.ruff]
        select = []

        [tool.hoist]
        ignore = ["HST012"]

        [tool.hoist.targets.far]
        host = 'far'
        "#);
        insta::assert_snapshot!(changed(Some(&ours), Some("ignore = ['HST001']\n"), &all), @r#"
        /w/hoist.toml
        ignore = ['HST001', "HST012"]
        "#);
        assert_eq!(
            changed(None, Some("ignore = \n"), &all),
            "nothing to change"
        );
    }

    #[test]
    fn files_of_a_pattern() {
        let some = IgnoredIn::Files("notebooks/a.py".to_owned());
        insta::assert_snapshot!(changed(None, Some("[targets.far]\nhost = 'far'\n"), &some), @r#"
        /w/hoist.toml
        ignore_in = { "notebooks/a.py" = ["HST012"] }
        [targets.far]
        host = 'far'
        "#);
        let text = "[ignore_in]\n\"a.py\" = [\"HST001\"]\n\"notebooks/a.py\" = [\"HST002\"]\n";
        insta::assert_snapshot!(changed(None, Some(text), &some), @r#"
        /w/hoist.toml
        [ignore_in]
        "a.py" = ["HST001"]
        "notebooks/a.py" = ["HST002", "HST012"]
        "#);
    }

    #[test]
    fn a_difference_is_cut_between_characters() {
        for (before, after) in [
            ("", "é"),
            ("aéb", "aèb"),
            ("aa", "aaa"),
            ("x = 1\n", "x = 1\n"),
            ("日本", "日"),
        ] {
            let edit = difference(before, after);
            assert_eq!(apply(before, &[edit]), after);
        }
    }
}
