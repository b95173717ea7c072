//! The configuration of a workspace for whoever asks on every keystroke: read again only when a file is another one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use super::{Config, ConfigError, user_file};

/// The configuration of a workspace, or why there is none.
pub type Loaded = Arc<Result<Config, ConfigError>>;

/// What tells one state of a file from another.
type Stamp = Option<(u64, Option<SystemTime>)>;

struct Kept {
    stamps: Vec<Stamp>,
    loaded: Loaded,
}

impl Config {
    /// As [`Config::load`], from memory while the length and the time of change of all three files are the same.
    pub fn load_kept(workspace: &Path) -> Loaded {
        static KEPT: OnceLock<Mutex<HashMap<PathBuf, Kept>>> = OnceLock::new();
        let files = [
            Some(workspace.join("pyproject.toml")),
            Some(workspace.join("hoist.toml")),
            user_file(),
        ];
        let stamps: Vec<Stamp> = files.iter().flatten().map(|file| stamp(file)).collect();
        let kept = KEPT.get_or_init(Mutex::default);
        // Whole values are put in and taken out: a panic in between leaves them whole.
        let known = |stamps: &[Stamp]| {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.get(workspace).filter(|kept| kept.stamps == stamps);
            found.map(|kept| kept.loaded.clone())
        };
        if let Some(loaded) = known(&stamps) {
            return loaded;
        }
        let loaded = Arc::new(Config::load(Some(workspace)));
        let fresh = Kept {
            stamps,
            loaded: loaded.clone(),
        };
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(workspace.to_owned(), fresh);
        loaded
    }
}

fn stamp(file: &Path) -> Stamp {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.len(), meta.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("hoist.toml");
        let ignored = || {
            let loaded = Config::load_kept(folder.path());
            (*loaded)
                .as_ref()
                .map(|config| config.data().len())
                .map_err(ToString::to_string)
        };
        assert_eq!(ignored(), Ok(0));
        std::fs::write(&file, "data = ['a']\n").expect("written");
        assert_eq!(ignored(), Ok(1));
        std::fs::write(&file, "data = ['a', 'b']\n").expect("written");
        assert_eq!(ignored(), Ok(2));
        std::fs::write(&file, "data = 3\n").expect("written");
        assert!(ignored().is_err());
    }
}
