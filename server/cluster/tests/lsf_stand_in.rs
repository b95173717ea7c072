//! Jobs of LSF: of a stand-in for its commands, which answers as its manual says. A stand-in runs in place of the runner too.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{StandIn, asking, clean, ended, job, left_nothing, listen, run, until_state};
use hoist_cluster::{Made, NativeId, Offsets, Outcome, SchedulerKind, SchedulerState, Target};

async fn lsf() -> (Target, StandIn) {
    let stand_in = StandIn::start(&["bsub", "bjobs", "bkill", "bparams"]);
    let target = common::reach(&common::settings("lsf", SchedulerKind::Lsf)).await;
    (target, stand_in)
}

#[tokio::test]
async fn a_job_runs_is_found_again_and_is_cancelled() {
    let (target, _stand_in) = lsf().await;
    let wanted = [("cores", "2"), ("memory", "300M"), ("time", "5m")];
    let (_, heard) = run(&target, &asking("print('on')", &wanted)).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("on\n", "succeeded")
    );
    common::is_found_again(&target).await;
    common::is_cancelled_while_it_runs(&target).await;
    common::is_cancelled_while_it_waits(&target, &asking("", &[("queue", "stopped")])).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_refused_job_is_one_sentence_and_a_waiting_one_says_why() {
    let (target, _stand_in) = lsf().await;
    let error = target
        .submit(&asking("print(1)", &[("queue", "nowhere")]), |_| {})
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "lsf: bsub refused the job: nowhere: No such queue; correct `partition` in the target's resources; `bqueues` lists the queues \
         there are"
    );
    left_nothing(&target);
    let waiting = asking("print('never')", &[("queue", "stopped")]);
    let id = target.submit(&waiting, |_| {}).await.unwrap();
    let pending = |state: &SchedulerState| matches!(state, SchedulerState::Pending { .. });
    assert_eq!(
        until_state(&target, &waiting, &id, pending).await,
        SchedulerState::Pending {
            reason: "LSF says: The queue is inactivated by the administrator".to_owned()
        }
    );
    target
        .cancel(&waiting.job, Made::Before, &id)
        .await
        .unwrap();
    clean(&target).await;
}

#[tokio::test]
async fn the_death_of_a_job_is_learnt_from_lsf_and_a_forgotten_one_is_gone_after_a_while() {
    let (target, stand_in) = lsf().await;
    let kill = job(
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)",
    );
    let id = target.submit(&kill, |_| {}).await.unwrap();
    let events = target
        .follow(&kill.job, Made::Before, Offsets::default())
        .unwrap();
    let said = until_state(&target, &kill, &id, ended).await;
    assert!(
        matches!(
            said,
            SchedulerState::Ended {
                outcome: Outcome::Killed,
                ..
            }
        ),
        "{said:?}"
    );
    assert_eq!(listen(events).await.state(), "crashed");
    let forgotten = NativeId("99999999".to_owned());
    let said = until_state(&target, &job(""), &forgotten, ended).await;
    assert!(
        matches!(
            said,
            SchedulerState::Ended {
                outcome: Outcome::Vanished,
                ..
            }
        ),
        "{said:?}"
    );
    stand_in.is("down", true);
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let error = target
        .query(&[(kill.job.clone(), id)])
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("LIM is down"), "{error}");
    clean(&target).await;
}

#[tokio::test]
async fn an_array_is_one_submission_and_its_tasks_end_each_in_its_own_way() {
    let (target, stand_in) = lsf().await;
    assert_eq!(target.array_limit().await.unwrap(), Some(1000));
    common::tasks_end_each_in_its_own_way(&target, "LSB_JOBINDEX", "[").await;
    assert_eq!(stand_in.calls("bsub"), 1);
    common::tasks_are_cancelled_together(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_comes_after_others_begins_only_when_they_succeeded() {
    let (target, _stand_in) = lsf().await;
    common::comes_after(&target, false).await;
    clean(&target).await;
}
