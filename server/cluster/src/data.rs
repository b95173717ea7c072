//! The store of data files over there: what is too large for a package goes into it once, whoever needs it.
//!
//! It is the folder `data` of the work folder, on Kubernetes of each pod. A file is named by its SHA-256, is summed as it comes, and
//! goes on where an earlier attempt was cut off. The runner links it into the folder of each job that names it in its manifest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::error::{ClusterError, ErrorKind};
use crate::settings::TargetSettings;
use crate::shell::{python_word, quote};
use crate::site::work_dir_error;
use crate::submit::Upload;
use crate::transport::{COMMAND_LIMIT, Running, Transport};
use crate::upload::{Stop, stopped};

const PROGRAM: &str = concat!(include_str!("take.py"), "\n\n", include_str!("store.py"));

/// What is handed to the channel at once, in bytes.
const PIECE: usize = 256 * 1024;

/// A data file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its place in the job's tree, for sentences.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal, lower case.
    pub sha256: String,
    /// Where it lies on this machine.
    pub origin: PathBuf,
}

/// Several places in the tree may have the same bytes.
fn each_once(files: &[DataFile]) -> Vec<DataFile> {
    let mut known = BTreeSet::new();
    let files = files.iter();
    let once = files.filter(|file| known.insert(file.sha256.as_str()));
    once.cloned().collect()
}

/// Where a store is, and how it is reached.
pub(crate) struct Store<'a> {
    pub(crate) transport: &'a dyn Transport,
    pub(crate) settings: &'a TargetSettings,
    /// The command of a Python there, as a word of the shell.
    pub(crate) python: String,
    /// The store's folder.
    pub(crate) folder: String,
}

/// What the programme over there is to do with files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Send,
    Look,
    /// Removes what has come of those that are not whole.
    Discard,
}

/// How the programme over there went on.
enum Went {
    Well,
    /// What an earlier attempt left of a file was something else; it is gone now.
    Anew,
}

impl Store<'_> {
    /// Those of the files that are not there yet.
    pub(crate) async fn missing(&self, files: &[DataFile]) -> Result<Vec<DataFile>, ClusterError> {
        let files = &each_once(files);
        let mut running = self.start(files, What::Look).await?;
        let needed = self.needed(&mut running, files, &|_| {}).await?;
        running.finish().await?;
        let missing = needed.into_iter();
        Ok(missing
            .filter_map(|(number, _)| files.get(number).cloned())
            .collect())
    }

    /// Sends what is not there yet; `progress` hears of it if that is anything. When `stop` completes it ends, and what has come of
    /// files that are not whole is removed.
    pub(crate) async fn send(
        &self,
        files: &[DataFile],
        progress: &(dyn Fn(Upload) + Send + Sync),
        stop: &Stop<'_>,
    ) -> Result<(), ClusterError> {
        if files.is_empty() {
            return Ok(());
        }
        let files = &each_once(files);
        // Each file is begun anew at most once.
        for _ in 0..=files.len() {
            if let Went::Well = self.attempt(files, progress, stop).await? {
                return Ok(());
            }
        }
        Err(crate::submit::altered(&self.settings.name))
    }

    /// Ends an upload that nobody wants, and leaves nothing of it.
    async fn stop(&self, running: Running, files: &[DataFile]) -> ClusterError {
        let end = async {
            // Once that programme has ended it holds no file any more.
            running.finish().await?;
            self.start(files, What::Discard).await?.finish().await
        };
        // Over a connection that is lost something stays. Nobody waits for it to come back: nothing was submitted.
        tokio::time::timeout(COMMAND_LIMIT, end).await.ok();
        stopped(self.settings)
    }

    async fn start(&self, files: &[DataFile], what: What) -> Result<Running, ClusterError> {
        // On this machine its blocks can be shared.
        let is_here =
            self.settings.host.is_none() && self.settings.scheduler.of_machine().is_some();
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                let origin = file.origin.to_str().filter(|_| is_here);
                json!([file.sha256, file.size, origin])
            })
            .collect();
        let question = json!({ "files": files, "what": what }).to_string();
        let script = format!(
            "umask 077\nexec {} -I -S -c {} {} {}\n",
            self.python,
            python_word(PROGRAM),
            quote(&self.folder),
            question.len()
        );
        let mut running = Running::start(self.transport, &script).await?;
        // That it ended already is told by what it said.
        running.write(question.as_bytes()).await;
        Ok(running)
    }

    /// What is needed: the numbers of files, and how many bytes of each are there.
    async fn needed(
        &self,
        running: &mut Running,
        files: &[DataFile],
        progress: &(dyn Fn(Upload) + Send + Sync),
    ) -> Result<Vec<(usize, u64)>, ClusterError> {
        let mut needed = Vec::new();
        while let Some(line) = running.line().await {
            let mut words = line.splitn(3, ' ');
            let word = words.next().unwrap_or_default();
            let number = words.next().and_then(|word| word.parse::<usize>().ok());
            let file = number.and_then(|number| Some((number, files.get(number)?)));
            let rest = words.next().unwrap_or_default();
            let bytes = rest.parse::<u64>().ok();
            match (word, file, bytes) {
                ("go", ..) => return Ok(needed),
                ("need", Some((number, file)), Some(have)) if have <= file.size => {
                    needed.push((number, have));
                }
                // Somebody else sends it.
                ("wait", Some((_, file)), Some(sent)) => {
                    let total = file.size;
                    let sent = sent.min(total);
                    progress(Upload { sent, total });
                }
                ("fail", Some((_, file)), _) => return Err(self.failed(file, rest)),
                _ => {}
            }
        }
        Err(self.silent())
    }

    async fn attempt(
        &self,
        files: &[DataFile],
        progress: &(dyn Fn(Upload) + Send + Sync),
        stop: &Stop<'_>,
    ) -> Result<Went, ClusterError> {
        let mut running = self.start(files, What::Send).await?;
        let work = async {
            let needed = self.needed(&mut running, files, progress).await?;
            let to_send: Vec<(&DataFile, u64)> = needed
                .iter()
                .filter_map(|(number, have)| Some((files.get(*number)?, *have)))
                .collect();
            let sent = self.stream(&mut running, &to_send, progress).await;
            Ok::<_, ClusterError>((needed, sent))
        };
        let worked = tokio::select! {
            worked = work => Some(worked),
            () = stop() => None,
        };
        let Some(worked) = worked else {
            return Err(self.stop(running, files).await);
        };
        let (needed, sent) = worked?;
        // Where something was wrong here, it ends over there, too, and leaves nothing.
        let output = running.finish().await;
        sent?;
        let output = output?;
        let mut done = 0;
        for line in output.text().lines() {
            if line.starts_with("done ") {
                done += 1;
            } else if let Some(failure) = line.strip_prefix("fail ") {
                let (number, words) = failure.split_once(' ').unwrap_or((failure, ""));
                let number = number.parse::<usize>().ok();
                let have = needed.iter().find(|(one, _)| Some(*one) == number);
                let file = number.and_then(|number| files.get(number));
                return match (words, have, file) {
                    ("altered", Some((_, have)), _) if *have > 0 => Ok(Went::Anew),
                    (_, _, Some(file)) => Err(self.failed(file, words)),
                    _ => Err(self.silent()),
                };
            }
        }
        match done == needed.len() {
            true => Ok(Went::Well),
            false => Err(self.silent()),
        }
    }

    /// Sends what is needed of each file; nothing more when the programme over there has ended.
    async fn stream(
        &self,
        running: &mut Running,
        files: &[(&DataFile, u64)],
        progress: &(dyn Fn(Upload) + Send + Sync),
    ) -> Result<(), ClusterError> {
        let total = files.iter().map(|(file, _)| file.size).sum();
        let mut sent: u64 = files.iter().map(|(_, have)| have).sum();
        if !files.is_empty() {
            progress(Upload { sent, total });
        }
        for (file, have) in files {
            let mut from = self.open(file, *have).await?;
            let mut rest = file.size - have;
            let mut piece = vec![0; PIECE];
            while rest > 0 {
                let most = usize::try_from(rest).unwrap_or(PIECE).min(PIECE);
                let count = from
                    .read(&mut piece[..most])
                    .await
                    .map_err(|error| self.unread(file, &error.to_string()))?;
                if count == 0 {
                    return Err(self.changed(file));
                }
                if !running.write(&piece[..count]).await {
                    return Ok(());
                }
                rest -= count as u64;
                sent += count as u64;
                progress(Upload { sent, total });
            }
        }
        Ok(())
    }

    /// Opens a file of this machine at what is to be sent of it.
    async fn open(&self, file: &DataFile, at: u64) -> Result<tokio::fs::File, ClusterError> {
        let opened = async {
            let mut opened = tokio::fs::File::open(&file.origin).await?;
            let length = opened.metadata().await?.len();
            opened.seek(std::io::SeekFrom::Start(at)).await?;
            Ok::<_, std::io::Error>((opened, length))
        };
        match opened.await {
            Ok((opened, length)) if length == file.size => Ok(opened),
            Ok(_) => Err(self.changed(file)),
            Err(error) => Err(self.unread(file, &error.to_string())),
        }
    }

    fn failed(&self, file: &DataFile, words: &str) -> ClusterError {
        match words.split_once(' ') {
            Some(("write", words)) => {
                work_dir_error(&self.settings.name, &self.settings.work_dir, words)
            }
            // All of it came from here.
            _ => self.changed(file),
        }
    }

    fn changed(&self, file: &DataFile) -> ClusterError {
        ClusterError::new(
            &self.settings.name,
            ErrorKind::Altered,
            format!(
                "`{}` is not what it was when the job was made, it changed since or on its way",
                file.path
            ),
            "run the function again",
        )
    }

    fn unread(&self, file: &DataFile, why: &str) -> ClusterError {
        ClusterError::new(
            &self.settings.name,
            ErrorKind::File,
            format!("{} cannot be read any more ({why})", file.origin.display()),
            "put it back and run the function again",
        )
    }

    fn silent(&self) -> ClusterError {
        ClusterError::new(
            &self.settings.name,
            ErrorKind::Connection,
            "the upload of the data files ended there before all was there",
            "run again: it goes on where it stopped",
        )
    }
}
