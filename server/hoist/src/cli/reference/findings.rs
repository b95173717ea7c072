//! The codes of findings.

use hoist_analysis::Code;

use super::markdown::{prose, table};
use crate::cli::check::word;

/// Every code, with a link from the page beside those of the codes.
pub(super) fn table_of_codes() -> String {
    let row = |code: &Code| {
        let severities: Vec<&str> = code.severities().iter().copied().map(word).collect();
        vec![
            format!("[{code}]({code}.md)"),
            prose(code.title()),
            severities.join(" or "),
            if code.has_fix() { "yes" } else { "" }.to_owned(),
        ]
    };
    let rows: Vec<_> = Code::ALL.iter().map(row).collect();
    table(&["code", "what it says", "severity", "quick fix"], &rows)
}

/// The chapters of the book: a list, because a comment would end one.
pub(super) fn chapters() -> String {
    let chapters = Code::ALL.iter();
    let line = |code: &Code| format!("  - [{code}: {}](findings/{code}.md)\n", code.title());
    let first = "- [The findings](findings/README.md)\n".to_owned();
    first + &chapters.map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use hoist_analysis::{Disk, Module, Settings, findings_with};
    use hoist_syntax::Document;

    use super::*;

    /// The texts between `r#"` and `"#`, and those between quotes, of a file in Rust: most are Python.
    fn texts(rust: &str) -> Vec<String> {
        let raw = rust
            .split("r#\"")
            .skip(1)
            .filter_map(|rest| rest.split("\"#").next());
        let plain = rust
            .split('"')
            .skip(1)
            .map(|text| text.replace("\\n\\\n", "\n").replace("\\n", "\n"));
        raw.map(str::to_owned).chain(plain).collect()
    }

    #[test]
    fn what_is_told_of_a_code_is_what_findings_have() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut sources = Vec::new();
        for folder in [
            "server/analysis/tests",
            "docs/findings",
            "tests/workflows",
            "tests/corpus/programmes",
        ] {
            for entry in std::fs::read_dir(root.join(folder))
                .expect("listed")
                .flatten()
            {
                let path = entry.path();
                let Ok(text) = std::fs::read_to_string(&path) else {
                    continue;
                };
                match path.extension().and_then(|end| end.to_str()) {
                    Some("rs") => sources.extend(texts(&text)),
                    Some("py") => sources.push(text),
                    Some("md") => {
                        let blocks = text.split("```python\n").skip(1);
                        sources.extend(
                            blocks
                                .filter_map(|rest| rest.split("```").next())
                                .map(str::to_owned),
                        );
                    }
                    _ => {}
                }
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study.py");
        let mut seen: BTreeMap<Code, bool> = BTreeMap::new();
        for text in sources {
            let document = Document::new(text);
            let module = Module {
                path: &path,
                document: &document,
                workspace: folder.path(),
                environment: None,
            };
            for finding in findings_with(&module, &Disk, &Settings::default()) {
                let (code, severity) = (finding.code, finding.severity);
                assert!(
                    code.severities().contains(&severity),
                    "{code} is {severity:?}"
                );
                assert!(
                    code.has_fix() || finding.fixes.is_empty(),
                    "{code} has a fix"
                );
                *seen.entry(code).or_default() |= !finding.fixes.is_empty();
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
    }
}
