//! `hoist.showPackage` and `hoist.showScript`: what would travel and what would be submitted, without running anything.

use hoist_jobs::Plan;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::run::{Refused, Wish, request};
use super::{Context, off_the_wire};
use crate::lsp::{ext, follow, shown, to_proto};

/// What a run would be; a refusal is told as that of a run.
async fn planned(context: &Context, wish: &Wish) -> Result<Plan> {
    let request = match request(context, wish).await {
        Ok(request) => request,
        Err(refused) => return Err(refused.tell(context, None)),
    };
    let planned = off_the_wire(move || hoist_jobs::plan(&request)).await?;
    planned.map_err(|error| Refused::from(error).tell(context, None))
}

/// Answers with the files of the package, and shows them as a document where the client can.
pub(super) async fn show_package(context: Context, params: ext::PackageArguments) -> Result<Value> {
    let wish = Wish {
        uri: params.uri,
        entry: params.entry,
        args: params.args,
        force: params.force,
        ..Wish::default()
    };
    let plan = planned(&context, &wish).await?;
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
                stored: false,
            })
            .chain(plan.slice.stored.iter().map(|file| ext::PackageFile {
                path: file.path.clone(),
                bytes: file.len,
                why: format!("{}; it goes to the store of data files once", file.why),
                origin: file.origin.to_string_lossy().into_owned(),
                stored: true,
            }))
            .collect(),
    };
    if context.snapshot.profile.show_document {
        let page = page(&wish.entry, &view);
        let written = off_the_wire(move || shown::write("package.txt", &page)).await?;
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

/// Answers at once, and shows the script as a document when it is known: a target that was not reached yet is reached for it,
/// which may ask the person something.
pub(super) async fn show_script(context: Context, arguments: ext::RunArguments) -> Result<Value> {
    let wish = Wish::from(arguments);
    let plan = planned(&context, &wish).await?;
    tokio::spawn(async move {
        match context.engine.script(&plan).await {
            Ok(text) => {
                // Kubernetes is given a manifest.
                let (end, language) = match text.starts_with("#!") {
                    true => ("sh", "shellscript"),
                    false => ("yaml", "yaml"),
                };
                let title = format!("{} on {}.{end}", plan.name, plan.settings.name);
                shown::show(
                    &context.client,
                    &context.snapshot.profile,
                    title,
                    language,
                    text,
                )
                .await;
            }
            Err(error) => {
                let sentence = format!("The script of {} cannot be shown: {error}", wish.entry);
                context.person.tell(MessageType::ERROR, sentence).await;
            }
        }
    });
    Ok(Value::Null)
}
