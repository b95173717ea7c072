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
    let keys: &[&str] = match files {
        IgnoredIn::Workspace => &["ignore"],
        IgnoredIn::Files(pattern) => &["ignore_in", pattern],
    };
    change(workspace, keys, &code.to_string(), read)
}

/// The change after which the files of a pattern travel with every job; as [`ignore_change`].
pub fn data_change(
    workspace: &Path,
    pattern: &str,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<FileChange> {
    change(workspace, &["data"], pattern, read)
}

/// The change that puts a text into the list of a key, or of a key in the table of a key.
fn change(
    workspace: &Path,
    keys: &[&str],
    text: &str,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<FileChange> {
    let (path, before) = file_to_change(workspace, keys.first()?, read)?;
    let written = Written::of(before.as_deref().unwrap_or_default());
    let changed = add(&written.plain, prefix_of(&path), keys, text)?;
    Some(FileChange {
        path,
        edits: vec![written.edit(difference(&written.plain, &changed))],
        before,
    })
}

/// A text with what TOML's editor would lose: a mark at its beginning, and line breaks of two characters.
struct Written {
    /// The text without them.
    plain: String,
    mark: usize,
    /// Where in the plain text a `\r` is missing.
    returns: Vec<usize>,
}

impl Written {
    fn of(text: &str) -> Written {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut plain = String::with_capacity(body.len());
        let mut returns = Vec::new();
        for (number, part) in body.split("\r\n").enumerate() {
            if number > 0 {
                returns.push(plain.len());
                plain.push('\n');
            }
            plain.push_str(part);
        }
        Written {
            plain,
            mark: text.len() - body.len(),
            returns,
        }
    }

    /// An edit of the plain text as one of the text itself; its line breaks are those of the text.
    fn edit(&self, edit: Edit) -> Edit {
        let place = |at: usize| self.mark + at + self.returns.partition_point(|r| *r < at);
        Edit {
            range: place(edit.range.start)..place(edit.range.end),
            text: match self.returns.is_empty() {
                true => edit.text,
                false => edit.text.replace('\n', "\r\n"),
            },
        }
    }
}

/// The file that has the key already, else the first one that has anything of ours, else one that exists.
fn file_to_change(
    workspace: &Path,
    key: &str,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<(PathBuf, Option<String>)> {
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

/// The file's text with one more in the list of the keys; `None` when it is there already or the text cannot be changed.
fn add(text: &str, prefix: &[&str], keys: &[&str], added: &str) -> Option<String> {
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
    let list = match keys {
        [key] => table.entry(key),
        [outer, inner] => {
            let new = || Item::Value(Value::InlineTable(toml_edit::InlineTable::new()));
            let outer = table.entry(outer).or_insert_with(new);
            outer.as_table_like_mut()?.entry(inner)
        }
        _ => return None,
    };
    let list = list
        .or_insert_with(|| Item::Value(Value::Array(Array::new())))
        .as_array_mut()?;
    let code = Code::parse(added);
    let is_added = |known: &str| known == added || code.is_some() && Code::parse(known) == code;
    if list.iter().filter_map(Value::as_str).any(is_added) {
        return None;
    }
    let mut value = Value::from(added);
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
    // The comma goes right behind the last one, before its comment and not on the line below it.
    let mut comment = String::new();
    let has_comma = list.trailing_comma();
    let after_comma = list.trailing().as_str().unwrap_or_default().to_owned();
    if let Some(last) = list.iter_mut().last() {
        let suffix = last.decor().suffix().and_then(toml_edit::RawString::as_str);
        let after = match has_comma {
            true => after_comma,
            false => suffix.unwrap_or_default().to_owned(),
        };
        let (kept, end) = after.split_at(after.trim_end().len());
        comment = kept.to_owned();
        last.decor_mut().set_suffix("");
        list.set_trailing(end);
    }
    value.decor_mut().set_prefix(comment + &prefix);
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
    fn a_pattern_joins_the_files_that_travel() {
        let with = |text: Option<&str>| {
            let read = |path: &Path| text.filter(|_| !is_pyproject(path)).map(str::to_owned);
            let change = data_change(Path::new("/w"), "tables/*.csv", &read)?;
            Some(apply(
                change.before.as_deref().unwrap_or_default(),
                &change.edits,
            ))
        };
        let after = |text| with(text).unwrap_or_else(|| "nothing to change".to_owned());
        assert_eq!(after(None), "data = [\"tables/*.csv\"]\n");
        assert_eq!(
            after(Some("ignore = []\ndata = ['a.csv']\n")),
            "ignore = []\ndata = ['a.csv', \"tables/*.csv\"]\n"
        );
        assert_eq!(
            after(Some("data = ['tables/*.csv']\n")),
            "nothing to change"
        );
    }

    #[test]
    fn nothing_else_of_the_file_changes() {
        let all = IgnoredIn::Workspace;
        let of = |text: &str| changed(None, Some(text), &all).replace("/w/hoist.toml\n", "");
        assert_eq!(
            of("\u{feff}data = []\r\n\r\n[targets.x]\r\nhost = 'x'\r\n"),
            "\u{feff}data = []\r\nignore = [\"HST012\"]\r\n\r\n[targets.x]\r\nhost = 'x'\r\n"
        );
        assert_eq!(
            of("a = 1\nignore = [\r\n  'HST003',\r\n]\r\n"),
            "a = 1\nignore = [\r\n  'HST003',\r\n  \"HST012\",\r\n]\r\n"
        );
        assert_eq!(
            of("ignore = [ 'HST003' ]\n"),
            "ignore = [ 'HST003', \"HST012\" ]\n"
        );
        assert_eq!(
            of("ignore = [\n  'HST003' # we know\n]\n"),
            "ignore = [\n  'HST003', # we know\n  \"HST012\"\n]\n"
        );
        assert_eq!(
            of("ignore = [\n  'HST003', # we know\n]\n"),
            "ignore = [\n  'HST003', # we know\n  \"HST012\",\n]\n"
        );
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
