//! The files of targets as an open document names them: from a literal of the analysis to what the engine knows of the target.

use std::path::Path;

use hoist_analysis::{Code, Finding, RemotePath, Severity};
use hoist_cluster::{EnvironmentKind, TargetSettings};
use hoist_jobs::{Config, Engine, Standing};

use super::analysis::{Overlay, Source};
use super::snapshot::Snapshot;

/// The targets that a literal meets; those that no configuration has are told of elsewhere.
pub(super) fn targets<'c>(config: &'c Config, path: &RemotePath) -> Vec<&'c TargetSettings> {
    let names = path.targets.iter();
    names
        .filter_map(|name| match name {
            Some(name) => config.target(name).ok(),
            None => Some(config.default_target()),
        })
        .collect()
}

/// Does a job there see other files than the machine that is asked?
pub(super) fn has_files_of_its_own(settings: &TargetSettings) -> bool {
    matches!(settings.environment, Some(EnvironmentKind::Image(_)))
}

/// A path for people: bytes that are no text, and characters that are not shown, as escapes.
pub(super) fn shown(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character.is_control() {
                true => text.extend(character.escape_default()),
                false => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// What to say of literals that name nothing on their targets, as far as those have answered; what is not known is asked for beside
/// everything else.
pub(super) fn findings(engine: &Engine, snapshot: &Snapshot, source: &Source<'_>) -> Vec<Finding> {
    let paths = source.remote_paths(snapshot);
    let Ok(config) = source.config(snapshot) else {
        return Vec::new();
    };
    let mut found: Vec<Finding> = paths
        .iter()
        .filter_map(|path| finding(engine, &config, path))
        .collect();
    if !found.is_empty() {
        let settings = config.settings(source.path, &source.workspace);
        hoist_analysis::silence(&source.open.document, &settings, &mut found);
    }
    found
}

fn finding(engine: &Engine, config: &Config, path: &RemotePath) -> Option<Finding> {
    if path.function.is_question() || path.may_be_missing {
        return None;
    }
    let place = path.constant()?;
    let name = path.function.name();
    let wants_folder = path.function.wants_folder();
    let mut missing: Vec<(&str, &str)> = Vec::new();
    for settings in targets(config, path) {
        match engine.standing(settings, &place) {
            Standing::Missing => missing.push(("nothing", &settings.name)),
            Standing::There { folder: false } if wants_folder => {
                missing.push(("no folder", &settings.name));
            }
            Standing::There { .. } | Standing::Unknown => {}
        }
    }
    let (what, _) = *missing.first()?;
    let names: Vec<&str> = missing.iter().map(|(_, name)| *name).collect();
    let then = match name {
        "cluster_stat" => "raises FileNotFoundError",
        "cluster_du" | "cluster_count_files" => "counts nothing",
        _ => "finds nothing",
    };
    Some(Finding {
        code: Code::NotThere,
        severity: Severity::Warning,
        message: format!(
            "there is {what} at `{}` on {}, so `{name}` {then}; correct the path, or make it there before the job needs it",
            shown(&place),
            names.join(" and on ")
        ),
        range: path.literal.range.clone(),
        entry: None,
        fixes: Vec::new(),
    })
}

impl Source<'_> {
    /// The literal around a place, with the document's other files as they are in the editor.
    pub(super) fn remote_path_at(&self, snapshot: &Snapshot, offset: usize) -> Option<RemotePath> {
        hoist_analysis::remote_path_at(&self.module(), &Overlay::of(snapshot), offset)
    }
}

/// Whether a file may name anything over there at all: for what is asked of all documents.
pub(super) fn may_name(text: &str, path: Option<&Path>) -> bool {
    path.is_some() && text.contains("cluster_")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_path_is_shown_in_one_line_without_anything_that_a_screen_obeys() {
        assert_eq!(shown("/a é/b".as_bytes()), "/a é/b");
        assert_eq!(shown(b"/a\nb\x1b[31m\xff"), "/a\\nb\\u{1b}[31m\\xff");
    }
}
