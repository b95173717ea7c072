//! Which way a data file goes to a job: within the package, once to the target's store, or not at all because it lies there already.

use std::path::{Path, PathBuf};

use crate::audience::Target;
use crate::slice::{TOGETHER, paths::tidy, tree_path};

/// From this size on a data file goes to the store unless the configuration says otherwise, in bytes. Each change of the code sends
/// the package anew, so it is better small.
pub const STORE_FROM: u64 = 1 << 20;

/// From this sum on the user is asked before data files are sent, unless the configuration says otherwise, in bytes.
pub const ASK_FROM: u64 = 1 << 30;

/// How the data files of a job reach one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataRules {
    /// The target's name; empty where none is meant.
    pub target: String,
    /// From this size on a file goes to the target's store, in bytes; none: all travel in the package.
    pub store_from: Option<u64>,
    /// From this sum on the user is asked before files are sent to the store, in bytes.
    pub ask_from: u64,
    /// The most that the data files of a job may have together, in bytes.
    pub limit: Option<u64>,
    /// Files and folders of this machine, absolute or from the workspace, with the paths that they have on the target.
    pub paths: Vec<(PathBuf, String)>,
    /// Where volumes are mounted, of a target whose jobs find nothing else there than these and their image.
    pub volumes: Option<Vec<String>>,
}

impl DataRules {
    /// Is this path of the target one that only the image of its jobs can have?
    pub(crate) fn is_in_image(&self, there: &str) -> bool {
        let has = |volume: &String| Path::new(there).starts_with(volume);
        // What is behind a variable is seen in the job alone.
        let is_plain = there.starts_with('/') && !there.contains('$');
        let volumes = self.volumes.as_ref().filter(|_| is_plain);
        volumes.is_some_and(|volumes| !volumes.iter().any(has))
    }
}

impl Default for DataRules {
    fn default() -> Self {
        Self {
            target: String::new(),
            store_from: Some(STORE_FROM),
            ask_from: ASK_FROM,
            limit: None,
            paths: Vec::new(),
            volumes: None,
        }
    }
}

impl Target for DataRules {
    fn name(&self) -> &str {
        &self.target
    }
}

/// The path map of a target for the files of one tree.
#[derive(Debug, Default)]
pub(crate) struct PathMap {
    /// What a job finds at its place: the path here, the place in the tree, the path there. The longest paths come first.
    pub(crate) linked: Vec<Linked>,
    /// All of it: the path here and the path there, likewise.
    all: Vec<(PathBuf, String)>,
}

/// A file or folder of this machine that a job finds at its place in the tree.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) here: PathBuf,
    pub(crate) place: String,
    pub(crate) there: String,
}

impl Linked {
    /// What a path of this machine, which is this one or lies below it, adds to it.
    pub(crate) fn rest(&self, path: &Path) -> Option<String> {
        tree_path(&self.here, path)
    }
}

impl PathMap {
    /// `base` is the tree's top.
    pub(crate) fn new(rules: &DataRules, workspace: &Path, base: &Path) -> PathMap {
        let mut all: Vec<(PathBuf, String)> = rules
            .paths
            .iter()
            .map(|(here, there)| (tidy(&workspace.join(here)), there.clone()))
            .collect();
        all.sort_by_key(|(here, _)| std::cmp::Reverse(here.components().count()));
        let linked = all.iter().filter_map(|(here, there)| {
            // What is nobody's folder cannot be a link.
            let place = tree_path(base, here).filter(|place| !place.is_empty())?;
            Some(Linked {
                place,
                here: here.clone(),
                there: there.clone(),
            })
        });
        PathMap {
            linked: linked.collect(),
            all,
        }
    }

    /// What a job finds in the place of this file or folder of this machine.
    pub(crate) fn linked(&self, path: &Path) -> Option<&Linked> {
        self.linked
            .iter()
            .find(|linked| path.starts_with(&linked.here))
    }

    /// Where this file or folder lies on the target.
    pub(crate) fn there(&self, path: &Path) -> Option<String> {
        let (here, there) = self.all.iter().find(|(here, _)| path.starts_with(here))?;
        Some(joined(there, &tree_path(here, path)?))
    }

    /// Does this absolute path mean something on the target that the map speaks of?
    pub(crate) fn is_there(&self, path: &Path) -> bool {
        self.all.iter().any(|(_, there)| path.starts_with(there))
    }
}

/// A path over there with what lies below it.
pub(crate) fn joined(there: &str, rest: &str) -> String {
    match rest {
        "" => there.to_owned(),
        rest => format!("{}/{rest}", there.trim_end_matches('/')),
    }
}

/// The data files of one job, counted.
#[derive(Debug)]
pub(crate) struct Load<'r> {
    rules: &'r DataRules,
    /// Bytes in the package.
    packed: u64,
    /// Bytes in all.
    sum: u64,
}

/// Which way a file goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Package,
    Store,
    /// It does not, because all files would then have more bytes than this.
    TooMuch(u64),
}

impl<'r> Load<'r> {
    pub(crate) fn new(rules: &'r DataRules, packed: u64, stored: u64) -> Load<'r> {
        Load {
            rules,
            packed,
            sum: packed + stored,
        }
    }

    /// Takes one more file.
    pub(crate) fn take(&mut self, len: u64) -> Way {
        if let Some(limit) = self.rules.limit
            && self.sum.saturating_add(len) > limit
        {
            return Way::TooMuch(limit);
        }
        self.sum = self.sum.saturating_add(len);
        let is_small = |from| len < from && self.packed + len <= TOGETHER;
        if self.rules.store_from.is_none_or(is_small) {
            self.packed += len;
            return Way::Package;
        }
        Way::Store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_and_what_is_too_much_for_a_package_go_to_the_store() {
        let rules = DataRules {
            limit: Some(400 << 20),
            ..DataRules::default()
        };
        let mut load = Load::new(&rules, 0, 0);
        assert_eq!(load.take(STORE_FROM - 1), Way::Package);
        assert_eq!(load.take(STORE_FROM), Way::Store);
        assert_eq!(load.take(300 << 20), Way::Store);
        assert_eq!(load.take(100 << 20), Way::TooMuch(400 << 20));
        assert_eq!(load.take(5), Way::Package);
        let mut full = Load::new(&rules, TOGETHER, 0);
        assert_eq!(full.take(1), Way::Store);
        let all = DataRules {
            store_from: None,
            ..DataRules::default()
        };
        assert_eq!(Load::new(&all, TOGETHER, 0).take(5 << 30), Way::Package);
    }

    #[test]
    fn the_longest_path_of_a_map_wins() {
        let rules = DataRules {
            paths: vec![
                ("data".into(), "/lab".to_owned()),
                ("data/new".into(), "/scratch/new/".to_owned()),
                ("/home/ada/other".into(), "~/other".to_owned()),
                (".".into(), "/all".to_owned()),
            ],
            ..DataRules::default()
        };
        let map = PathMap::new(&rules, Path::new("/w"), Path::new("/w"));
        let there = |path: &str| map.there(Path::new(path));
        assert_eq!(there("/w/data/x.csv").as_deref(), Some("/lab/x.csv"));
        assert_eq!(
            there("/w/data/new/x.csv").as_deref(),
            Some("/scratch/new/x.csv")
        );
        assert_eq!(there("/w/data").as_deref(), Some("/lab"));
        assert_eq!(there("/w/database").as_deref(), Some("/all/database"));
        assert_eq!(there("/home/ada/other/y").as_deref(), Some("~/other/y"));
        assert_eq!(there("/home/ada"), None);
        let places: Vec<&str> = map.linked.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["data/new", "data"]);
        assert!(map.is_there(Path::new("/lab/z")) && !map.is_there(Path::new("/laboratory")));
    }
}
