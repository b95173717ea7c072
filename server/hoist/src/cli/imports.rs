//! The imports of a file as they are written.

use hoist_syntax::Document;
use hoist_syntax::tree_sitter::Node;
use serde::Serialize;

/// One imported name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Import {
    /// The dotted name after `import` or `from`; empty for `from . import x`.
    module: String,
    /// The name taken from it; `*` for all; nothing for a plain `import`.
    name: Option<String>,
    /// The name after `as`.
    alias: Option<String>,
    /// Of the statement, from 1.
    line: u32,
    /// How many dots stand before the module.
    level: usize,
    scope: Scope,
    guard: Option<Guard>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    /// At the top level, or in a class of it: runs when the module is imported.
    Module,
    /// In a function: runs when that is called.
    Function,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Guard {
    /// Under `if TYPE_CHECKING:`, which never runs.
    TypeChecking,
    /// In a `try` that catches a failing import.
    Optional,
}

/// Every import statement, in source order.
pub(super) fn imports(document: &Document) -> Vec<Import> {
    let mut found = Vec::new();
    let mut cursor = document.tree().walk();
    // Without recursion: code may be nested deeper than the stack.
    loop {
        let node = cursor.node();
        let is_import = matches!(
            node.kind(),
            "import_statement" | "import_from_statement" | "future_import_statement"
        );
        if is_import {
            read(document, node, &mut found);
        }
        if !is_import && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn read(document: &Document, statement: Node<'_>, found: &mut Vec<Import>) {
    let text = |node: Node<'_>| document.text().get(node.byte_range()).unwrap_or_default();
    // A dotted name may be written with white space and line joins between its parts.
    let dotted = |node: Node<'_>| -> String {
        let mut cursor = node.walk();
        let parts: Vec<&str> = node
            .children(&mut cursor)
            .filter(|part| part.kind() == "identifier")
            .map(text)
            .collect();
        if parts.is_empty() {
            text(node).to_owned()
        } else {
            parts.join(".")
        }
    };
    let (module, level) = match (
        statement.kind(),
        statement.child_by_field_name("module_name"),
    ) {
        ("future_import_statement", _) => ("__future__".to_owned(), 0),
        (_, Some(module)) if module.kind() == "relative_import" => {
            let mut cursor = module.walk();
            let mut level = 0;
            let mut name = String::new();
            for part in module.children(&mut cursor) {
                match part.kind() {
                    "import_prefix" => level = text(part).matches('.').count(),
                    "dotted_name" => name = dotted(part),
                    _ => {}
                }
            }
            (name, level)
        }
        (_, Some(module)) => (dotted(module), 0),
        (_, None) => (String::new(), 0),
    };
    let is_from = statement.kind() != "import_statement";
    let line = document.lines().line_of(statement.start_byte()) + 1;
    let mut push = |name: Option<String>, alias: Option<String>| {
        let (scope, guard) = surroundings(document, statement);
        let (module, name) = match (is_from, name) {
            (false, Some(name)) => (name, None),
            (_, name) => (module.clone(), name),
        };
        found.push(Import {
            module,
            name,
            alias,
            line,
            level,
            scope,
            guard,
        });
    };
    let mut cursor = statement.walk();
    for child in statement.children(&mut cursor) {
        if child.kind() == "wildcard_import" {
            push(Some("*".to_owned()), None);
        }
    }
    let mut cursor = statement.walk();
    for name in statement.children_by_field_name("name", &mut cursor) {
        if name.kind() == "aliased_import" {
            let imported = name.child_by_field_name("name").map(dotted);
            let alias = name
                .child_by_field_name("alias")
                .map(text)
                .map(str::to_owned);
            push(imported, alias);
        } else {
            push(Some(dotted(name)), None);
        }
    }
}

/// When a statement runs, and what it is guarded by.
fn surroundings(document: &Document, statement: Node<'_>) -> (Scope, Option<Guard>) {
    let text = |node: Node<'_>| document.text().get(node.byte_range()).unwrap_or_default();
    let mut scope = Scope::Module;
    let mut guard = None;
    let mut inner = statement;
    while let Some(outer) = inner.parent() {
        match outer.kind() {
            "function_definition" | "lambda" => scope = Scope::Function,
            "if_statement" => {
                let is_body = outer.child_by_field_name("consequence") == Some(inner);
                let condition = outer
                    .child_by_field_name("condition")
                    .map(text)
                    .unwrap_or_default();
                if is_body && condition.rsplit('.').next() == Some("TYPE_CHECKING") {
                    guard = Some(Guard::TypeChecking);
                }
            }
            "try_statement" => {
                let is_body = outer.child_by_field_name("body") == Some(inner);
                let is_handler = inner.kind() == "except_clause";
                if guard.is_none()
                    && (is_body || is_handler)
                    && catches_import_errors(document, outer)
                {
                    guard = Some(Guard::Optional);
                }
            }
            _ => {}
        }
        inner = outer;
    }
    (scope, guard)
}

fn catches_import_errors(document: &Document, statement: Node<'_>) -> bool {
    let mut cursor = statement.walk();
    statement.children(&mut cursor).any(|clause| {
        if clause.kind() != "except_clause" {
            return false;
        }
        let Some(body) = clause
            .children(&mut clause.walk())
            .find(|child| child.kind() == "block")
            .map(|body| body.start_byte())
        else {
            return false;
        };
        let head = document
            .text()
            .get(clause.start_byte()..body)
            .unwrap_or_default();
        let head = head
            .trim_start_matches("except")
            .trim()
            .trim_end_matches(':')
            .trim();
        head.is_empty()
            || [
                "ImportError",
                "ModuleNotFoundError",
                "Exception",
                "BaseException",
            ]
            .iter()
            .any(|name| {
                head.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .any(|word| word == *name)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_as_they_are_written() {
        let text = "\
from __future__ import annotations
import os, numpy.linalg as la
from . import sibling
from ..up.there import (
    a,
    b as c,
)
from math import *
if TYPE_CHECKING:
    from typing import Any
try:
    import fast
except ImportError:
    import slow as fast
def f():
    import inner
";
        let shown: Vec<String> = imports(&Document::new(text.to_owned()))
            .into_iter()
            .map(|import| {
                let Import {
                    module,
                    name,
                    alias,
                    line,
                    level,
                    scope,
                    guard,
                } = import;
                let guard = guard.map_or(String::new(), |guard| format!(" {guard:?}"));
                format!(
                    "{line}: {}{module} {} {} {scope:?}{guard}",
                    ".".repeat(level),
                    name.unwrap_or_default(),
                    alias.unwrap_or_default()
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        1: __future__ annotations  Module
        2: os   Module
        2: numpy.linalg  la Module
        3: . sibling  Module
        4: ..up.there a  Module
        4: ..up.there b c Module
        8: math *  Module
        10: typing Any  Module TypeChecking
        12: fast   Module Optional
        14: slow  fast Module Optional
        16: inner   Function
        ");
    }
}
