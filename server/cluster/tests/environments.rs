//! Environments on this machine, made of wheels that the tests write themselves, so that nothing is needed from outside.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use std::time::Duration;

use common::index::{Index, wheel};
use common::{Heard, eventually, job, listen};
use hoist_cluster::{
    BuildErrorKind, BuildProgress, EnvironmentSpec, EnvironmentState, JobEnvironment, Made, Nobody,
    Offsets, Submission, Target, TargetSettings, connect,
};

async fn local(work: &Path) -> Target {
    let settings = TargetSettings {
        work_dir: work.to_str().unwrap().to_owned(),
        ..TargetSettings::local()
    };
    connect(&settings, Arc::new(Nobody)).await.unwrap()
}

async fn spec(
    target: &Target,
    name: &str,
    requirements: &[&str],
    wheels: &[PathBuf],
) -> EnvironmentSpec {
    let facts = target.facts().await.unwrap().unwrap();
    EnvironmentSpec {
        name: name.to_owned(),
        python: facts.markers.python_version,
        requirements: requirements.iter().map(|line| (*line).to_owned()).collect(),
        complete: true,
        constraints: Vec::new(),
        indexes: Vec::new(),
        wheels: wheels.to_vec(),
    }
}

async fn run(target: &Target, job: &Submission) -> Heard {
    target.submit(job, |_| {}).await.unwrap();
    listen(
        target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn an_environment_is_built_once_and_jobs_run_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("it's $(work)");
    let target = local(&work).await;
    let wheel = wheel(folder.path(), "sunlit", "1.2", "");
    let spec = spec(&target, "lab-1.2", &["sunlit==1.2"], &[wheel]).await;
    let heard = Mutex::new((Vec::new(), String::new()));
    let hear = |news| match news {
        BuildProgress::Building { what, .. } => heard.lock().unwrap().0.push(what),
        BuildProgress::Log(bytes) => {
            heard.lock().unwrap().1 += &String::from_utf8_lossy(&bytes);
        }
    };
    let python = target.environment(&spec, hear).await.unwrap();
    let home = work.join("envs/lab-1.2");
    assert_eq!(Path::new(&python), home.join("bin/python"));
    let (steps, log) = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(steps[0], "carrying over sunlit-1.2-py3-none-any.whl");
    assert!(steps.iter().any(|step| step == "installing 1 packages"));
    assert!(log.contains("Successfully installed sunlit-1.2"), "{log}");
    assert_eq!(target.environment(&spec, hear).await.unwrap(), python);
    assert_eq!(*heard.lock().unwrap(), (Vec::new(), String::new()));

    let lines = "import os, sunlit, sys\nprint(sunlit.version, sys.prefix == os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(':')[0] == sys.prefix + '/bin')";
    let mut inside = job(lines);
    inside.environment = JobEnvironment::Venv {
        name: spec.name.clone(),
    };
    let told = run(&target, &inside).await;
    assert_eq!(told.out(), "1.2 True True\n", "{}", told.reason());

    let notes = || std::fs::read_dir(home.join("hoist/jobs")).unwrap().count();
    eventually("the job has left it", async || notes() == 0).await;
    // However it ends.
    let mut dies = job("import os; os._exit(7)");
    dies.environment = inside.environment.clone();
    let told = run(&target, &dies).await;
    assert_eq!(told.reason(), "the runner ended with status 7");
    eventually("that one has left it too", async || notes() == 0).await;

    // One that is gone is told of, and nothing else is taken in its place.
    std::fs::remove_dir_all(&home).unwrap();
    let mut gone = inside.clone();
    gone.job = common::job_name();
    let told = run(&target, &gone).await;
    assert_eq!(
        (told.state().as_str(), told.reason().as_str()),
        (
            "failed",
            "the environment lab-1.2 is not there any more: run again, and it is built anew"
        )
    );

    // The job builds it itself.
    let mut builds = inside.clone();
    builds.job = common::job_name();
    builds.environment = JobEnvironment::Build(spec);
    let told = run(&target, &builds).await;
    assert_eq!(told.out(), "1.2 True True\n", "{}", told.reason());
    assert!(
        told.err().contains("Successfully installed sunlit-1.2"),
        "{}",
        told.err()
    );
}

#[tokio::test]
async fn a_failure_names_the_requirement_and_leaves_only_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let target = local(folder.path()).await;
    let wheel = wheel(folder.path(), "sunlit", "1.2", "");
    let spec = spec(&target, "lab", &["sunlit==1.2", "moonlit==7"], &[wheel]).await;
    let error = target.environment(&spec, |_| {}).await.unwrap_err();
    assert_eq!(error.kind, BuildErrorKind::NotFound);
    assert_eq!(error.requirement.as_deref(), Some("moonlit==7"));
    assert!(
        error
            .words
            .contains("No matching distribution found for moonlit==7"),
        "{error:#?}"
    );
    let home = folder.path().join("envs/lab");
    let left: Vec<_> = std::fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["hoist"]);
    let log = std::fs::read_to_string(home.join("hoist/builds/1/stdout")).unwrap();
    assert!(log.contains("moonlit"), "{log}");

    // The same within a job is the reason of its end.
    let mut builds = job("print('never')");
    builds.environment = JobEnvironment::Build(spec.clone());
    let told = run(&target, &builds).await;
    assert_eq!((told.state().as_str(), told.out().as_str()), ("failed", ""));
    assert!(
        told.reason().starts_with("the environment was not built"),
        "{}",
        told.reason()
    );
    let understood = hoist_cluster::BuildError::of_log("local", &told.err()).unwrap();
    assert_eq!(understood.requirement.as_deref(), Some("moonlit==7"));

    // Another Python than it is for.
    let other = EnvironmentSpec {
        python: "3.1".to_owned(),
        ..spec
    };
    let error = target.environment(&other, |_| {}).await.unwrap_err();
    assert_eq!(error.kind, BuildErrorKind::Python);
}

/// A target whose pip knows this index alone.
async fn with_index(work: &Path, index: &Index) -> Target {
    let mut settings = TargetSettings {
        work_dir: work.to_str().unwrap().to_owned(),
        ..TargetSettings::local()
    };
    settings.env.extend(index.variables());
    connect(&settings, Arc::new(Nobody)).await.unwrap()
}

#[tokio::test]
async fn several_who_want_it_at_once_build_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::serve(vec![(wheel(folder.path(), "sunlit", "1.2", ""), None)]).await;
    index.slow(Duration::from_secs(3));
    // As two editors and two jobs would.
    let (one, two) = (
        with_index(folder.path(), &index).await,
        with_index(folder.path(), &index).await,
    );
    let spec = spec(&one, "lab", &["sunlit==1.2"], &[]).await;
    let mut jobs = [
        job("import sunlit; print(sunlit.version)"),
        job("import sunlit; print(sunlit.version)"),
    ];
    for job in &mut jobs {
        job.environment = JobEnvironment::Build(spec.clone());
    }
    let logs = [Mutex::new(String::new()), Mutex::new(String::new())];
    let hear = |log: &Mutex<String>, news| {
        if let BuildProgress::Log(bytes) = news {
            *log.lock().unwrap() += &String::from_utf8_lossy(&bytes);
        }
    };
    let (first, second, third, fourth) = tokio::join!(
        one.environment(&spec, |news| hear(&logs[0], news)),
        two.environment(&spec, |news| hear(&logs[1], news)),
        run(&one, &jobs[0]),
        run(&two, &jobs[1]),
    );
    assert_eq!(first.unwrap(), second.unwrap());
    for told in [third, fourth] {
        assert_eq!(told.out(), "1.2\n", "{}\n{}", told.reason(), told.err());
        assert!(told.err().contains("Successfully installed sunlit-1.2"));
    }
    for log in logs {
        let log = log.into_inner().unwrap();
        assert!(log.contains("Successfully installed sunlit-1.2"), "{log}");
    }
    assert_eq!(index.fetched(), 1);
    let builds = std::fs::read_dir(folder.path().join("envs/lab/hoist/builds")).unwrap();
    assert_eq!(builds.count(), 1);
}

#[tokio::test]
async fn what_is_there_is_listed_and_removed_unless_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::serve(vec![(wheel(folder.path(), "sunlit", "1.2", ""), None)]).await;
    let target = with_index(folder.path(), &index).await;
    assert_eq!(target.environments().await.unwrap(), []);
    let lab = spec(&target, "lab", &["sunlit==1.2"], &[]).await;
    let slow = spec(&target, "slow", &["sunlit==1.2"], &[]).await;
    let bad = spec(&target, "bad", &["sunlit==9"], &[]).await;
    target.environment(&lab, |_| {}).await.unwrap();
    target.environment(&bad, |_| {}).await.unwrap_err();
    let mut uses = job(
        "import sunlit, os, time\nprint(1, flush=True)\nwhile not os.path.exists(job + '/go'): time.sleep(0.05)\nimport sunlit",
    );
    uses.environment = JobEnvironment::Venv {
        name: "lab".to_owned(),
    };
    target.submit(&uses, |_| {}).await.unwrap();
    let note = folder.path().join("envs/lab/hoist/jobs").join(&uses.job);
    eventually("the job is in it", async || note.exists()).await;
    index.slow(Duration::from_secs(6));
    let builder = {
        let (target, slow) = (target.clone(), slow.clone());
        tokio::spawn(async move { target.environment(&slow, |_| {}).await })
    };
    eventually("it is fetched", async || index.fetched() == 2).await;

    let known = target.environments().await.unwrap();
    let states: Vec<_> = known
        .iter()
        .map(|one| (one.name.as_str(), one.state))
        .collect();
    assert_eq!(
        states,
        [
            ("bad", EnvironmentState::Broken),
            ("lab", EnvironmentState::Ready),
            ("slow", EnvironmentState::Building)
        ]
    );
    assert_eq!(known[1].requirements, ["sunlit==1.2"]);
    assert!(known[1].python.as_ref().unwrap().starts_with(&lab.python));
    assert!(known[1].size.unwrap() > 100);
    assert!(known[1].made.unwrap() <= known[1].used.unwrap() + Duration::from_secs(1));
    assert_eq!(known[1].jobs, [uses.job.as_str()]);

    let names = ["bad", "lab", "slow", "none"].map(str::to_owned);
    let kept = target.remove_environments(&names).await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|one| format!("{}: {}", one.name, one.why))
        .collect();
    assert_eq!(
        kept,
        [
            format!("lab: the job {} runs in it", uses.job),
            "slow: it is being built".to_owned(),
            "none: there is no such environment".to_owned()
        ]
    );
    std::fs::write(folder.path().join("jobs").join(&uses.job).join("go"), "").unwrap();
    let told = listen(
        target
            .follow(&uses.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(told.state(), "succeeded");
    builder.await.unwrap().unwrap();
    assert_eq!(target.remove_environments(&names[1..3]).await.unwrap(), []);
    assert_eq!(target.environments().await.unwrap(), []);
    let envs = folder.path().join("envs");
    eventually("nothing is left", async || {
        std::fs::read_dir(&envs).unwrap().count() == 0
    })
    .await;
    let error = target
        .remove_environments(&["../jobs".to_owned()])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is not the name of an environment")
    );
}
