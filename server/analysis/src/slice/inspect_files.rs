//! What there is to say about the files that the code of a module names.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::computed::{self, Computed};
use super::data::{self, Mention};
use super::judgement::{Judged, Judgement, merged, on_some};
use super::paths::{Named, tidy};
use super::{file_fixes as fixes, tree_path};
use crate::audience::Audience;
use crate::data_rules::PathMap;
use crate::files::Files;
use crate::include;
use crate::modules::Standing;
use crate::python::{Source, constant_text, expression};
use crate::{Code, DataRules, Edit, Finding, Fix, Module, Settings, Severity};
use hoist_syntax::words::has;

/// Adds what there is to say about the files that a module names, whatever its entry.
pub(super) fn files(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    settings: &Settings,
    standing: &Standing,
    found: &mut Vec<Finding>,
) {
    let nowhere = [&DataRules::default()];
    let default = settings.default_target.as_deref();
    let audience = Audience::read(source, default, &settings.data_rules);
    // A file is judged for every target that its statement meets.
    let rules_at = |at: usize| match audience.of(at) {
        [] => &nowhere[..],
        met => met,
    };
    let maps_at = |at: usize| {
        let maps = rules_at(at).iter();
        maps.map(|rules| PathMap::new(rules, module.workspace, &standing.base))
    };
    let mut asked = include::of_configuration(&settings.data, module.workspace);
    for (wanted, range) in include::above_functions(&source.document, module.path, &|_| true) {
        let folder = wanted.folder_of_all();
        if maps_at(range.start).all(|map| map.linked(&folder).is_some()) {
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
    let (of_windows, mentions): (Vec<Mention>, Vec<Mention>) = mentions
        .all
        .into_iter()
        .partition(|mention| mention.read && is_foreign(&mention.named));
    foreign(source, &of_windows, found);
    let mut by_target: BTreeMap<&str, (&DataRules, Vec<&Mention>)> = BTreeMap::new();
    for mention in &mentions {
        for rules in rules_at(mention.range.start) {
            let of_target = by_target.entry(&rules.target);
            let (_, mentions) = of_target.or_insert_with(|| (rules, Vec::new()));
            mentions.push(mention);
        }
    }
    let judged = Judged {
        module,
        files,
        source,
        standing,
    };
    let by_target = by_target.into_values();
    let judgements = by_target.flat_map(|(rules, mentions)| judged.on_target(rules, &mentions));
    // Where something stands in for `open`, nobody knows what a file's name finds.
    let stands_in = OnceCell::new();
    let is_told = |judgement: &Judgement| {
        !judgement.is_missing() || !stands_in.get_or_init(|| stands_in_for_open(source.text()))
    };
    for judgement in merged(judgements.filter(is_told).collect()) {
        let met = rules_at(judgement.range().start).len();
        found.push(judged.finding(judgement, met));
    }
    let asked: Vec<PathBuf> = asked.iter().map(|wanted| wanted.folder_of_all()).collect();
    for place in places {
        let start = place.range.start;
        // The targets on which no file of a folder is.
        let lacking = |path: &Path| {
            let is_near = |other: &Path| other.starts_with(path) || path.starts_with(other);
            let is_asked = asked.iter().any(|asked| is_near(asked));
            let rules = rules_at(start).iter().zip(maps_at(start));
            let lacks = rules.filter(|(_, map)| {
                !is_asked && !map.linked.iter().any(|linked| is_near(&linked.here))
            });
            lacks.map(|(rules, _)| rules.target.clone()).collect()
        };
        let met = rules_at(start).len();
        found.extend(computed(module, files, source, place, &lacking, met));
    }
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

/// Adds the paths that only Windows reads.
fn foreign(source: &Source, mentions: &[Mention], found: &mut Vec<Finding>) {
    for mention in mentions {
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
        found.push(Finding::of_file(
            Code::ForeignPath,
            Severity::Warning,
            message,
            mention.range.clone(),
            with_slashes(source, &mention.range, text)
                .into_iter()
                .collect(),
        ));
    }
}

/// What there is to say of a place that reads a file of a folder without saying which one, unless there are files of that folder on
/// all of the targets that it meets, so many as `met`. `lacking` are the others, by name.
fn computed(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    place: Computed,
    lacking: &dyn Fn(&Path) -> Vec<String>,
    met: usize,
) -> Option<Finding> {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let path = computed::folder_of(files, &place.folder, (folder, module.workspace))?;
    let shown = tree_path(folder, &path)?;
    let lacking = lacking(&path);
    if lacking.is_empty() {
        return None;
    }
    let pattern = format!("{shown}/*{}", place.ending);
    let message = format!(
        "the file's name is computed when the code runs, so no file of `{shown}` travels for it: name them by `# hoist: data={pattern}` above the function"
    );
    let fix = fixes::letting_travel(source, place.range.start, &pattern);
    Some(Finding::of_file(
        Code::ComputedPath,
        Severity::Information,
        on_some(&lacking, met, message),
        place.range,
        fix.into_iter().collect(),
    ))
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
pub(super) fn from_folder(
    files: &dyn Files,
    path: &Path,
    folder: &Path,
    workspace: &Path,
) -> Option<String> {
    let path: PathBuf = tidy(path);
    if !files.metadata(&path).is_ok_and(|meta| meta.is_file) {
        return None;
    }
    tree_path(folder, &path).or_else(|| tree_path(workspace, &path))
}

/// Another text in place of a plain literal; none when it is no such literal.
pub(super) fn replaced(
    source: &Source,
    range: &Range<usize>,
    text: &str,
    title: String,
) -> Option<Fix> {
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
