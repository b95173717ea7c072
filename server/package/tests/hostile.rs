//! Files of a job's folder as a hostile machine may write them: read within bounds, never believed, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;

use hoist_package::{ExitMarker, Outcome, OutcomeError, RunResult, Started};
use proptest::prelude::*;

#[test]
fn a_result_of_ten_gigabytes_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    File::create(&path).unwrap().set_len(10 << 30).unwrap();
    assert!(
        matches!(RunResult::read(&path), Err(OutcomeError::TooLarge { size, .. }) if size == 10 << 30)
    );
    assert!(matches!(
        ExitMarker::read(&path),
        Err(OutcomeError::TooLarge { .. })
    ));
    assert!(matches!(
        RunResult::read(&folder.path().join("none")),
        Err(OutcomeError::Unreadable { .. })
    ));
}

#[test]
fn frames_that_point_outside_are_not_the_users() {
    let frames = [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b.py",
        "C:\\x.py",
        "",
        "a\u{1b}[2J.py",
        "src/train.py",
    ]
    .map(|file| {
        format!(r#"{{"file": {file:?}, "line": 1, "user": true}}"#).replace("\\u{1b}", "\\u001b")
    });
    let text = format!(
        r#"{{"state": "failed", "error": {{"type": "E", "frames": [{}]}}}}"#,
        frames.join(",")
    );
    let result = RunResult::parse(text.as_bytes()).unwrap();
    let believed: Vec<bool> = result
        .error
        .unwrap()
        .frames
        .iter()
        .map(|frame| frame.user)
        .collect();
    assert_eq!(believed, [false, false, false, false, false, false, true]);
}

#[test]
fn files_that_point_outside_are_left_out_and_the_result_is_not_lost() {
    let paths = [
        "../.ssh/authorized_keys",
        "/etc/passwd",
        "a/../../b",
        "a\\b",
        "a//b",
        "C:/x",
        "a\nb",
        "",
        "fine/plot.csv",
    ];
    let files: Vec<_> = paths
        .iter()
        .map(|path| serde_json::json!({"path": path, "size": 1}))
        .collect();
    let text =
        serde_json::json!({"state": "succeeded", "repr": "1", "files": files, "figures": files});
    let result = RunResult::parse(text.to_string().as_bytes()).unwrap();
    for listing in [&result.files, &result.figures] {
        let kept: Vec<&str> = listing.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(kept, ["fine/plot.csv"]);
    }
    assert_eq!(
        result.notes,
        ["16 of its files stay in the job's folder there: their names cannot be paths here"]
    );
}

#[test]
fn previews_are_bounded_and_obey_nobody() {
    let preview = serde_json::json!({
        "kind": "frame", "type": "T\u{1b}[2J", "at": "x".repeat(1000), "shape": vec![1; 1000],
        "columns": vec![serde_json::json!({"name": "n".repeat(1000), "dtype": "d"}); 60],
        "text": "a\nb\u{1b}]0;title\u{7}".to_owned() + &"y".repeat(10_000),
    });
    let text = serde_json::json!({"state": "succeeded", "previews": vec![preview; 100], "pickle_problem": "\u{1b}"});
    let result = RunResult::parse(text.to_string().as_bytes()).unwrap();
    assert_eq!(
        (result.previews.len(), result.pickle_problem.as_deref()),
        (12, Some(" "))
    );
    let one = &result.previews[0];
    assert_eq!(one.type_name, "T [2J");
    let sizes = (
        one.at.len(),
        one.shape.len(),
        one.columns.len(),
        one.columns[0].name.len(),
    );
    assert_eq!(sizes, (200, 64, 50, 200));
    let shown = one.text.as_deref().unwrap();
    assert!(shown.starts_with("a\nb ]0;title y") && shown.len() == 4000);
}

#[test]
fn json_stays_exact_and_on_one_line() {
    let digits = "9".repeat(10_000);
    let text = format!(
        "{{\"state\": \"succeeded\", \"json\": {{ \"a b\\n\\\" \" :\n [1.10, {digits},\t-0.0, 1e999] }} }}"
    );
    let result = RunResult::parse(text.as_bytes()).unwrap();
    let expected = format!("{{\"a b\\n\\\" \":[1.10,{digits},-0.0,1e999]}}");
    assert_eq!(result.json.unwrap().get(), expected);
}

#[test]
fn deep_nesting_is_no_value() {
    for (depth, kept) in [(100, true), (121, false), (100_000, false)] {
        let text = format!(
            r#"{{"state": "succeeded", "repr": "x", "json": {}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        match RunResult::parse(text.as_bytes()) {
            Ok(result) => assert_eq!(result.json.is_some(), kept),
            Err(error) => assert!(!kept, "{error}"),
        }
    }
}

#[test]
fn what_is_missing_is_missing_and_what_is_new_is_ignored() {
    let result = RunResult::parse(br#"{"state": "timed_out", "future": {"x": [1]}}"#).unwrap();
    assert_eq!(
        (result.state, result.repr, result.notes.len()),
        (Outcome::TimedOut, None, 0)
    );
    let marker = ExitMarker::parse(br#"{"code": 1, "state": "failed"}"#).unwrap();
    assert_eq!((marker.code, marker.reason.as_str()), (1, ""));
    for broken in [
        "",
        "{",
        "null",
        "[]",
        r#"{"state": "won"}"#,
        r#"{"state": "failed", "wall_seconds": "long"}"#,
        "\u{0}",
    ] {
        assert!(
            matches!(
                RunResult::parse(broken.as_bytes()),
                Err(OutcomeError::Broken { .. })
            ),
            "{broken}"
        );
        assert!(
            matches!(
                ExitMarker::parse(broken.as_bytes()),
                Err(OutcomeError::Broken { .. })
            ),
            "{broken}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = RunResult::parse(&bytes);
        let _ = ExitMarker::parse(&bytes);
        let _ = Started::parse(&bytes);
    }

    #[test]
    fn damaged_results_do_not_panic(cut in 0usize..300, flip in 0usize..300, to in any::<u8>()) {
        let mut bytes = br#"{"state": "failed", "repr": "x\ud83d\ude00", "json": {"a": [1, 2.5e3, "\u00e9"]}, "wall_seconds": 1.5,
            "error": {"type": "E", "message": "m", "frames": [{"file": "a.py", "line": 3, "column": 1, "user": true}]}}"#.to_vec();
        let at = flip % bytes.len();
        bytes[at] = to;
        bytes.truncate(bytes.len() - cut % bytes.len());
        if let Ok(result) = RunResult::parse(&bytes) {
            prop_assert!(result.json.is_none_or(|json| !json.get().contains('\n')));
        }
    }
}
