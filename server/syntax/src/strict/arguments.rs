//! The arguments of a call, taken apart.

use super::{SyntaxError, described, guarded};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprContext, Mod};
use ruff_python_parser::{Mode, ParseOptions, parse};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

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

/// Reads `text` as the arguments of a call: `lr=0.1, epochs=3`.
pub fn arguments(text: &str) -> Result<CallArguments, SyntaxError> {
    let call = format!("{BEFORE}{text}\n)");
    guarded(&call, BEFORE.len(), || read(text, &call))
}

const BEFORE: &str = "f(";

fn read(text: &str, call: &str) -> Result<CallArguments, SyntaxError> {
    let parsed = parse(call, ParseOptions::from(Mode::Expression))
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
