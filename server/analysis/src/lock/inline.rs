//! The metadata that a script carries in a comment: "Inline script metadata" of the packaging specifications (PEP 723).

use toml_edit::DocumentMut;

/// The TOML of a script's `# /// script` block; `None` where there is none, more than one, or one that is no TOML.
pub(super) fn block(text: &str) -> Option<DocumentMut> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| **line == "# /// script")
        .map(|(at, _)| at);
    let start = starts.next()?;
    let is_comment = |line: &&&str| **line == "#" || line.starts_with("# ");
    let comments: Vec<&str> = lines
        .get(start + 1..)?
        .iter()
        .take_while(is_comment)
        .copied()
        .collect();
    let end = comments.iter().rposition(|line| *line == "# ///")?;
    if starts.any(|other| other > start + 1 + end) {
        return None;
    }
    let toml: String = comments
        .get(..end)?
        .iter()
        .map(|line| line.strip_prefix("# ").unwrap_or_default().to_owned() + "\n")
        .collect();
    toml.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependencies(text: &str) -> Option<String> {
        Some(
            block(text)?
                .get("dependencies")?
                .to_string()
                .trim()
                .to_owned(),
        )
    }

    #[test]
    fn a_block_is_read_as_the_specification_says() {
        assert_eq!(
            dependencies(
                "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"rich\",\n# ]\n# ///\n\nimport rich\n"
            )
            .as_deref(),
            Some("[\n  \"rich\",\n]")
        );
        // The last closing line of the comment closes it.
        assert_eq!(
            dependencies("# /// script\n# dependencies = []\n# x = '''\n# ///\n# '''\n# ///\n")
                .as_deref(),
            Some("[]")
        );
        for none in [
            "import x\n",
            "# /// script\n# dependencies = []\n",
            "# /// script\n# dependencies = [\n# ///\n",
            "# /// other\n# dependencies = []\n# ///\n",
            "# /// script\n# dependencies = []\n# ///\nx\n# /// script\n# dependencies = []\n# ///\n",
            "# /// script\n#dependencies = []\n# ///\n",
        ] {
            assert_eq!(dependencies(none), None, "{none}");
        }
    }
}
