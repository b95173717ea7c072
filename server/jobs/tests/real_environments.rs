//! Environments from what is installed here to the job that imports it there: a real pip, a package index of the test's own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hoist_analysis::EntrySpec;
use hoist_analysis::sweep::{Tasks, grid};
use hoist_cluster::Nobody;
use hoist_jobs::{Config, Engine, EngineOptions, JobId, JobView, RunRequest, State, Stream, plan};
use hoist_syntax::Document;

const SOURCE: &str =
    "import os\n\nimport hoist_tiny\n\ndef work(n=1):\n    return hoist_tiny.VERSION * n\n";

/// A workspace whose virtual environment has the distribution `hoist-tiny`, an index, a store and a work folder.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// `installed` here is this version; the index has 1.0.
    fn new(installed: &str, metadata: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Self { folder };
        let made = Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(place.path("workspace/.venv"))
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        let library = place.path("workspace/.venv/lib");
        let version = std::fs::read_dir(&library).expect("listed").next();
        let site = version
            .expect("one")
            .expect("read")
            .path()
            .join("site-packages");
        let info = format!("hoist_tiny-{installed}.dist-info");
        place.write_at(
            &site.join(&info).join("METADATA"),
            &format!("Metadata-Version: 2.1\nName: hoist-tiny\nVersion: {installed}\n{metadata}\n"),
        );
        place.write_at(&site.join(&info).join("RECORD"), "hoist_tiny.py,,\n");
        place.write_at(&site.join("hoist_tiny.py"), "VERSION = 'here'\n");
        place.write_at(&place.path("workspace/train.py"), SOURCE);
        place.index();
        let index = format!("file://{}", place.path("simple").display());
        place.configure(&index, "");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        let root = self.folder.path().canonicalize().expect("it is there");
        root.join(name)
    }

    fn write_at(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// An index with one wheel.
    fn index(&self) {
        let wheel = "hoist_tiny-1.0-py3-none-any.whl";
        let folder = self.path("simple/hoist-tiny");
        std::fs::create_dir_all(&folder).expect("made");
        let file = std::fs::File::create(folder.join(wheel)).expect("created");
        let mut zip = zip::ZipWriter::new(file);
        let mut put = |name: &str, text: &str| {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(name, options).expect("begun");
            zip.write_all(text.as_bytes()).expect("written");
        };
        put("hoist_tiny.py", "VERSION = 'there'\n");
        put(
            "hoist_tiny-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: hoist-tiny\nVersion: 1.0\n",
        );
        put(
            "hoist_tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        );
        put("hoist_tiny-1.0.dist-info/RECORD", "");
        zip.finish().expect("closed");
        let page = format!("<a href=\"{wheel}\">{wheel}</a>\n");
        self.write_at(&folder.join("index.html"), &page);
    }

    /// The index over there, and more keys of the target.
    fn configure(&self, index: &str, more: &str) {
        let text = format!(
            "default_target = \"lab\"\n[targets.lab]\nwork_dir = {:?}\nenvironment = \"venv\"\n{more}\n[targets.lab.env]\nPIP_INDEX_URL = {index:?}\nPIP_RETRIES = \"1\"\nPIP_NO_CACHE_DIR = \"1\"\n",
            self.path("work").display().to_string()
        );
        self.write_at(&self.path("workspace/hoist.toml"), &text);
    }

    fn engine(&self) -> Engine {
        let options = EngineOptions {
            store: self.path("state"),
            ask: Arc::new(Nobody),
        };
        Engine::start(options).expect("the store opens")
    }

    fn request(&self) -> RunRequest {
        let workspace = self.path("workspace");
        let config = Config::load_with(Some(&workspace), None).expect("it is read");
        RunRequest::new(
            workspace.join("train.py"),
            Document::new(SOURCE.to_owned()),
            workspace,
            Arc::new(config),
            EntrySpec::Name("work".to_owned()),
        )
    }

    fn environments(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("work/envs"));
        let entries = entries.into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with("py")).collect()
    }
}

async fn ended(engine: &Engine, job: JobId) -> Arc<JobView> {
    let ended = tokio::time::timeout(Duration::from_secs(120), engine.ended(job));
    ended.await.expect("it ends").expect("it is read")
}

fn log(engine: &Engine, job: JobId) -> String {
    let bytes = engine.output(job, Stream::Environment, 0, 1 << 20);
    String::from_utf8(bytes.expect("read")).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_here_is_installed_there_once() {
    let place = Place::new("1.0", "");
    let engine = place.engine();
    let first = engine.run(&place.request()).expect("started");
    let view = ended(&engine, first).await;
    assert_eq!(view.state, State::Succeeded, "{view:?}");
    assert_eq!(
        view.result.as_ref().map(|it| it.repr.as_str()),
        Some("'there'")
    );
    let names = place.environments();
    assert_eq!(view.environment.as_ref(), names.first());
    assert!(
        log(&engine, first).contains("hoist-tiny==1.0")
            || log(&engine, first).contains("hoist_tiny-1.0")
    );

    // Another engine knows nothing of the first one's.
    let engine = place.engine();
    let second = engine.run(&place.request()).expect("started");
    assert_eq!(ended(&engine, second).await.state, State::Succeeded);
    assert_eq!(log(&engine, second), "");
    assert_eq!(place.environments(), names);

    // The same job once more, when somebody has removed it meanwhile.
    std::fs::remove_dir_all(place.path("work/envs")).expect("removed");
    let engine = place.engine();
    let third = engine.again(first, &Default::default()).expect("started");
    assert_eq!(ended(&engine, third).await.state, State::Succeeded);
    assert_eq!(place.environments(), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_is_told_at_the_import_that_wants_it() {
    let place = Place::new("9.9", "");
    let view = failed_build(&place).await;
    assert_eq!(view.native_id, None, "nothing was submitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_in_the_job_is_told_at_the_import_that_wants_it() {
    let place = Place::new("9.9", "");
    let index = format!("file://{}", place.path("simple").display());
    place.configure(&index, "build = \"job\"");
    let view = failed_build(&place).await;
    assert!(view.native_id.is_some(), "the job was there");
}

/// A job whose package no index has, in this version: what is told of it.
async fn failed_build(place: &Place) -> Arc<JobView> {
    let engine = place.engine();
    let job = engine.run(&place.request()).expect("started");
    let view = ended(&engine, job).await;
    assert_eq!(view.state, State::Lost);
    let reason = view.reason.as_deref().unwrap_or_default();
    assert!(
        reason.starts_with("lab: ") && reason.contains("hoist-tiny==9.9"),
        "{reason}"
    );
    let error = view.error.as_ref().expect("what was wrong");
    let frame = error.frames.first().expect("where");
    assert_eq!((frame.line, frame.file.as_str()), (3, "train.py"));
    assert_eq!(
        frame.path.as_deref(),
        Some(place.path("workspace/train.py").as_path())
    );
    let words = error.traceback.as_deref().unwrap_or_default();
    assert!(words.contains("No matching distribution found"), "{words}");
    view
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_there_is_not_even_tried() {
    let place = Place::new("1.0", "Requires-Python: >=9");
    let engine = place.engine();
    let job = engine.run(&place.request()).expect("started");
    let view = ended(&engine, job).await;
    assert_eq!(view.state, State::Lost);
    let reason = view.reason.as_deref().unwrap_or_default();
    assert!(
        reason.starts_with("lab: hoist-tiny 1.0 needs Python >=9 and the target's is 3."),
        "{reason}"
    );
    let error = view.error.as_ref().expect("what was wrong");
    assert_eq!(error.frames.first().map(|frame| frame.line), Some(3));
    assert!(place.environments().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_while_its_environment_is_built() {
    let place = Place::new("1.0", "");
    // An index that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = silent.local_addr().expect("an address").port();
    place.configure(&format!("http://127.0.0.1:{port}/simple"), "");
    let engine = place.engine();
    let job = engine.run(&place.request()).expect("started");
    let began = Instant::now();
    loop {
        let view = engine.job(job).expect("read");
        if view
            .message
            .as_deref()
            .is_some_and(|message| message.contains("building"))
        {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{view:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    engine.cancel(job).expect("asked");
    let view = ended(&engine, job).await;
    assert_eq!(view.state, State::Cancelled);
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_of_a_sweep_share_one_environment() {
    let place = Place::new("1.0", "");
    let engine = place.engine();
    let request = place.request();
    let plan = plan(&request).expect("planned");
    let tasks: Tasks = grid(None, "n=range(4)").expect("values");
    let name = engine
        .start_sweep(&request, &plan, &tasks, None)
        .expect("started");
    let mut logs = 0;
    let sweep = engine.sweep(name).expect("recorded");
    for (number, task) in (1..).zip(&sweep.tasks) {
        let job = task.job;
        let view = ended(&engine, job).await;
        assert_eq!(view.state, State::Succeeded, "{view:?}");
        let expected = format!("'{}'", "there".repeat(number - 1));
        assert_eq!(
            view.result.as_ref().map(|it| it.repr.clone()),
            Some(expected)
        );
        logs += usize::from(!log(&engine, job).is_empty());
    }
    assert_eq!(logs, 1);
    assert_eq!(place.environments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_builds_its_environment_itself_where_the_target_says_so() {
    let place = Place::new("1.0", "");
    let index = format!("file://{}", place.path("simple").display());
    place.configure(&index, "build = \"job\"");
    let engine = place.engine();
    let job = engine.run(&place.request()).expect("started");
    let view = ended(&engine, job).await;
    assert_eq!(view.state, State::Succeeded, "{view:?}");
    assert_eq!(log(&engine, job), "");
    let errors = engine
        .output(job, Stream::Stderr, 0, 1 << 20)
        .expect("read");
    assert!(
        String::from_utf8_lossy(&errors).contains("hoist_tiny-1.0")
            || String::from_utf8_lossy(&errors).contains("hoist-tiny==1.0")
    );
    assert_eq!(place.environments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wheels_are_fetched_here_for_a_target_without_an_index() {
    if let Some(root) = std::env::var_os("HOIST_TEST_PLACE") {
        return fetched_here(root.into()).await;
    }
    let place = Place::new("1.0", "");
    // Nobody listens there; here pip is told of the index that there is.
    place.configure("http://127.0.0.1:9/simple", "");
    let has_pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    assert!(
        has_pip.is_ok_and(|output| output.status.success()),
        "the test wants a pip"
    );
    let index = format!("file://{}", place.path("simple").display());
    let config = place.path("pip.conf");
    place.write_at(&config, &format!("[global]\nindex-url = {index}\n"));
    // The variables of this process are those of pip here; the target's own go before them over there.
    let run = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "wheels_are_fetched_here_for_a_target_without_an_index",
        ])
        .env("PIP_CONFIG_FILE", &config)
        .env("HOIST_TEST_PLACE", place.path(""))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// The part of the test above that runs with other variables.
async fn fetched_here(root: PathBuf) {
    let options = EngineOptions {
        store: root.join("state"),
        ask: Arc::new(Nobody),
    };
    let engine = Engine::start(options).expect("the store opens");
    let workspace = root.join("workspace");
    let config = Config::load_with(Some(&workspace), None).expect("it is read");
    let request = RunRequest::new(
        workspace.join("train.py"),
        Document::new(SOURCE.to_owned()),
        workspace,
        Arc::new(config),
        EntrySpec::Name("work".to_owned()),
    );
    let job = engine.run(&request).expect("started");
    let view = ended(&engine, job).await;
    assert_eq!(
        view.state,
        State::Succeeded,
        "{view:?}\n{}",
        log(&engine, job)
    );
    assert_eq!(
        view.result.as_ref().map(|it| it.repr.as_str()),
        Some("'there'")
    );
}
