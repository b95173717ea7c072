//! `textDocument/hover` on a function's name: what its package holds, and when it would start.

use std::collections::BTreeMap;

use hoist_analysis::{DataRules, Requirement, Runnable, Slice, Wishes};
use hoist_jobs::{Config, Engine, JobView, destination};
use tower_lsp::ls_types::{Hover, HoverParams};

use crate::forecast;
use crate::lsp::analysis::{Overlay, Source};
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, to_proto};
use crate::result_text;

/// As many previews as one reads in a hover, and as many characters of a `repr`.
const PREVIEWS: usize = 3;
const REPR: usize = 400;

/// As many files as a person reads in a hover.
const MOST: usize = 12;

/// What the package of the function under the cursor would hold, or why there would be none. Where its target is connected, what
/// that one's scheduler said of it lately; nobody waits for that.
pub(in crate::lsp) fn hover(
    snapshot: &Snapshot,
    engine: Option<&Engine>,
    params: &HoverParams,
) -> Option<Hover> {
    let place = &params.text_document_position_params;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    if open.config {
        return crate::lsp::config::hover(snapshot, open, place.position);
    }
    let source = Source::of(snapshot, open)?;
    let document = &open.document;
    let at = from_proto::offset(document, place.position, snapshot.profile.encoding);
    let runnables = source.runnables();
    let runnable = runnables
        .iter()
        .find(|runnable| (runnable.name_range.start..=runnable.name_range.end).contains(&at))?;
    let files = Overlay::of(snapshot);
    let config = source.config(snapshot).ok();
    let module = source.module();
    let wishes = Wishes {
        args: runnable.directives.args.as_deref(),
        data: config.as_ref().map_or(&[][..], |config| config.data()),
        force: false,
        rules: config.as_ref().map_or_else(DataRules::default, |config| {
            config.data_rules(runnable.directives.target.as_deref())
        }),
    };
    let cut = |wishes: &Wishes<'_>| {
        hoist_analysis::slice_as_wished(&module, &files, &runnable.entry, wishes)
    };
    let slice = match cut(&wishes) {
        // Without arguments there is still something to say about what travels.
        Err(refusal) if refusal.can_force => cut(&Wishes {
            force: true,
            ..wishes.clone()
        })
        .map_err(|_| refusal),
        other => other,
    };
    let text = match slice {
        Ok(slice) => {
            let mut text = describe(runnable, &slice, snapshot.profile.markdown);
            let when = engine.zip(config.as_ref());
            let when = when.and_then(|(engine, config)| starts(engine, config, runnable));
            if let Some(when) = when {
                text.push_str(&format!("\n\n{when}"));
            }
            let entry = runnable.entry.to_string();
            if let Some(job) = snapshot.jobs.newest_of(source.path, &entry) {
                text.push_str(&result(job, snapshot.profile.markdown));
            }
            text
        }
        Err(refusal) => format!("{} cannot run: {refusal}", runnable.qualname),
    };
    let range = runnable.name_range.clone();
    Some(to_proto::hover(snapshot, document, range, text))
}

/// What the newest job gave, in its first previews.
fn result(job: &JobView, markdown: bool) -> String {
    let Some(result) = &job.result else {
        return String::new();
    };
    let block = |text: &str| match markdown {
        // Nothing in it can end the fence.
        true => format!("\n```text\n{}\n```\n", text.trim_end().replace('`', "'")),
        false => format!("\n{}\n", text.trim_end()),
    };
    let mut text = format!("\n\nIts last result on {}:\n", job.target);
    if result.previews.is_empty() {
        let repr: String = result.repr.chars().take(REPR).collect();
        let more = if repr.len() < result.repr.len() {
            "…"
        } else {
            ""
        };
        text.push_str(&block(&format!("{repr}{more}")));
    }
    for preview in result.previews.iter().take(PREVIEWS) {
        let at = match preview.at.as_str() {
            "" => String::new(),
            at => format!("{at}: "),
        };
        let head = result_text::head(preview, "");
        text.push_str(&block(&format!(
            "{at}{}\n{head}",
            result_text::about(preview)
        )));
    }
    text.trim_end().to_owned()
}

/// When it would start if it were run now, as a sentence.
fn starts(engine: &Engine, config: &Config, runnable: &Runnable) -> Option<String> {
    let (settings, resources) = destination(config, Some(runnable), None, &BTreeMap::new()).ok()?;
    let forecast = engine.forecast(&settings, &resources)?;
    Some(format!("It {}", forecast::words(&forecast, &settings.name)))
}

fn describe(runnable: &Runnable, slice: &Slice, markdown: bool) -> String {
    let bytes: usize = slice.files.iter().map(|file| file.contents.len()).sum();
    let count = slice.files.len();
    let files = if count == 1 { "file" } else { "files" };
    let size = to_proto::size(bytes as u64);
    let code = |text: &str| match markdown {
        // A name in backticks cannot hold one.
        true => format!("`{}`", text.replace('`', "'")),
        false => text.to_owned(),
    };
    let mut lines = vec![format!(
        "{} travels in {count} {files}, {size}",
        code(&runnable.qualname)
    )];
    for file in slice.files.iter().take(MOST) {
        let size = to_proto::size(file.contents.len() as u64);
        lines.push(format!("- {} ({size}): {}", code(&file.path), file.why));
    }
    if count > MOST {
        lines.push(format!("- and {} more", count - MOST));
    }
    for file in slice.stored.iter().take(MOST) {
        let size = to_proto::size(file.len);
        lines.push(format!(
            "- {} ({size}), once, to the store of data files: {}",
            code(&file.path),
            file.why
        ));
    }
    if slice.stored.len() > MOST {
        lines.push(format!("- and {} more", slice.stored.len() - MOST));
    }
    for folder in slice.folders.iter().take(MOST) {
        let folder = code(&format!("{folder}/"));
        lines.push(format!("- {folder}, empty: the code writes into it"));
    }
    for there in slice.there.iter().take(MOST) {
        lines.push(match &there.place {
            Some(place) => format!("- {} is {} there", code(place), code(&there.path)),
            None => format!("- {} is read there", code(&there.path)),
        });
    }
    if markdown && count > 0 {
        // A list begins after an empty line.
        lines.insert(1, String::new());
    }
    if !slice.requirements.is_empty() {
        lines.extend(["", "The cluster's Python needs"].map(str::to_owned));
        lines.extend(markdown.then(String::new));
        lines.extend(
            slice
                .requirements
                .iter()
                .take(MOST)
                .map(|needed| needs(needed, code)),
        );
        if slice.requirements.len() > MOST {
            lines.push(format!("- and {} more", slice.requirements.len() - MOST));
        }
    }
    lines.join("\n")
}

/// A distribution with the version that is installed here, and what is imported of it.
fn needs(needed: &Requirement, code: impl Fn(&str) -> String) -> String {
    let version = needed.version.as_deref().map_or_else(
        || " (not installed here)".to_owned(),
        |version| format!(" {version}"),
    );
    let modules: Vec<String> = needed.modules.iter().map(|module| code(module)).collect();
    let optional = if needed.optional {
        ", where it is there"
    } else {
        ""
    };
    format!(
        "- {}{version}: for {}{optional}",
        code(&needed.distribution),
        modules.join(", ")
    )
}
