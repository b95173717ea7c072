//! What is in a package, and that the same slice gives the same bytes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use hoist_analysis::{FileKind, Slice};
use hoist_package::{Manifest, Package, PackageError, TreePath};
use proptest::prelude::*;
use support::{build, file, slice};
use zip::ZipArchive;

fn contents(package: &Package) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(entry.name().unwrap().into_owned(), bytes);
    }
    files
}

fn example() -> Slice {
    let mut slice = slice("import helper\ndef f():\n    return helper.x\n", "f");
    slice
        .files
        .push(file("helper.py", b"x = 1\r\n", FileKind::Module));
    slice
        .files
        .push(file("data/run.sh", b"#!/bin/sh\n", FileKind::Data));
    slice
}

#[test]
fn the_listing() {
    let package = build(&example()).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
    let mut listing = String::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).unwrap();
        let time = entry.last_modified().map(|time| time.to_string());
        let mode = entry.unix_mode().unwrap_or_default();
        listing += &format!(
            "{mode:o} {} {}\n",
            time.unwrap_or_default(),
            entry.name().unwrap()
        );
    }
    insta::assert_snapshot!(listing);
    insta::assert_json_snapshot!(package.manifest);
    let manifest: Manifest = serde_json::from_slice(&contents(&package)["manifest.json"]).unwrap();
    assert_eq!(manifest, package.manifest);
}

#[test]
fn bytes_travel_untouched_and_origins_stay_at_home() {
    let package = build(&example()).unwrap();
    assert_eq!(contents(&package)["src/helper.py"], b"x = 1\r\n");
    assert_eq!(
        package.origins[&TreePath::new("helper.py").unwrap()].to_str(),
        Some("/home/user/project/helper.py")
    );
    let said = contents(&package);
    assert!(!String::from_utf8_lossy(&said["manifest.json"]).contains("/home/user"));
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let with = |path: &str| {
        let mut slice = slice("def f(): pass\n", "f");
        slice.files.push(file(path, b"", FileKind::Data));
        build(&slice)
    };
    for path in [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "C:/x",
        "a\\b",
        "a\nb",
        "a\0b",
        &"x".repeat(256),
    ] {
        assert!(
            matches!(with(path), Err(PackageError::Path(_))),
            "{path:?} was taken"
        );
    }
    assert_eq!(
        with("train.py").unwrap_err().to_string(),
        "two files want the place train.py in the package: rename one of them"
    );
    assert_eq!(
        with("train.py/x").unwrap_err().to_string(),
        "train.py is a file in the package and train.py/x lies below it: rename one of them"
    );
    let mut no_module = slice("", "f");
    no_module.module_file = "other.py".to_owned();
    assert!(matches!(build(&no_module), Err(PackageError::NoModule(_))));
    let mut outside = slice("", "f");
    outside.cwd = "../..".to_owned();
    assert!(matches!(build(&outside), Err(PackageError::Path(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_same_slice_gives_the_same_bytes(
        files in prop::collection::btree_map("[a-zäß]{1,8}(/[a-z .]{1,7}x){0,2}\\.dat", prop::collection::vec(any::<u8>(), 0..300), 0..6),
        seed in any::<u64>(),
    ) {
        let mut one = slice("def f(): pass\n", "f");
        one.files.extend(files.iter().map(|(path, bytes)| file(path, bytes, FileKind::Data)));
        let mut two = one.clone();
        // Neither the order of the files nor the place they come from may show.
        let half = usize::try_from(seed % two.files.len() as u64).unwrap();
        two.files.rotate_left(half);
        for file in &mut two.files {
            file.origin = "/elsewhere".into();
        }
        let (one, two) = (build(&one).unwrap(), build(&two).unwrap());
        prop_assert_eq!(&one.bytes, &two.bytes);
        prop_assert_eq!(&one.sha256, &two.sha256);
        let inside = contents(&one);
        for (path, bytes) in &files {
            prop_assert_eq!(&inside[&format!("src/{path}")], bytes);
        }
    }
}
