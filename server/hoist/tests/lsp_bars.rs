//! Progress bars that a job draws, as a client and a terminal see them.
#![allow(clippy::unwrap_used)]

mod cli_home;
mod lsp_client;

use cli_home::Home;
use lsp_client::Client;
use serde_json::{Value, json};

/// Draws as tqdm does where standard error is no terminal.
const PROGRAMME: &str = "\
import sys
import time

def draw(steps=4, pause=0.4):
    for n in range(steps + 1):
        filled = '█' * (10 * n // steps)
        bar = 'fit: %3d%%|%s| %d/%d [00:0%d<00:01, 2.50it/s]' % (100 * n // steps, filled.ljust(10), n, steps, n)
        sys.stderr.write('\\r' + bar)
        sys.stderr.flush()
        time.sleep(pause)
    sys.stderr.write('\\n')
    print('drawn')
    time.sleep(pause)
    return steps
";

#[test]
fn a_bar_drives_the_progress_and_the_output_keeps_its_bytes() {
    let mut client = Client::connected();
    let uri = client.open("draw.py", PROGRAMME);
    let answer = client
        .execute("hoist.run", json!({ "uri": uri, "entry": "draw" }))
        .unwrap();
    let job = answer["job"].as_str().unwrap().to_owned();
    client.end(&job);
    let token = format!("hoist/{job}");
    let received = client.received();
    let reports = received.iter().filter(|message| {
        message["method"] == "$/progress"
            && message["params"]["token"] == token.as_str()
            && message["params"]["value"]["kind"] == "report"
    });
    let reports: Vec<(Value, String)> = reports
        .map(|message| &message["params"]["value"])
        .map(|value| {
            (
                value["percentage"].clone(),
                value["message"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    for (percent, text) in [
        (25, "25 % fit: 1/4 [00:01<00:01, 2.50it/s]"),
        (75, "75 % fit: 3/4 [00:03<00:01, 2.50it/s]"),
        (100, "100 % fit: 4/4 [00:04<00:01, 2.50it/s]"),
    ] {
        assert!(
            reports.contains(&(json!(percent), text.to_owned())),
            "{reports:#?}"
        );
    }
    // It is ended by its line break, before the job is.
    assert_eq!(
        reports.last(),
        Some(&(Value::Null, "running".to_owned())),
        "{reports:#?}"
    );
    let errors = client.output(&job, "stderr");
    assert_eq!(errors.matches('\r').count(), 5);
    assert!(
        errors.ends_with("\rfit: 100%|██████████| 4/4 [00:04<00:01, 2.50it/s]\n"),
        "{errors:?}"
    );
}

#[test]
fn without_a_terminal_the_bytes_are_those_of_the_job_and_tasks_of_a_sweep_show_the_last_drawing() {
    let home = Home::new();
    home.write("draw.py", PROGRAMME);
    let ran = home
        .hoist(&["run", "draw.py::draw", "--args", "steps=2, pause=0"])
        .ended(0);
    let expected = "\rfit:   0%|          | 0/2 [00:00<00:01, 2.50it/s]\rfit:  50%|█████     | 1/2 [00:01<00:01, 2.50it/s]\rfit: 100%|██████████| 2/2 [00:02<00:01, 2.50it/s]\n";
    assert_eq!(ran.stderr, expected);
    let ran = home
        .hoist(&[
            "run",
            "draw.py::draw",
            "--args",
            "pause=0.1",
            "--sweep",
            "steps=[1, 2]",
        ])
        .ended(0);
    let mut lines: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.contains("fit:"))
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "[1] fit: 100%|██████████| 1/1 [00:01<00:01, 2.50it/s]",
            "[2] fit: 100%|██████████| 2/2 [00:02<00:01, 2.50it/s]"
        ]
    );
}
