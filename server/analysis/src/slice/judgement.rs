//! What becomes of a file that the code names, where it goes to: the same on some targets, another thing on others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::data::{self, Mention};
use super::inspect_files::{astray, from_folder, replaced, size};
use super::paths::Named;
use super::{file_fixes as fixes, tree_path};
use crate::data_rules::{Load, PathMap, Way};
use crate::files::Files;
use crate::modules::Standing;
use crate::python::Source;
use crate::{Code, DataRules, Finding, Fix, Module, Severity};

/// What becomes of the files that a place names. All that a target's rules decide is in it, so that equal ones are one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It is nowhere, by its name or path here.
    Missing(String),
    /// It is there, but not where a job begins.
    Astray(PathBuf),
    /// Read by an absolute path.
    Absolute(String),
    /// Read by an absolute path of this machine, which is another one over there.
    Elsewhere {
        name: String,
        there: String,
    },
    /// It lies over there already, at this path. `shown` is its place here, unless the code names it by that path itself.
    There {
        shown: Option<String>,
        there: String,
        /// The image of the jobs alone can have it.
        is_in_image: bool,
    },
    /// It is larger than what may travel.
    TooLarge {
        shown: String,
        len: u64,
        limit: u64,
    },
    Travels(Travels),
    /// It lies outside of what travels.
    Outside(PathBuf),
}

/// Files that one place names and that reach the job.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Travels {
    /// One of them.
    shown: String,
    count: usize,
    sum: u64,
    /// Of these, how many go to the store, and their bytes.
    stored: (usize, u64),
    /// The user is asked before they are sent.
    is_asked: bool,
}

/// A place whose files have one fate on some targets.
pub(super) struct Judgement {
    range: Range<usize>,
    fate: Fate,
    /// The targets' names; none when it is the same wherever a job runs.
    targets: Vec<String>,
}

/// The files of a module, and what is known of their surroundings.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) module: &'a Module<'a>,
    pub(super) files: &'a dyn Files,
    pub(super) source: &'a Source,
    pub(super) standing: &'a Standing,
}

/// Puts judgements of several targets together that say the same of the same place.
pub(super) fn merged(all: Vec<Judgement>) -> Vec<Judgement> {
    let mut merged: Vec<Judgement> = Vec::new();
    let mut by_place: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for judgement in all {
        let of_place = by_place.entry(judgement.range.start).or_default();
        let same = of_place.iter().copied().find(|index| {
            let known: &Judgement = &merged[*index];
            known.range == judgement.range && known.fate == judgement.fate
        });
        match same {
            Some(index) => merged[index].targets.extend(judgement.targets),
            None => {
                of_place.push(merged.len());
                merged.push(judgement);
            }
        }
    }
    merged
}

impl Judged<'_> {
    fn folder(&self) -> &Path {
        self.module.path.parent().unwrap_or(Path::new("/"))
    }

    /// What becomes of the files that some places name on a target with these rules.
    pub(super) fn on_target(&self, rules: &DataRules, mentions: &[&Mention]) -> Vec<Judgement> {
        let mut judged = Vec::new();
        let targets: Vec<String> = match rules.target.as_str() {
            "" => Vec::new(),
            target => vec![target.to_owned()],
        };
        let mut judge = |range: Range<usize>, fate: Fate| {
            judged.push(Judgement {
                range,
                fate,
                targets: targets.clone(),
            });
        };
        let base = &self.standing.base;
        let map = PathMap::new(rules, self.module.workspace, base);
        let folders = (self.folder(), self.module.workspace);
        let mentioned = mentions.iter().copied();
        let located = data::locate(self.files, mentioned, folders, base, &map);
        let there = |shown, there: String| Fate::There {
            shown,
            is_in_image: rules.is_in_image(&there),
            there,
        };
        for (name, range) in located.missing {
            judge(range, Fate::Missing(name));
        }
        for (path, range) in located.astray {
            judge(range, Fate::Astray(path));
        }
        for (name, range) in located.absolute {
            judge(range, Fate::Absolute(name));
        }
        for (name, there, range) in located.elsewhere {
            judge(range, Fate::Elsewhere { name, there });
        }
        for (path, range) in located.there {
            judge(range, there(None, path));
        }
        for (path, (range, is_read)) in located.mapped {
            if let (true, Some(shown), Some(path)) =
                (is_read, tree_path(base, &path), map.there(&path))
            {
                judge(range, there(Some(shown), path));
            }
        }
        let ends = |range: &Range<usize>| (range.start, range.end);
        let wanted = mentions
            .iter()
            .filter(|mention| mention.read || mention.listed);
        let wanted: BTreeSet<_> = wanted.map(|mention| ends(&mention.range)).collect();
        // A path that counts from `__file__` says that a file is meant, wherever it is opened.
        let meant = mentions
            .iter()
            .filter(|mention| matches!(mention.named, Named::File(_)));
        let meant: BTreeSet<_> = meant.map(|mention| ends(&mention.range)).collect();
        let is_stored = |len| rules.store_from.is_some_and(|from| len >= from);
        let mut travelling: BTreeMap<usize, (Range<usize>, Travels)> = BTreeMap::new();
        for (path, (len, range)) in located.found {
            let shown = tree_path(base, &path).unwrap_or_default();
            if let Way::TooMuch(limit) = Load::new(rules, 0, 0).take(len) {
                judge(range, Fate::TooLarge { shown, len, limit });
                continue;
            }
            let is_meant = meant.contains(&ends(&range)) && path != self.module.path;
            if !wanted.contains(&ends(&range)) && !is_meant {
                continue;
            }
            let (_, travels) = travelling.entry(range.start).or_insert_with(|| {
                let none = Travels {
                    shown,
                    count: 0,
                    sum: 0,
                    stored: (0, 0),
                    is_asked: false,
                };
                (range, none)
            });
            travels.count += 1;
            travels.sum += len;
            if is_stored(len) {
                travels.stored = (travels.stored.0 + 1, travels.stored.1 + len);
                travels.is_asked = travels.stored.1 >= rules.ask_from;
            }
        }
        for (range, travels) in travelling.into_values() {
            judge(range, Fate::Travels(travels));
        }
        for (path, range) in located.outside {
            judge(range, Fate::Outside(path));
        }
        judged
    }

    /// What a judgement tells; `met` is the number of targets that its place meets.
    pub(super) fn finding(&self, judgement: Judgement, met: usize) -> Finding {
        let Judgement {
            range,
            fate,
            targets,
        } = judgement;
        let (code, severity) = fate.code();
        let names = named(&targets);
        let message = match (self.words(&fate, &targets, &names), fate.names_targets()) {
            (message, true) => message,
            (message, false) => on_some(&targets, met, message),
        };
        let fixes = self.fixes(&fate, &range).into_iter().collect();
        Finding::of_file(code, severity, message, range, fixes)
    }

    /// `names` are the targets' names as a sentence names them.
    fn words(&self, fate: &Fate, targets: &[String], names: &str) -> String {
        let several = targets.len() > 1;
        match fate {
            Fate::Missing(name) => {
                let near = tree_path(self.folder(), Path::new(name));
                let shown = near.as_ref().unwrap_or(name);
                format!(
                    "`{shown}` does not exist here, so it does not travel; a job has it only if it makes it itself"
                )
            }
            Fate::Astray(path) => astray(path, self.folder(), self.module.workspace),
            Fate::Absolute(name) => match self.relative(name) {
                Some(relative) => format!(
                    "`{name}` is an absolute path of this machine, but the file lies in the workspace: name it `{relative}`, so that it travels"
                ),
                None => format!(
                    "`{name}` is an absolute path: it must exist on the cluster under the same name"
                ),
            },
            Fate::Elsewhere { name, there } => elsewhere(name, there, names),
            Fate::There {
                shown,
                there,
                is_in_image,
            } => {
                let whose = if several { "the targets" } else { "the target" };
                let image = match is_in_image {
                    true => format!(
                        "; none of the `volumes` of {whose} has it, so it must be in the image"
                    ),
                    false => String::new(),
                };
                match shown {
                    None => format!("`{there}` is read where it lies on {names}{image}"),
                    Some(shown) => format!(
                        "`{shown}` does not travel: a job reads {there} on {names}, as `paths` of {whose} says{image}"
                    ),
                }
            }
            Fate::TooLarge { shown, len, limit } => format!(
                "`{shown}` is {}, more than the {} that `data_limit` of {names} allows; raise it, or put the file on the cluster and name its place in `paths` of the target",
                size(*len),
                size(*limit),
            ),
            Fate::Travels(travels) => travels.words(targets, names),
            Fate::Outside(path) => format!(
                "`{}` lies outside of the workspace and does not travel; move it into the workspace, or put it on the cluster and give its path there",
                path.display()
            ),
        }
    }

    fn fixes(&self, fate: &Fate, range: &Range<usize>) -> Option<Fix> {
        let folders = (self.folder(), self.module.workspace);
        let replaced = |text: &str, title: String| replaced(self.source, range, text, title);
        match fate {
            Fate::Missing(name) => {
                let near = fixes::nearest(self.files, name, folders)?;
                replaced(&near, format!("Read {near}, which is there"))
            }
            Fate::Absolute(name) | Fate::Elsewhere { name, .. } => {
                let near = self.relative(name)?;
                replaced(&near, format!("Make the path relative: {near}"))
            }
            Fate::Outside(path) => {
                let (name, copy) = fixes::copied(self.files, path, folders.0)?;
                let title = format!("Copy it to {name} and read that");
                let mut fix = replaced(&name, title)?;
                fix.elsewhere.push(copy);
                Some(fix)
            }
            Fate::Astray(_) | Fate::There { .. } | Fate::TooLarge { .. } | Fate::Travels(_) => None,
        }
    }

    /// The path from the module's folder of a file that the code names by an absolute one.
    fn relative(&self, name: &str) -> Option<String> {
        let folders = (self.folder(), self.module.workspace);
        from_folder(self.files, Path::new(name), folders.0, folders.1)
    }
}

impl Judgement {
    /// Where it stands.
    pub(super) fn range(&self) -> &Range<usize> {
        &self.range
    }

    /// Is it that a file is nowhere?
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.fate, Fate::Missing(_))
    }
}

impl Fate {
    fn code(&self) -> (Code, Severity) {
        match self {
            Fate::Missing(_) | Fate::Astray(_) => (Code::MissingData, Severity::Warning),
            Fate::Absolute(_) | Fate::Elsewhere { .. } => (Code::AbsolutePath, Severity::Warning),
            Fate::There { .. } | Fate::Travels(_) => (Code::DataTravels, Severity::Hint),
            Fate::TooLarge { .. } => (Code::TooLarge, Severity::Error),
            Fate::Outside(_) => (Code::OutsideWorkspace, Severity::Warning),
        }
    }

    /// Does its sentence name the targets anyway?
    fn names_targets(&self) -> bool {
        match self {
            Fate::Elsewhere { .. } | Fate::There { .. } | Fate::TooLarge { .. } => true,
            Fate::Travels(travels) => travels.stored.0 > 0,
            Fate::Missing(_) | Fate::Astray(_) | Fate::Absolute(_) | Fate::Outside(_) => false,
        }
    }
}

impl Travels {
    fn words(&self, targets: &[String], names: &str) -> String {
        let Travels {
            shown, count, sum, ..
        } = self;
        let (large, bytes) = self.stored;
        let store = match targets {
            [] => "to the store of data files".to_owned(),
            [one] => format!("to the store of data files of {one}"),
            _ => format!("to the stores of data files of {names}"),
        };
        let mut message = match count {
            1 if large > 0 => format!(
                "`{shown}` ({}) is sent once, {store}, and linked into each job",
                size(*sum)
            ),
            1 => format!("`{shown}` ({}) travels with the job", size(*sum)),
            count => format!(
                "{count} files travel with the job, {} together, such as `{shown}`",
                size(*sum)
            ),
        };
        if large > 0 && *count > 1 {
            message += &format!("; {large} of them, {}, only once, {store}", size(bytes));
        }
        if self.is_asked {
            message += "; you are asked before that";
        }
        message
    }
}

/// A sentence that is true on some targets only, unless these are all that its place meets, so many as `met`.
pub(super) fn on_some(targets: &[String], met: usize, message: String) -> String {
    match (1..met).contains(&targets.len()) {
        true => format!("for jobs on {}: {message}", named(targets)),
        false => message,
    }
}

/// `a`, `a and b`, `a, b and c`.
fn named(targets: &[String]) -> String {
    match targets {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// What is told of an absolute path of this machine that the path map translates: the code itself is never rewritten.
pub(super) fn elsewhere(name: &str, there: &str, target: &str) -> String {
    format!(
        "`{name}` is an absolute path of this machine, and a job looks for it under the same name, though `paths` of {target} says that it lies at {there} there: name it by a relative path below a folder that is in `paths`, or pass the path as an argument"
    )
}
