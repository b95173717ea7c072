//! Jobs on this machine from the click to the result, with the real runner and a real Python.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hoist_analysis::{EntryCall, EntrySpec, FileKind, Slice, SliceFile};
use hoist_cluster::{Nobody, TargetSettings};
use hoist_jobs::{
    Config, Engine, EngineOptions, Event, JobId, JobView, Plan, RunRequest, State, Stream,
};
use hoist_syntax::Document;

/// A store, a work folder and a workspace of its own.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn engine(&self) -> Engine {
        let options = EngineOptions {
            store: self.path("state"),
            ask: Arc::new(Nobody),
        };
        Engine::start(options).expect("the store opens")
    }

    /// The function `work` of this text.
    fn plan(&self, text: &str) -> (RunRequest, Plan) {
        let path = self.path("workspace/train.py");
        let slice = Slice {
            requirements: Vec::new(),
            stored: Vec::new(),
            there: Vec::new(),
            module_name: "train".to_owned(),
            module_file: "train.py".to_owned(),
            roots: vec![String::new()],
            cwd: String::new(),
            folders: Vec::new(),
            files: vec![SliceFile {
                path: "train.py".to_owned(),
                contents: text.as_bytes().to_vec(),
                origin: path.clone(),
                why: "the module".to_owned(),
                kind: FileKind::Slice,
            }],
            entry: EntryCall::Function {
                qualname: "work".to_owned(),
                source_qualname: "work".to_owned(),
                is_async: false,
                is_generator: false,
            },
            args: None,
            imports: Vec::new(),
            findings: Vec::new(),
        };
        let package = hoist_package::build(&slice, &|_| Err(std::io::ErrorKind::NotFound.into()))
            .expect("a package");
        let settings = TargetSettings {
            work_dir: self.path("work").to_str().expect("UTF-8").to_owned(),
            ..TargetSettings::local()
        };
        let plan = Plan {
            slice,
            package,
            settings,
            resources: hoist_cluster::Resources::default(),
            name: "work".to_owned(),
            file: "train.py".to_owned(),
            line: Some(1),
            wanted: None,
        };
        let config = Config::load_with(None, None).expect("no configuration is one");
        let request = RunRequest::new(
            path,
            Document::new(text.to_owned()),
            self.path("workspace"),
            Arc::new(config),
            EntrySpec::Name("work".to_owned()),
        );
        (request, plan)
    }

    fn start(&self, engine: &Engine, text: &str) -> JobId {
        let (request, plan) = self.plan(text);
        engine.start_plan(&request, plan).expect("recorded")
    }
}

/// Everything that was heard of a job.
#[derive(Default)]
struct Heard {
    states: Vec<State>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    end: Option<Arc<JobView>>,
}

impl Heard {
    async fn of(engine: &Engine, job: JobId) -> Self {
        let mut heard = Self::default();
        let mut watch = engine.watch(job, [0; 3]);
        let all = async {
            while let Some(event) = watch.next().await.expect("watched") {
                heard.take(event);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .expect("it ends");
        heard
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::State { job } => {
                if self.states.last() != Some(&job.state) {
                    self.states.push(job.state);
                }
            }
            Event::Output {
                stream,
                offset,
                bytes,
                ..
            } => {
                let log = match stream {
                    Stream::Stdout => &mut self.stdout,
                    Stream::Stderr => &mut self.stderr,
                    Stream::Environment => panic!("nothing is built for it"),
                };
                assert_eq!(offset, log.len() as u64, "each byte once and in order");
                log.extend_from_slice(&bytes);
            }
            Event::Finished { job } => {
                assert!(self.end.is_none());
                self.end = Some(job);
            }
            Event::Upload { .. } | Event::Fetch { .. } => {}
        }
    }

    fn end(&self) -> &JobView {
        self.end.as_deref().expect("finished")
    }

    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_runs_and_its_output_and_result_come_back() {
    let place = Place::new();
    let engine = place.engine();
    let job = place.start(
        &engine,
        "import sys\ndef work():\n    print('héllo')\n    print('wörld', file=sys.stderr)\n    return {'n': 10 ** 30, 'x': [1.5, None]}\n",
    );
    let heard = Heard::of(&engine, job).await;
    let end = heard.end();
    assert_eq!(end.state, State::Succeeded, "{end:?}");
    assert_eq!(heard.stdout(), "héllo\n");
    assert_eq!(String::from_utf8_lossy(&heard.stderr), "wörld\n");
    let result = end.result.as_ref().expect("a result");
    assert_eq!(
        result.repr,
        "{'n': 1000000000000000000000000000000, 'x': [1.5, None]}"
    );
    let json = result.json.as_ref().expect("it is JSON").get();
    assert_eq!(
        json,
        r#"{"n":1000000000000000000000000000000,"x":[1.5,null]}"#
    );
    let line = Event::Finished {
        job: Arc::new(end.clone()),
    }
    .json()
    .expect("a line");
    assert!(
        line.contains(r#""json":{"n":1000000000000000000000000000000,"#),
        "{line}"
    );
    assert_eq!(heard.states.first(), Some(&State::Preparing));
    assert!(heard.states.contains(&State::Queued), "{:?}", heard.states);
    // The disk says the same to a process that comes later.
    let again = Heard::of(&place.engine(), job).await;
    assert_eq!(
        (&again.stdout, again.end().state),
        (&heard.stdout, State::Succeeded)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_function_raises_comes_back_with_the_users_own_lines() {
    let place = Place::new();
    let engine = place.engine();
    let text = "def work():\n    return inner(3)\n\n\ndef inner(n):\n    raise ValueError(f'too large: {n}')\n";
    let heard = Heard::of(&engine, place.start(&engine, text)).await;
    let end = heard.end();
    assert_eq!(end.state, State::Failed, "{end:?}");
    let error = end.error.as_ref().expect("an error");
    assert_eq!(
        (error.kind.as_str(), error.message.as_str()),
        ("ValueError", "too large: 3")
    );
    let frames: Vec<(&str, u32, &str, Option<&Path>)> = error
        .frames
        .iter()
        .map(|frame| {
            (
                frame.file.as_str(),
                frame.line,
                frame.function.as_str(),
                frame.path.as_deref(),
            )
        })
        .collect();
    let path = place.path("workspace/train.py");
    assert_eq!(
        frames,
        [
            ("train.py", 2, "work", Some(path.as_path())),
            ("train.py", 6, "inner", Some(path.as_path()))
        ]
    );
    assert_eq!(end.state.exit_status(), Some(1));
}

#[test]
fn who_reads_along_goes_on_with_the_job_when_its_process_dies() {
    let place = Place::new();
    let text = "import time\ndef work():\n    for n in range(30):\n        print('line', n)\n        time.sleep(0.1)\n    return n\n";
    let first = tokio::runtime::Runtime::new().expect("threads");
    let second = tokio::runtime::Runtime::new().expect("threads");
    let job = first.block_on(async { place.start(&place.engine(), text) });
    let path = place.path("state/jobs").join(job.to_string());
    let reader = second.spawn(async move {
        let engine = place.engine();
        assert!(
            !engine.take_up(job).expect("read"),
            "the first process drives it"
        );
        // Nothing of the place may go before the job is at its end.
        (Heard::of(&engine, job).await, place)
    });
    std::thread::sleep(Duration::from_millis(1500));
    first.shutdown_timeout(Duration::from_secs(5));
    // Half written by a process that was killed.
    std::fs::write(path.join("job.json.1-0.new"), "{").expect("written");
    let (heard, _place) = second.block_on(async {
        let limit = Duration::from_secs(60);
        let ended = tokio::time::timeout(limit, reader).await;
        ended.expect("it comes to its end").expect("no panic")
    });
    let expected: String = (0..30).map(|n| format!("line {n}\n")).collect();
    assert_eq!(heard.stdout(), expected);
    assert_eq!(heard.end().state, State::Succeeded);
    assert!(!path.join("job.json.1-0.new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_says_so() {
    let place = Place::new();
    let engine = place.engine();
    let job = place.start(
        &engine,
        "import time\ndef work():\n    print('here')\n    time.sleep(120)\n",
    );
    let mut watch = engine.watch(job, [0; 3]);
    let mut heard = Heard::default();
    while let Some(event) = watch.next().await.expect("watched") {
        if matches!(event, Event::Output { .. }) {
            engine.cancel(job).expect("there is such a job");
        }
        heard.take(event);
    }
    assert_eq!(heard.end().state, State::Cancelled, "{:?}", heard.end());
    assert_eq!(heard.stdout(), "here\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_time_is_told_apart_from_a_failure() {
    let place = Place::new();
    let engine = place.engine();
    let (request, mut plan) = place.plan("import time\ndef work():\n    time.sleep(120)\n");
    plan.resources.set("time", "2s").expect("a time");
    let job = engine.start_plan(&request, plan).expect("recorded");
    let heard = Heard::of(&engine, job).await;
    assert_eq!(heard.end().state, State::TimedOut, "{:?}", heard.end());
    assert!(heard.end().reason.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_is_a_failure_and_one_that_is_killed_is_lost() {
    let place = Place::new();
    let engine = place.engine();
    let dies = place.start(
        &engine,
        "import os, signal\ndef work():\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
    );
    let killed = place.start(
        &engine,
        "import os, signal\ndef work():\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    );
    let left = place.start(&engine, "import os\ndef work():\n    os._exit(0)\n");
    let (dies, killed, left) = (
        Heard::of(&engine, dies).await,
        Heard::of(&engine, killed).await,
        Heard::of(&engine, left).await,
    );
    assert_eq!(dies.end().state, State::Failed, "{:?}", dies.end());
    assert_eq!(killed.end().state, State::Lost, "{:?}", killed.end());
    assert_eq!(left.end().state, State::Failed, "{:?}", left.end());
    for heard in [dies, killed, left] {
        assert!(
            heard
                .end()
                .reason
                .as_ref()
                .is_some_and(|reason| !reason.is_empty())
        );
    }
}

#[test]
fn a_job_outlives_the_process_that_started_it_and_is_taken_up_again() {
    let place = Place::new();
    let text = "import time\ndef work():\n    for n in range(30):\n        print('line', n)\n        time.sleep(0.1)\n    return n\n";
    // The first process goes away in the middle: its tasks are dropped where they are.
    let first = tokio::runtime::Runtime::new().expect("threads");
    let job = first.block_on(async {
        let engine = place.engine();
        let job = place.start(&engine, text);
        let mut watch = engine.watch(job, [0; 3]);
        let mut seen = 0;
        while let Some(event) = watch.next().await.expect("watched") {
            if let Event::Output { bytes, .. } = event {
                seen += bytes.len();
            }
            if seen > 30 {
                break;
            }
        }
        job
    });
    first.shutdown_timeout(Duration::from_secs(5));
    let second = tokio::runtime::Runtime::new().expect("threads");
    second.block_on(async {
        let engine = place.engine();
        assert_eq!(engine.take_up_all().expect("read"), [job]);
        let other = place.engine();
        assert!(
            !other.take_up(job).expect("read"),
            "one process drives a job"
        );
        let (heard, read_along) = (Heard::of(&engine, job).await, Heard::of(&other, job).await);
        let expected: String = (0..30).map(|n| format!("line {n}\n")).collect();
        assert_eq!(heard.stdout(), expected);
        assert_eq!(read_along.stdout(), expected);
        assert_eq!(heard.end().state, State::Succeeded);
        assert_eq!(engine.take_up_all().expect("read"), []);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_cannot_be_used_loses_the_job_with_a_reason() {
    let place = Place::new();
    let engine = place.engine();
    let (request, mut plan) = place.plan("def work():\n    pass\n");
    plan.settings.python = Some("/no/such/python".to_owned());
    let job = engine.start_plan(&request, plan).expect("recorded");
    let heard = Heard::of(&engine, job).await;
    let end = heard.end();
    assert_eq!((end.state, end.state.exit_status()), (State::Lost, Some(3)));
    let reason = end.reason.as_deref().expect("a reason");
    assert!(reason.contains("/no/such/python"), "{reason}");

    let (request, mut plan) = place.plan("def work():\n    pass\n");
    std::fs::write(place.path("file"), "").expect("written");
    plan.settings.work_dir = place.path("file/work").display().to_string();
    let job = engine.start_plan(&request, plan).expect("recorded");
    let heard = Heard::of(&engine, job).await;
    assert_eq!(heard.end().state, State::Lost);
    let reason = heard.end().reason.clone().expect("a reason");
    assert!(
        reason.starts_with("local: ") && reason.contains("file/work"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_cancel_reaches_the_process_that_drives_the_job() {
    let place = Place::new();
    let engine = place.engine();
    let job = place.start(&engine, "import time\ndef work():\n    time.sleep(120)\n");
    let other = place.engine();
    other.cancel(job).expect("written down");
    let heard = Heard::of(&other, job).await;
    assert_eq!(heard.end().state, State::Cancelled);
}
