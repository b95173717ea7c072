//! Keeps `editors/PROTOCOL.md` true: every name of `ext.rs` stands on the page, and every example on the page is of the shape in
//! `ext.rs`, with no field more and none less.
#![allow(clippy::unwrap_used)]

// The types are compiled into this test from where the server has them.
#[allow(dead_code, unreachable_pub)]
#[path = "../src/lsp/ext.rs"]
mod ext;

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const PAGE: &str = include_str!("../../../editors/PROTOCOL.md");
const SOURCE: &str = include_str!("../src/lsp/ext.rs");

/// The string constants of `ext.rs` that are names of methods and commands.
fn names() -> BTreeSet<&'static str> {
    SOURCE
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("hoist/") || text.starts_with("hoist."))
        .collect()
}

/// The headings of the page that are names.
fn headings() -> BTreeSet<&'static str> {
    PAGE.lines()
        .filter(|line| line.starts_with("### "))
        .filter_map(|line| line.split('`').nth(1))
        .collect()
}

/// The examples: the type behind the fence and the JSON.
fn examples() -> Vec<(&'static str, &'static str)> {
    PAGE.split("```json ")
        .skip(1)
        .map(|rest| {
            let (kind, rest) = rest.split_once('\n').unwrap();
            (kind, rest.split_once("```").unwrap().0)
        })
        .collect()
}

/// There and back: a field that the type does not know, or one that is there and spelt otherwise, does not come back.
fn round<T: DeserializeOwned + Serialize>(json: &str) {
    let before: Value = serde_json::from_str(json).unwrap();
    let read: T =
        serde_json::from_value(before.clone()).unwrap_or_else(|error| panic!("{error} in {json}"));
    assert_eq!(serde_json::to_value(read).unwrap(), before);
}

#[test]
fn every_method_and_command_has_a_heading_and_every_heading_a_name() {
    assert_eq!(names(), headings());
    assert!(names().len() >= 15, "{:?}", names());
}

#[test]
fn every_command_is_announced() {
    let commands: BTreeSet<&str> = names()
        .into_iter()
        .filter(|name| name.starts_with("hoist."))
        .collect();
    assert_eq!(commands, ext::command::ALL.into_iter().collect());
}

#[test]
fn every_example_is_of_its_type() {
    let mut seen = BTreeSet::new();
    for (kind, json) in examples() {
        let first = seen.insert(kind);
        match kind {
            "Experimental" => round::<ext::Experimental>(json),
            "ServerExperimental" => round::<ext::ServerExperimental>(json),
            "Options" => {
                round::<ext::Options>(json);
                // The page's first example is what holds when the client says nothing.
                if first {
                    let defaults = serde_json::to_value(ext::Options::default()).unwrap();
                    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), defaults);
                }
            }
            "RefusedData" => round::<ext::RefusedData>(json),
            "RunArguments" => round::<ext::RunArguments>(json),
            "RunStarted" => round::<ext::RunStarted>(json),
            "RerunArguments" => round::<ext::RerunArguments>(json),
            "ConnectArguments" => round::<ext::ConnectArguments>(json),
            "SweepArguments" => round::<ext::SweepArguments>(json),
            "MapArguments" => round::<ext::MapArguments>(json),
            "SweepStarted" => round::<ext::SweepStarted>(json),
            "ShowSweepArguments" => round::<ext::ShowSweepArguments>(json),
            "SweepTable" => round::<ext::SweepTable>(json),
            "CancelArguments" => round::<ext::CancelArguments>(json),
            "ShowOutputArguments" => round::<ext::ShowOutputArguments>(json),
            "PackageArguments" => round::<ext::PackageArguments>(json),
            "PackageView" => round::<ext::PackageView>(json),
            "Job" => round::<ext::Job>(json),
            "JobResult" => round::<ext::JobResult>(json),
            "JobOutput" => round::<ext::JobOutput>(json),
            "ShowOutput" => round::<ext::ShowOutput>(json),
            "ShowFile" => round::<ext::ShowFile>(json),
            "OpenFilesArguments" => round::<ext::OpenFilesArguments>(json),
            "ShowText" => round::<ext::ShowText>(json),
            "OutputParams" => round::<ext::OutputParams>(json),
            "OutputAnswer" => round::<ext::OutputAnswer>(json),
            "TargetsParams" => round::<ext::TargetsParams>(json),
            "Target" => round::<ext::Target>(json),
            "TextParams" => round::<ext::TextParams>(json),
            "Text" => round::<ext::Text>(json),
            "AskParams" => round::<ext::AskParams>(json),
            other => panic!("the page has an example of {other}, which this test does not know"),
        }
    }
    // What goes over the wire by itself has an example.
    let shown: BTreeSet<&str> = SOURCE
        .lines()
        .filter_map(|line| line.trim().strip_prefix("type Params = "))
        .map(|kind| kind.trim_end_matches(';'))
        .filter(|kind| *kind != "NoParams")
        .collect();
    assert!(
        shown.is_subset(&seen),
        "no example of {:?}",
        shown.difference(&seen)
    );
}

#[test]
fn what_is_absent_on_the_page_may_be_absent_on_the_wire() {
    let least: ext::RunArguments =
        serde_json::from_str(r#"{ "uri": "file:///a.py", "entry": "f" }"#).unwrap();
    assert!(!least.force && least.args.is_none() && least.resources.is_empty());
    let none: ext::Experimental = serde_json::from_str("{}").unwrap();
    assert!(!none.hoist.ask && !none.hoist.output);
    let some: ext::Options = serde_json::from_str(r#"{ "lenses": { "runWith": false } }"#).unwrap();
    assert!(some.lenses.run && !some.lenses.run_with);
}

#[test]
fn a_result_that_is_none_is_told_from_one_without_a_value() {
    let none: ext::JobResult = serde_json::from_str(r#"{ "repr": "None", "json": null }"#).unwrap();
    assert_eq!(none.json, Some(Value::Null));
    let absent: ext::JobResult = serde_json::from_str(r#"{ "repr": "<object>" }"#).unwrap();
    assert_eq!(absent.json, None);
    assert_eq!(
        serde_json::to_string(&absent).unwrap(),
        r#"{"repr":"<object>"}"#
    );
}
