//! The store of data files, on this machine.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::job;
use hoist_cluster::{DataFile, ErrorKind, Nobody, Submission, Target, TargetSettings, connect};
use sha2::{Digest, Sha256};

struct There {
    work: tempfile::TempDir,
    here: tempfile::TempDir,
    target: Target,
}

impl There {
    async fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        let settings = TargetSettings {
            work_dir: work.path().to_str().unwrap().to_owned(),
            ..TargetSettings::local()
        };
        let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
        Self {
            here: tempfile::tempdir().unwrap(),
            work,
            target,
        }
    }

    /// A file here, as a job names it.
    fn file(&self, name: &str, bytes: &[u8]) -> DataFile {
        let origin = self.here.path().join(name);
        std::fs::write(&origin, bytes).unwrap();
        let sum = Sha256::digest(bytes);
        DataFile {
            path: format!("data/{name}"),
            size: bytes.len() as u64,
            sha256: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
            origin,
        }
    }

    fn store(&self) -> PathBuf {
        self.work.path().join("data")
    }

    fn stored(&self, file: &DataFile) -> PathBuf {
        self.store().join(&file.sha256)
    }

    /// Submits a job with these files; what was told of the upload of more than a package.
    async fn submit(
        &self,
        files: &[DataFile],
    ) -> Result<Vec<(u64, u64)>, hoist_cluster::ClusterError> {
        let told = Mutex::new(Vec::new());
        let submission = Submission {
            data: files.into(),
            ..job("pass")
        };
        let small = submission.package.len() as u64;
        self.target
            .submit(&submission, |upload| {
                if upload.total != small {
                    told.lock().unwrap().push((upload.sent, upload.total));
                }
            })
            .await?;
        let data = self
            .work
            .path()
            .join("jobs")
            .join(&submission.job)
            .join("data");
        let named = std::fs::read_to_string(data).unwrap();
        assert_eq!(named.lines().count(), files.len());
        Ok(told.into_inner().unwrap())
    }
}

fn bytes(count: u32) -> Vec<u8> {
    (0..count).flat_map(u32::to_le_bytes).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_are_sent_once_and_cannot_be_written() {
    let there = There::new().await;
    let files = [
        there.file("a.bin", &bytes(200_000)),
        there.file("b.bin", b""),
        there.file("run.sh", b"#!/bin/sh\n"),
    ];
    assert_eq!(there.target.missing_data(&files).await.unwrap(), files);
    let total = files.iter().map(|file| file.size).sum();
    let told = there.submit(&files).await.unwrap();
    // Where blocks are shared nothing is sent.
    assert!(
        told.is_empty() || told.last() == Some(&(total, total)),
        "{told:?}"
    );
    for file in &files {
        assert_eq!(
            std::fs::read(there.stored(file)).unwrap(),
            std::fs::read(&file.origin).unwrap()
        );
    }
    let mode = |file: &DataFile| {
        std::fs::metadata(there.stored(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(files.each_ref().map(mode), [0o400, 0o400, 0o500]);
    assert_eq!(names(&there.store()).len(), 6, "each with its seal");
    assert_eq!(there.target.missing_data(&files).await.unwrap(), []);
    assert_eq!(there.submit(&files).await.unwrap(), []);

    // Changing the file here changes nothing there.
    std::fs::write(&files[0].origin, "other").unwrap();
    assert_eq!(
        std::fs::read(there.stored(&files[0])).unwrap(),
        bytes(200_000)
    );

    // What was altered there is sent anew.
    let altered = there.stored(&files[1]);
    std::fs::set_permissions(&altered, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&altered, "x").unwrap();
    assert_eq!(there.submit(&files[1..]).await.map(|_| ()), Ok(()));
    assert_eq!(std::fs::read(&altered).unwrap(), b"");
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_cut_off() {
    let there = There::new().await;
    let all = bytes(3_000_000);
    let file = there.file("big.bin", &all);
    std::fs::create_dir_all(there.store()).unwrap();
    let part = there.store().join(format!(".{}.part", file.sha256));
    let half = 5_000_001;
    std::fs::write(&part, &all[..half]).unwrap();
    let told = there.submit(std::slice::from_ref(&file)).await.unwrap();
    let first = told.first().copied();
    assert!(
        first.is_none_or(|first| first == (half as u64, 12_000_000)),
        "{first:?}"
    );
    assert_eq!(std::fs::read(there.stored(&file)).unwrap(), all);

    // What is left is something else: all is sent anew.
    let file = there.file("other.bin", &bytes(2_500_000));
    let part = there.store().join(format!(".{}.part", file.sha256));
    std::fs::write(&part, vec![7; 1000]).unwrap();
    there.submit(std::slice::from_ref(&file)).await.unwrap();
    assert_eq!(
        std::fs::metadata(there.stored(&file)).unwrap().len(),
        10_000_000
    );
}

#[tokio::test]
async fn two_that_send_the_same_file_do_not_harm_each_other() {
    let there = There::new().await;
    let all = bytes(3_000_000);
    let file = [there.file("big.bin", &all)];
    let (one, two) = tokio::join!(there.submit(&file), there.submit(&file));
    one.unwrap();
    two.unwrap();
    assert_eq!(std::fs::read(there.stored(&file[0])).unwrap(), all);
    let left: Vec<String> = names(&there.store())
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_file_that_changed_since_the_job_was_made_is_refused() {
    let there = There::new().await;
    let refused = |file: DataFile| {
        let there = &there;
        async move {
            let error = there.submit(&[file]).await.unwrap_err();
            (error.kind, error.to_string())
        }
    };
    let file = there.file("a.csv", b"12345");
    std::fs::write(&file.origin, "54321").unwrap();
    let changed = "local: `data/a.csv` is not what it was when the job was made, it changed since or on its way; run the function again";
    assert_eq!(
        refused(file).await,
        (ErrorKind::Altered, changed.to_owned())
    );
    let file = there.file("a.csv", b"12345");
    std::fs::write(&file.origin, "54321 and more").unwrap();
    assert_eq!(
        refused(file).await,
        (ErrorKind::Altered, changed.to_owned())
    );
    let file = there.file("a.csv", b"12345");
    std::fs::remove_file(&file.origin).unwrap();
    let (kind, sentence) = refused(file).await;
    assert_eq!(kind, ErrorKind::File);
    assert!(
        sentence.contains("a.csv cannot be read any more (No such file"),
        "{sentence}"
    );
    assert!(names(&there.store()).is_empty());
    assert!(names(&there.work.path().join("jobs")).is_empty());
}
