//! What lies in a folder, for questions by name.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::environment::provides::{is_extension, module_name};

/// The names in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// With "is a folder", sorted by name.
    entries: Vec<(String, bool)>,
    /// Compiled extensions by the modules that they are.
    extensions: FxHashMap<String, String>,
    /// The names as a file system has them that takes capital and small letters for the same. None when a name is not ASCII:
    /// then nobody but the system knows what is the same.
    folded: Option<FxHashSet<String>>,
    marks: Marks,
}

/// By what most names that a folder lacks are told apart from all those that it has.
#[derive(Debug, Default)]
struct Marks {
    /// A bit for the length of each name.
    lengths: u64,
    /// A bit for the first byte of each name, a small letter for a capital one.
    firsts: u128,
}

impl Marks {
    fn add(&mut self, name: &str) {
        let (length, first) = Marks::of(name);
        self.lengths |= length;
        self.firsts |= first;
    }

    fn of(name: &str) -> (u64, u128) {
        let first = name.bytes().next().unwrap_or_default().to_ascii_lowercase();
        (1 << name.len().min(63), 1 << (first & 127))
    }

    /// May one of the names be this one?
    fn have(&self, name: &str) -> bool {
        let (length, first) = Marks::of(name);
        self.lengths & length != 0 && self.firsts & first != 0
    }
}

impl Listing {
    /// Of the answer of [`Files::list`](super::Files::list).
    pub fn new(entries: Vec<(String, bool)>) -> Listing {
        let mut extensions = FxHashMap::default();
        for (name, is_dir) in &entries {
            if !is_dir
                && is_extension(name)
                && let Some(module) = module_name(name)
            {
                extensions
                    .entry(module.to_owned())
                    .or_insert_with(|| name.clone());
            }
        }
        let folded = entries
            .iter()
            .map(|(name, _)| name.is_ascii().then(|| name.to_ascii_lowercase()))
            .collect();
        let mut marks = Marks::default();
        entries.iter().for_each(|(name, _)| marks.add(name));
        Listing {
            entries,
            extensions,
            folded,
            marks,
        }
    }

    /// The names with "is a folder", sorted by name.
    pub(super) fn entries(&self) -> &[(String, bool)] {
        &self.entries
    }

    /// The names of the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        let files = self.entries.iter().filter(|(_, is_dir)| !is_dir);
        files.map(|(name, _)| name.as_str())
    }

    /// May there be anything that is imported by a name? The names of all of it begin with that.
    pub(crate) fn may_have_module(&self, name: &str) -> bool {
        let before = self.entries.partition_point(|(own, _)| own.as_str() < name);
        let first = self.entries.get(before);
        first.is_some_and(|(own, _)| own.starts_with(name))
    }

    /// Is there a module of this name, in a file of its own?
    pub(crate) fn has_module(&self, name: &str) -> bool {
        let file = || name.bytes().chain(*b".py");
        let found = self
            .entries
            .binary_search_by(|(own, _)| own.bytes().cmp(file()));
        found.is_ok_and(|index| !self.entries[index].1)
    }

    pub(crate) fn has_file(&self, name: &str) -> bool {
        self.find(name) == Some(false)
    }

    pub(crate) fn has_folder(&self, name: &str) -> bool {
        self.find(name) == Some(true)
    }

    /// The file of a compiled module.
    pub(crate) fn extension(&self, module: &str) -> Option<&str> {
        self.extensions.get(module).map(String::as_str)
    }

    fn find(&self, name: &str) -> Option<bool> {
        let found = self
            .entries
            .binary_search_by(|(own, _)| own.as_str().cmp(name));
        found.ok().map(|index| self.entries[index].1)
    }

    /// Does [`Listing::lacks`] hold for each of some names?
    pub fn lacks_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.lacks(name))
    }

    /// Is it sure that nothing in the folder goes by a name, on whatever file system? Names that some systems write otherwise
    /// (`PROGRA~1`) are left to them.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        let Some(folded) = &self.folded else {
            return false;
        };
        if !name.is_ascii() {
            return name.chars().any(stays_itself);
        }
        if !self.marks.have(name) && !matches!(name.as_bytes().last(), Some(b'.' | b' ') | None) {
            return memchr::memchr(b'~', name.as_bytes()).is_none();
        }
        // Windows takes `name.` for `name`.
        let short = name.trim_end_matches(['.', ' ']);
        let lacks = |name: &str| match name.bytes().any(|c| c.is_ascii_uppercase()) {
            true => !folded.contains(&name.to_ascii_lowercase()),
            false => !folded.contains(name),
        };
        !name.contains('~') && !short.is_empty() && lacks(name) && (short == name || lacks(short))
    }
}

/// Is a character one that no file system takes for ASCII ones, or for nothing? All names of the folder are ASCII.
fn stays_itself(c: char) -> bool {
    let is_other = |mut folded: Box<dyn Iterator<Item = char>>| folded.all(|c| !c.is_ascii());
    !c.is_ascii()
        && c.is_alphanumeric()
        && !matches!(c, 'ẞ')
        && is_other(Box::new(c.to_lowercase()))
        && is_other(Box::new(c.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[(&str, bool)]) -> Listing {
        let owned = names
            .iter()
            .map(|(name, is_dir)| ((*name).to_owned(), *is_dir));
        Listing::new(owned.collect())
    }

    #[test]
    fn files_folders_and_extensions_are_found_by_name() {
        let folder = listing(&[
            ("_fast.cpython-311-x86_64-linux-gnu.so", false),
            ("data", true),
            ("train.py", false),
        ]);
        assert!(folder.has_file("train.py") && !folder.has_folder("train.py"));
        assert!(folder.has_folder("data") && !folder.has_file("data"));
        assert_eq!(
            folder.extension("_fast"),
            Some("_fast.cpython-311-x86_64-linux-gnu.so")
        );
        assert_eq!(folder.extension("train"), None);
        for name in ["_fast", "data", "train"] {
            assert!(folder.may_have_module(name), "{name}");
        }
        for name in ["fast", "dat_", "trains", "zlib", "a"] {
            assert!(!folder.may_have_module(name), "{name}");
        }
        assert_eq!(folder.files().count(), 2);
    }

    #[test]
    fn a_name_is_missing_only_where_every_system_says_so() {
        let folder = listing(&[("Data.csv", false), ("progra~1", true)]);
        for missing in [
            "x.csv",
            "X.csv",
            "a b.csv",
            "x.",
            "A sentence. ",
            "\t",
            "é",
            "été.csv",
        ] {
            assert!(folder.lacks(missing), "{missing}");
        }
        for doubtful in [
            "Data.csv",
            "data.csv",
            "data.csv.",
            "Data.csv ",
            "PROGRA~1",
            "other~1",
            "...",
            "",
            "…",
            "ſ",
            "\u{212a}.csv",
            "ﬁ",
            "straße",
        ] {
            assert!(!folder.lacks(doubtful), "{doubtful}");
        }
        assert!(!listing(&[("é.csv", false)]).lacks("x.csv"));
    }
}
