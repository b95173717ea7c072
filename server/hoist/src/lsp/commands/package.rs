//! `hoist.showPackage`: what would travel, without running anything.

use std::path::PathBuf;

use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;

use super::run::{Wish, request};
use super::{Context, off_the_wire};
use crate::lsp::{ext, follow, to_proto};

/// Answers with the files of the package, and shows them as a document where the client can.
pub(super) async fn show_package(context: Context, params: ext::PackageArguments) -> Result<Value> {
    let wish = Wish {
        uri: params.uri,
        entry: params.entry,
        args: params.args,
        force: params.force,
        ..Wish::default()
    };
    let request = match request(&context, &wish).await {
        Ok(request) => request,
        Err(refused) => return Err(refused.tell(&context, None)),
    };
    let planned = off_the_wire(move || hoist_jobs::plan(&request)).await?;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return Err(super::run::Refused::from(error).tell(&context, None)),
    };
    let view = ext::PackageView {
        sha256: plan.package.sha256.clone(),
        bytes: plan.package.bytes.len() as u64,
        files: plan
            .slice
            .files
            .iter()
            .map(|file| ext::PackageFile {
                path: file.path.clone(),
                bytes: file.contents.len() as u64,
                why: file.why.clone(),
                origin: file.origin.to_string_lossy().into_owned(),
            })
            .collect(),
    };
    if context.snapshot.profile.show_document {
        let page = page(&wish.entry, &view);
        let written = off_the_wire(move || write(&page)).await?;
        if let Some(path) = written {
            follow::show_file(&context.client, &path, true).await;
        }
    }
    Ok(json!(view))
}

/// The list as a person reads it.
fn page(entry: &str, view: &ext::PackageView) -> String {
    let mut page = format!(
        "The package of {entry}: {} as a ZIP, sha256 {}\n\n",
        to_proto::size(view.bytes),
        view.sha256
    );
    let width = |of: fn(&ext::PackageFile) -> usize| view.files.iter().map(of).max().unwrap_or(0);
    let path_width = width(|file| file.path.chars().count());
    for file in &view.files {
        page.push_str(&format!(
            "{:path_width$}  {:>9}  {}\n{:path_width$}  {:>9}  from {}\n",
            file.path,
            to_proto::size(file.bytes),
            file.why,
            "",
            "",
            file.origin
        ));
    }
    page
}

/// Into a file of its own that nobody else can read; the name is always the same, so that there is only ever one.
fn write(page: &str) -> Option<PathBuf> {
    let folder = hoist_jobs::default_store().join("shown");
    std::fs::create_dir_all(&folder).ok()?;
    let path: PathBuf = folder.join("package.txt");
    std::fs::write(&path, page).ok()?;
    Some(path)
}
