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

/// A page without its code, in which nothing is a link or a heading.
fn without_code(text: &str) -> String {
    let mut fence = None;
    let mut kept = String::new();
    for line in text.lines() {
        let marks = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| marks.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => kept += line,
            _ => {}
        }
        kept.push('\n');
    }
    kept
}

/// Code in a line with letters in its place, so that a link's title keeps being one.
fn without_inline_code(text: &str) -> String {
    let mut is_code = false;
    let letters = text.chars().map(|c| {
        is_code ^= c == '`';
        // What is not closed in its paragraph is no code.
        is_code &= c != '\n';
        if is_code && c != '`' { 'x' } else { c }
    });
    letters.collect()
}

/// The targets of a page's links that lie in this repository, each with its anchor.
fn links(text: &str) -> Vec<(String, Option<String>)> {
    let text = without_inline_code(&without_code(text));
    let starts = text.match_indices("](").map(|(at, _)| at + 2);
    let targets = starts.filter_map(|at| text[at..].split(')').next());
    let own = targets.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    own.map(|link| match link.split_once('#') {
        Some((file, anchor)) => (file.to_owned(), Some(anchor.to_owned())),
        None => (link.to_owned(), None),
    })
    .collect()
}

/// The anchors of a page: what is made of its headings, by what shows repositories and by mdBook alike.
fn anchors(text: &str) -> Vec<String> {
    let text = without_code(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let mut found: Vec<String> = Vec::new();
    for heading in headings {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = found.iter().filter(|known| **known == anchor).count();
        found.push(if again == 0 {
            anchor
        } else {
            format!("{anchor}-{again}")
        });
    }
    found
}

#[test]
fn every_page_is_a_chapter_of_the_book() {
    let docs = root().join("docs");
    let mut all = Vec::new();
    pages(&docs, &mut all);
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("it is there");
    let chapters: Vec<PathBuf> = links(&summary)
        .iter()
        .map(|(link, _)| docs.join(link))
        .collect();
    for page in all.iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        assert!(
            chapters.contains(page),
            "{} is in no chapter",
            page.display()
        );
    }
}

/// All pages that people read: the book, and what lies beside the code.
fn all_pages() -> Vec<PathBuf> {
    let root = root();
    let beside = [
        "README.md",
        "editors/PROTOCOL.md",
        "editors/nvim/README.md",
        "editors/vscode/README.md",
        "tests/corpus/README.md",
    ];
    let mut all: Vec<PathBuf> = beside.iter().map(|page| root.join(page)).collect();
    pages(&root.join("docs"), &mut all);
    all
}

#[test]
fn what_the_pages_point_at_is_there() {
    let mut count = 0;
    for page in all_pages() {
        let text = std::fs::read_to_string(&page).expect("read");
        for (link, anchor) in links(&text) {
            let shown = page.display();
            let there = match link.as_str() {
                "" => page.clone(),
                link => page.parent().expect("a folder").join(link),
            };
            assert!(there.exists(), "{shown}: {link}");
            if let Some(anchor) = anchor {
                let text = std::fs::read_to_string(&there).expect("a page");
                let known = anchors(&text);
                assert!(
                    known.contains(&anchor),
                    "{shown}: {link}#{anchor}, of {known:?}"
                );
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count} anchors");
}

#[test]
fn a_chapter_leads_to_chapters_alone() {
    let docs = root().join("docs");
    let mut all = Vec::new();
    pages(&docs, &mut all);
    for page in all {
        let text = std::fs::read_to_string(&page).expect("read");
        for (link, _) in links(&text)
            .into_iter()
            .filter(|(link, _)| !link.is_empty())
        {
            let there = page.parent().expect("a folder").join(&link);
            let there = there.canonicalize().expect("it is there");
            assert!(
                there.starts_with(&docs),
                "{}: {link} is not in the book: name it without a link",
                page.display()
            );
        }
    }
}

#[test]
fn links_and_headings_in_code_are_none() {
    let page = "# A `b_c` & d\n## A\n## A\n```sh\n# no\n[no](no.md)\n```\n[`x[1](2)`](yes.md#a) `[no](no.md)`\n";
    assert_eq!(links(page), [("yes.md".to_owned(), Some("a".to_owned()))]);
    assert_eq!(anchors(page), ["a-b_c--d", "a", "a-1"]);
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
