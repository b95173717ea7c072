//! `textDocument/hover` on a path of the machine on which a job runs: what is there.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Local};
use hoist_analysis::RemotePath;
use hoist_cluster::{FileKind, Glance, Names, Seen, Sight, TargetSettings};
use hoist_jobs::{Engine, Looked};
use tower_lsp::ls_types::{Hover, HoverParams};

use crate::lsp::analysis::Source;
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, remote, to_proto};

/// How long an answer that is under way is waited for.
const WAIT: Duration = Duration::from_millis(400);

/// What is told of an answer that is older than this: how old it is.
const OLD: Duration = Duration::from_secs(60);

/// What one asks about, found in the text alone.
pub(in crate::lsp) struct Wanted {
    path: RemotePath,
    targets: Vec<TargetSettings>,
}

/// The path under the cursor, if it is one.
pub(in crate::lsp) fn wanted(snapshot: &Snapshot, params: &HoverParams) -> Option<Wanted> {
    let place = &params.text_document_position_params;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    if !remote::may_name(open.document.text(), open.path.as_deref()) {
        return None;
    }
    let source = Source::of(snapshot, open)?;
    let offset = from_proto::offset(&open.document, place.position, snapshot.profile.encoding);
    let path = source.remote_path_at(snapshot, offset)?;
    let config = source.config(snapshot).ok()?;
    let targets = remote::targets(&config, &path);
    let targets = targets.into_iter().cloned().collect();
    Some(Wanted { path, targets })
}

/// What each target has there, as far as it is known or comes at once.
pub(in crate::lsp) async fn answer(
    engine: &Engine,
    snapshot: &Snapshot,
    params: &HoverParams,
    wanted: &Wanted,
) -> Option<Hover> {
    let markdown = snapshot.profile.markdown;
    let code = |text: &str| match markdown {
        // A name in backticks cannot hold one.
        true => format!("`{}`", text.replace('`', "'")),
        false => text.to_owned(),
    };
    let mut lines = Vec::new();
    match wanted.path.constant() {
        Some(place) => {
            let place_shown = code(&remote::shown(&place));
            for settings in &wanted.targets {
                let glance = Glance::at(place.clone());
                let looked = engine.look_soon(settings, &glance, WAIT).await;
                let said = said(&looked, settings);
                lines.push(format!("{place_shown} on {}: {said}", code(&settings.name)));
                if remote::has_files_of_its_own(settings) {
                    lines.push("So it is outside of the job's image; in it, files may be others.".to_owned());
                }
            }
        }
        None => lines.push(format!(
            "{} begins in the job's working directory: that is made when the job begins, and holds what travels with the function",
            code(&remote::shown(&wanted.path.literal.value))
        )),
    }
    let place = &params.text_document_position_params;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    let range = wanted.path.literal.range.clone();
    let text = lines.join(if markdown { "\n\n" } else { "\n" });
    Some(to_proto::hover(snapshot, &open.document, range, text))
}

fn said(looked: &Looked, settings: &TargetSettings) -> String {
    match looked {
        Looked::Known(look) => {
            let mut said = sight(&look.sight);
            let age = look.at.elapsed();
            if age > OLD {
                said.push_str(&format!(" ({} ago)", to_proto::duration(age.as_secs_f64())));
            }
            said
        }
        Looked::Asked => "it is being asked, look again in a moment".to_owned(),
        Looked::Unreachable => format!(
            "not known, as there is no connection to {0}; `Connect to {0}`, an action at this place, makes one, and so does a run",
            settings.name
        ),
    }
}

fn sight(sight: &Sight) -> String {
    match sight {
        Sight::Absent { link: true } => "a link to nothing".to_owned(),
        Sight::Absent { link: false } => "nothing is there".to_owned(),
        Sight::Unknown(why) => format!("it cannot be looked at ({why})"),
        Sight::There(seen) => seen_in_words(seen),
    }
}

fn seen_in_words(seen: &Seen) -> String {
    let what = match (&seen.holds, seen.kind) {
        (Some(Ok(names)), _) => format!("folder with {}", entries(names)),
        (Some(Err(why)), _) => format!("folder that cannot be listed ({why})"),
        (None, FileKind::File) => format!("file, {}", to_proto::size(seen.size)),
        (None, _) => "neither file nor folder".to_owned(),
    };
    let link = if seen.link { "a link to a " } else { "" };
    let changed = match changed(seen.modified) {
        Some(changed) => format!(", changed {changed}"),
        None => String::new(),
    };
    format!(
        "{link}{what}{changed}, permissions {}",
        permissions(seen.mode)
    )
}

fn entries(names: &Names) -> String {
    match (names.count, names.uncounted) {
        (count, true) => format!("more than {count} entries"),
        (1, false) => "1 entry".to_owned(),
        (count, false) => format!("{count} entries"),
    }
}

/// In the local time of this machine; none for what is no time.
fn changed(seconds: f64) -> Option<String> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    let at = SystemTime::UNIX_EPOCH.checked_add(since)?;
    // What a clock cannot show is none either.
    let in_range = seconds < 253_402_300_799.0;
    in_range.then(|| {
        DateTime::<Local>::from(at)
            .format("%Y-%m-%d %H:%M")
            .to_string()
    })
}

/// `rw-r--r-- (644)`.
fn permissions(mode: u32) -> String {
    let letters = (0..9).rev().zip("rwxrwxrwx".chars());
    let letters = letters.map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' });
    format!("{} ({mode:03o})", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_told_in_one_line() {
        let seen = |kind, mode, holds| Seen {
            kind,
            link: false,
            size: 12_345,
            modified: f64::NAN,
            mode,
            holds,
        };
        let file = seen(FileKind::File, 0o644, None);
        assert_eq!(
            seen_in_words(&file),
            "file, 12 kB, permissions rw-r--r-- (644)"
        );
        let names = |count, uncounted| {
            Some(Ok(Names {
                count,
                uncounted,
                ..Names::default()
            }))
        };
        let folder = |holds| seen_in_words(&seen(FileKind::Folder, 0o1750, holds));
        assert_eq!(
            folder(names(1, false)),
            "folder with 1 entry, permissions rwxr-x--- (1750)"
        );
        assert!(folder(names(200_000, true)).starts_with("folder with more than 200000 entries"));
        let denied = folder(Some(Err("Permission denied".to_owned())));
        assert!(denied.starts_with("folder that cannot be listed (Permission denied)"));
        assert!(changed(1.7e9).is_some_and(|text| text.starts_with("2023-11-1")));
        for odd in [-1.0, f64::INFINITY, 1e300, 3e11] {
            assert_eq!(changed(odd), None);
        }
    }
}
