//! The same look at this machine, which starts nothing.

use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Glance, Names, Seen, Sight};
use crate::error::one_line;
use crate::fs::FileKind;

/// So many entries of a folder are looked at.
const SCANNED: u64 = 200_000;

pub(super) fn look(glance: &Glance, home: Option<&OsStr>, most: usize) -> Sight {
    if glance.path.contains(&0) {
        return Sight::Unknown("embedded null byte".to_owned());
    }
    let Some(path) = expanded(&glance.path, home) else {
        return Sight::Unknown("whose home folder that is cannot be asked here".to_owned());
    };
    let is_link = match path.symlink_metadata() {
        Ok(link) => link.file_type().is_symlink(),
        Err(error) => return failed(&error, false),
    };
    let state = match path.metadata() {
        Ok(state) => state,
        Err(error) => return failed(&error, is_link),
    };
    let kind = match state.file_type() {
        kind if kind.is_dir() => FileKind::Folder,
        kind if kind.is_file() => FileKind::File,
        _ => FileKind::Other,
    };
    let holds = (kind == FileKind::Folder)
        .then(|| names(&path, &glance.prefix, most).map_err(|error| words(&error)));
    #[expect(clippy::cast_precision_loss, reason = "seconds as Python tells them")]
    let modified = state.mtime() as f64 + 1e-9 * state.mtime_nsec() as f64;
    Sight::There(Seen {
        kind,
        link: is_link,
        size: state.size(),
        modified,
        mode: state.mode() & 0o7777,
        holds,
    })
}

/// A path as a job's functions take it; none for the home folder of somebody else.
fn expanded(path: &[u8], home: Option<&OsStr>) -> Option<PathBuf> {
    let Some(rest) = path.strip_prefix(b"~") else {
        return Some(PathBuf::from(OsStr::from_bytes(path)));
    };
    match rest.first() {
        None | Some(b'/') => {
            let mut path: OsString = home?.to_owned();
            path.push(OsStr::from_bytes(rest));
            Some(PathBuf::from(path))
        }
        Some(_) => None,
    }
}

fn names(path: &Path, prefix: &[u8], most: usize) -> io::Result<Names> {
    // The first ones by name: the last of them goes when another one comes before it.
    let mut kept: BinaryHeap<(Vec<u8>, bool)> = BinaryHeap::new();
    let (mut count, mut fit, mut uncounted) = (0, 0, false);
    for entry in std::fs::read_dir(path)? {
        if count >= SCANNED {
            uncounted = true;
            break;
        }
        count += 1;
        let entry = entry?;
        let name = entry.file_name().into_vec();
        if !name.starts_with(prefix) {
            continue;
        }
        fit += 1;
        let is_among = kept.len() < most || kept.peek().is_some_and(|(last, _)| name < *last);
        if is_among {
            kept.push((name, is_folder(&entry)));
            if kept.len() > most {
                kept.pop();
            }
        }
    }
    Ok(Names {
        names: kept.into_sorted_vec(),
        count,
        more: uncounted || fit > most,
        uncounted,
    })
}

fn is_folder(entry: &std::fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

fn failed(error: &io::Error, link: bool) -> Sight {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Sight::Absent { link },
        _ => Sight::Unknown(words(error)),
    }
}

/// The system's words, without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    one_line(words)
}
