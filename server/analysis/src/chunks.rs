//! Top-level code that runs by its lines: a call under the cursor, a selection, a cell. As the live tree has it, so that
//! it works while the code is broken, too.

use std::ops::Range;

use hoist_syntax::Document;
use hoist_syntax::tree_sitter::Node;

use crate::EntrySpec;
use crate::runnables::main_blocks;

/// Whole statements of the module, or of its main block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What to ask for to run them.
    pub entry: EntrySpec,
    /// Their byte range.
    pub range: Range<usize>,
    /// The call that is all of it (or of which an assignment takes the value), short enough for a title.
    pub call: Option<String>,
}

/// What there is to run at a cursor (an empty range: a statement that is a call) or in a selection (the statements that it
/// touches). None when these only define or import something.
pub fn chunk(document: &Document, range: &Range<usize>) -> Option<Chunk> {
    let lines = document.lines();
    let first = lines.line_of(range.start);
    let mut last = lines.line_of(range.end);
    // A selection of whole lines ends before the first character of the next.
    if range.end > range.start && last > first && lines.line_start(last) == range.end {
        last -= 1;
    }
    let touched: Vec<Node<'_>> = statements(document)
        .into_iter()
        .filter(|node| {
            let (from, to) = lines_of(document, node);
            from <= last && first <= to
        })
        .collect();
    let call = match touched.as_slice() {
        [only] => call_in(*only).map(|call| title(document, call)),
        _ => None,
    };
    let only_defines = touched.iter().all(|node| {
        node.kind().ends_with("_definition")
            || node.kind().starts_with("import")
            || node.kind() == "future_import_statement"
    });
    if only_defines || range.is_empty() && call.is_none() {
        return None;
    }
    let (from, to) = (touched.first()?, touched.last()?);
    Some(Chunk {
        entry: EntrySpec::Lines {
            first: lines_of(document, from).0 + 1,
            last: lines_of(document, to).1 + 1,
        },
        range: from.start_byte()..to.end_byte(),
        call,
    })
}

/// The statements of the module with those of its main blocks in their place.
fn statements(document: &Document) -> Vec<Node<'_>> {
    let blocks = main_blocks(document);
    let root = document.tree().root_node();
    let mut cursor = root.walk();
    let mut found = Vec::new();
    for node in root.named_children(&mut cursor) {
        let block = node.child_by_field_name("consequence").filter(|block| {
            let range = block.byte_range();
            blocks.iter().any(|known| range.contains(&known.start))
        });
        match block {
            Some(block) => found.extend(block.named_children(&mut block.walk())),
            None => found.push(node),
        }
    }
    found.retain(|node| node.kind() != "comment" && !node.is_error());
    found
}

/// The first and last line of a node, from 0.
fn lines_of(document: &Document, node: &Node<'_>) -> (u32, u32) {
    let lines = document.lines();
    let end = node.end_byte().saturating_sub(1).max(node.start_byte());
    (lines.line_of(node.start_byte()), lines.line_of(end))
}

/// The call that a statement is, or whose value it assigns.
fn call_in(statement: Node<'_>) -> Option<Node<'_>> {
    let mut node = Some(statement).filter(|node| node.kind() == "expression_statement")?;
    if node.named_child_count() != 1 {
        return None;
    }
    node = node.named_child(0)?;
    while node.kind() == "assignment" {
        node = node.child_by_field_name("right")?;
    }
    if node.kind() == "await" {
        node = node.named_child(0)?;
    }
    (node.kind() == "call").then_some(node)
}

/// A call in one short line.
fn title(document: &Document, call: Node<'_>) -> String {
    let text = |node: Node<'_>| {
        let text = document.text().get(node.byte_range()).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let whole = text(call);
    if whole.chars().count() <= 40 {
        return whole;
    }
    let function = call.child_by_field_name("function").map(text);
    format!("{}(...)", function.unwrap_or_default())
}

/// A `# %%` cell.
pub(crate) struct Cell {
    /// The line of its mark.
    pub(crate) mark: Range<usize>,
    /// Line of the mark, from 0.
    pub(crate) line: u32,
    /// First and last line of its code, from 0.
    pub(crate) code: (u32, u32),
    /// Its code.
    pub(crate) range: Range<usize>,
}

/// The cells of a text that have code. Only the marks and the lines between them count, so that there are as many while a
/// cell is being written.
pub(crate) fn cells(document: &Document) -> Vec<Cell> {
    let (text, lines) = (document.text(), document.lines());
    let content = |line: u32| text.get(lines.line_range(text, line)).unwrap_or_default();
    let is_code = |line: &u32| {
        let content = content(*line).trim();
        !content.is_empty() && !content.starts_with('#')
    };
    let count = lines.line_count();
    let strings = long_strings(text);
    let in_string = |at: usize| strings.iter().any(|string| string.contains(&at));
    let marks: Vec<u32> = (0..count)
        .filter(|line| is_mark(content(*line)) && !in_string(lines.line_start(*line)))
        .filter(|line| {
            // In the middle of an indented block it parts nothing.
            let next = (line + 1..count).find(is_code);
            next.is_none_or(|next| !content(next).starts_with([' ', '\t']))
        })
        .collect();
    let ends = marks.iter().skip(1).copied().chain([count]);
    marks
        .iter()
        .zip(ends)
        .filter(|(mark, _)| !is_prose(content(**mark)))
        .filter_map(|(mark, end)| {
            let mut code = (mark + 1..end).filter(is_code);
            let first = code.next()?;
            let last = code.next_back().unwrap_or(first);
            Some(Cell {
                mark: lines.line_range(text, *mark),
                line: *mark,
                code: (first, last),
                range: lines.line_start(first)..lines.line_range(text, last).end,
            })
        })
        .collect()
}

/// `# %%`, `#%% Title`, `# In[3]:`, `# <codecell>`
fn is_mark(line: &str) -> bool {
    let Some(comment) = line.strip_prefix('#') else {
        return false;
    };
    let comment = comment.trim_start();
    let in_bracket = || {
        let inner = comment.strip_prefix("In[")?;
        let (number, _) = inner.split_once(']')?;
        Some(number.trim().chars().all(|c| c.is_ascii_digit()))
    };
    comment.starts_with("%%") || comment.starts_with("<codecell>") || in_bracket() == Some(true)
}

/// Is it the mark of a cell of text: `# %% [markdown]`?
fn is_prose(mark: &str) -> bool {
    ["[markdown]", "[md]", "[raw]"]
        .iter()
        .any(|kind| mark.contains(kind))
}

/// Where text in triple quotes stands, by its quotes alone: a quote that is left open on a line ends with it, as one does
/// that is just being written.
fn long_strings(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_break = |byte: u8| byte == b'\n' || byte == b'\r';
    let line_end = |at: usize| {
        at + bytes[at..]
            .iter()
            .take_while(|byte| !is_break(**byte))
            .count()
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at = line_end(at),
            quote @ (b'"' | b'\'') => {
                let long = [quote; 3];
                let start = at;
                let mut is_closed = false;
                let is_long = bytes[at..].starts_with(&long);
                at += if is_long { 3 } else { 1 };
                while at < bytes.len() {
                    if bytes[at] == b'\\' {
                        at += 2;
                    } else if is_long && bytes[at..].starts_with(&long) {
                        at += 3;
                        is_closed = true;
                        break;
                    } else if !is_long && (bytes[at] == quote || is_break(bytes[at])) {
                        at += 1;
                        break;
                    } else {
                        at += 1;
                    }
                }
                // One that nothing closes is still being written: it hides nothing.
                if is_long && is_closed {
                    found.push(start..at);
                } else if is_long {
                    at = start + 3;
                }
            }
            _ => at += 1,
        }
    }
    found
}
