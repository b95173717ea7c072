//! `hoist.runMap`: one run for each item of a file. Which file, and whether it is the one that was meant, the person is asked.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tower_lsp::Client;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{MessageType, Position, Range, ShowDocumentParams, Uri};

use super::run::{Refused, Wish, function};
use super::sweep::{Many, Ready};
use super::{Context, off_the_wire};
use crate::lsp::analysis::{Overlay, workspace};
use crate::lsp::ask::sent_before_the_answer;
use crate::lsp::ext;
use crate::lsp::{from_proto, item_files};
use crate::tasks::{Counted, Items, bound};
use hoist_analysis::Files;

/// A larger file is no list that somebody made; with more than 100,000 items it would be refused anyway.
const MOST_BYTES: u64 = 256 << 20;

const OTHER: &str = "Another file...";
const GO: &str = "Go to the line";

/// Why the items of a file were not run.
struct Failed {
    refused: Refused,
    /// Where: the file, and its line from 1.
    place: Option<(PathBuf, usize)>,
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self {
            refused,
            place: None,
        }
    }
}

impl Failed {
    /// Shows the sentence, with a button that leads to the line where there is one, and makes the command's error of it.
    fn tell(self, context: &Context) -> tower_lsp::jsonrpc::Error {
        let shows = context.snapshot.profile.show_document;
        let Some((path, line)) = self.place.filter(|_| shows) else {
            return self.refused.tell(context, None);
        };
        let sentence = self.refused.sentence.clone();
        let (person, client) = (context.person.clone(), context.client.clone());
        tokio::spawn(async move {
            let buttons = [GO.to_owned()];
            let answer = person.button(MessageType::ERROR, sentence, &buttons).await;
            if answer.as_deref() == Some(GO) {
                show_line(&client, &path, line).await;
            }
        });
        self.refused.error()
    }
}

/// `hoist.runMap`. Where something is asked, that is done in a task, and there is no sweep yet.
pub(super) async fn run(context: Context, arguments: ext::MapArguments) -> Result<Value> {
    let wish = Wish::from(arguments.run);
    let at_once = arguments.at_once;
    match arguments.items {
        Some(items) if arguments.sure => match start(&context, &wish, &items, at_once).await {
            Ok(sweep) => Ok(super::sweep::started(sweep)),
            Err(failed) => Err(failed.tell(&context)),
        },
        items => {
            tokio::spawn(async move {
                if let Err(failed) = ask_and_run(&context, &wish, items, at_once).await {
                    // Nobody hears of the error but by this sentence.
                    let _ = failed.tell(&context);
                }
            });
            Ok(super::sweep::started(None))
        }
    }
}

/// Runs the items of a file without a question about them.
async fn start(
    context: &Context,
    wish: &Wish,
    items: &str,
    at_once: Option<u32>,
) -> std::result::Result<Option<hoist_jobs::JobId>, Failed> {
    let folder = folder_of(context, wish).await?;
    let (_, ready) = prepared(context, wish, &named(&folder, items), at_once).await?;
    Ok(ready.start(context).await?)
}

/// Asks for the file where none is named, says what is in it, and runs.
async fn ask_and_run(
    context: &Context,
    wish: &Wish,
    items: Option<String>,
    at_once: Option<u32>,
) -> std::result::Result<(), Failed> {
    let folder = folder_of(context, wish).await?;
    let items = match items {
        Some(items) => items,
        None => match choose(context, wish, &folder).await? {
            Some(items) => items,
            None => return Ok(()),
        },
    };
    let file = named(&folder, &items);
    let (items, ready) = prepared(context, wish, &file, at_once).await?;
    let function = function(context, wish).await.ok().flatten();
    let first = bound(
        &wish.entry,
        function.as_ref(),
        &items.tasks,
        0,
        wish.args.as_deref(),
    );
    let title = format!(
        "Run {} for each of the {} of {} on {}?",
        wish.entry,
        Counted(items.tasks.tasks.len()),
        items.file,
        ready.target()
    );
    let title = match items.tasks.tasks.len() {
        1 => title.replacen("each of the 1 item", "the 1 item", 1),
        _ => title,
    };
    let detail = format!("The first is {first}");
    if context.person.confirms(title, detail).await {
        ready.start(context).await?;
    }
    Ok(())
}

/// Lets the person choose among the files of items of the workspace, or name another one.
async fn choose(
    context: &Context,
    wish: &Wish,
    folder: &Folder,
) -> std::result::Result<Option<String>, Refused> {
    let (snapshot, root, of) = (
        context.snapshot.clone(),
        folder.workspace.clone(),
        folder.module.clone(),
    );
    let found =
        off_the_wire(move || item_files::find(&Overlay::of(&snapshot), &root, of.parent())).await;
    let mut found = found.map_err(|error| Refused::from(error.to_string()))?;
    if found.is_empty() && !context.person.can_type() {
        return Err(Refused::from(format!(
            "There is no file of items (*.jsonl, one JSON value a line) in {}: write one, then choose this again.",
            folder.workspace.display()
        )));
    }
    if !found.is_empty() {
        if context.person.can_type() {
            found.push(OTHER.to_owned());
        }
        let title = format!("Run {} once for each item of", wish.entry);
        match context.person.choice(title, found, None).await {
            Some(choice) if choice == OTHER => {}
            choice => return Ok(choice),
        }
    }
    let title = format!("File of items to run {} over", wish.entry);
    let detail =
        "One JSON value a line: an object has arguments by name, an array by place".to_owned();
    let typed = context.person.text(title, Some(detail), None).await;
    Ok(typed.filter(|typed| !typed.trim().is_empty()))
}

/// Where relative paths begin, and what runs.
struct Folder {
    workspace: PathBuf,
    module: PathBuf,
}

async fn folder_of(context: &Context, wish: &Wish) -> std::result::Result<Folder, Refused> {
    let (snapshot, uri) = (context.snapshot.clone(), wish.uri.clone());
    let found = off_the_wire(move || {
        let open = snapshot.document(&uri).and_then(|open| open.path.clone());
        let module = open.or_else(|| from_proto::path(&uri.parse::<Uri>().ok()?))?;
        Some(Folder {
            workspace: workspace(&snapshot, &module),
            module,
        })
    });
    let found = found.await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| {
        "This document is in no file of this machine: save it as a .py file, then run it"
            .to_owned()
            .into()
    })
}

/// The file that a URI or a path means.
fn named(folder: &Folder, items: &str) -> PathBuf {
    let uri = items.parse::<Uri>().ok();
    if let Some(path) = uri.as_ref().and_then(from_proto::path) {
        return path;
    }
    let items = items.trim();
    match items.strip_prefix("~/").zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None => folder.workspace.join(items),
    }
}

/// Reads the items and plans their tasks.
async fn prepared(
    context: &Context,
    wish: &Wish,
    path: &Path,
    at_once: Option<u32>,
) -> std::result::Result<(Items, Ready), Failed> {
    let (snapshot, args, path) = (context.snapshot.clone(), wish.args.clone(), path.to_owned());
    let of = folder_of(context, wish).await?;
    let file = path.strip_prefix(&of.workspace).unwrap_or(&path);
    let file = file.display().to_string();
    let read = {
        let (path, file) = (path.clone(), file.clone());
        off_the_wire(move || {
            let text = text(&Overlay::of(&snapshot), &path)
                .map_err(|why| (format!("{file}: the items cannot be read ({why})"), None))?;
            Items::read(args.as_deref(), &file, &text)
                .map_err(|error| (error.to_string(), error.line()))
        })
    };
    let read = read
        .await
        .map_err(|error| Refused::from(error.to_string()))?;
    let items = read.map_err(|(sentence, line)| Failed {
        refused: Refused::from(sentence),
        place: line.map(|line| (path.clone(), line)),
    })?;
    let many = Many {
        tasks: items.tasks.clone(),
        at_once,
    };
    match many.ready(context, wish).await {
        Ok(ready) => Ok((items, ready)),
        Err((refused, task)) => {
            let place = task.map(|task| (path, items.line(task), items.place(task)));
            Err(match place {
                Some((path, line, said)) => Failed {
                    refused: refused.at(&said),
                    place: line.map(|line| (path, line)),
                },
                None => refused.into(),
            })
        }
    }
}

fn text(files: &dyn Files, path: &Path) -> std::result::Result<String, String> {
    let meta = files.metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file {
        return Err("it is no file".to_owned());
    }
    if meta.len > MOST_BYTES {
        return Err("it is larger than 256 MiB".to_owned());
    }
    let bytes = files.read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

async fn show_line(client: &Client, path: &Path, line: usize) {
    let Some(uri) = Uri::from_file_path(path) else {
        return;
    };
    let line = u32::try_from(line.saturating_sub(1)).unwrap_or_default();
    let place = Position { line, character: 0 };
    let params = ShowDocumentParams {
        uri,
        external: Some(false),
        take_focus: Some(true),
        selection: Some(Range {
            start: place,
            end: place,
        }),
    };
    let client = client.clone();
    let show = async move { client.show_document(params).await };
    sent_before_the_answer(show, std::time::Duration::from_secs(60)).await;
}
