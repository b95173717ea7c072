//! Values, figures and files of programmes with real numpy, pandas and matplotlib (`tests/science`), on this machine and through
//! a real sshd that tests/clusters starts.
#![allow(clippy::unwrap_used)]

mod cli_home;
mod lsp_client;

use std::path::Path;
use std::process::Command;

use cli_home::Home;
use lsp_client::Client;
use serde_json::json;

const PROGRAMME: &str = "\
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd


def study(n):
    table = pd.DataFrame({'n': np.arange(n), 'square': np.arange(n) ** 2.0})
    table.to_csv('table.csv', index=False)
    plt.plot(table['n'], table['square'])
    plt.title('squares')
    plt.show()
    figure, axes = plt.subplots(figsize=(2, 1))
    return {'table': table, 'mean': table.mean(), 'figure': figure, 'cells': np.zeros((n, 3))}
";

/// The Python that has them: this user's, or one that the users of the rig can run, too.
fn science(of_the_rig: bool) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/science");
    let mut command = Command::new(script);
    if of_the_rig {
        let rig = std::env::var_os("HOIST_TEST_DIR").expect("the rig is there");
        command.arg("/usr/bin/python3").env("HOIST_TEST_CACHE", rig);
    }
    let made = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    String::from_utf8(made.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}

#[test]
fn the_bars_of_the_real_tqdm_drive_the_progress() {
    let python = science(false);
    let mut client = Client::connected();
    client.write(
        "hoist.toml",
        &format!("[targets.local]\npython = {python:?}\n"),
    );
    let text = "import time\nfrom tqdm import tqdm\n\ndef work():\n    for _ in tqdm(range(20), desc='folds'):\n        time.sleep(0.1)\n";
    let uri = client.open("work.py", text);
    let answer = client.execute("hoist.run", json!({ "uri": uri, "entry": "work" }));
    let job = answer.expect("it runs")["job"]
        .as_str()
        .expect("a name")
        .to_owned();
    let end = client.end(&job);
    assert_eq!(end["state"], "succeeded", "{end}");
    let mut percents: Vec<u64> = Vec::new();
    for message in client.received() {
        let value = &message["params"]["value"];
        if message["method"] == "$/progress" && value["percentage"].is_u64() {
            let text = value["message"].as_str().expect("a message");
            if text.starts_with("uploading ") {
                continue;
            }
            percents.extend(value["percentage"].as_u64());
            let percent = percents.last().expect("one");
            assert!(
                text.starts_with(&format!("{percent} % folds: ")) && text.contains("/20 ["),
                "{text}"
            );
        }
    }
    assert!(
        percents.len() >= 8 && percents.is_sorted() && percents.last() >= Some(&90),
        "{percents:?}"
    );
}

#[test]
fn a_study_comes_back_with_its_table_its_figures_and_its_pickle() {
    for (host, limit) in [("", "10M"), ("host = 'hoist-zsh'\n", "1K")] {
        let python = science(!host.is_empty());
        let home = Home::of_the_rig();
        let target = format!(
            "default_target = 'here'\n[targets.here]\n{host}python = {python:?}\nenvironment = 'system'\nfetch = '{limit}'\n"
        );
        home.write("hoist.toml", target);
        home.write("study.py", PROGRAMME);
        let (status, events) = home.events(&["run", "study.py::study", "--args", "n=1000"]);
        let last = events.last().expect("a last event");
        assert_eq!((status, &last["state"]), (0, &json!("succeeded")), "{last}");
        let previews = last["result"]["previews"].as_array().expect("previews");
        let told: Vec<_> = previews
            .iter()
            .map(|it| {
                (
                    it["at"].as_str().expect("a place"),
                    it["kind"].as_str().expect("a kind"),
                )
            })
            .collect();
        let expected = [
            ("['table']", "frame"),
            ("['mean']", "series"),
            ("['figure']", "figure"),
            ("['cells']", "array"),
        ];
        assert_eq!(told, expected);
        assert_eq!(previews[0]["shape"], json!([1000, 2]));
        assert_eq!(previews[2]["figure"], "figures/2.png");
        // Figures come whatever the limit of files.
        let figures = last["figures"].as_array().expect("figures");
        assert_eq!(figures.len(), 2);
        for figure in figures {
            let bytes = std::fs::read(figure["here"].as_str().expect("here")).expect("read");
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
            assert_eq!(figure["size"].as_u64(), Some(bytes.len() as u64));
        }
        assert_eq!(last["files"][0]["path"], "table.csv");
        assert_eq!(
            last["files"][0]["here"].is_string(),
            limit == "10M",
            "{last}"
        );

        let ran = home.hoist(&["files", "last", "table.csv"]).ended(0);
        let table = std::fs::read_to_string(ran.stdout.trim()).expect("read");
        assert_eq!(table.lines().count(), 1001);
        let pickle = home.workspace().join("value.pickle");
        home.hoist(&[
            "result",
            "last",
            "--pickle",
            pickle.to_str().expect("UTF-8"),
        ])
        .ended(0);
        let code = "import pickle, sys; v = pickle.load(open(sys.argv[1], 'rb')); print(len(v['table']), v['cells'].shape)";
        let read = Command::new(&python)
            .args(["-c", code])
            .arg(&pickle)
            .output()
            .expect("it runs");
        assert_eq!(String::from_utf8_lossy(&read.stdout), "1000 (1000, 3)\n");
        let ran = home.hoist(&["result", "last"]).ended(0);
        assert!(
            ran.stdout
                .contains("  ['table']: DataFrame (1000, 2), RangeIndex\n       n  square\n"),
            "{}",
            ran.stdout
        );
        assert!(ran.stderr.contains("note: figure "), "{}", ran.stderr);
    }
}
