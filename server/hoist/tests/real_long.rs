//! Long work on a real Slurm and a real Grid Engine: warned before its time is over, going on from what it kept, and run once more
//! after it had to make room.

mod cli_home;

use cli_home::Home;
use serde_json::json;

/// Slurm's partition `short` has one minute.
const TARGETS: &str = "\
[targets.slurm]
scheduler = 'slurm'
host = 'hoist-slurm'
resources = { partition = 'short' }
[targets.sge]
scheduler = 'sge'
host = 'hoist-sge'
[targets.low]
scheduler = 'slurm'
host = 'hoist-slurm'
poll_interval = '2s'
resources = { partition = 'low', gpus = 4, retries = 2 }
[targets.high]
scheduler = 'slurm'
host = 'hoist-slurm'
resources = { partition = 'gpu', gpus = 4 }
";

const SIMULATION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/workflows/cooling.py"
);

fn home() -> Home {
    let home = Home::of_the_rig();
    home.write("hoist.toml", TARGETS);
    home.write(
        "cooling.py",
        std::fs::read(SIMULATION).expect("it is there"),
    );
    home
}

#[test]
fn a_simulation_is_ended_by_its_limit_and_goes_on_from_what_it_kept() {
    let home = home();
    for target in ["slurm", "sge"] {
        let args = "steps=200, pause=0.1";
        let run = [
            "run",
            "cooling.py::cool",
            "--target",
            target,
            "--args",
            args,
            "--time",
            "15s",
            "--warning",
            "8s",
        ];
        let ran = home.hoist(&run).ended(3);
        let kept = ran
            .stdout
            .strip_prefix("from step 0\nkept step ")
            .unwrap_or_else(|| panic!("{target}: {ran:?}"));
        assert!(ran.stderr.contains("timed out"), "{target}: {}", ran.stderr);
        let ran = home
            .hoist(&["retry", "last", "--time", "50s", "--warning", "1s"])
            .ended(0);
        assert!(
            ran.stdout
                .starts_with(&format!("from step {}\nresult: ", kept.trim()))
                && ran.stdout.contains("'steps': 200"),
            "{target}: {ran:?}"
        );
    }
}

#[test]
fn it_is_warned_once_whoever_warns_it() {
    let home = home();
    home.write(
        "heard.py",
        "import signal, subprocess, time\n\n\ndef heard():\n    helper = subprocess.Popen(['sleep', '300'])\n    heard = []\n    \
         signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(time.time() - begun))\n    begun = time.time()\n    \
         while not heard:\n        time.sleep(0.1)\n    time.sleep(1)\n    \
         return len(heard), helper.poll()\n",
    );
    // Slurm warns up to a minute early, and so before the job's own clock would. Nobody warns what the function started.
    for (target, time, warning) in [("slurm", "60s", "55s"), ("sge", "60s", "57s")] {
        let run = [
            "run",
            "heard.py::heard",
            "--target",
            target,
            "--time",
            time,
            "--warning",
            warning,
        ];
        let ran = home.hoist(&run).ended(0);
        assert_eq!(ran.stdout, "result: (1, None)\n", "{target}");
    }
}

#[test]
fn a_job_that_had_to_make_room_is_run_once_more_by_itself() {
    let home = home();
    home.write(
        "room.py",
        "import os, time\n\n\ndef low():\n    kept = os.environ['HOIST_CHECKPOINT_DIR'] + '/been'\n    \
         if os.path.exists(kept):\n        return 'the second time'\n    open(kept, 'w').close()\n    \
         print('on', flush=True)\n    time.sleep(600)\n\n\ndef high():\n    time.sleep(3)\n",
    );
    let mut low = home.command(&["run", "room.py::low", "--target", "low", "--format", "json"]);
    let mut low = low.spawn().expect("it starts");
    let mut line = String::new();
    let mut events = std::io::BufReader::new(low.stdout.take().expect("piped"));
    while !line.contains("\"output\"") {
        line.clear();
        std::io::BufRead::read_line(&mut events, &mut line).expect("a line");
        assert!(!line.is_empty(), "it ended early");
    }
    home.hoist(&["run", "room.py::high", "--target", "high"])
        .ended(0);
    let rest: Vec<serde_json::Value> = std::io::BufRead::lines(events)
        .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
        .collect();
    assert!(low.wait().expect("it ends").success(), "{rest:?}");
    let ends: Vec<_> = rest
        .iter()
        .filter(|event| event["event"] == "finished")
        .collect();
    let [first, second] = ends.as_slice() else {
        panic!("{ends:?}");
    };
    assert_eq!(
        (&first["state"], &first["next"]),
        (&json!("lost"), &second["job"])
    );
    let reason = first["reason"].as_str().expect("why");
    assert!(reason.starts_with("the job had to make room"), "{reason}");
    assert_eq!(second["result"]["json"], json!("the second time"));
}

/// A target of the Slurm with accounting, on its own machine.
fn with_accounting(home: &Home, resources: &str) -> std::process::Command {
    home.write(
        "hoist.toml",
        format!("[targets.accounted]\nscheduler = 'slurm'\nresources = {{ {resources} }}\n"),
    );
    let conf = std::env::var_os("HOIST_TEST_SLURM_ACCOUNTING").expect(
        "HOIST_TEST_SLURM_ACCOUNTING is not set: start tests/clusters/slurm.sh with accounting too",
    );
    let mut command = home.command(&[
        "run",
        "greedy.py::work",
        "--target",
        "accounted",
        "--format",
        "json",
    ]);
    command.env("SLURM_CONF", conf);
    command
}

/// The last event of a run.
fn end_of(mut command: std::process::Command) -> serde_json::Value {
    let output = command.output().expect("it ends");
    let printed = String::from_utf8(output.stdout).expect("text");
    let last = printed.lines().last().expect("an event");
    serde_json::from_str(last).expect("JSON")
}

#[test]
fn what_only_the_scheduler_knows_of_an_end_is_asked_for() {
    let home = home();
    home.write(
        "greedy.py",
        "import time\n\n\ndef work():\n    kept = []\n    for n in range(60):\n        \
         kept.append(bytearray(8 << 20))\n        time.sleep(0.1)\n    time.sleep(600)\n",
    );
    // Killed for want of memory: the runner sees a process that was killed.
    if !std::env::var("HOIST_TEST_SLURM_CGROUPS")
        .unwrap_or_default()
        .is_empty()
    {
        let end = end_of(with_accounting(&home, "memory = '150M'"));
        let reason = end["reason"].as_str().expect("why");
        assert_eq!(end["state"], json!("lost"), "{end}");
        assert!(
            reason.contains("it had asked for 150 MiB")
                || reason.contains("and had asked for 150 MiB"),
            "{reason}"
        );
        assert!(reason.ends_with("ask for more with memory=..."), "{reason}");
    }
    // Told to end at a limit that the partition has and nobody asked for.
    let end = end_of(with_accounting(
        &home,
        "partition = 'short', memory = '900M'",
    ));
    assert_eq!(
        (&end["state"], &end["reason"]),
        (
            &json!("timed_out"),
            &json!(
                "the job reached its limit of time (00:01:00); ask for more with time=... or make the work smaller"
            )
        ),
        "{end}"
    );
}
