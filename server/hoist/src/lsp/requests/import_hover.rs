//! `textDocument/hover` on an import: where it comes from.

use std::ops::Range;

use hoist_analysis::{ImportOrigin, ImportReport, is_supplied};
use tower_lsp::ls_types::{Hover, HoverParams};

use crate::lsp::analysis::Source;
use crate::lsp::snapshot::Snapshot;
use crate::lsp::{from_proto, to_proto};

/// Where the import under the cursor comes from: of a `from` import, the name under it.
pub(in crate::lsp) fn hover(snapshot: &Snapshot, params: &HoverParams) -> Option<Hover> {
    let place = &params.text_document_position_params;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    let source = Source::of(snapshot, open)?;
    let document = &open.document;
    let at = from_proto::offset(document, place.position, snapshot.profile.encoding);
    let imports = source.imports(snapshot);
    let is_on = |range: &Range<usize>| (range.start..=range.end).contains(&at);
    let here = || imports.iter().filter(|import| is_on(&import.range));
    let import = here()
        .find(|import| is_on(&import.name_range))
        .or_else(|| here().next())?;
    let range = match is_on(&import.name_range) {
        true => import.name_range.clone(),
        false => import.range.clone(),
    };
    let text = describe(import, &source, snapshot.profile.markdown);
    Some(to_proto::hover(snapshot, document, range, text))
}

fn describe(import: &ImportReport, source: &Source<'_>, markdown: bool) -> String {
    let code = |text: &str| match markdown {
        // A name in backticks cannot hold one.
        true => format!("`{}`", text.replace('`', "'")),
        false => text.to_owned(),
    };
    let name = code(&written(import));
    let interpreter = source.environment().interpreter().cloned();
    let python = interpreter
        .as_ref()
        .and_then(|interpreter| interpreter.minor())
        .map_or_else(|| "Python".to_owned(), |minor| format!("Python {minor}"));
    let usual = |distribution: &String| format!("it usually comes with {}", code(distribution));
    let mut lines = vec![
        match (import.origin, &import.distribution, &import.version) {
            (ImportOrigin::Stdlib, _, _) => format!("{name} is of {python}'s own library"),
            (ImportOrigin::Local, _, _) if import.path.is_some() => {
                format!("{name} is local and travels with the function")
            }
            (ImportOrigin::Local, _, _) => format!("{name} is local, but there is no such module"),
            (ImportOrigin::Distribution, Some(distribution), Some(version)) => {
                format!("{name} is of {} {version}", code(distribution))
            }
            (ImportOrigin::Distribution, distribution, _) => {
                let usual = distribution.as_ref().map(usual);
                let usual = usual.map_or_else(String::new, |usual| format!("; {usual}"));
                format!("{name} is installed, but no metadata tells what with{usual}")
            }
            (ImportOrigin::Unknown, _, _) if import.level == 0 && is_supplied(&import.module) => {
                format!("{name} can be imported in every job, without being installed")
            }
            (ImportOrigin::Unknown, distribution, _) if interpreter.is_some() => {
                let usual = distribution.as_ref().map(usual);
                let usual = usual.map_or_else(String::new, |usual| format!("; {usual}"));
                format!("{name} is not installed for {python}{usual}")
            }
            (ImportOrigin::Unknown, _, _) => {
                format!("no Python was found here, so it is not known what {name} comes from")
            }
        },
    ];
    lines.extend(import.summary.clone());
    if let Some(path) = &import.path {
        let shown = path.strip_prefix(&source.workspace).unwrap_or(path);
        lines.push(code(&shown.to_string_lossy()));
    }
    // Lines of their own in Markdown, too.
    lines.join(if markdown { "\n\n" } else { "\n" })
}

/// `google.cloud.storage` for `from google.cloud import storage`.
fn written(import: &ImportReport) -> String {
    let dots = ".".repeat(import.level as usize);
    match import.name.as_deref().filter(|name| *name != "*") {
        Some(name) if import.module.is_empty() => format!("{dots}{name}"),
        Some(name) => format!("{dots}{}.{name}", import.module),
        None => format!("{dots}{}", import.module),
    }
}
