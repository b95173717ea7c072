//! Someone changes their mind while the package or a data file is on its way over a slow connection to a real sshd, which
//! tests/clusters/sshd.sh started: by Ctrl-C, and in the editor. The job was never submitted, and nothing of it is left over there.
#![allow(clippy::unwrap_used)]

mod cli_home;
mod faults;
mod lsp_client;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cli_home::{Home, Ran, signal};
use faults::machine::{processes, wait_until};
use faults::proxy::Proxy;
use faults::{Chance, HOST};
use lsp_client::{Client, PATIENCE, full_capabilities};
use serde_json::{Value, json};

const PROGRAMME: &str = "\
def size():
    with open('noise.bin', 'rb') as file:
        return len(file.read())
";

/// The file's size, and how much of it goes through in a second.
const SIZE: usize = 10 << 20;
const RATE: u64 = 512 << 10;

/// A target behind a slow connection, by the folder where what is sent arrives: that of packages, or that of data files.
struct There {
    proxy: Proxy,
    work: PathBuf,
    folder: &'static str,
    /// When the file began to come.
    came: Option<Instant>,
}

impl There {
    /// Writes a workspace with a job for it.
    fn new(home: &Path, workspace: &Path, folder: &'static str) -> Self {
        let proxy = faults::way_from(home);
        proxy.limit(RATE);
        let name = format!("cancel-{folder}-{}-{}", std::process::id(), proxy.port);
        let work = faults::account().join(name);
        let from = match folder {
            "data" => "1M",
            _ => "90M",
        };
        let config =
            format!("[targets.far]\nhost = '{HOST}'\nwork_dir = {work:?}\ndata_store = '{from}'\n");
        std::fs::write(workspace.join("hoist.toml"), config).unwrap();
        std::fs::write(workspace.join("study.py"), PROGRAMME).unwrap();
        let noise = Chance(u64::from(proxy.port)).bytes(SIZE);
        std::fs::write(workspace.join("noise.bin"), noise).unwrap();
        Self {
            proxy,
            work,
            folder,
            came: None,
        }
    }

    /// What is below a folder of the work folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.work.join(folder));
        let entries = entries.into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    /// So many bytes of the file have come.
    fn arrived(&self) -> u64 {
        let folder = self.work.join(self.folder);
        let parts = self.names(self.folder).into_iter();
        let parts = parts.filter(|name| name.starts_with('.'));
        let sizes = parts.map(|name| std::fs::metadata(folder.join(name)).map_or(0, |of| of.len()));
        sizes.max().unwrap_or_default()
    }

    fn wait_until_it_comes(&mut self) {
        // To make a package takes its time, too.
        let give_up = Instant::now() + PATIENCE;
        while self.arrived() < 1 << 20 {
            assert!(Instant::now() < give_up, "nothing came");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.came = Some(Instant::now());
    }

    /// After the job's end, as its record has it: it ended before all could have come, and nothing is left.
    fn was_cancelled(&self, store: &Path, job: &str) {
        let whole = Duration::from_secs(SIZE as u64 / RATE);
        assert!(
            self.came.unwrap().elapsed() < whole,
            "it was not waited for"
        );
        let record = std::fs::read(store.join("jobs").join(job).join("job.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let view = &record["view"];
        assert_eq!(view["state"], "cancelled", "{view:#}");
        assert_eq!(view["native_id"], Value::Null, "{view:#}");
        for folder in ["data", "packages", "jobs"] {
            assert_eq!(self.names(folder), [] as [&str; 0], "{folder}");
        }
        let work = self.work.to_str().unwrap();
        let left = processes().into_iter();
        let left = left.filter(|process| process.command.contains(work));
        let left: Vec<String> = left.map(|process| process.command).collect();
        assert_eq!(left, [] as [&str; 0]);
    }
}

impl Drop for There {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.work).ok();
        }
    }
}

fn by_ctrl_c(folder: &'static str) {
    let home = Home::new();
    let mut there = There::new(home.home(), &home.workspace(), folder);
    let run = ["run", "study.py::size", "--target", "far"];
    let child = home.spawn(&[&run[..], &["--format", "json"]].concat());
    there.wait_until_it_comes();
    signal(&child, "INT");
    let ran = Ran::of(child).ended(3);
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["state"], "cancelled", "{last}");
    there.was_cancelled(&home.store(), last["job"].as_str().unwrap());
    wait_until("no connection is open", || there.proxy.is_idle());
}

fn in_the_editor(folder: &'static str) {
    let mut client = Client::start();
    let mut there = There::new(&client.home(), &client.folder(), folder);
    client.shake_hands(full_capabilities());
    let uri = client.open("study.py", PROGRAMME);
    let argument = json!({ "uri": uri, "entry": "size", "target": "far" });
    let answer = client.execute("hoist.run", argument).unwrap();
    let job = answer["job"].as_str().unwrap();
    there.wait_until_it_comes();
    client.notify(
        "window/workDoneProgress/cancel",
        json!({ "token": format!("hoist/{job}") }),
    );
    assert_eq!(client.end(job)["state"], "cancelled");
    there.was_cancelled(&client.home().join(".local/state/hoist"), job);
}

#[test]
fn ctrl_c_while_a_data_file_is_sent_leaves_nothing() {
    by_ctrl_c("data");
}

#[test]
fn ctrl_c_while_the_package_is_sent_leaves_nothing() {
    by_ctrl_c("packages");
}

#[test]
fn a_cancel_in_the_editor_while_a_data_file_is_sent_leaves_nothing() {
    in_the_editor("data");
}

#[test]
fn a_cancel_in_the_editor_while_the_package_is_sent_leaves_nothing() {
    in_the_editor("packages");
}
