//! The pages of docs/: each is a chapter of the book, and what they point at is there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .canonicalize()
        .expect("it is there")
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The targets of a page's links that lie in this repository, without their anchors.
fn links(text: &str) -> Vec<String> {
    let starts = text.match_indices("](").map(|(at, _)| at + 2);
    let targets = starts.filter_map(|at| text[at..].split(')').next());
    let own = targets.filter(|link| !link.contains("://") && !link.starts_with('#'));
    own.filter_map(|link| link.split('#').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_page_is_a_chapter_of_the_book() {
    let docs = root().join("docs");
    let mut all = Vec::new();
    pages(&docs, &mut all);
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("it is there");
    let chapters: Vec<PathBuf> = links(&summary).iter().map(|link| docs.join(link)).collect();
    for page in all.iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        assert!(
            chapters.contains(page),
            "{} is in no chapter",
            page.display()
        );
    }
}

#[test]
fn what_the_pages_point_at_is_there() {
    let root = root();
    let mut all = vec![root.join("README.md")];
    pages(&root.join("docs"), &mut all);
    for page in all {
        let text = std::fs::read_to_string(&page).expect("read");
        for link in links(&text) {
            let there = page.parent().expect("a folder").join(&link);
            assert!(there.exists(), "{}: {link}", page.display());
        }
    }
}

#[test]
fn the_tutorial_speaks_of_programmes_that_are_there() {
    let root = root();
    let mut all = Vec::new();
    pages(&root.join("docs/tutorial"), &mut all);
    let mut count = 0;
    for page in all {
        let text = std::fs::read_to_string(&page).expect("read");
        for word in text.split_whitespace().filter(|word| word.contains("::")) {
            let (file, entry) = word.split_once("::").expect("it has one");
            if let Ok(source) = std::fs::read_to_string(root.join(file)) {
                assert!(source.contains(&format!("def {entry}(")), "{word}");
                count += 1;
            } else {
                assert!(
                    file.chars().all(char::is_uppercase),
                    "{}: {word}",
                    page.display()
                );
            }
        }
    }
    assert!(count >= 8, "{count}");
}
