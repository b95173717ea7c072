//! `textDocument/completion` inside of a path of the machine on which a job runs.

use std::collections::BTreeMap;
use std::time::Duration;

use hoist_analysis::{RemotePath, Segment};
use hoist_cluster::{FileKind, Glance, Names, Seen, Sight, TargetSettings};
use hoist_jobs::{Engine, Looked};
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionList,
    CompletionParams, CompletionResponse, CompletionTextEdit, Range, TextEdit,
};

use crate::lsp::analysis::Source;
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, remote, to_proto};

/// How long an answer that is under way is waited for.
const WAIT: Duration = Duration::from_millis(400);

/// As many names as are proposed at once.
const MOST: usize = 1_000;

/// What is to be completed, found in the text alone.
pub(in crate::lsp) struct Wanted {
    path: RemotePath,
    /// None where it begins in the job's working directory.
    folder: Option<Vec<u8>>,
    segment: Segment,
    range: Range,
    targets: Vec<TargetSettings>,
}

/// The path around the cursor, if it is one.
pub(in crate::lsp) fn wanted(snapshot: &Snapshot, params: &CompletionParams) -> Option<Wanted> {
    let place = &params.text_document_position;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    let document = &open.document;
    if !remote::may_name(document.text(), open.path.as_deref()) {
        return None;
    }
    let source = Source::of(snapshot, open)?;
    let offset = from_proto::offset(document, place.position, snapshot.profile.encoding);
    let path = source.remote_path_at(snapshot, offset)?;
    let (folder, segment) = path.completes(document.text(), offset)?;
    let config = source.config(snapshot).ok()?;
    let targets = remote::targets(&config, &path);
    Some(Wanted {
        folder,
        range: to_proto::range(document, segment.replace.clone(), snapshot.profile.encoding),
        segment,
        targets: targets.into_iter().cloned().collect(),
        path,
    })
}

/// What the targets have there, as far as it is known or comes at once; what is not known yet makes the list incomplete, so that
/// the client asks again with the next character.
pub(in crate::lsp) async fn answer(engine: &Engine, wanted: &Wanted) -> CompletionResponse {
    let mut names: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    let mut is_incomplete = false;
    for settings in wanted.folder.iter().flat_map(|_| &wanted.targets) {
        is_incomplete |= !add(engine, settings, wanted, &mut names).await;
    }
    if wanted.folder.is_none() && wanted.segment.folder.is_empty() && !wanted.path.is_pattern {
        // Where a path may begin.
        names.extend([(b"/".to_vec(), true), (b"~".to_vec(), true)]);
    }
    if names.len() > MOST {
        names.retain(|name, _| name.starts_with(&wanted.segment.typed));
        is_incomplete = true;
    }
    let items = names
        .iter()
        .filter_map(|(name, folder)| item(wanted, name, *folder));
    CompletionResponse::List(CompletionList {
        is_incomplete,
        items: items.take(MOST).collect(),
    })
}

/// Adds what one target has; true when that is all.
async fn add(
    engine: &Engine,
    settings: &TargetSettings,
    wanted: &Wanted,
    names: &mut BTreeMap<Vec<u8>, bool>,
) -> bool {
    let Some(folder) = &wanted.folder else {
        return true;
    };
    let mut glance = Glance::at(folder.clone());
    let mut is_all = true;
    loop {
        let Looked::Known(look) = engine.look_soon(settings, &glance, WAIT).await else {
            return false;
        };
        let Some(found) = names_of(&look.sight) else {
            return true;
        };
        names.extend(found.names.iter().cloned());
        if !found.more {
            return is_all;
        }
        is_all = false;
        let typed = &wanted.segment.typed;
        if typed.is_empty() || glance.prefix == *typed {
            return false;
        }
        // More than are listed: those that begin as what is typed.
        glance.prefix.clone_from(typed);
    }
}

fn names_of(sight: &Sight) -> Option<&Names> {
    match sight {
        Sight::There(Seen {
            kind: FileKind::Folder,
            holds: Some(Ok(names)),
            ..
        }) => Some(names),
        _ => None,
    }
}

/// Folders first, and of both what is hidden last.
fn item(wanted: &Wanted, name: &[u8], folder: bool) -> Option<CompletionItem> {
    let slash = |text: &mut String| {
        let has_one = wanted.segment.has_slash || text.ends_with('/');
        if folder && !has_one {
            text.push('/');
        }
    };
    let mut written = wanted.path.write(name)?;
    slash(&mut written);
    let mut label = remote::shown(name);
    if folder && !label.ends_with('/') {
        label.push('/');
    }
    let hidden = name.starts_with(b".");
    let on: Vec<&str> = wanted
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .collect();
    Some(CompletionItem {
        sort_text: Some(format!("{}{}{label}", u8::from(!folder), u8::from(hidden))),
        filter_text: Some(written.clone()),
        kind: Some(match folder {
            true => CompletionItemKind::FOLDER,
            false => CompletionItemKind::FILE,
        }),
        label_details: Some(CompletionItemLabelDetails {
            detail: None,
            description: Some(on.join(", ")),
        }),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit {
            range: wanted.range,
            new_text: written,
        })),
        label,
        ..CompletionItem::default()
    })
}
