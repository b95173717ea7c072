//! `textDocument/codeAction`: the same as the lenses for clients without them, calls and selections, and the fixes of findings.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use hoist_analysis::{Chunk, FileChange, Files, Finding, Fix, Runnable, RunnableKind};
use hoist_cluster::TargetSettings;
use hoist_jobs::{Engine, IgnoredIn, data_change, ignore_change};
use hoist_syntax::LineIndex;
use serde_json::json;
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command, CreateFile,
    CreateFileOptions, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, ResourceOp, TextDocumentEdit, TextEdit, Uri,
    WorkspaceEdit,
};

use super::code_lens;
use crate::lsp::analysis::{Overlay, Source};
use crate::lsp::ext::{self, command};
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, remote, to_proto};

/// The kind of the actions that do something with a function.
pub(in crate::lsp) const KIND: CodeActionKind = CodeActionKind::new("hoist");

/// Fixes first, then what can be done with the call under the cursor, the selection, and the function or cell around them.
pub(in crate::lsp) fn code_action(
    snapshot: &Snapshot,
    engine: Option<&Engine>,
    params: &CodeActionParams,
) -> Option<Vec<CodeActionOrCommand>> {
    let open = snapshot.document(params.text_document.uri.as_str())?;
    let source = Source::of(snapshot, open)?;
    let document = &open.document;
    let offset = |place| from_proto::offset(document, place, snapshot.profile.encoding);
    let asked = offset(params.range.start)..offset(params.range.end);
    let wants = |kind: &CodeActionKind| match &params.context.only {
        None => true,
        Some(only) => only.iter().any(|only| covers(only.as_str(), kind.as_str())),
    };

    let mut actions = Vec::new();
    let literals = snapshot.profile.code_action_literals;
    let mut offered: Vec<Fix> = Vec::new();
    if wants(&CodeActionKind::QUICKFIX) && literals {
        // The cursor need not be on the very word: its line is near enough.
        let lines = |range: &Range<usize>| {
            let lines = document.lines();
            lines.line_of(range.start)..lines.line_of(range.end)
        };
        let findings = source.findings(snapshot);
        let remote = engine.map(|engine| remote::findings(engine, snapshot, &source));
        let near: Vec<&Finding> = findings
            .iter()
            .chain(remote.iter().flatten())
            .filter(|finding| touches(&lines(&finding.range), &lines(&asked)))
            .collect();
        for finding in &near {
            actions.extend(fixes(snapshot, &source, finding, &finding.fixes, true));
            offered.extend(finding.fixes.iter().cloned());
            let with_every_job = including(&source, snapshot, finding);
            actions.extend(fixes(snapshot, &source, finding, &with_every_job, false));
        }
        for finding in near {
            let fixes = fixes(
                snapshot,
                &source,
                finding,
                &ignoring(&source, snapshot, finding),
                false,
            );
            actions.extend(fixes);
        }
    }
    if wants(&CodeActionKind::REFACTOR_REWRITE) && literals {
        let moves = hoist_analysis::moves_of_imports(source.path, document, &asked);
        let moves = moves.iter().filter(|moved| !offered.contains(moved));
        actions.extend(moves.filter_map(|moved| {
            Some(CodeActionOrCommand::CodeAction(CodeAction {
                title: moved.title.clone(),
                kind: Some(CodeActionKind::REFACTOR_REWRITE),
                edit: Some(changes(snapshot, &source, moved)?),
                ..CodeAction::default()
            }))
        }));
    }
    if wants(&KIND) {
        let runnables = source.runnables();
        let around = runnables
            .iter()
            .filter(|runnable| touches(&runnable.range, &asked))
            .min_by_key(|runnable| runnable.range.len());
        let mut all: Vec<Command> = Vec::new();
        if let Some(chunk) = hoist_analysis::chunk(document, &asked) {
            all.extend(commands_of_chunk(snapshot, &source, &chunk));
        }
        if let Some(runnable) = around {
            all.extend(commands(snapshot, &source, runnable));
        }
        if let Some(engine) = engine {
            all.extend(connecting(snapshot, engine, &source, around, asked.start));
        }
        actions.extend(all.into_iter().map(|command| {
            if !snapshot.profile.code_action_literals {
                return CodeActionOrCommand::Command(command);
            }
            CodeActionOrCommand::CodeAction(CodeAction {
                title: command.title.clone(),
                kind: Some(KIND),
                command: Some(command),
                ..CodeAction::default()
            })
        }));
    }
    Some(actions)
}

/// Connecting to the targets that the path under the cursor, else the function around it, goes to, where nobody has yet.
fn connecting(
    snapshot: &Snapshot,
    engine: &Engine,
    source: &Source<'_>,
    around: Option<&Runnable>,
    offset: usize,
) -> Vec<Command> {
    let Ok(config) = source.config(snapshot) else {
        return Vec::new();
    };
    let path = source.remote_path_at(snapshot, offset);
    let targets = match (&path, around) {
        (Some(path), _) => remote::targets(&config, path),
        (None, Some(runnable)) => match &runnable.directives.target {
            Some(name) => config.target(name).into_iter().collect(),
            None => vec![config.default_target()],
        },
        (None, None) => Vec::new(),
    };
    let is_missing =
        |target: &&TargetSettings| target.host.is_some() && !engine.is_connected(target);
    let connect = |target: &TargetSettings| {
        let argument = ext::ConnectArguments {
            target: Some(target.name.clone()),
            uri: Some(source.open.uri.to_string()),
        };
        let title = format!("Connect to {}", target.name);
        Command::new(
            title,
            command::CONNECT.to_owned(),
            Some(vec![json!(argument)]),
        )
    };
    targets
        .into_iter()
        .filter(is_missing)
        .map(connect)
        .collect()
}

/// `only` of a client covers a kind and everything below it; the empty kind covers all.
fn covers(only: &str, kind: &str) -> bool {
    let below = kind.strip_prefix(only);
    only.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn touches<T: PartialOrd>(one: &Range<T>, other: &Range<T>) -> bool {
    one.start <= other.end && other.start <= one.end
}

/// What can be done with the call under the cursor, or with the statements that are selected.
fn commands_of_chunk(snapshot: &Snapshot, source: &Source<'_>, chunk: &Chunk) -> Vec<Command> {
    let uri = source.open.uri.as_str();
    let config = source.config(snapshot).ok();
    let default = config
        .as_ref()
        .map(|config| config.default_target().name.as_str());
    let what = match &chunk.call {
        Some(call) => format!("Run `{call}`"),
        None => "Run selection".to_owned(),
    };
    let argument = || Some(vec![code_lens::argument(uri, &chunk.entry)]);
    let title = code_lens::on(&what, default);
    let mut commands = vec![Command::new(title, command::RUN.to_owned(), argument())];
    if config.is_some_and(|config| config.targets().count() > 1) {
        let title = format!("{what} on...");
        commands.push(Command::new(title, command::RUN_ON.to_owned(), argument()));
    }
    commands
}

fn commands(snapshot: &Snapshot, source: &Source<'_>, runnable: &Runnable) -> Vec<Command> {
    let uri = source.open.uri.as_str();
    let is_cell = runnable.kind == RunnableKind::Cell;
    let name = if is_cell { "cell" } else { &runnable.qualname };
    let config = source.config(snapshot).ok();
    let default = config
        .as_ref()
        .map(|config| config.default_target().name.as_str());
    let argument = || Some(vec![code_lens::argument(uri, &runnable.entry)]);
    let titled = |mut command: Command, title: String| {
        command.title = title;
        command
    };
    let run = code_lens::run(uri, runnable, default);
    let mut commands = if is_cell {
        vec![run]
    } else {
        let title = run.title.replacen("Run", &format!("Run {name}"), 1);
        vec![
            titled(run, title),
            titled(
                code_lens::run_with(uri, runnable),
                format!("Run {name} with arguments..."),
            ),
            titled(
                code_lens::run_sweep(uri, runnable),
                format!("Run {name} over many values..."),
            ),
            titled(
                code_lens::run_map(uri, runnable),
                format!("Run {name} for each item of a file..."),
            ),
        ]
    };
    if config.is_some_and(|config| config.targets().count() > 1) {
        let title = format!("Run {name} on...");
        commands.push(Command::new(title, command::RUN_ON.to_owned(), argument()));
    }
    let entry = runnable.entry.to_string();
    let newest = snapshot.jobs.newest_of(source.path, &entry);
    commands.extend(newest.and_then(|job| code_lens::with_more(job)));
    let title = format!("Show the package of {name}");
    let show = command::SHOW_PACKAGE.to_owned();
    commands.push(Command::new(title, show, argument()));
    let title = format!("Show the job script of {name}");
    let show = command::SHOW_SCRIPT.to_owned();
    commands.push(Command::new(title, show, argument()));
    let job = snapshot
        .jobs
        .newest_of(source.path, &runnable.entry.to_string());
    if let Some(job) = job {
        let argument = Some(vec![json!(ext::CancelArguments {
            job: Some(job.job.to_string())
        })]);
        if !job.state.is_end() {
            let title = format!("Cancel {name} ({} on {})", job.state, job.target);
            let cancel = command::CANCEL.to_owned();
            commands.push(Command::new(title, cancel, argument.clone()));
        }
        if job.state.is_end() {
            let title = format!("Show the result of {name}");
            let show = command::SHOW_RESULT.to_owned();
            commands.push(Command::new(title, show, argument.clone()));
        }
        if !job.figures.is_empty() || !job.files.is_empty() {
            let title = format!("Open a file that {name} wrote...");
            let open = command::OPEN_FILES.to_owned();
            commands.push(Command::new(title, open, argument.clone()));
        }
        let title = format!("Show the output of {name}");
        commands.push(Command::new(
            title,
            command::SHOW_OUTPUT.to_owned(),
            argument,
        ));
    }
    commands
}

/// The actions of some fixes of a finding; the first is the one to take where `preferred`.
fn fixes(
    snapshot: &Snapshot,
    source: &Source<'_>,
    finding: &Finding,
    fixes: &[Fix],
    preferred: bool,
) -> Vec<CodeActionOrCommand> {
    let open = source.open;
    let encoding = snapshot.profile.encoding;
    let changes = fixes
        .iter()
        .filter_map(|fix| Some((fix, changes(snapshot, source, fix)?)));
    let action = |(index, (fix, edit)): (usize, (&Fix, WorkspaceEdit))| {
        CodeActionOrCommand::CodeAction(CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![to_proto::finding(open, finding, encoding)]),
            edit: Some(edit),
            is_preferred: Some(preferred && index == 0),
            ..CodeAction::default()
        })
    };
    changes.enumerate().map(action).collect()
}

/// The change of the configuration that lets the files travel that a finding is about.
fn including(source: &Source<'_>, snapshot: &Snapshot, finding: &Finding) -> Vec<Fix> {
    let files = Overlay::of(snapshot);
    let read = |path: &Path| String::from_utf8(files.read(path).ok()?).ok();
    let pattern = hoist_analysis::data_pattern(&source.module(), &files, finding);
    let change = |pattern: &String| data_change(&source.workspace, pattern, &read);
    let fix = pattern.and_then(|pattern| Some((change(&pattern)?, pattern)));
    let titled = |(change, pattern): (FileChange, String)| {
        let title = format!("Let {pattern} travel with every job ({})", name_of(&change));
        Fix::elsewhere(title, change)
    };
    fix.map(titled).into_iter().collect()
}

fn name_of(change: &FileChange) -> String {
    let name = change.path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The ways not to be told of a finding again: here, in this file, in the workspace.
fn ignoring(source: &Source<'_>, snapshot: &Snapshot, finding: &Finding) -> Vec<Fix> {
    let code = finding.code;
    let files = Overlay::of(snapshot);
    let read = |path: &Path| String::from_utf8(files.read(path).ok()?).ok();
    let change = |of: IgnoredIn| ignore_change(&source.workspace, code, &of, &read);
    let mut fixes: Vec<Fix> = hoist_analysis::ignore_here(&source.open.document, finding)
        .into_iter()
        .collect();
    let relative = source.path.strip_prefix(&source.workspace).ok();
    let pattern = relative.map(|path| path.to_string_lossy().replace('\\', "/"));
    if let Some(pattern) = pattern
        && let Some(change) = change(IgnoredIn::Files(pattern.clone()))
    {
        let title = format!("Ignore {code} in {pattern} ({})", name_of(&change));
        fixes.push(Fix::elsewhere(title, change));
    }
    if let Some(change) = change(IgnoredIn::Workspace) {
        let title = format!("Ignore {code} in the workspace ({})", name_of(&change));
        fixes.push(Fix::elsewhere(title, change));
    }
    fixes
}

/// What a fix changes, in this document and in others. None when another file is no longer what the fix was made for, or
/// does not exist and the client cannot make files.
fn changes(snapshot: &Snapshot, source: &Source<'_>, fix: &Fix) -> Option<WorkspaceEdit> {
    let encoding = snapshot.profile.encoding;
    let files = Overlay::of(snapshot);
    let here = fix.edits.iter().map(|edit| TextEdit {
        range: to_proto::range(&source.open.document, edit.range.clone(), encoding),
        new_text: edit.text.clone(),
    });
    let here: Vec<TextEdit> = here.collect();
    let mut changed: Vec<(Uri, Vec<TextEdit>)> = Vec::new();
    if !here.is_empty() {
        changed.push((source.open.uri.clone(), here));
    }
    let mut made: Vec<Uri> = Vec::new();
    for change in &fix.elsewhere {
        let now = files
            .read(&change.path)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let uri = snapshot.uri_of(&change.path)?;
        if now != change.before {
            return None;
        }
        if now.is_none() {
            made.push(uri.clone());
        }
        let text = now.unwrap_or_default();
        let lines = LineIndex::new(&text);
        let edits = change.edits.iter().map(|edit| TextEdit {
            range: to_proto::range_in(&text, &lines, edit.range.clone(), encoding),
            new_text: edit.text.clone(),
        });
        changed.push((uri, edits.collect()));
    }
    if made.is_empty() {
        // The protocol's map is keyed by URI; ours is never changed through it.
        #[allow(clippy::mutable_key_type)]
        let changes = HashMap::from_iter(changed);
        return Some(WorkspaceEdit {
            changes: Some(changes),
            ..WorkspaceEdit::default()
        });
    }
    if !snapshot.profile.creates_files {
        return None;
    }
    let create = made.into_iter().map(|uri| {
        DocumentChangeOperation::Op(ResourceOp::Create(CreateFile {
            uri,
            options: Some(CreateFileOptions {
                overwrite: Some(false),
                ignore_if_exists: Some(true),
            }),
            annotation_id: None,
        }))
    });
    let edit = changed.into_iter().map(|(uri, edits)| {
        DocumentChangeOperation::Edit(TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { uri, version: None },
            edits: edits.into_iter().map(OneOf::Left).collect(),
        })
    });
    Some(WorkspaceEdit {
        document_changes: Some(DocumentChanges::Operations(create.chain(edit).collect())),
        ..WorkspaceEdit::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_covers_what_is_below_it() {
        assert!(covers("", "quickfix"));
        assert!(covers("quickfix", "quickfix"));
        assert!(covers("hoist", "hoist.run"));
        assert!(!covers("quickfix", "quickfixes"));
        assert!(!covers("source", "quickfix"));
    }
}
