//! What came to Python's library and what left it, version by version.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

/// From which minor versions of Python 3 on something is there, and gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) added: Option<u8>,
    pub(crate) removed: Option<u8>,
}

impl Change {
    /// Did it leave, or has it yet to come?
    pub(crate) fn is_missing_in(self, minor: u8) -> bool {
        self.added.is_some_and(|added| minor < added)
            || self.removed.is_some_and(|removed| minor >= removed)
    }
}

struct Table {
    changes: FxHashMap<&'static str, Change>,
    builtins: FxHashSet<&'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let lines = include_str!("changes.txt").lines();
    let changes: FxHashMap<&str, Change> = lines.filter_map(read).collect();
    let builtins = changes
        .keys()
        .filter_map(|path| path.strip_prefix("builtins."))
        .collect();
    Table { changes, builtins }
});

/// `tomllib 11 -`; none for a comment.
fn read(line: &'static str) -> Option<(&'static str, Change)> {
    let mut words = line.split(' ');
    let path = words.next().filter(|path| *path != "#")?;
    let mut minor = || words.next()?.parse().ok();
    let (added, removed) = (minor(), minor());
    Some((path, Change { added, removed }))
}

/// The change of a module, `asyncio`, of a name, `asyncio.TaskGroup`, or of a keyword, `subprocess.run(text)`.
pub(crate) fn of(path: &str) -> Option<Change> {
    TABLE.changes.get(path).copied()
}

/// Did a builtin of this name come or go?
pub(crate) fn is_of_builtin(name: &str) -> bool {
    TABLE.builtins.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::is_stdlib;

    #[test]
    fn the_table_is_read_whole() {
        let lines = include_str!("changes.txt").lines();
        let rows: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
        assert!(rows.is_sorted());
        assert_eq!(rows.len(), TABLE.changes.len());
        for (path, change) in &TABLE.changes {
            assert!(is_stdlib(path.split(['.', '(']).next().unwrap()), "{path}");
            assert!(change.added.is_some() || change.removed.is_some(), "{path}");
        }
    }

    #[test]
    fn what_came_and_went_is_known() {
        let change = |path: &str| of(path).map(|change| (change.added, change.removed));
        assert_eq!(change("tomllib"), Some((Some(11), None)));
        assert_eq!(change("distutils"), Some((None, Some(12))));
        assert_eq!(change("collections.Mapping"), Some((None, Some(10))));
        assert_eq!(change("pathlib.Path.link_to"), Some((Some(8), Some(12))));
        assert_eq!(change("subprocess.run(text)"), Some((Some(7), None)));
        assert_eq!(change("json"), None);
        assert!(is_of_builtin("aiter") && !is_of_builtin("len"));
    }
}
