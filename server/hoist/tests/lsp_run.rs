//! Runs on the target `local`, from the command to the result, as a client sees them.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, plain_capabilities};
use serde_json::{Value, json};

const COUNT: &str = "\
import time

def count(n=3):
    for i in range(n):
        print('line', i)
        time.sleep(0.8)
    return {'n': n}
";

fn run(client: &mut Client, uri: &str, entry: &str) -> String {
    let answer = client
        .execute("hoist.run", json!({ "uri": uri, "entry": entry }))
        .unwrap();
    answer["job"].as_str().unwrap().to_owned()
}

/// The values of `$/progress` under a job's token.
fn progress(client: &Client, job: &str) -> Vec<Value> {
    let token = format!("hoist/{job}");
    let received = client.received();
    let values = received.iter().filter(|message| {
        message["method"] == "$/progress" && message["params"]["token"] == token.as_str()
    });
    values
        .map(|message| message["params"]["value"].clone())
        .collect()
}

#[test]
fn a_run_is_seen_from_its_start_to_its_result() {
    let mut client = Client::connected();
    let uri = client.open("count.py", COUNT);
    assert_eq!(
        client.lenses(&uri),
        [
            (2, "Run on local".to_owned()),
            (2, "Run with arguments...".to_owned())
        ]
    );
    let job = run(&mut client, &uri, "count");
    let end = client.end(&job);
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(end["result"]["json"], json!({ "n": 3 }));
    assert_eq!(end["uri"], uri.as_str());
    assert_eq!(end["line"], 2);
    assert_eq!(client.output(&job, "stdout"), "line 0\nline 1\nline 2\n");

    // It came as it was printed, not all at the end.
    let received = client.received();
    let pieces = received
        .iter()
        .filter(|message| message["method"] == "hoist/jobOutput");
    assert!(pieces.count() >= 2, "{received:#?}");

    let progress = progress(&client, &job);
    assert_eq!(progress[0]["kind"], "begin");
    assert_eq!(progress[0]["title"], "count on local");
    assert_eq!(progress[0]["cancellable"], true);
    client.wait("the end of the progress", |message| {
        message["params"]["value"]["kind"] == "end"
    });

    let lenses = client.lenses(&uri);
    assert_eq!(lenses.len(), 3, "{lenses:?}");
    assert!(lenses[2].1.starts_with("ok "), "{lenses:?}");
    client.wait_method("workspace/codeLens/refresh", |_| true);

    let jobs = client.call("hoist/jobs", json!({}));
    assert_eq!(jobs[0]["job"], job.as_str());
    let output = client.call(
        "hoist/output",
        json!({ "job": job, "stream": "stdout", "offset": 7 }),
    );
    assert_eq!(
        output,
        json!({ "offset": 7, "next": 21, "size": 21, "text": "line 1\nline 2\n" })
    );
}

#[test]
fn the_text_that_runs_is_the_editors_and_so_is_that_of_other_documents() {
    let mut client = Client::connected();
    let helper = client.open("helper.py", "VALUE = 'saved'\n");
    client.change(&helper, 2, Some([0, 9, 0, 14]), "typed");
    let uri = client.open(
        "main.py",
        "import helper\n\ndef f():\n    return helper.VALUE + ' old'\n",
    );
    client.change(&uri, 2, Some([3, 28, 3, 31]), "new");
    let job = run(&mut client, &uri, "f");
    assert_eq!(client.end(&job)["result"]["json"], "typed new");
}

#[test]
fn a_failure_lands_at_its_line_and_follows_the_edits() {
    let mut client = Client::connected();
    let text = "import time\n\ndef f():\n    time.sleep(1)\n    def inner(x):\n        raise ValueError('too small')\n    inner(1)\n";
    let uri = client.open("fails.py", text);
    let job = run(&mut client, &uri, "f");
    // The text is edited while the job runs.
    client.change(&uri, 2, Some([0, 0, 0, 0]), "import os\n");
    let end = client.end(&job);
    assert_eq!(end["state"], "failed");
    assert_eq!(end["error"]["type"], "ValueError");
    let of_job = |found: &[Value]| {
        found
            .iter()
            .any(|one| one["message"].as_str().unwrap().contains("too small"))
    };
    let line = |found: &[Value]| {
        let one = found
            .iter()
            .find(|one| one["message"].as_str().unwrap().contains("too small"));
        one.map(|one| {
            (
                one["range"].clone(),
                one["severity"].clone(),
                one["code"].clone(),
            )
        })
    };
    let found = client.diagnostics(&uri, of_job);
    let (range, severity, code) = line(&found).unwrap();
    assert_eq!(range["start"], json!({ "line": 6, "character": 8 }));
    assert_eq!(range["end"], json!({ "line": 6, "character": 37 }));
    assert_eq!((severity, code), (json!(1), json!("HST900")));
    let related = &found.iter().find(|one| one["code"] == "HST900").unwrap()["relatedInformation"];
    assert_eq!(related[0]["location"]["range"]["start"]["line"], 7);

    // It stays at its line ...
    let mark = client.mark();
    client.change(&uri, 3, Some([0, 0, 0, 0]), "import sys\n\n");
    let found = client.diagnostics_after(mark, &uri, of_job);
    assert_eq!(line(&found).unwrap().0["start"]["line"], 8);
    // ... and goes when the line is edited.
    let mark = client.mark();
    client.change(&uri, 4, Some([8, 26, 8, 35]), "large");
    client.diagnostics_after(mark, &uri, |found| !of_job(found));
}

#[test]
fn a_new_run_clears_what_the_last_one_left() {
    let mut client = Client::connected();
    let uri = client.open(
        "again.py",
        "import os\n\ndef f():\n    raise OSError('no')\n",
    );
    let job = run(&mut client, &uri, "f");
    client.end(&job);
    client.diagnostics(&uri, |found| {
        found.iter().any(|one| one["code"] == "HST900")
    });
    let mark = client.mark();
    let job = run(&mut client, &uri, "f");
    client.diagnostics_after(mark, &uri, |found| {
        found.iter().all(|one| one["code"] != "HST900")
    });
    client.end(&job);
    client.diagnostics_after(mark, &uri, |found| {
        found.iter().filter(|one| one["code"] == "HST900").count() == 1
    });
}

#[test]
fn progress_can_be_cancelled() {
    let mut client = Client::connected();
    let uri = client.open(
        "long.py",
        "import time\n\ndef f():\n    print('here', flush=True)\n    time.sleep(600)\n",
    );
    let job = run(&mut client, &uri, "f");
    client.wait_method("hoist/jobOutput", |_| true);
    client.job(&job, "running");
    let lenses = client.lenses(&uri);
    assert_eq!(lenses[2].1, "running on local - cancel");
    client.notify(
        "window/workDoneProgress/cancel",
        json!({ "token": format!("hoist/{job}") }),
    );
    assert_eq!(client.end(&job)["state"], "cancelled");
    assert_eq!(client.lenses(&uri)[2].1, "cancelled");
}

#[test]
fn the_command_cancels_the_newest_job_when_none_is_named() {
    let mut client = Client::connected();
    let uri = client.open("long.py", "import time\n\ndef f():\n    time.sleep(600)\n");
    assert_eq!(
        client.execute("hoist.cancel", Value::Null).unwrap_err()["message"],
        "no job is going on"
    );
    let job = run(&mut client, &uri, "f");
    client.job(&job, "running");
    assert_eq!(client.execute("hoist.cancel", json!({})), Ok(Value::Null));
    assert_eq!(client.end(&job)["state"], "cancelled");
}

#[test]
fn a_client_that_never_agrees_to_progress_still_sees_the_job() {
    let mut client = Client::connected();
    client.answer("window/workDoneProgress/create", json!("never"));
    client.answer("workspace/codeLens/refresh", json!("never"));
    let uri = client.open("quick.py", "def f():\n    return 7\n");
    let job = run(&mut client, &uri, "f");
    assert_eq!(client.end(&job)["result"]["repr"], "7");
}

#[test]
fn arguments_are_asked_for_and_given() {
    let mut client = Client::connected();
    client.answer("hoist/ask", json!("b=4, a=[1]"));
    let uri = client.open("args.py", "def f(a, b=2):\n    return a * b\n");
    let argument = json!({ "uri": uri, "entry": "f" });
    assert_eq!(
        client.execute("hoist.runWith", argument.clone()),
        Ok(json!({ "job": null }))
    );
    let asked = client.wait_method("hoist/ask", |_| true);
    assert_eq!(asked["kind"], "text");
    assert_eq!(asked["title"], "Arguments of f(a, b)");
    let changed = client.wait_method("hoist/jobChanged", |job| job["state"] == "succeeded");
    assert_eq!(changed["args"], "b=4, a=[1]");
    assert_eq!(changed["result"]["json"], json!([1, 1, 1, 1]));

    // A function that must be given arguments is asked for them by the plain command too, and starts with the last ones.
    let mark = client.mark();
    assert_eq!(
        client.execute("hoist.run", argument),
        Ok(json!({ "job": null }))
    );
    let (_, asked) = client.wait_after(mark, "the question", |message| {
        message["method"] == "hoist/ask"
    });
    assert_eq!(asked["params"]["default"], "b=4, a=[1]");
}

#[test]
fn a_question_that_is_turned_away_runs_nothing() {
    let mut client = Client::connected();
    let uri = client.open("args.py", "def f(a):\n    return a\n");
    client
        .execute("hoist.runWith", json!({ "uri": uri, "entry": "f" }))
        .unwrap();
    client.wait_method("hoist/ask", |_| true);
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));
}

#[test]
fn much_data_is_sent_when_the_person_agrees() {
    let mut client = Client::connected();
    client.write(
        "hoist.toml",
        "default_target = \"here\"\n[targets.here]\nwork_dir = \"~/here\"\ndata_ask = \"1M\"\n",
    );
    client.write("big.txt", &"0001\n".repeat(500_000));
    let uri = client.open(
        "sums.py",
        "def f():\n    return sum(map(int, open('big.txt')))\n",
    );
    let argument = json!({ "uri": uri, "entry": "f" });
    let nothing = json!({ "job": null });

    client.answer("hoist/ask", json!(false));
    assert_eq!(
        client.execute("hoist.run", argument.clone()),
        Ok(nothing.clone())
    );
    let asked = client.wait_method("hoist/ask", |_| true);
    assert_eq!(asked["kind"], "confirm");
    assert_eq!(asked["title"], "Send 2.5 MB to here?");
    assert_eq!(
        asked["detail"],
        "`big.txt` (2.5 MB): once, to the store of data files there"
    );
    let told = client.wait_method("window/showMessage", |_| true);
    let sentence = told["message"].as_str().unwrap();
    assert!(sentence.starts_with("2.5 MB of data files would have to be sent to here first"));
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));

    client.answer("hoist/ask", json!(true));
    assert_eq!(client.execute("hoist.run", argument.clone()), Ok(nothing));
    let end = client.wait_method("hoist/jobChanged", |job| job["state"] == "succeeded");
    assert_eq!(end["result"]["json"], 500_000);

    // It is there now.
    let mark = client.mark();
    assert_eq!(
        client.execute("hoist.run", argument),
        Ok(json!({ "job": null }))
    );
    client.wait_after(mark, "the end", |message| {
        message["method"] == "hoist/jobChanged" && message["params"]["state"] == "succeeded"
    });
    let asked = client.received();
    let asked = asked
        .iter()
        .filter(|message| message["method"] == "hoist/ask");
    assert_eq!(asked.count(), 2);
}

#[test]
fn a_client_that_cannot_be_asked_is_told_how_to_give_arguments() {
    let mut client = Client::connected_with(plain_capabilities());
    let uri = client.open("args.py", "def f(a):\n    return a\n");
    client
        .execute("hoist.runWith", json!({ "uri": uri, "entry": "f" }))
        .unwrap();
    let message = client.wait_method("window/showMessage", |_| true);
    let text = message["message"].as_str().unwrap();
    assert!(text.contains("# hoist: args(a)"), "{text}");
}

#[test]
fn a_refusal_is_an_error_and_a_message_with_a_button() {
    let mut client = Client::connected_with(plain_capabilities());
    client.answer(
        "window/showMessageRequest",
        json!({ "title": "Run anyway" }),
    );
    let text = "def outer(n):\n    step = n + 1\n    def inner(x=2):\n        return x * step\n    return inner\n";
    let uri = client.open("captures.py", text);
    let argument = json!({ "uri": uri, "entry": "outer.<locals>.inner" });
    let error = client.execute("hoist.run", argument).unwrap_err();
    assert_eq!(error["code"], 4001);
    assert_eq!(error["data"]["code"], "HST003", "{error}");
    assert_eq!(error["data"]["forcible"], true);
    assert!(
        error["message"].as_str().unwrap().contains("step"),
        "{error}"
    );
    client.wait_method("window/showMessageRequest", |params| {
        params["message"] == error["message"] && params["actions"][0]["title"] == "Run anyway"
    });
    // The button was pressed: it runs, and fails as the sentence said.
    let changed = client.wait_method("hoist/jobChanged", |job| job["state"] == "failed");
    assert_eq!(changed["error"]["type"], "NameError");
}

#[test]
fn a_refusal_that_nothing_can_override_has_no_button() {
    let mut client = Client::connected_with(plain_capabilities());
    let uri = client.open("broken.py", "def f():\n    return 1\n\nx = (\n");
    let error = client
        .execute("hoist.run", json!({ "uri": uri, "entry": "f" }))
        .unwrap_err();
    assert_eq!(error["data"]["code"], "HST001", "{error}");
    assert_eq!(error["data"]["forcible"], false);
    client.wait_method("window/showMessage", |params| {
        params["message"] == error["message"]
    });
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));
}

#[test]
fn what_cannot_run_is_refused_in_a_sentence() {
    let mut client = Client::connected();
    let uri = client.open("a.py", "def f():\n    return 1\n");
    for (argument, words) in [
        (json!({ "uri": uri, "entry": "g" }), "g"),
        (
            json!({ "uri": uri, "entry": "f", "target": "mars" }),
            "mars",
        ),
        (
            json!({ "uri": uri, "entry": "f", "resources": { "cores": "many" } }),
            "many",
        ),
        (
            json!({ "uri": "untitled:Untitled-1", "entry": "f" }),
            "save it",
        ),
        (
            json!({ "uri": "file:///nowhere/b.py", "entry": "f" }),
            "cannot be read",
        ),
    ] {
        let error = client.execute("hoist.run", argument).unwrap_err();
        assert_eq!(error["code"], 4001, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        client.wait_method("window/showMessage", |params| params["message"] == message);
    }
    let error = client.execute("hoist.run", json!(3)).unwrap_err();
    assert_eq!(error["code"], -32602);
    let error = client.execute("hoist.fly", json!({})).unwrap_err();
    assert_eq!(error["code"], -32602);
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));
}

#[test]
fn a_client_without_a_panel_gets_the_log_as_a_file_and_a_last_word() {
    let mut client = Client::connected_with(plain_capabilities());
    let uri = client.open("say.py", "def f():\n    print('hello')\n    return 5\n");
    let job = run(&mut client, &uri, "f");
    let shown = client.wait_method("window/showDocument", |_| true);
    let path = shown["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap();
    assert_eq!(shown["takeFocus"], false);
    client.end(&job);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "hello\n");
    let message = client.wait_method("window/showMessage", |_| true);
    let text = message["message"].as_str().unwrap();
    assert!(
        text.starts_with("f on local: ok ") && text.ends_with(", returned 5"),
        "{text}"
    );
}

#[test]
fn a_client_with_a_panel_is_told_to_show_it() {
    let mut client = Client::connected();
    let uri = client.open("say.py", "def f():\n    print('hello')\n");
    let job = run(&mut client, &uri, "f");
    client.end(&job);
    client.execute("hoist.showOutput", json!({})).unwrap();
    let shown = client.wait_method("hoist/showOutput", |_| true);
    assert_eq!(shown["job"], job.as_str());
    let received = client.received();
    assert!(
        received
            .iter()
            .all(|message| message["method"] != "window/showDocument")
    );
}

#[test]
fn large_integers_reach_the_client_digit_for_digit() {
    let mut client = Client::connected();
    let uri = client.open("big.py", "def f():\n    return [2**100, 1]\n");
    let job = run(&mut client, &uri, "f");
    let result = client.end(&job)["result"].clone();
    let text = result["jsonText"].as_str().unwrap();
    assert_eq!(text.replace(' ', ""), "[1267650600228229401496703205376,1]");
    assert!(result.get("json").is_none());
}

#[test]
fn characters_are_never_split_however_they_are_written() {
    let mut client = Client::connected();
    let text = "import os, time\n\ndef f():\n    for byte in 'aé€😀\\n'.encode():\n        os.write(1, bytes([byte]))\n        time.sleep(0.05)\n";
    let uri = client.open("bytes.py", text);
    let job = run(&mut client, &uri, "f");
    client.end(&job);
    assert_eq!(client.output(&job, "stdout"), "aé€😀\n");
}

#[test]
fn paths_and_line_breaks_of_every_kind_run() {
    let mut client = Client::connected();
    let text = "def f():\r\n    x = '''a\r\nb'''\r\n    raise RuntimeError(len(x))\r\n";
    let uri = client.open("my work/50% größer.py", text);
    let job = run(&mut client, &uri, "f");
    let end = client.end(&job);
    assert_eq!(end["error"]["message"], "3", "{end}");
    assert_eq!(end["uri"], uri.as_str());
    let frames = end["error"]["frames"].as_array().unwrap();
    assert_eq!(frames.last().unwrap()["uri"], uri.as_str());
    let found = client.diagnostics(&uri, |found| {
        found.iter().any(|one| one["code"] == "HST900")
    });
    assert_eq!(
        found[0]["range"]["start"],
        json!({ "line": 3, "character": 4 })
    );
}

#[test]
fn jobs_outlive_the_server() {
    let mut client = Client::connected();
    let uri = client.open(
        "slow.py",
        "import time\n\ndef f():\n    print('one', flush=True)\n    time.sleep(3)\n    print('two')\n    return 'done'\n",
    );
    let job = run(&mut client, &uri, "f");
    client.wait_method("hoist/jobOutput", |_| true);
    let (status, root) = client.leave();
    assert!(status.success());

    let mut client = Client::start_in(root);
    client.shake_hands(lsp_client::full_capabilities());
    let end = client.end(&job);
    assert_eq!(end["result"]["json"], "done", "{end}");
    let output = client.call("hoist/output", json!({ "job": job, "stream": "stdout" }));
    assert_eq!(output["text"], "one\ntwo\n");
}

#[test]
fn a_nested_function_runs_by_itself_and_its_failure_lands_in_it() {
    let mut client = Client::connected();
    let text = "class Lab:\n    def work(self):\n        import math\n\n        def deep(x=-1):\n            '''\ntext at column 0\n            '''\n            return math.sqrt(x)\n\n        return deep()\n";
    let uri = client.open("lab.py", text);
    let lenses = client.lenses(&uri);
    assert!(
        lenses.contains(&(4, "Run on local".to_owned())),
        "{lenses:?}"
    );
    let job = run(&mut client, &uri, "Lab.work.<locals>.deep");
    let end = client.end(&job);
    assert_eq!(end["error"]["type"], "ValueError", "{end}");
    let found = client.diagnostics(&uri, |found| {
        found.iter().any(|one| one["code"] == "HST900")
    });
    let failure = found.iter().find(|one| one["code"] == "HST900").unwrap();
    assert_eq!(
        failure["range"]["start"],
        json!({ "line": 8, "character": 12 })
    );
}

#[test]
fn a_failure_in_another_module_is_shown_there_and_at_the_call() {
    let mut client = Client::connected();
    let helper = client.write(
        "helper.py",
        "def check(x):\n    assert x > 0, 'not positive'\n",
    );
    let uri = client.open(
        "main.py",
        "import helper\n\ndef f():\n    return helper.check(-1)\n",
    );
    let job = run(&mut client, &uri, "f");
    client.end(&job);
    let here = |found: &[Value]| found.iter().any(|one| one["code"] == "HST900");
    let found = client.diagnostics(&lsp_client::uri(&helper), here);
    assert_eq!(found[0]["range"]["start"]["line"], 1);
    assert!(
        found[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("AssertionError: not positive")
    );
    let found = client.diagnostics(&uri, here);
    let call = found.iter().find(|one| one["code"] == "HST900").unwrap();
    assert_eq!(call["range"]["start"]["line"], 3);
}

#[test]
fn a_run_without_a_result_is_an_error_at_its_function() {
    let mut client = Client::connected();
    let uri = client.open(
        "dies.py",
        "import os\n\ndef f():\n    os.kill(os.getpid(), 9)\n",
    );
    let job = run(&mut client, &uri, "f");
    let end = client.end(&job);
    assert_ne!(end["state"], "succeeded");
    let found = client.diagnostics(&uri, |found| {
        found.iter().any(|one| one["code"] == "HST901")
    });
    let failure = found.iter().find(|one| one["code"] == "HST901").unwrap();
    assert_eq!(
        failure["range"]["start"],
        json!({ "line": 2, "character": 0 })
    );
}

#[test]
fn the_target_can_be_chosen_and_a_job_run_again() {
    let mut client = Client::connected();
    client.write("hoist.toml", "[targets.also]\nwork_dir = \"~/also\"\n");
    client.answer("hoist/ask", json!("also"));
    let uri = client.open("twice.py", "def f(a=1):\n    return a\n");
    let argument = json!({ "uri": uri, "entry": "f", "args": "a=5" });
    assert_eq!(
        client.execute("hoist.runOn", argument),
        Ok(json!({ "job": null }))
    );
    let asked = client.wait_method("hoist/ask", |_| true);
    assert_eq!(asked["choices"], json!(["also", "local"]));
    assert_eq!(asked["default"], "local");
    let first = client.wait_method("hoist/jobChanged", |job| job["state"] == "succeeded");
    assert_eq!(first["target"], "also");
    assert!(client.home().join("also/jobs").is_dir());

    // Again, of the text as it is by then.
    client.change(&uri, 2, Some([1, 11, 1, 12]), "a * 10");
    let again = client.execute("hoist.rerun", Value::Null).unwrap();
    let end = client.end(again["job"].as_str().unwrap());
    assert_eq!(end["target"], "also");
    assert_eq!(end["result"]["json"], 50);
}

#[test]
fn a_sweep_runs_once_for_each_value_and_its_table_is_shown() {
    let mut client = Client::connected();
    client.answer("hoist/ask", json!("n=[1, 2, 3]"));
    client.answer(
        "window/showMessageRequest",
        json!({ "title": "Show the table" }),
    );
    let uri = client.open(
        "sums.py",
        "def f(n, k=0):\n    print(n)\n    return n * 10 + k\n",
    );
    let argument = json!({ "uri": uri, "entry": "f", "args": "k=5" });
    assert_eq!(
        client.execute("hoist.runSweep", argument.clone()),
        Ok(json!({ "sweep": null }))
    );
    let asked = client.wait_method("hoist/ask", |_| true);
    assert_eq!(asked["title"], "Values to run f(n, k) over");
    let said = client.wait_method("window/showMessageRequest", |_| true);
    assert_eq!(said["message"], "f on local: 3 succeeded");
    let shown = client.wait_method("window/showDocument", |_| true);
    let path = shown["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap();
    let page = std::fs::read_to_string(path.replace("%20", " ")).unwrap();
    for result in ["15", "25", "35"] {
        assert!(page.contains(result), "{page}");
    }

    let mut more = argument;
    more["values"] = json!("n=[4]");
    let began = client.execute("hoist.runSweep", more).unwrap();
    let task = client.wait_method("hoist/jobChanged", |job| {
        job["state"] == "succeeded" && job["sweep"]["sweep"] == began["sweep"]
    });
    assert_eq!(task["sweep"]["index"], 1);
    assert_eq!(task["result"]["json"], 45);
    let table = client.execute("hoist.showSweep", began).unwrap();
    let csv = table["csv"].as_str().unwrap();
    assert!(csv.starts_with("index,job,n,state,"), "{csv}");
    let wrong = json!({ "uri": uri, "entry": "f", "values": "n=4" });
    let error = client.execute("hoist.runSweep", wrong).unwrap_err();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("cannot be counted"),
        "{error}"
    );
}

#[test]
fn a_map_runs_each_item_of_the_file_that_was_chosen_after_it_was_said_what_that_is() {
    let mut client = Client::connected();
    client.write("in/more.jsonl", "[4]\n");
    let items = "{\"n\": 1, \"note\": \"it's\"}\n\n[2]\n3\n";
    client.write("items.jsonl", items);
    let text = "def f(n, note='', k=0):\n    print(n)\n    return n * 10 + k\n";
    let uri = client.open("sums.py", text);
    // The same words answer the choice of a file, and turn away where yes or no is asked.
    client.answer("hoist/ask", json!("items.jsonl"));
    let argument = json!({ "uri": uri, "entry": "f", "args": "k=5" });
    assert_eq!(
        client.execute("hoist.runMap", argument.clone()),
        Ok(json!({ "sweep": null }))
    );
    let asked = client.wait_method("hoist/ask", |asked| asked["kind"] == "choice");
    assert_eq!(asked["title"], "Run f once for each item of");
    assert_eq!(
        asked["choices"],
        json!(["items.jsonl", "in/more.jsonl", "Another file..."])
    );
    let asked = client.wait_method("hoist/ask", |asked| asked["kind"] == "confirm");
    assert_eq!(
        asked["title"],
        "Run f for each of the 3 items of items.jsonl on local?"
    );
    assert_eq!(asked["detail"], "The first is f(k=5, n=1, note='it\\'s')");
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));

    client.answer("hoist/ask", json!(true));
    let mut named = argument.clone();
    named["items"] = json!("items.jsonl");
    assert_eq!(
        client.execute("hoist.runMap", named.clone()),
        Ok(json!({ "sweep": null }))
    );
    let said = client.wait_method("window/showMessageRequest", |_| true);
    assert_eq!(said["message"], "f on local: 3 succeeded");
    for (index, result) in [(1, 15), (2, 25), (3, 35)] {
        client.wait_method("hoist/jobChanged", |job| {
            job["sweep"]["index"] == index && job["result"]["json"] == result
        });
    }

    let mut at_once = argument;
    at_once["items"] = json!(uri.replace("sums.py", "in/more.jsonl"));
    at_once["sure"] = json!(true);
    let began = client.execute("hoist.runMap", at_once).unwrap();
    let task = client.wait_method("hoist/jobChanged", |job| {
        job["state"] == "succeeded" && job["sweep"]["sweep"] == began["sweep"]
    });
    assert_eq!(task["result"]["json"], 45);
}

#[test]
fn what_is_wrong_with_an_item_is_told_with_its_line_and_a_way_there() {
    let mut client = Client::connected();
    let uri = client.open("sums.py", "def f(n, k=0):\n    return n * 10 + k\n");
    let run = |client: &mut Client, items: &str| {
        let path = client.write("items.jsonl", items);
        let argument =
            json!({ "uri": uri, "entry": "f", "args": "k=5", "items": path, "sure": true });
        let refused = client.execute("hoist.runMap", argument).unwrap_err();
        refused["message"].as_str().unwrap().to_owned()
    };
    let told = [
        "{\"n\": 1}\n\n{\"n\": 2\n",
        "{\"n\": 1}\n{\"n\": 2}\n{\"m\": 3}\n",
        "{\"n\": 1}\n{\"n\": 2, \"k\": 3}\n",
        "{\"n\": 1}\n[1, 2, 3]\n",
        "\n",
    ];
    let told = told.map(|items| run(&mut client, items)).join("\n");
    insta::assert_snapshot!(told, @r"
    items.jsonl:3: this line is not JSON: EOF while parsing an object at column 7; each line is one item
    items.jsonl:3: `f` has no parameter `m` (its parameters: `n`, `k`)
    items.jsonl:2: `k` is given both here and for all items; give it one of them
    items.jsonl:2: `f` takes 2 positional arguments but 3 are given
    items.jsonl: there are no items in it; write one JSON value a line
    ");
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));

    client.answer(
        "window/showMessageRequest",
        json!({ "title": "Go to the line" }),
    );
    run(&mut client, "{\"n\": 1}\n\nnot this\n");
    let shown = client.wait_method("window/showDocument", |_| true);
    assert!(
        shown["uri"].as_str().unwrap().ends_with("/items.jsonl"),
        "{shown}"
    );
    assert_eq!(
        shown["selection"]["start"],
        json!({ "line": 2, "character": 0 })
    );

    let none = json!({ "uri": uri, "entry": "f", "items": "nowhere.jsonl", "sure": true });
    let refused = client.execute("hoist.runMap", none).unwrap_err();
    let sentence = refused["message"].as_str().unwrap();
    assert!(
        sentence.starts_with("nowhere.jsonl: the items cannot be read (No such file"),
        "{sentence}"
    );
}

#[test]
fn a_job_that_ran_out_of_memory_is_run_again_with_more() {
    let mut client = Client::connected();
    let text = "# hoist: memory=8G\ndef f():\n    raise MemoryError()\n";
    let uri = client.open("big.py", text);
    let began = client
        .execute("hoist.run", json!({ "uri": uri, "entry": "f" }))
        .unwrap();
    let end = client.end(began["job"].as_str().unwrap());
    assert_eq!(end["suggests"], json!({ "memory": "16G" }));
    let lenses = client.call(
        "textDocument/codeLens",
        json!({ "textDocument": { "uri": uri } }),
    );
    let again = lenses.as_array().unwrap().iter().find_map(|lens| {
        let command = &lens["command"];
        (command["title"] == "Run again with 16G").then_some(command)
    });
    let again = again.unwrap_or_else(|| panic!("{lenses}"));
    let argument = again["arguments"][0].clone();
    let began = client
        .execute(again["command"].as_str().unwrap(), argument)
        .unwrap();
    let end = client.end(began["job"].as_str().unwrap());
    assert_eq!(end["suggests"], json!({ "memory": "32G" }));
}

#[test]
fn a_job_that_another_program_made_is_listed_too() {
    let mut client = Client::connected();
    let path = client.write(
        "there.py",
        "def f():\n    print('from a terminal')\n    return 3\n",
    );
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_hoist"))
        .arg("run")
        .arg(format!("{}::f", path.display()))
        .env("HOME", client.home())
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    let jobs = client.call("hoist/jobs", json!({}));
    assert_eq!(jobs[0]["name"], "f");
    assert_eq!(jobs[0]["result"]["json"], 3);
    let argument = json!({ "job": jobs[0]["job"], "stream": "stdout" });
    assert_eq!(
        client.call("hoist/output", argument)["text"],
        "from a terminal\n"
    );
}
