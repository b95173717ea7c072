//! Texts that the person asked to see.

use std::path::PathBuf;

use tower_lsp::Client;
use tower_lsp::ls_types::MessageType;

use super::ext;
use super::follow::show_file;
use super::profile::Profile;

/// Shows a text that cannot be changed: as the client does that by itself, else as a file.
pub(super) async fn show(
    client: &Client,
    profile: &Profile,
    title: String,
    language: &str,
    text: String,
) {
    if profile.announced.text {
        let language = language.to_owned();
        let shown = ext::ShowText {
            title,
            language,
            text,
        };
        client.send_notification::<ext::ShowTexts>(shown).await;
        return;
    }
    let name = title.replace(['/', '\\'], "_");
    let written = tokio::task::spawn_blocking(move || write(&name, &text)).await;
    match written {
        Ok(Some(path)) if profile.show_document => show_file(client, &path, true).await,
        Ok(Some(path)) => {
            let sentence = format!("It is in {}", path.display());
            client.show_message(MessageType::INFO, sentence).await;
        }
        _ => {
            let sentence = "It cannot be shown: the folder of the jobs cannot be written";
            client.show_message(MessageType::ERROR, sentence).await;
        }
    }
}

/// Into a file among the jobs that nobody else can read and that editors open as one not to be changed; there is only ever one of
/// this name.
pub(super) fn write(name: &str, text: &str) -> Option<PathBuf> {
    let folder = hoist_jobs::default_store().join("shown");
    std::fs::create_dir_all(&folder).ok()?;
    let path = folder.join(name);
    // It may be there as one that cannot be written.
    std::fs::remove_file(&path).ok();
    std::fs::write(&path, text).ok()?;
    let mut permissions = std::fs::metadata(&path).ok()?.permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).ok()?;
    Some(path)
}
