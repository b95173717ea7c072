//! The sums of large files here, each made once: a click must not read five gigabytes anew.
//!
//! A sum holds as long as the file has the same size, inode and times, that of its last change of whatever kind among them, which
//! nobody can set back. One that changed a moment ago is not kept: the next change may bear the same time.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoist_package::Sum;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folders;
use crate::store::replace;

/// More are not kept: those go that were not asked for the longest.
const MOST: usize = 4000;
/// A file that changed so lately may change again within the grain of its clock.
const SETTLED: Duration = Duration::from_secs(2);

/// What tells that a file is the one that was summed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    size: u64,
    inode: u64,
    /// Nanoseconds since 1970: of the last change of the contents, and of whatever kind.
    modified: i128,
    changed: i128,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    mark: Mark,
    sha256: String,
    /// Seconds since 1970.
    asked: u64,
}

/// The sums that are known.
#[derive(Debug)]
pub(crate) struct Sums {
    /// Where they are kept.
    file: Option<PathBuf>,
}

impl Sums {
    /// Those of this user.
    pub(crate) fn here() -> Self {
        let cache = folders::xdg("XDG_CACHE_HOME", ".cache");
        Self {
            file: cache.map(|cache| cache.join("hoist/sums.json")),
        }
    }

    /// The sum of a file: the one that is known, or made now.
    ///
    /// # Errors
    /// The file cannot be read, or changes all the while.
    pub(crate) fn sum(&self, path: &Path) -> io::Result<Sum> {
        for _ in 0..3 {
            let mark = Mark::of(&fs::metadata(path)?);
            let known = self.read().remove(path);
            let sha256 = match known.filter(|known| known.mark == mark) {
                Some(known) => known.sha256,
                None => sum(path)?,
            };
            if Mark::of(&fs::metadata(path)?) == mark {
                self.keep(path, &mark, &sha256);
                return Ok(Sum {
                    size: mark.size,
                    sha256,
                });
            }
        }
        Err(io::Error::other("it changes while it is read"))
    }

    /// What cannot be read is not known: a sum can be made again.
    fn read(&self) -> BTreeMap<PathBuf, Known> {
        let bytes = self.file.as_ref().and_then(|file| fs::read(file).ok());
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    fn keep(&self, path: &Path, mark: &Mark, sha256: &str) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let settled = now.saturating_sub(SETTLED).as_nanos();
        let latest = u128::try_from(mark.modified.max(mark.changed)).unwrap_or(u128::MAX);
        let Some(file) = self.file.as_ref().filter(|_| latest < settled) else {
            return;
        };
        let mut all = self.read();
        let known = Known {
            mark: mark.clone(),
            sha256: sha256.to_owned(),
            asked: now.as_secs(),
        };
        all.insert(path.to_path_buf(), known);
        while all.len() > MOST {
            let oldest = all.iter().min_by_key(|(_, known)| known.asked);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else {
                break;
            };
            all.remove(&oldest);
        }
        // Without it the file is summed again the next time.
        if let (Some(folder), Ok(json)) = (file.parent(), serde_json::to_vec(&all)) {
            fs::create_dir_all(folder)
                .and_then(|()| replace(file, &json))
                .ok();
        }
    }
}

impl Mark {
    fn of(meta: &Metadata) -> Self {
        let since = |at: io::Result<SystemTime>| {
            let at = at.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            at.and_then(|at| i128::try_from(at.as_nanos()).ok())
                .unwrap_or_default()
        };
        let (inode, changed) = beside(meta);
        Self {
            size: meta.len(),
            modified: since(meta.modified()),
            inode,
            changed,
        }
    }
}

/// The inode, and the time of the last change of whatever kind.
#[cfg(unix)]
fn beside(meta: &Metadata) -> (u64, i128) {
    use std::os::unix::fs::MetadataExt;

    let changed = i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec());
    (meta.ino(), changed)
}

#[cfg(not(unix))]
fn beside(_: &Metadata) -> (u64, i128) {
    (0, 0)
}

fn sum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => digest.update(&piece[..count]),
        }
    }
    let sum = digest.finalize();
    Ok(sum.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path) {
        // The change of whatever kind cannot be set back: the clock of the test is what is waited for.
        while Mark::of(&fs::metadata(path).unwrap()).changed
            > i128::try_from(
                (SystemTime::now() - SETTLED)
                    .duration_since(UNIX_EPOCH)
                    .unwrap()
                    .as_nanos(),
            )
            .unwrap()
        {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn a_sum_is_made_once_and_again_when_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.bin");
        fs::write(&path, "one").unwrap();
        let sums = Sums {
            file: Some(folder.path().join("cache/sums.json")),
        };
        let one = sums.sum(&path).unwrap();
        assert_eq!((one.size, one.sha256), (3, sum(&path).unwrap()));
        assert!(sums.read().is_empty(), "it changed a moment ago");

        age(&path);
        let one = sums.sum(&path).unwrap();
        let mut all = sums.read();
        assert_eq!(all[&path].sha256, one.sha256);
        // Whatever is written down for this file is believed.
        all.get_mut(&path).unwrap().sha256 = "ab".repeat(32);
        fs::write(
            sums.file.as_ref().unwrap(),
            serde_json::to_vec(&all).unwrap(),
        )
        .unwrap();
        assert_eq!(sums.sum(&path).unwrap().sha256, "ab".repeat(32));

        // As long, and as old by the time that can be set.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert_eq!(sums.sum(&path).unwrap().sha256, sum(&path).unwrap());

        fs::write(sums.file.as_ref().unwrap(), "broken").unwrap();
        assert_eq!(sums.sum(&path).unwrap().sha256, sum(&path).unwrap());
        assert!(sums.sum(&folder.path().join("gone")).is_err());
    }
}
