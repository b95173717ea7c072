//! `hoist fs`: the files of a target.

use super::{Done, Failure, Format, FsCommand, print, targets, terminal};
use hoist_cluster::{FileInfo, FileKind, Fs, Listing, READ_LIMIT, TargetSettings};

pub(super) fn fs(command: &FsCommand) -> Done {
    let args = match command {
        FsCommand::Ls(args)
        | FsCommand::Stat(args)
        | FsCommand::Glob(args)
        | FsCommand::Du(args)
        | FsCommand::Cat(args) => args,
        FsCommand::Find(args) => &args.place,
    };
    let (settings, path) = place(&args.place)?;
    let format = args.format;
    terminal::with_engine(async |engine| {
        let target = engine.target(&settings).await.map_err(Failure::target)?;
        let fs = target.fs();
        match command {
            FsCommand::Ls(_) => list(format, &fs.ls(&path).await.map_err(Failure::target)?, true),
            FsCommand::Find(args) => {
                let found = fs
                    .find(&path, &args.pattern)
                    .await
                    .map_err(Failure::target)?;
                list(format, &found, false)
            }
            FsCommand::Glob(_) => list(
                format,
                &fs.glob(&path).await.map_err(Failure::target)?,
                false,
            ),
            FsCommand::Stat(_) => stat(format, &fs.stat(&path).await.map_err(Failure::target)?),
            FsCommand::Du(_) => {
                let usage = fs.du(&path).await.map_err(Failure::target)?;
                match format {
                    Format::Json => print::json(&usage)?,
                    Format::Text => print::line(format_args!(
                        "{} in {} files  {path}",
                        size(usage.bytes),
                        usage.files
                    ))?,
                }
                Ok(0)
            }
            FsCommand::Cat(_) => cat(&fs, &path).await,
        }
    })
}

/// The target and the path of `TARGET:PATH`; without a path the home folder.
fn place(text: &str) -> Result<(TargetSettings, String), Failure> {
    let Some((name, path)) = text.split_once(':') else {
        return Err(Failure::refused(format!(
            "{text:?} names no target; write it as TARGET:PATH, as in local:~/data"
        )));
    };
    let (_, config) = targets::config()?;
    let settings = config.target(name).map_err(Failure::refused)?.clone();
    let path = if path.is_empty() { "~" } else { path };
    Ok((settings, path.to_owned()))
}

fn word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Folder => "folder",
        FileKind::Other => "other",
    }
}

fn list(format: Format, listing: &Listing, by_name: bool) -> Done {
    let rows: Vec<Vec<String>> = listing
        .entries
        .iter()
        .map(|info| row(info, by_name))
        .collect();
    match format {
        Format::Json => {
            for info in &listing.entries {
                print::json(info)?;
            }
        }
        Format::Text if rows.is_empty() => print::say("nothing there"),
        Format::Text => print::line(print::table(&["MODE", "SIZE", "NAME"], &rows).trim_end())?,
    }
    if listing.more {
        print::say("and more than can be listed");
    }
    Ok(0)
}

fn row(info: &FileInfo, by_name: bool) -> Vec<String> {
    let mark = match (info.kind, info.link) {
        (FileKind::Folder, _) => "/",
        (_, true) => "@",
        _ => "",
    };
    let name = if by_name { &info.name } else { &info.path };
    // A name over there may hold what a terminal would obey.
    let name: String = name
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    let bytes = if info.kind == FileKind::File {
        size(info.size)
    } else {
        String::new()
    };
    vec![
        format!("{:04o}", info.mode & 0o7777),
        bytes,
        format!("{name}{mark}"),
    ]
}

fn stat(format: Format, info: &FileInfo) -> Done {
    match format {
        Format::Json => print::json(info)?,
        Format::Text => {
            let link = if info.link { ", by a link" } else { "" };
            print::line(format_args!(
                "{}: {}{link}, {} bytes, mode {:04o}",
                info.path,
                word(info.kind),
                info.size,
                info.mode & 0o7777
            ))?;
        }
    }
    Ok(0)
}

async fn cat(fs: &Fs, path: &str) -> Done {
    let mut offset = 0;
    loop {
        let part = fs
            .read(path, offset, READ_LIMIT)
            .await
            .map_err(Failure::target)?;
        if part.bytes.is_empty() {
            return Ok(0);
        }
        print::bytes(&mut std::io::stdout().lock(), &part.bytes)?;
        offset += part.bytes.len() as u64;
    }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return bytes.to_string();
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "for reading, with one digit behind the point"
    )]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1}{}", UNITS[unit])
}
