//! A scheduler whose submission takes long, as while its controller is away.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use common::{job, set};
use hoist_cluster::{Nobody, SchedulerKind, TargetSettings, connect};

/// Says how it was called, and answers after four seconds.
const SBATCH: &str = "#!/bin/sh\necho sbatch >>\"$HOIST_CALLS\"\nsleep 4\necho 7\n";
/// Knows of no job.
const SQUEUE: &str = "#!/bin/sh\necho squeue >>\"$HOIST_CALLS\"\n";

#[tokio::test]
async fn who_comes_while_a_submission_waits_for_the_scheduler_waits_too() {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE)] {
        std::fs::write(bin.join(name), text).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join(name), mode).unwrap();
    }
    let calls = folder.path().join("calls");
    let path = std::env::var("PATH").unwrap();
    set("PATH", format!("{}:{path}", bin.display()));
    set("HOIST_CALLS", &calls);
    let settings = TargetSettings {
        name: "slurm".to_owned(),
        scheduler: SchedulerKind::Slurm,
        work_dir: folder.path().join("work").to_str().unwrap().to_owned(),
        ..TargetSettings::default()
    };
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let job = job("print('once')");
    // As after a connection that was cut: the first goes on over there.
    let (first, second) = tokio::join!(target.submit(&job, |_| {}), target.submit(&job, |_| {}));
    assert_eq!(first.unwrap().0, "7");
    assert_eq!(second.unwrap().0, "7");
    assert_eq!(std::fs::read_to_string(calls).unwrap(), "sbatch\n");
}
