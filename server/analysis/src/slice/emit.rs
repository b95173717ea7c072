//! The text of a slice: every kept line at its own line number, byte for byte; every other line empty.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::LineIndex;

use crate::python::{ast, is_main_test, range_of, start_of};
use ast::Stmt;

/// What becomes of a statement.
enum Fate {
    Kept,
    /// Only statements inside of it are kept; the headers around these become `if True:`.
    Opened,
    Dropped,
}

/// Writes the slice of a text. `kept` are the places where the statements begin that stay whole, at any depth.
pub(super) fn write(
    text: &str,
    lines: &LineIndex,
    body: &[Stmt],
    kept: &BTreeSet<usize>,
    removed: &[Range<usize>],
) -> String {
    let mut writer = Writer {
        text,
        lines,
        kept,
        out: BTreeMap::new(),
    };
    writer.comments_at_the_top();
    writer.suite(body, None);
    for range in removed {
        for line in lines.line_of(range.start)..=lines.line_of(range.end.saturating_sub(1)) {
            writer.out.remove(&line);
        }
    }
    writer.finish()
}

/// The encoding that a comment in the first two lines declares (PEP 263), with the line from 0.
pub(crate) fn coding_cookie(text: &str) -> Option<(u32, String)> {
    for (number, line) in text
        .trim_start_matches('\u{feff}')
        .lines()
        .take(2)
        .enumerate()
    {
        let line = line.trim_start_matches([' ', '\t', '\x0c']);
        let Some(comment) = line.strip_prefix('#') else {
            if line.trim().is_empty() {
                continue;
            }
            return None;
        };
        if let Some(at) = comment.find("coding") {
            let rest = comment.get(at + "coding".len()..).unwrap_or_default();
            if let Some(rest) = rest.strip_prefix([':', '=']) {
                let name: String = rest
                    .trim_start_matches([' ', '\t'])
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                    .collect();
                if !name.is_empty() {
                    return Some((number as u32, name.to_ascii_lowercase().replace('_', "-")));
                }
            }
        }
    }
    None
}

struct Writer<'a> {
    text: &'a str,
    lines: &'a LineIndex,
    kept: &'a BTreeSet<usize>,
    /// The lines that are not empty, without their breaks.
    out: BTreeMap<u32, String>,
}

impl Writer<'_> {
    fn line_of(&self, offset: usize) -> u32 {
        self.lines.line_of(offset)
    }

    fn content(&self, line: u32) -> &str {
        self.text
            .get(self.lines.line_range(self.text, line))
            .unwrap_or_default()
    }

    fn indentation(&self, line: u32) -> &str {
        let content = self.content(line).trim_start_matches('\u{feff}');
        let end = content
            .find(|c: char| !" \t\x0c".contains(c))
            .unwrap_or(content.len());
        content.get(..end).unwrap_or_default()
    }

    /// The interpreter line stays, and so does the declared encoding while it is true of the bytes that travel.
    fn comments_at_the_top(&mut self) {
        let first = self.content(0).trim_start_matches('\u{feff}');
        if first.starts_with("#!") {
            self.out.insert(0, self.content(0).to_owned());
        }
        if let Some((line, encoding)) = coding_cookie(self.text) {
            let is_true =
                ["utf-8", "utf8", "utf-8-sig"].contains(&encoding.as_str()) || self.text.is_ascii();
            if is_true {
                self.out.insert(line, self.content(line).to_owned());
            } else {
                self.out.remove(&line);
            }
        }
    }

    fn fate(&self, stmt: &Stmt) -> Fate {
        let range = range_of(stmt);
        if self.kept.contains(&range.start) {
            Fate::Kept
        } else if self.kept.range(range).next().is_some() && !is_simple(stmt) {
            Fate::Opened
        } else {
            Fate::Dropped
        }
    }

    /// Writes what is kept of the statements of one block. `header` is where the header around them begins when that is
    /// opened; then its line has the indentation of `if True:`.
    fn suite(&mut self, body: &[Stmt], header: Option<usize>) {
        let mut at = 0;
        while at < body.len() {
            let mut end = at + 1;
            while end < body.len() && self.is_joined(&body[end - 1], &body[end]) {
                end += 1;
            }
            self.group(&body[at..end], if at == 0 { header } else { None });
            at = end;
        }
    }

    /// Do two statements share a line with `;`?
    fn is_joined(&self, before: &Stmt, after: &Stmt) -> bool {
        let between = self
            .text
            .get(range_of(before).end..start_of(after))
            .unwrap_or_default();
        let between = between
            .replace("\\\r\n", "")
            .replace("\\\n", "")
            .replace("\\\r", "");
        between.trim_matches([' ', '\t', '\x0c']) == ";"
    }

    fn group(&mut self, statements: &[Stmt], header: Option<usize>) {
        let fates: Vec<Fate> = statements.iter().map(|stmt| self.fate(stmt)).collect();
        let any_kept = fates.iter().any(|fate| matches!(fate, Fate::Kept));
        let has_future = statements.iter().any(|stmt| {
            matches!(stmt, Stmt::ImportFrom(import) if import.module.as_ref().is_some_and(|name| name.as_str() == "__future__"))
        });
        if let ([stmt], Some(Fate::Opened)) = (statements, fates.first()) {
            self.open(stmt);
            return;
        }
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
            return;
        };
        if !any_kept {
            return;
        }
        let from = self.line_of(start_of(first));
        let to = self.line_of(range_of(last).end.saturating_sub(1).max(start_of(first)));
        let start = self.lines.line_start(from);
        let end = self.lines.line_range(self.text, to).end;
        let mut written = String::new();
        let mut at = start;
        // A header on the same line: `if x: a = 1`.
        if let Some(header) = header {
            let before = self.text.get(start..start_of(first)).unwrap_or_default();
            if !before
                .trim_matches([' ', '\t', '\x0c', '\u{feff}'])
                .is_empty()
            {
                let indentation = self.indentation(self.line_of(header)).to_owned();
                let width = before.chars().count();
                let opened = format!("{indentation}if 1:");
                let pad = width.saturating_sub(opened.chars().count()).max(1);
                written.push_str(&opened);
                written.extend(std::iter::repeat_n(' ', pad));
                at = start_of(first);
            }
        }
        for (stmt, fate) in statements.iter().zip(&fates) {
            let range = range_of(stmt);
            written.push_str(self.text.get(at..range.start).unwrap_or_default());
            let own = self.text.get(range.clone()).unwrap_or_default();
            if matches!(fate, Fate::Kept) || has_future {
                written.push_str(own);
            } else {
                blank(own, &mut written);
            }
            at = range.end;
        }
        written.push_str(self.text.get(at..end).unwrap_or_default());
        let index = LineIndex::new(&written);
        for line in from..=to {
            let content = written
                .get(index.line_range(&written, line - from))
                .unwrap_or_default();
            self.out.insert(line, content.to_owned());
        }
    }

    /// Opens the blocks of a compound statement that hold something kept.
    fn open(&mut self, stmt: &Stmt) {
        if let Stmt::Match(matched) = stmt {
            self.open_header(start_of(stmt), None);
            for case in &matched.cases {
                self.clause(start_of(case), &case.body);
            }
            return;
        }
        if let Stmt::If(choice) = stmt
            && is_main_test(&choice.test)
            && self.kept.range(body_of(&choice.body)).next().is_some()
        {
            return self.main_block(choice);
        }
        for (header, body) in clauses(self.text, self.lines, stmt) {
            self.clause(header, body);
        }
    }

    /// A main block keeps its header: the runner goes into it, and who imports the module passes it by.
    fn main_block(&mut self, block: &ast::StmtIf) {
        let header = self.line_of(start_of(block));
        let first = block
            .body
            .first()
            .map_or(header, |stmt| self.line_of(start_of(stmt)));
        for line in header..first.max(header + 1) {
            self.out.insert(line, self.content(line).to_owned());
        }
        self.suite(&block.body, None);
    }

    fn clause(&mut self, header: usize, body: &[Stmt]) {
        if self.kept.range(body_of(body)).next().is_none() {
            return;
        }
        self.open_header(header, body.first().map(start_of));
        self.suite(body, Some(header));
    }

    /// Writes `if True:` on a header's own line, unless the block begins on the header's last line.
    fn open_header(&mut self, header: usize, first: Option<usize>) {
        let line = self.line_of(header);
        if let Some(first) = first {
            let start = self.lines.line_start(self.line_of(first));
            let before = self.text.get(start..first).unwrap_or_default();
            if !before
                .trim_matches([' ', '\t', '\x0c', '\u{feff}'])
                .is_empty()
            {
                return;
            }
        }
        let opened = format!("{}if True:", self.indentation(line));
        self.out.insert(line, opened);
    }

    fn finish(self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let count = self.lines.line_count();
        for line in 0..count {
            let range = self.lines.line_range(self.text, line);
            let end = if line + 1 < count {
                self.lines.line_start(line + 1)
            } else {
                self.text.len()
            };
            let content = self.out.get(&line).map(String::as_str).unwrap_or_default();
            if line == 0 && self.text.starts_with('\u{feff}') && !content.starts_with('\u{feff}') {
                out.push('\u{feff}');
            }
            out.push_str(content);
            out.push_str(self.text.get(range.end..end).unwrap_or_default());
        }
        out
    }
}

/// Writes a statement that does nothing over one that is not kept: same lines, same columns.
fn blank(statement: &str, out: &mut String) {
    let mut width = 0;
    let mut rest = statement.chars().peekable();
    let mut line = String::from("0");
    while let Some(c) = rest.next() {
        if c == '\n' || c == '\r' {
            if line.chars().count() > 1 || line == " " {
                line.pop();
            }
            line.push('\\');
            out.push_str(&line);
            out.push(c);
            if c == '\r' && rest.peek() == Some(&'\n') {
                out.extend(rest.next());
            }
            line.clear();
            width = 0;
            continue;
        }
        width += 1;
        while line.chars().count() < width {
            line.push(' ');
        }
    }
    out.push_str(&line);
}

/// The headers of a compound statement (where each begins) and the blocks under them.
pub(super) fn clauses<'s>(
    text: &str,
    lines: &LineIndex,
    stmt: &'s Stmt,
) -> Vec<(usize, &'s [Stmt])> {
    let start = start_of(stmt);
    let mut found: Vec<(usize, &'s [Stmt])> = Vec::new();
    let keyword = |after: &[Stmt], body: &[Stmt], word: &str| -> usize {
        let from = after.last().map(|stmt| range_of(stmt).end).unwrap_or(start);
        let to = body.first().map(start_of).unwrap_or(from);
        let mut at = from;
        while at < to {
            let line = lines.line_of(at);
            let range = lines.line_range(text, line);
            let from_here = range.start.max(from);
            let content = text.get(from_here..range.end).unwrap_or_default();
            let trimmed = content.trim_start_matches([' ', '\t', '\x0c']);
            if trimmed.starts_with(word) {
                return from_here + (content.len() - trimmed.len());
            }
            let next = lines.line_start(line + 1);
            if next <= at {
                break;
            }
            at = next;
        }
        to
    };
    match stmt {
        Stmt::FunctionDef(def) => {
            let line = lines.line_range(text, lines.line_of(start_of(&def.name)));
            found.push((line.start.max(start), &def.body));
        }
        Stmt::ClassDef(class) => {
            let line = lines.line_range(text, lines.line_of(start_of(&class.name)));
            found.push((line.start.max(start), &class.body));
        }
        Stmt::If(choice) => {
            found.push((start, &choice.body));
            for clause in &choice.elif_else_clauses {
                found.push((start_of(clause), &clause.body));
            }
        }
        Stmt::For(each) => {
            found.push((start, &each.body));
            found.push((keyword(&each.body, &each.orelse, "else"), &each.orelse));
        }
        Stmt::While(each) => {
            found.push((start, &each.body));
            found.push((keyword(&each.body, &each.orelse, "else"), &each.orelse));
        }
        Stmt::With(with) => found.push((start, &with.body)),
        Stmt::Try(attempt) => {
            found.push((start, &attempt.body));
            let mut before: &[Stmt] = &attempt.body;
            for ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                found.push((start_of(handler), &handler.body));
                before = &handler.body;
            }
            if !attempt.orelse.is_empty() {
                found.push((keyword(before, &attempt.orelse, "else"), &attempt.orelse));
                before = &attempt.orelse;
            }
            found.push((
                keyword(before, &attempt.finalbody, "finally"),
                &attempt.finalbody,
            ));
        }
        _ => {}
    }
    found
}

/// From the start of the first to the end of the last.
fn body_of(body: &[Stmt]) -> Range<usize> {
    match (body.first(), body.last()) {
        (Some(first), Some(last)) => start_of(first)..range_of(last).end.max(start_of(first) + 1),
        _ => 0..0,
    }
}

fn is_simple(stmt: &Stmt) -> bool {
    !matches!(
        stmt,
        Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::If(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::With(_)
            | Stmt::Try(_)
            | Stmt::Match(_)
    )
}
