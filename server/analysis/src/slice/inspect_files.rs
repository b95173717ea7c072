//! What there is to say about the files that the code of a module names.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::computed::{self, Computed};
use super::data::{self, Mention};
use super::paths::{Named, tidy};
use super::{file_fixes as fixes, tree_path};
use crate::audience::Audience;
use crate::data_rules::{Load, PathMap, Way};
use crate::files::Files;
use crate::include;
use crate::modules::Standing;
use crate::python::{Source, constant_text, expression};
use crate::words::has;
use crate::{Code, DataRules, Edit, Finding, Fix, Module, Settings, Severity};

/// Adds what there is to say about the files that a module names, whatever its entry.
pub(super) fn files(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    settings: &Settings,
    standing: &Standing,
    found: &mut Vec<Finding>,
) {
    let nowhere = DataRules::default();
    let default = settings.default_target.as_deref();
    let audience = Audience::read(source, default, &settings.data_rules);
    // What a statement's files meet: where that are several targets, the first.
    let rules_at = |at: usize| audience.of(at).first().copied().unwrap_or(&nowhere);
    let map_at = |at: usize| PathMap::new(rules_at(at), module.workspace, &standing.base);
    let mut asked = include::of_configuration(&settings.data, module.workspace);
    for (wanted, range) in include::above_functions(&source.document, module.path, &|_| true) {
        if map_at(range.start)
            .linked(&wanted.folder_of_all())
            .is_some()
        {
            continue;
        }
        let named = wanted.files(files);
        let limit = wanted.limit(module.workspace, &standing.base);
        let outside = named.files.iter().find(|path| !path.starts_with(limit));
        let told = outside.map(|path| include::outside(path));
        found.extend(told.or(named.trouble(&wanted.pattern)).map(|told| Finding {
            range: range.clone(),
            ..told
        }));
        asked.push(wanted);
    }
    let folders = (
        module.path.parent().unwrap_or(Path::new("/")),
        module.workspace,
    );
    let counts = data::may_name_some(files, folders);
    let keep = |_: usize| true;
    let mentions = data::mentions_that(module.path, source.body(), &keep, &counts);
    let places = computed::computed(module.path, source.body(), &mentions.readers);
    let mut by_target: Vec<(&DataRules, Vec<Mention>)> = Vec::new();
    for mention in mentions.all {
        let rules = rules_at(mention.range.start);
        match by_target.iter_mut().find(|(known, _)| *known == rules) {
            Some((_, mentions)) => mentions.push(mention),
            None => by_target.push((rules, vec![mention])),
        }
    }
    for (rules, mentions) in by_target {
        named(module, files, source, standing, rules, mentions, found);
    }
    let folders = asked.iter().map(|wanted| wanted.folder_of_all());
    let mut folders: Vec<PathBuf> = folders.collect();
    let rules = audience.all();
    for rules in rules {
        let map = PathMap::new(rules, module.workspace, &standing.base);
        folders.extend(map.linked.into_iter().map(|linked| linked.here));
    }
    computed(module, files, source, (places, &folders), found);
}

/// The pattern, from the workspace, by which the configuration lets the files travel that a finding of the file is about; none
/// where it is about no such files.
pub fn data_pattern(module: &Module<'_>, files: &dyn Files, finding: &Finding) -> Option<String> {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let folders = (folder, module.workspace);
    let source = Source::of(module.document).ok()?;
    match finding.code {
        Code::ComputedPath => {
            let every = |_: &str| true;
            let keep = |_: usize| true;
            let mentions = data::mentions_that(module.path, source.body(), &keep, &every);
            let places = computed::computed(module.path, source.body(), &mentions.readers);
            let place = places
                .into_iter()
                .find(|place| place.range == finding.range)?;
            let path = computed::folder_of(files, &place.folder, folders)?;
            let shown = tree_path(module.workspace, &path)?;
            Some(format!("{shown}/*{}", place.ending))
        }
        _ => None,
    }
}

/// Adds what there is to say about the files that a module names by constants, where they go to a target with these rules.
fn named(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    standing: &Standing,
    rules: &DataRules,
    mentions: Vec<Mention>,
    found: &mut Vec<Finding>,
) {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let base = &standing.base;
    let (foreign, mentions): (Vec<Mention>, Vec<Mention>) = mentions
        .into_iter()
        .partition(|mention| mention.read && is_foreign(&mention.named));
    let mut say = |code, severity, message: String, range: Range<usize>, fixes: Vec<Fix>| {
        found.push(Finding::of_file(code, severity, message, range, fixes));
    };
    for mention in &foreign {
        let Named::Text(text) = &mention.named else {
            continue;
        };
        let message = if has_drive(text) {
            format!(
                "`{text}` is a path of Windows, which means nothing on a cluster: name the file relative to the module, so that it travels"
            )
        } else {
            format!(
                "`{text}` has backslashes, which part no folders on a cluster: write it with `/`"
            )
        };
        let fixes = with_slashes(source, &mention.range, text)
            .into_iter()
            .collect();
        say(
            Code::ForeignPath,
            Severity::Warning,
            message,
            mention.range.clone(),
            fixes,
        );
    }
    let map = PathMap::new(rules, module.workspace, base);
    let located = data::locate(files, &mentions, (folder, module.workspace), base, &map);
    // Where something stands in for `open`, nobody knows what a file's name finds.
    let missing = located.missing.into_iter();
    for (name, range) in missing.filter(|_| !stands_in_for_open(source.text())) {
        let shown = tree_path(folder, Path::new(&name)).unwrap_or_else(|| name.clone());
        let message = format!(
            "`{shown}` does not exist here, so it does not travel; a job has it only if it makes it itself"
        );
        let fixes = fixes::nearest(files, &name, (folder, module.workspace))
            .and_then(|near| {
                replaced(
                    source,
                    &range,
                    &near,
                    format!("Read {near}, which is there"),
                )
            })
            .into_iter()
            .collect();
        say(Code::MissingData, Severity::Warning, message, range, fixes);
    }
    for (path, range) in located.astray {
        let message = astray(&path, folder, module.workspace);
        say(
            Code::MissingData,
            Severity::Warning,
            message,
            range,
            Vec::new(),
        );
    }
    for (name, range) in located.absolute {
        let relative = from_folder(files, Path::new(&name), folder, module.workspace);
        let (message, fixes) = match relative {
            Some(relative) => (
                format!(
                    "`{name}` is an absolute path of this machine, but the file lies in the workspace: name it `{relative}`, so that it travels"
                ),
                replaced(
                    source,
                    &range,
                    &relative,
                    format!("Make the path relative: {relative}"),
                )
                .into_iter()
                .collect(),
            ),
            None => (
                format!(
                    "`{name}` is an absolute path: it must exist on the cluster under the same name"
                ),
                Vec::new(),
            ),
        };
        say(Code::AbsolutePath, Severity::Warning, message, range, fixes);
    }
    for (name, there, range) in located.elsewhere {
        let message = elsewhere(&name, &there, &rules.target);
        let fixes =
            from_folder(files, Path::new(&name), folder, module.workspace).and_then(|near| {
                let title = format!("Make the path relative: {near}");
                replaced(source, &range, &near, title)
            });
        let fixes = fixes.into_iter().collect();
        say(Code::AbsolutePath, Severity::Warning, message, range, fixes);
    }
    let there = located.there.into_iter();
    let there = there.map(|(path, range)| (path.clone(), path, range));
    let mapped = located
        .mapped
        .into_iter()
        .filter_map(|(path, (range, is_read))| {
            let shown = tree_path(base, &path)?;
            Some((shown, map.there(&path)?, range)).filter(|_| is_read)
        });
    for (name, path, range) in there.chain(mapped) {
        let target = &rules.target;
        let message = match name == path {
            true => format!("`{name}` is read where it lies on {target}"),
            false => format!(
                "`{name}` does not travel: a job reads {path} on {target}, as `paths` of the target says"
            ),
        };
        say(
            Code::DataTravels,
            Severity::Hint,
            message,
            range,
            Vec::new(),
        );
    }
    let mut travelling: BTreeMap<usize, Vec<(String, u64, Range<usize>)>> = BTreeMap::new();
    for (path, (len, range)) in located.found {
        let shown = tree_path(base, &path).unwrap_or_default();
        if let Way::TooMuch(limit) = Load::new(rules, 0, 0).take(len) {
            let message = format!(
                "`{shown}` is {}, more than the {} that `data_limit` of {} allows; raise it, or put the file on the cluster and name its place in `paths` of the target",
                size(len),
                size(limit),
                rules.target
            );
            say(Code::TooLarge, Severity::Error, message, range, Vec::new());
        } else if mentions.iter().any(|mention| {
            // A path that counts from `__file__` says that a file is meant, wherever it is opened.
            let is_meant = matches!(mention.named, Named::File(_)) && path != module.path;
            mention.range == range && (mention.read || mention.listed || is_meant)
        }) {
            let files = travelling.entry(range.start).or_default();
            files.push((shown, len, range));
        }
    }
    let is_stored = |len| rules.store_from.is_some_and(|from| len >= from);
    let on_target = match rules.target.as_str() {
        "" => String::new(),
        target => format!(" of {target}"),
    };
    for (_, files) in travelling {
        let sum = files.iter().map(|(_, len, _)| len).sum();
        let mut message = match files.as_slice() {
            [(shown, len, _)] if is_stored(*len) => format!(
                "`{shown}` ({}) is sent once, to the store of data files{on_target}, and linked into each job",
                size(*len)
            ),
            [(shown, len, _)] => format!("`{shown}` ({}) travels with the job", size(*len)),
            files => format!(
                "{} files travel with the job, {} together, such as `{}`",
                files.len(),
                size(sum),
                files.first().map_or("", |(shown, ..)| shown)
            ),
        };
        let large = files.iter().filter(|(_, len, _)| is_stored(*len));
        let (count, bytes) = large.fold((0, 0), |(count, bytes), (_, len, _)| {
            (count + 1, bytes + len)
        });
        if count > 0 && files.len() > 1 {
            message += &format!(
                "; {count} of them, {}, only once, to the store of data files{on_target}",
                size(bytes)
            );
        }
        if count > 0 && bytes >= rules.ask_from {
            message += "; you are asked before that";
        }
        let range = files.into_iter().next().map_or(0..0, |(.., range)| range);
        say(
            Code::DataTravels,
            Severity::Hint,
            message,
            range,
            Vec::new(),
        );
    }
    for (path, range) in located.outside {
        let message = format!(
            "`{}` lies outside of the workspace and does not travel; move it into the workspace, or put it on the cluster and give its path there",
            path.display()
        );
        let fixes = fixes::copied(files, &path, folder)
            .and_then(|(name, copy)| {
                let title = format!("Copy it to {name} and read that");
                let mut fix = replaced(source, &range, &name, title)?;
                fix.elsewhere.push(copy);
                Some(fix)
            })
            .into_iter()
            .collect();
        say(
            Code::OutsideWorkspace,
            Severity::Warning,
            message,
            range,
            fixes,
        );
    }
}

/// Adds the places that read a file of a folder without saying which one. `asked` are the folders that patterns of the user
/// begin in.
fn computed(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    (places, asked): (Vec<Computed>, &[PathBuf]),
    found: &mut Vec<Finding>,
) {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    for place in places {
        let Some(path) = computed::folder_of(files, &place.folder, (folder, module.workspace))
        else {
            continue;
        };
        let shown = tree_path(folder, &path);
        let (true, Some(shown)) = (
            asked
                .iter()
                .all(|asked| !asked.starts_with(&path) && !path.starts_with(asked)),
            shown,
        ) else {
            continue;
        };
        let pattern = format!("{shown}/*{}", place.ending);
        let message = format!(
            "the file's name is computed when the code runs, so no file of `{shown}` travels for it: name them by `# hoist: data={pattern}` above the function"
        );
        let fix = fixes::letting_travel(source, place.range.start, &pattern);
        found.push(Finding {
            code: Code::ComputedPath,
            severity: Severity::Information,
            message,
            range: place.range,
            entry: None,
            fixes: fix.into_iter().collect(),
        });
    }
}

/// What is told of an absolute path of this machine that the path map translates: the code itself is never rewritten.
pub(super) fn elsewhere(name: &str, there: &str, target: &str) -> String {
    format!(
        "`{name}` is an absolute path of this machine, and a job looks for it under the same name, though `paths` of {target} says that it lies at {there} there: name it by a relative path below a folder that is in `paths`, or pass the path as an argument"
    )
}

/// What is told of a file that a job does not find, because it begins in another folder.
pub(super) fn astray(path: &Path, folder: &Path, workspace: &Path) -> String {
    let shown = |path: &Path| path.display().to_string();
    let name = path
        .strip_prefix(workspace)
        .map_or_else(|_| shown(path), shown);
    let begins = folder
        .strip_prefix(workspace)
        .map_or_else(|_| shown(folder), shown);
    format!(
        "`{name}` counts from the workspace, but other files are read from `{begins}`, where a job of this module begins: name it from there, or by a path from `__file__`"
    )
}

/// Does a test put something else in the place of `open`, or of the whole file system?
fn stands_in_for_open(text: &str) -> bool {
    let open = ["open'", "open\"", "open =", "open=", "'open'", "\"open\""];
    has(text, "mock_open")
        || has(text, "pyfakefs")
        || text.match_indices("builtins").any(|(at, word)| {
            let behind = text.get(at + word.len()..).unwrap_or_default();
            let behind = behind.trim_start_matches(['.', ',', ' ']);
            open.iter().any(|written| behind.starts_with(written))
        })
}

/// A number of bytes as people say it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// `C:\data` or `C:/data`
fn has_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && matches!(chars.next(), Some('/' | '\\'))
}

/// Is a path one that only Windows reads?
fn is_foreign(named: &Named) -> bool {
    let Named::Text(text) = named else {
        return false;
    };
    has_drive(text)
        || text.starts_with("\\\\")
        || text.contains('\\') && text.chars().all(|c| !c.is_control())
}

/// The literal with the parts of its path as every system reads them.
fn with_slashes(source: &Source, range: &Range<usize>, text: &str) -> Option<Fix> {
    if has_drive(text) || text.starts_with("\\\\") {
        return None;
    }
    let path = text.replace('\\', "/");
    replaced(
        source,
        range,
        &path,
        format!("Write the path with /: {path}"),
    )
}

/// The path of an existing file of the workspace as the module's code finds it: from the module's folder, else from the
/// workspace's.
fn from_folder(files: &dyn Files, path: &Path, folder: &Path, workspace: &Path) -> Option<String> {
    let path: PathBuf = tidy(path);
    if !files.metadata(&path).is_ok_and(|meta| meta.is_file) {
        return None;
    }
    tree_path(folder, &path).or_else(|| tree_path(workspace, &path))
}

/// Another text in place of a plain literal; none when it is no such literal.
fn replaced(source: &Source, range: &Range<usize>, text: &str, title: String) -> Option<Fix> {
    let old = source.text().get(range.clone())?;
    let literal = expression(old)?;
    constant_text(&literal)?;
    let quote = if old
        .trim_start_matches(['r', 'R', 'u', 'U'])
        .starts_with('\'')
    {
        '\''
    } else {
        '"'
    };
    if text.contains(['\\', quote, '\n']) {
        return None;
    }
    let edit = Edit {
        range: range.clone(),
        text: format!("{quote}{text}{quote}"),
    };
    Some(Fix::here(title, vec![edit]))
}
