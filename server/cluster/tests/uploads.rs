//! Packages on their way to this machine, with a stand-in for the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::{job, job_name, listen, sized_job};
use hoist_cluster::{
    ErrorKind, Made, Nobody, Offsets, Submission, Target, TargetSettings, connect,
};

async fn local(work: &tempfile::TempDir) -> Target {
    let settings = TargetSettings {
        work_dir: work.path().to_str().unwrap().to_owned(),
        ..TargetSettings::local()
    };
    connect(&settings, Arc::new(Nobody))
        .await
        .expect("this machine can be reached")
}

/// A file of the job's folder.
fn in_job(work: &tempfile::TempDir, job: &Submission, file: &str) -> PathBuf {
    work.path().join("jobs").join(&job.job).join(file)
}

#[tokio::test]
async fn the_same_job_submitted_again_is_the_same_job_and_the_package_is_sent_once() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let one = job("open(job + '/times', 'a').write('x'); import time; time.sleep(0.3)");
    let uploads = std::sync::Mutex::new(0);
    let count = |_| *uploads.lock().unwrap() += 1;
    let first = target.submit(&one, count).await.unwrap();
    let sent = *uploads.lock().unwrap();
    assert!(sent > 0);
    assert_eq!(target.submit(&one, count).await.unwrap(), first);
    let mut two = one.clone();
    two.job = job_name();
    let second = target.submit(&two, count).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(
        *uploads.lock().unwrap(),
        sent,
        "an unchanged package is not sent again"
    );
    assert_eq!(
        listen(
            target
                .follow(&one.job, Made::Before, Offsets::default())
                .unwrap()
        )
        .await
        .state(),
        "succeeded"
    );
    assert_eq!(
        std::fs::read_to_string(in_job(&work, &one, "times")).unwrap(),
        "x"
    );
}

#[tokio::test]
async fn a_package_that_does_not_match_its_sum_is_refused_and_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    for padding in [0, 300_000] {
        let mut job = sized_job("print(1)", padding);
        job.sha256 = "0".repeat(64);
        let error = target.submit(&job, |_| {}).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Altered, "{error}");
        for folder in ["packages", "jobs"] {
            let left: Vec<_> = std::fs::read_dir(work.path().join(folder))
                .unwrap()
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

#[tokio::test]
async fn a_large_package_arrives_whole() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = sized_job("print('whole')", 3_000_000);
    let last = std::sync::Mutex::new(0);
    target
        .submit(&job, |upload| *last.lock().unwrap() = upload.sent)
        .await
        .unwrap();
    assert_eq!(*last.lock().unwrap(), job.package.len() as u64);
    assert_eq!(
        listen(
            target
                .follow(&job.job, Made::Before, Offsets::default())
                .unwrap()
        )
        .await
        .out(),
        "whole\n"
    );
}

#[tokio::test]
async fn an_upload_that_was_cut_off_goes_on_where_it_stopped() {
    let work = tempfile::tempdir().unwrap();
    common::uploads_are_taken_up(&local(&work).await).await;
}

#[tokio::test]
async fn what_is_left_of_an_upload_goes_with_its_job() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = sized_job("print('never')", 300_000);
    let left = work
        .path()
        .join(format!("packages/.{}.{}", job.sha256, job.job));
    std::fs::create_dir_all(left.parent().unwrap()).unwrap();
    std::fs::write(&left, &job.package[..1_000]).unwrap();
    target.remove(&job.job).await.unwrap();
    assert!(!left.exists());
}
