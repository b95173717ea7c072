//! The judge before a text leaves the machine: a strict parser behind one adapter.
//!
//! The tree of the live buffer accepts and mends nearly everything; what is packaged must be Python.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprContext, Mod};
use ruff_python_parser::{Mode, ParseError, ParseOptions, parse};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;
use std::ops::Range;

/// Why a text is not Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}: {message}", line + 1)]
pub struct SyntaxError {
    /// What is wrong, in one sentence without the place.
    pub message: String,
    /// The line, from 0.
    pub line: u32,
    /// The bytes that are wrong.
    pub range: Range<usize>,
}

/// What stands between the parentheses of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallArguments {
    /// How many positional arguments there are, without `*...`.
    pub positional: usize,
    /// Is there a `*iterable`?
    pub has_star: bool,
    /// The names of the keyword arguments, in order.
    pub keywords: Vec<String>,
    /// Is there a `**mapping`?
    pub has_double_star: bool,
    /// The names that the argument expressions read, sorted; names that a comprehension or lambda among them binds are
    /// not among these.
    pub names: Vec<String>,
}

/// Is `text` a module that Python compiles? The first error if not.
pub fn check(text: &str) -> Result<(), SyntaxError> {
    parse(text, ParseOptions::from(Mode::Module))
        .map(|_| ())
        .map_err(|error| described(text, &error, 0))
}

/// Reads `text` as the arguments of a call: `lr=0.1, epochs=3`.
pub fn arguments(text: &str) -> Result<CallArguments, SyntaxError> {
    const BEFORE: &str = "f(";
    let call = format!("{BEFORE}{text}\n)");
    let parsed = parse(&call, ParseOptions::from(Mode::Expression))
        .map_err(|error| described(text, &error, BEFORE.len()))?;
    let Mod::Expression(module) = parsed.into_syntax() else {
        return Err(not_arguments(text));
    };
    let Expr::Call(call_node) = *module.body else {
        return Err(not_arguments(text));
    };
    // `a)(b` and `a) + (b` are calls too, but not of `f` with these arguments.
    if call_node.arguments.range().start().to_usize() != BEFORE.len() - 1
        || call_node.arguments.range().end().to_usize() != call.len()
    {
        return Err(not_arguments(text));
    }
    let mut arguments = CallArguments::default();
    let mut names = Names::default();
    for argument in &call_node.arguments.args {
        match argument {
            Expr::Starred(_) => arguments.has_star = true,
            _ => arguments.positional += 1,
        }
        names.visit_expr(argument);
    }
    for keyword in &call_node.arguments.keywords {
        match &keyword.arg {
            Some(name)
                if arguments
                    .keywords
                    .iter()
                    .any(|known| *known == name.as_str()) =>
            {
                let range = name.range().start().to_usize() - BEFORE.len()
                    ..name.range().end().to_usize() - BEFORE.len();
                let line = crate::LineIndex::new(text).line_of(range.start);
                return Err(SyntaxError {
                    message: format!("keyword argument repeated: {name}"),
                    line,
                    range,
                });
            }
            Some(name) => arguments.keywords.push(name.to_string()),
            None => arguments.has_double_star = true,
        }
        names.visit_expr(&keyword.value);
    }
    arguments.names = names.read.difference(&names.bound).cloned().collect();
    Ok(arguments)
}

/// Names read, and names bound inside of the expressions. An expression that uses one name both ways is rare enough that
/// the difference of the two sets is what its reader means.
#[derive(Default)]
struct Names {
    read: BTreeSet<String>,
    bound: BTreeSet<String>,
}

impl<'a> Visitor<'a> for Names {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression {
            let set = if name.ctx == ExprContext::Load {
                &mut self.read
            } else {
                &mut self.bound
            };
            set.insert(name.id.to_string());
        }
        if let Expr::Lambda(lambda) = expression {
            for parameter in lambda
                .parameters
                .iter()
                .flat_map(|parameters| parameters.iter())
            {
                self.bound.insert(parameter.name().to_string());
            }
        }
        walk_expr(self, expression);
    }
}

fn not_arguments(text: &str) -> SyntaxError {
    SyntaxError {
        message: "these are not the arguments of one call".to_owned(),
        line: 0,
        range: 0..text.len(),
    }
}

fn described(text: &str, error: &ParseError, before: usize) -> SyntaxError {
    let inside = |offset: usize| offset.saturating_sub(before).min(text.len());
    let range = inside(error.location.start().to_usize())..inside(error.location.end().to_usize());
    let line = crate::LineIndex::new(text).line_of(range.start);
    SyntaxError {
        message: error.error.to_string(),
        line,
        range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_of_a_call() {
        let read = arguments("1, *rest, lr=rate * 2, **more, key=[x for x in xs]").unwrap();
        assert_eq!(
            (read.positional, read.has_star, read.has_double_star),
            (1, true, true)
        );
        assert_eq!(read.keywords, ["lr", "key"]);
        assert_eq!(read.names, ["more", "rate", "rest", "xs"]);
        assert_eq!(arguments("").unwrap(), CallArguments::default());
        assert_eq!(arguments("1, # one").unwrap().positional, 1);
    }

    #[test]
    fn what_is_not_the_arguments_of_one_call_is_refused() {
        for text in [
            "a)(b", "a) + (b", "1 +", "a b", "a)", "a=1, 2", "a=1, a=2", "x = 1; y", "return",
        ] {
            assert!(arguments(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_names_its_line() {
        let error = check("x = 1\ndef f(:\n    pass\n").unwrap_err();
        assert_eq!(error.line, 1);
    }
}
