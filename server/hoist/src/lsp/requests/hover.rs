//! `textDocument/hover` on a function's name: what its package holds.

use hoist_analysis::{Requirement, Runnable, Slice};
use tower_lsp::ls_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use crate::lsp::analysis::{Overlay, Source};
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, to_proto};

/// As many files as a person reads in a hover.
const MOST: usize = 12;

/// What the package of the function under the cursor would hold, or why there would be none.
pub(in crate::lsp) fn hover(snapshot: &Snapshot, params: &HoverParams) -> Option<Hover> {
    let place = &params.text_document_position_params;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    if open.config {
        return crate::lsp::config::hover(snapshot, open, place.position);
    }
    let source = Source::of(snapshot, open)?;
    let document = &open.document;
    let at = document.lines().offset(
        document.text(),
        from_proto::position(place.position),
        snapshot.profile.encoding,
    );
    let runnables = source.runnables();
    let runnable = runnables
        .iter()
        .find(|runnable| (runnable.name_range.start..=runnable.name_range.end).contains(&at))?;
    let files = Overlay::of(snapshot);
    let args = runnable.directives.args.as_deref();
    let module = source.module();
    let slice = match hoist_analysis::slice(&module, &files, &runnable.entry, args) {
        // Without arguments there is still something to say about what travels.
        Err(refusal) if refusal.can_force => {
            hoist_analysis::slice_anyway(&module, &files, &runnable.entry, args)
                .map_err(|_| refusal)
        }
        other => other,
    };
    let value = match slice.map(|slice| with_data(slice, &source, snapshot)) {
        Ok(slice) => describe(runnable, &slice, snapshot.profile.markdown),
        Err(refusal) => format!("{} cannot run: {refusal}", runnable.qualname),
    };
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: match snapshot.profile.markdown {
                true => MarkupKind::Markdown,
                false => MarkupKind::PlainText,
            },
            value,
        }),
        range: Some(to_proto::range(
            document,
            runnable.name_range.clone(),
            snapshot.profile.encoding,
        )),
    })
}

/// The slice with the files that comments and the configuration add, as a run would send it.
fn with_data(mut slice: Slice, source: &Source<'_>, snapshot: &Snapshot) -> Slice {
    let config = source.config(snapshot).ok();
    let data = config.as_ref().map_or(&[][..], |config| config.data());
    hoist_analysis::include(&mut slice, &source.module(), &Overlay::of(snapshot), data);
    slice
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
