//! Cuts a slice and writes its tree into a folder: `slice FILE ENTRY OUT [ARGS]`. What the slice is, or the refusal, goes to
//! standard output as one line of JSON.

use std::io::Write;
use std::path::{Path, PathBuf};

use hoist_analysis::{Disk, EntrySpec, Module, decode, slice};
use hoist_syntax::Document;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().ok_or("usage: slice FILE ENTRY OUT [ARGS]");
    let file = std::path::absolute(word()?)?;
    let entry: EntrySpec = word()?.parse()?;
    let out = PathBuf::from(word()?);
    let args = word().ok();
    let document = Document::new(decode(&std::fs::read(&file)?)?);
    let workspace = std::env::var("WORKSPACE").map(PathBuf::from);
    let workspace = match &workspace {
        Ok(path) => path.as_path(),
        Err(_) => file.parent().unwrap_or(Path::new("/")),
    };
    let module = Module {
        path: &file,
        document: &document,
        workspace,
        environment: None,
    };
    let line = match slice(&module, &Disk, &entry, args.as_deref()) {
        Ok(slice) => {
            for file in &slice.files {
                let path = out.join(&file.path);
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(path, &file.contents)?;
            }
            serde_json::to_string(&slice)?
        }
        Err(refusal) => serde_json::json!({ "refused": refusal }).to_string(),
    };
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
