//! Goes through an expression that gives a captured value: is it computed from literals, and what is it then?

use std::borrow::Cow;

use hoist_syntax::scopes::{BindingKind, Name, ScopeId};

use super::builtin;
use super::shape::{OPAQUE, PLAIN, Shape};
use super::{Judge, Root, Why};
use crate::library::is_builtin;
use crate::python::{ast, constant_text, dotted, range_of, statement, statement_at};
use crate::uses::{Home, Use};
use ast::{Expr, Stmt};

/// The computation of one value, which names others.
pub(super) struct Evaluation<'e> {
    judge: &'e Judge<'e>,
    root: &'e Root,
    /// Where the statement begins whose text is looked at.
    base: usize,
    /// The variables of comprehensions around, the innermost last.
    variables: Vec<(Name, Shape)>,
    /// How deep in expressions.
    depth: u32,
    /// How many names may still be followed.
    names: u32,
}

/// How deep expressions are followed.
const DEEPEST: u32 = 200;
/// How many names of other statements are followed for one value.
const MOST_NAMES: u32 = 100;
/// How long a chain of them may be.
const LONGEST_CHAIN: u32 = 5;

/// A value that cannot be had elsewhere.
fn computed<T>() -> Result<T, Why> {
    Err(Why::Computed)
}

impl<'e> Evaluation<'e> {
    pub(super) fn of(judge: &'e Judge<'e>, root: &'e Root, base: usize) -> Evaluation<'e> {
        Evaluation {
            judge,
            root,
            base,
            variables: Vec::new(),
            depth: 0,
            names: MOST_NAMES,
        }
    }

    /// What the whole expression gives; an error when it may give something else the next time.
    pub(super) fn shape(mut self, value: &Expr) -> Result<Shape, Why> {
        match self.evaluate(value)? {
            Shape::Iterator(_) => computed(),
            shape => Ok(shape),
        }
    }

    fn evaluate(&mut self, value: &Expr) -> Result<Shape, Why> {
        if self.depth > DEEPEST {
            return computed();
        }
        self.depth += 1;
        let shape = self.expression(value);
        self.depth -= 1;
        shape
    }

    /// The same, for what is put into a container: something that is used up must not be there.
    fn part(&mut self, value: &Expr) -> Result<Shape, Why> {
        match self.evaluate(value)? {
            Shape::Iterator(_) => computed(),
            shape => Ok(shape),
        }
    }

    /// All of them as one.
    fn joined<'v>(&mut self, values: impl IntoIterator<Item = &'v Expr>) -> Result<Shape, Why> {
        values.into_iter().try_fold(Shape::Nothing, |shape, value| {
            let part = match value {
                Expr::Starred(starred) => self.evaluate(&starred.value)?.element(),
                value => Some(self.part(value)?),
            };
            Ok(shape.join(part.ok_or(Why::Computed)?))
        })
    }

    fn expression(&mut self, value: &Expr) -> Result<Shape, Why> {
        let known = |shape: Option<Shape>| shape.ok_or(Why::Computed);
        match value {
            Expr::StringLiteral(_) => Ok(Shape::Text),
            Expr::BytesLiteral(_) => Ok(Shape::Bytes),
            Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => Ok(Shape::Number),
            Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_) => Ok(PLAIN),
            Expr::Tuple(tuple) if !tuple.elts.iter().any(Expr::is_starred_expr) => {
                let parts: Result<Vec<Shape>, Why> =
                    tuple.elts.iter().map(|value| self.part(value)).collect();
                Ok(Shape::tuple(parts?))
            }
            Expr::Tuple(tuple) => Ok(Shape::Tuple(Box::new(self.joined(&tuple.elts)?))),
            Expr::List(list) => Ok(Shape::List(Box::new(self.joined(&list.elts)?))),
            Expr::Set(set) => Ok(Shape::Set(Box::new(self.joined(&set.elts)?))),
            Expr::Dict(dict) => {
                let (mut keys, mut values) = (Shape::Nothing, Shape::Nothing);
                for item in &dict.items {
                    match &item.key {
                        Some(key) => {
                            keys = keys.join(self.part(key)?);
                            values = values.join(self.part(&item.value)?);
                        }
                        // {**other}
                        None => match self.evaluate(&item.value)? {
                            Shape::Dict(key, value) => {
                                keys = keys.join(*key);
                                values = values.join(*value);
                            }
                            _ => return computed(),
                        },
                    }
                }
                Ok(Shape::Dict(Box::new(keys), Box::new(values)))
            }
            Expr::UnaryOp(unary) => match self.evaluate(&unary.operand)? {
                _ if unary.op == ast::UnaryOp::Not => Ok(Shape::Number),
                Shape::Number => Ok(Shape::Number),
                shape => known((!shape.is_mutable() && shape.is_printable()).then_some(PLAIN)),
            },
            Expr::BinOp(binary) => {
                let (left, right) = (self.evaluate(&binary.left)?, self.evaluate(&binary.right)?);
                if let (Some(left), Some(right)) =
                    (self.as_type(&binary.left), self.as_type(&binary.right))
                {
                    // int | None
                    return known((left && right).then_some(OPAQUE));
                }
                known(left.operated(right, binary.op == ast::Operator::Mod))
            }
            Expr::BoolOp(both) => self.joined(&both.values),
            Expr::Compare(compare) => {
                let sides = std::iter::once(&*compare.left).chain(&*compare.comparators);
                // Which objects are one is nobody's promise, but for None.
                let asks_which = compare
                    .ops
                    .iter()
                    .any(|op| matches!(op, ast::CmpOp::Is | ast::CmpOp::IsNot));
                if asks_which && !sides.clone().any(Expr::is_none_literal_expr) {
                    return computed();
                }
                for side in sides {
                    self.part(side)?;
                }
                Ok(Shape::Number)
            }
            Expr::If(choice) => {
                self.part(&choice.test)?;
                self.joined([&*choice.body, &*choice.orelse])
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    self.interpolated(element)?;
                }
                Ok(Shape::Text)
            }
            Expr::Subscript(subscript) => {
                if self.as_type(value) == Some(true) {
                    return Ok(OPAQUE);
                }
                let of = self.evaluate(&subscript.value)?;
                match &*subscript.slice {
                    Expr::Slice(slice) => {
                        let ends = [&slice.lower, &slice.upper, &slice.step];
                        for end in ends.into_iter().flatten() {
                            self.part(end)?;
                        }
                        known(of.slice())
                    }
                    part => {
                        self.part(part)?;
                        let number = match part {
                            Expr::NumberLiteral(number) => match &number.value {
                                ast::Number::Int(number) => number.as_usize(),
                                _ => None,
                            },
                            _ => None,
                        };
                        known(of.item(number))
                    }
                }
            }
            Expr::ListComp(each) => {
                let element = self.comprehended(&each.generators, &[&each.elt])?;
                Ok(Shape::List(Box::new(Shape::joined(element))))
            }
            Expr::SetComp(each) => {
                let element = self.comprehended(&each.generators, &[&each.elt])?;
                Ok(Shape::Set(Box::new(Shape::joined(element))))
            }
            Expr::Generator(each) => {
                let element = self.comprehended(&each.generators, &[&each.elt])?;
                Ok(Shape::Iterator(Box::new(Shape::joined(element))))
            }
            Expr::DictComp(each) => {
                let key = each.key.as_deref().ok_or(Why::Computed)?;
                let mut parts = self.comprehended(&each.generators, &[key, &each.value])?;
                let value = parts.pop().ok_or(Why::Computed)?;
                let key = parts.pop().ok_or(Why::Computed)?;
                Ok(Shape::Dict(Box::new(key), Box::new(value)))
            }
            // What it reads later is judged as what a function reads.
            Expr::Lambda(lambda) => {
                let parameters = lambda.parameters.iter().flat_map(|all| all.iter());
                for default in parameters.filter_map(|parameter| parameter.default()) {
                    self.part(default)?;
                }
                Ok(OPAQUE)
            }
            Expr::Name(name) => self.name(name),
            Expr::Attribute(_) => known(self.path(value).and_then(|path| builtin::constant(&path))),
            Expr::Call(call) => self.call(call),
            _ => computed(),
        }
    }

    fn interpolated(&mut self, element: &ast::InterpolatedStringElement) -> Result<(), Why> {
        let ast::InterpolatedStringElement::Interpolation(inner) = element else {
            return Ok(());
        };
        if !self.part(&inner.expression)?.is_printable() {
            return computed();
        }
        let format = inner
            .format_spec
            .iter()
            .flat_map(|spec| spec.elements.iter());
        format
            .into_iter()
            .try_for_each(|part| self.interpolated(part))
    }

    /// The parts of a comprehension's elements.
    fn comprehended(
        &mut self,
        generators: &[ast::Comprehension],
        parts: &[&Expr],
    ) -> Result<Vec<Shape>, Why> {
        let outer = self.variables.len();
        for each in generators {
            if each.is_async {
                return computed();
            }
            let element = self.evaluate(&each.iter)?.element().ok_or(Why::Computed)?;
            self.bind(&each.target, element)?;
            for test in &each.ifs {
                self.part(test)?;
            }
        }
        let shapes = parts.iter().map(|part| self.part(part)).collect();
        self.variables.truncate(outer);
        shapes
    }

    fn bind(&mut self, target: &Expr, shape: Shape) -> Result<(), Why> {
        match target {
            Expr::Name(name) => {
                self.variables.push((Name::new(name.id.as_str()), shape));
                Ok(())
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                elts.iter().enumerate().try_for_each(|(index, target)| {
                    let part = match &shape {
                        Shape::Parts(parts) if parts.len() == elts.len() => {
                            parts.get(index).cloned()
                        }
                        shape => shape.element(),
                    };
                    self.bind(target, part.ok_or(Why::Computed)?)
                })
            }
            _ => computed(),
        }
    }

    fn used(&self, expr: &Expr) -> Option<Cow<'e, Use>> {
        self.judge.uses.at(self.base + range_of(expr).start)
    }

    fn name(&mut self, name: &ast::ExprName) -> Result<Shape, Why> {
        let expr = &Expr::Name(name.clone());
        let a_use = self.used(expr).ok_or(Why::Computed)?;
        if let Some(path) = self.path(expr) {
            return match path.contains('.') {
                true => builtin::constant(&path).ok_or(Why::Computed),
                // A function or a type.
                false => Ok(OPAQUE),
            };
        }
        let Home::Scope(home) = a_use.home else {
            return computed();
        };
        let holds = |(known, _): &&(Name, Shape)| known.as_str() == name.id.as_str();
        if let Some((_, shape)) = self.variables.iter().rfind(holds) {
            return Ok(shape.clone());
        }
        let binding = self.only_binding(home, &a_use.name).ok_or(Why::Computed)?;
        match binding.binding {
            // A function or a class, which travels itself.
            Some(BindingKind::Def | BindingKind::Class) => Ok(OPAQUE),
            Some(BindingKind::Assign | BindingKind::AnnAssign) => self.of_statement(&binding),
            _ => computed(),
        }
    }

    /// The value that another statement gives.
    fn of_statement(&mut self, binding: &Use) -> Result<Shape, Why> {
        let left = self.names.checked_sub(1).ok_or(Why::Computed)?;
        let chain = DEEPEST / LONGEST_CHAIN;
        let parsed = statement(self.judge.text(&binding.statement)).ok_or(Why::Computed)?;
        let (target, value) = match &parsed {
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [target] => (target, &*assign.value),
                _ => return computed(),
            },
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => (&*assign.target, &**value),
                None => return computed(),
            },
            _ => return computed(),
        };
        let mut inner = Evaluation {
            base: binding.statement.start,
            variables: Vec::new(),
            depth: self.depth + chain,
            names: left,
            ..*self
        };
        let shape = inner.part(value);
        self.names = inner.names;
        match target {
            Expr::Name(_) => shape,
            _ => shape.map(|shape| Shape::Any {
                mutable: shape.is_mutable(),
                printable: false,
            }),
        }
    }

    /// The only binding of a name of the functions around, when it surely happens before this statement and before the root.
    fn only_binding(&self, home: ScopeId, name: &Name) -> Option<Cow<'e, Use>> {
        let mut bindings = self.judge.bindings_of(home, name);
        let (Some(only), None) = (bindings.next(), bindings.next()) else {
            return None;
        };
        let is_before = only.scope == home
            && only.statement.start < self.base
            && self.judge.runs_before(&only, self.root);
        is_before.then_some(only)
    }

    /// What a name or an attribute is by its origin: `len`, `math.sqrt`, `str.maketrans`. None for what a function or the module
    /// binds otherwise than by an import.
    fn path(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(_) => {
                let a_use = self.used(expr)?;
                match a_use.home {
                    Home::Module => self.global_path(&a_use.name),
                    Home::Scope(home) => {
                        self.imported_path(&*self.only_binding(home, &a_use.name)?)
                    }
                }
            }
            Expr::Attribute(attribute) if attribute.value.is_name_expr() => {
                let of = self.path(&attribute.value)?;
                Some(format!("{of}.{}", attribute.attr))
            }
            _ => None,
        }
    }

    fn global_path(&self, name: &Name) -> Option<String> {
        let module = self.judge.scopes.get(self.judge.scopes.module());
        let uses = self.judge.uses.of(Home::Module, name);
        let mut bindings = uses.filter(|a_use| a_use.binding.is_some());
        match (bindings.next(), bindings.next()) {
            (None, _) => {
                // `__name__` and the like are another in each module.
                let is_meant =
                    is_builtin(name) && !name.starts_with("__") && !module.has_star_import;
                is_meant.then(|| name.to_string())
            }
            (Some(only), None) if only.scope == self.judge.scopes.module() => {
                let is_sure = module
                    .bindings
                    .iter()
                    .any(|binding| binding.range == only.range && !binding.is_conditional);
                is_sure.then(|| self.imported_path(&only)).flatten()
            }
            _ => None,
        }
    }

    /// The dotted path of what an import binds.
    fn imported_path(&self, binding: &Use) -> Option<String> {
        if binding.binding != Some(BindingKind::Import) {
            return None;
        }
        let name = self.judge.text(&binding.range);
        let alias_of = |names: &[ast::Alias]| {
            let is_meant = |alias: &&ast::Alias| match &alias.asname {
                Some(own) => own.as_str() == name,
                None => alias.name.as_str() == name,
            };
            names
                .iter()
                .find(is_meant)
                .map(|alias| alias.name.to_string())
        };
        match statement(self.judge.text(&binding.statement))? {
            Stmt::Import(import) => alias_of(&import.names),
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref()?;
                Some(format!("{module}.{}", alias_of(&import.names)?))
            }
            _ => None,
        }
    }

    fn call(&mut self, call: &ast::ExprCall) -> Result<Shape, Why> {
        let arguments = &call.arguments;
        let named = |name: &str| {
            let is_meant = |keyword: &&ast::Keyword| {
                keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == name)
            };
            arguments.keywords.iter().find(is_meant)
        };
        let path = self.path(&call.func);
        if let (Some("map" | "filter"), [function, values]) = (path.as_deref(), &*arguments.args)
            && arguments.keywords.is_empty()
        {
            return self.gone_through(path.as_deref() == Some("map"), function, values);
        }
        let args: Result<Vec<Shape>, Why> = arguments
            .args
            .iter()
            .map(|value| self.evaluate(value))
            .collect();
        let args = args?;
        let mut keywords = Vec::new();
        for keyword in &arguments.keywords {
            let name = keyword.arg.as_ref().ok_or(Why::Computed)?;
            if name.as_str() == "key" && path.is_some() {
                let key = self.path(&keyword.value).ok_or(Why::Computed)?;
                if !is_key(&key) {
                    return computed();
                }
            } else {
                keywords.push(self.part(&keyword.value)?);
            }
        }
        let shape = match (&path, &*call.func) {
            (Some(path), _) if path == "dict" && !keywords.is_empty() => {
                let shape = builtin::called(path, &args, false);
                let own = Shape::Dict(Box::new(Shape::Text), Box::new(Shape::joined(keywords)));
                shape.map(|shape| shape.join(own))
            }
            (Some(path), _) => {
                // How a text is read, and the like.
                let are_plain = keywords
                    .iter()
                    .all(|value| !value.is_mutable() && value.is_printable());
                let shape = match are_plain {
                    true => builtin::called(path, &args, named("key").is_some()),
                    false => None,
                };
                // The `default` of one that is empty.
                match ["max", "min"].contains(&path.as_str()) {
                    true => shape.map(|shape| shape.join(Shape::joined(keywords))),
                    false => shape,
                }
            }
            (None, Expr::Attribute(attribute)) => {
                let of = self.evaluate(&attribute.value)?;
                let all: Vec<Shape> = args.into_iter().chain(keywords).collect();
                builtin::method(&of, attribute.attr.as_str(), &all)
            }
            (None, Expr::Name(_)) if self.makes_record(&call.func) => {
                let parts = args.into_iter().chain(keywords);
                let shape = Shape::joined(parts);
                (!matches!(shape, Shape::Iterator(_))).then(|| Shape::Tuple(Box::new(shape)))
            }
            _ => None,
        };
        shape.ok_or(Why::Computed)
    }

    /// `map(int, values)` and `filter(None, values)`
    fn gone_through(&mut self, is_map: bool, function: &Expr, values: &Expr) -> Result<Shape, Why> {
        let values = self.evaluate(values)?;
        let path = match function {
            Expr::NoneLiteral(_) if !is_map => "bool".to_owned(),
            function => self.path(function).ok_or(Why::Computed)?,
        };
        let each = builtin::mapped(&path, &values).ok_or(Why::Computed)?;
        match is_map {
            true => Ok(each),
            false => {
                let element = values.element().ok_or(Why::Computed)?;
                Ok(Shape::Iterator(Box::new(element)))
            }
        }
    }

    /// Is it a class `class Point(NamedTuple)` of nothing but fields?
    fn makes_record(&self, class: &Expr) -> bool {
        let class = || {
            let a_use = self.used(class)?;
            let binding = match a_use.home {
                Home::Scope(home) => self.only_binding(home, &a_use.name)?,
                Home::Module => return None,
            };
            let module = self.judge.document.statements_at(binding.statement.start);
            let found = statement_at(&module.body, &binding.statement)?;
            let Stmt::ClassDef(class) = found else {
                return None;
            };
            let [base] = class.bases() else { return None };
            let a_use = self.judge.uses.at(range_of(base).start)?;
            let path = match a_use.home {
                Home::Module => self.global_path(&a_use.name)?,
                Home::Scope(home) => self.imported_path(&*self.only_binding(home, &a_use.name)?)?,
            };
            let is_field = |stmt: &Stmt| match stmt {
                Stmt::AnnAssign(field) => field.value.is_none(),
                Stmt::Expr(text) => constant_text(&text.value).is_some(),
                Stmt::Pass(_) => true,
                _ => false,
            };
            let is_plain = path == "typing.NamedTuple"
                && dotted(base).is_some_and(|parts| parts.len() == 1)
                && class.decorator_list.is_empty()
                && class.keywords().is_empty()
                && class.body.iter().all(is_field);
            is_plain.then_some(())
        };
        class().is_some()
    }

    /// Is it a type, such as `int`, `list[str]` or None? None when it is nothing that a type is made of.
    fn as_type(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_) => Some(true),
            Expr::Name(_) => {
                let path = self.path(expr)?;
                Some(TYPES.contains(&path.as_str()))
            }
            Expr::Subscript(subscript) => {
                let Expr::Name(_) = &*subscript.value else {
                    return None;
                };
                let path = self.path(&subscript.value)?;
                let parts = match &*subscript.slice {
                    Expr::Tuple(tuple) => tuple.elts.as_slice(),
                    part => std::slice::from_ref(part),
                };
                let is_type = |part: &Expr| self.as_type(part) == Some(true);
                Some(GENERIC.contains(&path.as_str()) && parts.iter().all(is_type))
            }
            Expr::BinOp(either) if either.op == ast::Operator::BitOr => {
                Some(self.as_type(&either.left)? && self.as_type(&either.right)?)
            }
            _ => None,
        }
    }
}

/// Types that may stand in a type.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "set",
    "str",
    "tuple",
    "type",
];
/// Types that take others in brackets.
const GENERIC: &[&str] = &["dict", "frozenset", "list", "set", "tuple", "type"];

/// Functions by which values may be ordered.
fn is_key(path: &str) -> bool {
    [
        "abs",
        "bool",
        "float",
        "int",
        "len",
        "max",
        "min",
        "ord",
        "sorted",
        "str",
        "sum",
        "tuple",
        "str.casefold",
        "str.lower",
        "str.upper",
    ]
    .contains(&path)
}
