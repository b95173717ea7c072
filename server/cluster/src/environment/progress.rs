//! How far a build is, read from what pip and uv say.

use std::collections::BTreeSet;

use super::spec::BuildProgress;
use super::words::NOT_BUILT;
use crate::error::one_line;

/// Reads a log as it comes and says how far the build is.
pub(super) struct Progress {
    total: usize,
    fetched: BTreeSet<String>,
    /// The line that has not ended yet.
    line: Vec<u8>,
    said: String,
}

/// A longer line is not read to its end.
const LONGEST_LINE: usize = 4_096;

impl Progress {
    /// For so many requirements; 0 where what they need themselves is not known.
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            fetched: BTreeSet::new(),
            line: Vec::new(),
            said: String::new(),
        }
    }

    /// Takes in the next bytes; gives how far it is by now where that has changed.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<BuildProgress> {
        let mut news = None;
        for byte in bytes {
            if !matches!(byte, b'\n' | b'\r') {
                if self.line.len() < LONGEST_LINE {
                    self.line.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if let Some(what) = self.read(&String::from_utf8_lossy(&line))
                && what != self.said
            {
                self.said.clone_from(&what);
                news = Some(BuildProgress::Building {
                    done: match self.total {
                        0 => self.fetched.len(),
                        total => self.fetched.len().min(total),
                    },
                    total: self.total,
                    what,
                });
            }
        }
        news
    }

    /// What a line says is being done.
    fn read(&mut self, line: &str) -> Option<String> {
        let trimmed = line.trim_start();
        let first = |text: &str| {
            let text = text.split(" (from").next().unwrap_or(text).trim();
            one_line(text)
        };
        if let Some(words) = line.strip_prefix("hoist: ") {
            return (!line.starts_with(NOT_BUILT)).then(|| one_line(words));
        }
        if let Some(name) = trimmed.strip_prefix("Collecting ") {
            let name = first(name);
            self.fetched.insert(name.clone());
            return Some(format!("fetching {name}"));
        }
        if let Some(file) = trimmed.strip_prefix("Downloading ") {
            let file = first(file);
            return Some(format!(
                "fetching {}",
                file.rsplit_once('/').map_or(&*file, |(_, file)| file)
            ));
        }
        if let Some(file) = trimmed.strip_prefix("Downloaded ") {
            self.fetched.insert(first(file));
            return None;
        }
        if let Some(name) = trimmed
            .strip_prefix("Building wheel for ")
            .or_else(|| trimmed.strip_prefix("Building "))
            && !trimmed.contains("finished with")
            && !trimmed.starts_with("Building wheels for ")
        {
            let name = first(name);
            let name = name.split(" (").next().unwrap_or(&name);
            return Some(format!(
                "building {}",
                name.trim_end_matches(['.', ' ', ':'])
            ));
        }
        if let Some(names) = trimmed.strip_prefix("Installing collected packages: ") {
            return Some(format!("installing {} packages", names.split(", ").count()));
        }
        if let Some(count) = trimmed.strip_prefix("Prepared ") {
            let count = count.split(" in ").next().unwrap_or(count);
            if let Some(number) = count.split(' ').next().and_then(|n| n.parse().ok()) {
                // uv names only large ones.
                for index in self.fetched.len()..number {
                    self.fetched.insert(format!("#{index}"));
                }
            }
            return Some(format!("installing {count}"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a log that comes in pieces of so many bytes.
    fn told(total: usize, log: &str, piece: usize) -> Vec<String> {
        let mut progress = Progress::new(total);
        let pieces = log.as_bytes().chunks(piece);
        pieces
            .filter_map(|piece| match progress.push(piece)? {
                BuildProgress::Building { done, total, what } => {
                    Some(format!("{done}/{total} {what}"))
                }
                BuildProgress::Log(_) => None,
            })
            .collect()
    }

    #[test]
    fn each_step_of_pip_is_told_once_however_it_is_cut() {
        let log = "hoist: making an environment of Python 3.11.7\nCollecting numpy==1.26.4 (from -r /w/requirements.txt (line 1))\n  Downloading numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl (18.2 MB)\nCollecting six==1.16.0\n  Using cached six-1.16.0-py2.py3-none-any.whl\nBuilding wheels for collected packages: six\n  Building wheel for six (setup.py): started\n  Building wheel for six (setup.py): finished with status 'done'\nInstalling collected packages: six, numpy\nSuccessfully installed numpy-1.26.4 six-1.16.0\nhoist: not built (install): no\n";
        let whole = [
            "0/2 making an environment of Python 3.11.7",
            "1/2 fetching numpy==1.26.4",
            "1/2 fetching numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl (18.2 MB)",
            "2/2 fetching six==1.16.0",
            "2/2 building six",
            "2/2 installing 2 packages",
        ];
        for piece in [1, 7] {
            assert_eq!(told(2, log, piece), whole);
        }
        // All at once, only the last is news.
        assert_eq!(told(2, log, 10_000), ["2/2 installing 2 packages"]);
    }

    #[test]
    fn steps_of_uv_are_told_and_a_line_without_end_is_not_kept() {
        let log = "Using Python 3.11.7 environment at: /w/envs/a\nResolved 3 packages in 20ms\nDownloading torch (700.1MiB)\n Downloaded torch\nPrepared 3 packages in 2s\nInstalled 3 packages in 70ms\n + six==1.16.0\n";
        let steps = told(3, log, 1);
        assert_eq!(
            steps,
            ["0/3 fetching torch (700.1MiB)", "3/3 installing 3 packages"]
        );
        let mut progress = Progress::new(0);
        assert_eq!(progress.push("x".repeat(1 << 20).as_bytes()), None);
        assert!(progress.line.len() <= LONGEST_LINE);
    }
}
