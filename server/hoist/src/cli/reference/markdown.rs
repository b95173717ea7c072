//! Plain text as Markdown.

/// A table: titles, and rows of cells that are Markdown. A column with nothing in it is left out.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let says = |column: &usize| {
        rows.iter()
            .any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty()))
    };
    let columns: Vec<usize> = (0..titles.len()).filter(says).collect();
    let line = |cells: &[&str]| {
        let kept = columns
            .iter()
            .filter_map(|column| cells.get(*column).copied());
        format!("| {} |\n", kept.collect::<Vec<_>>().join(" | "))
    };
    let rule = format!("|{}\n", " --- |".repeat(columns.len()));
    let rows = rows
        .iter()
        .map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    line(titles) + &rule + &rows.collect::<String>()
}

/// Code in a cell of a table. It may hold no backticks.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Sentences of a comment in a cell of a table or a paragraph: they keep their code, and nothing else in them is markup.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    let text = text.trim();
    for c in text.chars() {
        match c {
            '`' => in_code = !in_code,
            '|' => out.push('\\'),
            '<' | '*' | '_' | '[' | ']' if !in_code => out.push('\\'),
            _ => {}
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_markup() {
        assert_eq!(
            prose("`a|b_c` is <locals> of\na_b*"),
            "`a\\|b_c` is \\<locals> of a\\_b\\*"
        );
        assert_eq!(code("--x=a|b"), "`--x=a\\|b`");
        let rows = [vec!["1".to_owned(), "2".to_owned(), String::new()]];
        let table = table(&["a", "b", "c"], &rows);
        assert_eq!(table, "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
