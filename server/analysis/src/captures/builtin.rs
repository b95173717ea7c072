//! Functions and methods of Python's own that give the same whenever they are given the same.

use super::shape::{OPAQUE, PLAIN, Shape};
use Shape::{Bytes, Dict, Frozen, Iterator, List, Nothing, Number, Parts, Range, Set, Text, Tuple};

/// What a builtin function gives; none for those that are not known to do nothing else. `has_key` says that the call has a
/// `key`, which is one of these functions itself.
pub(super) fn called(function: &str, args: &[Shape], has_key: bool) -> Option<Shape> {
    let first = args.first();
    let element = || first?.element().map(Box::new);
    let in_any_order = || match has_key {
        // Of elements with the same key, the first one counts.
        true => first?.element(),
        // Sets are not in order by themselves.
        false => first?.element_in_any_order().filter(|element| {
            first.is_some_and(|values| values.element().is_some()) || element.is_printable()
        }),
    };
    Some(match (function, args) {
        ("abs" | "complex" | "float" | "int" | "ord" | "pow" | "round", _) => {
            let plain = |shape: &Shape| !shape.is_mutable() && shape.is_printable();
            args.iter().all(plain).then_some(Number)?
        }
        ("bool" | "len", [_]) => Number,
        ("all" | "any", [values]) => {
            values.element_in_any_order()?;
            Number
        }
        ("bin" | "chr" | "hex" | "oct", [_]) => Text,
        ("ascii" | "format" | "repr" | "str", _) => {
            args.iter().all(Shape::is_printable).then_some(Text)?
        }
        ("bytes", _) => args.iter().all(Shape::is_printable).then_some(Bytes)?,
        ("divmod", [_, _]) => Parts(vec![Number, Number]),
        ("max" | "min", [_]) => in_any_order()?,
        ("max" | "min", [_, _, ..]) => Shape::joined(args.to_vec()),
        ("sorted", [_]) => List(Box::new(in_any_order()?)),
        ("sum", [values, start @ ..]) => {
            let element = values.element()?;
            match Shape::joined(start.iter().cloned().chain([element])) {
                Nothing | Number => Number,
                sum @ (List(_) | Tuple(_)) => sum,
                _ => return None,
            }
        }
        ("range", [_, ..]) => Range,
        ("enumerate", [_, ..]) => Iterator(Box::new(Parts(vec![Number, *element()?]))),
        ("reversed", [_]) => Iterator(element()?),
        ("zip", [_, ..]) => {
            let elements: Option<Vec<Shape>> = args.iter().map(Shape::element).collect();
            Iterator(Box::new(Shape::tuple(elements?)))
        }
        ("list", []) => List(Box::new(Nothing)),
        ("list", [_]) => List(element()?),
        ("tuple", []) => Tuple(Box::new(Nothing)),
        ("tuple", [_]) => Tuple(element()?),
        ("set", []) => Set(Box::new(Nothing)),
        ("set", [values]) => Set(Box::new(values.element_in_any_order()?)),
        ("frozenset", []) => Frozen(Box::new(Nothing)),
        ("frozenset", [values]) => Frozen(Box::new(values.element_in_any_order()?)),
        ("dict", []) => Dict(Box::new(Nothing), Box::new(Nothing)),
        ("dict", [known @ Dict(..)]) => known.clone(),
        ("dict", [pairs]) => match pairs.element()? {
            Parts(pair) => match pair.as_slice() {
                [key, value] => Dict(Box::new(key.clone()), Box::new(value.clone())),
                _ => return None,
            },
            pair => {
                let part = Box::new(pair.element()?);
                Dict(part.clone(), part)
            }
        },
        ("dict.fromkeys", [_]) => Dict(element()?, Box::new(PLAIN)),
        ("dict.fromkeys", [_, value]) => Dict(element()?, Box::new(value.clone())),
        ("str.maketrans", _) => Dict(Box::new(PLAIN), Box::new(PLAIN)),
        _ => {
            let name = function.strip_prefix("math.")?;
            let plain = |shape: &Shape| matches!(shape, Number);
            (NUMERIC.contains(&name) && args.iter().all(plain)).then_some(Number)?
        }
    })
}

/// What `map(function, values)` gives.
pub(super) fn mapped(function: &str, values: &Shape) -> Option<Shape> {
    let each = called(function, &[values.element()?], false)?;
    Some(Iterator(Box::new(each)))
}

/// Functions of `math` that give one number for numbers.
const NUMERIC: &[&str] = &[
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "comb",
    "cos",
    "cosh",
    "degrees",
    "dist",
    "exp",
    "fabs",
    "factorial",
    "floor",
    "gcd",
    "hypot",
    "isqrt",
    "lcm",
    "log",
    "log10",
    "log1p",
    "log2",
    "perm",
    "pow",
    "radians",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
];

/// The value of a name of a module that never changes.
pub(super) fn constant(path: &str) -> Option<Shape> {
    let (module, name) = path.rsplit_once('.')?;
    match (module, name) {
        (
            "string",
            "ascii_letters" | "ascii_lowercase" | "ascii_uppercase" | "digits" | "hexdigits"
            | "octdigits" | "printable" | "punctuation" | "whitespace",
        ) => Some(Text),
        ("math" | "numpy", "e" | "inf" | "nan" | "pi") | ("math", "tau") => Some(Number),
        ("math", name) if NUMERIC.contains(&name) => Some(OPAQUE),
        // All of them are functions.
        ("operator", name) if !name.starts_with("__") => Some(OPAQUE),
        _ => None,
    }
}

/// What a method of a value gives; none for those that change it, and those whose result is not always the same.
pub(super) fn method(of: &Shape, name: &str, args: &[Shape]) -> Option<Shape> {
    let arguments_are_printable = args.iter().all(Shape::is_printable);
    match of {
        Text => arguments_are_printable.then(|| text(name, args))?,
        Bytes => arguments_are_printable.then(|| match name {
            "decode" | "hex" => Some(Text),
            "lower" | "replace" | "strip" | "upper" => Some(Bytes),
            "split" => Some(List(Box::new(Bytes))),
            "count" | "endswith" | "find" | "index" | "startswith" => Some(Number),
            _ => None,
        })?,
        Number => match name {
            "bit_length" | "conjugate" | "is_integer" => Some(Number),
            "__str__" => Some(Text),
            "hex" => Some(Text),
            "to_bytes" => Some(Bytes),
            _ => None,
        },
        Tuple(_) | Parts(_) | List(_) if matches!(name, "count" | "index") => Some(Number),
        List(_) | Set(_) | Dict(..) if name == "copy" => Some(of.clone()),
        Dict(key, value) => match (name, args) {
            ("keys", []) => Some(Iterator(key.clone())),
            ("values", []) => Some(Iterator(value.clone())),
            ("items", []) => Some(Iterator(Box::new(Parts(vec![
                (**key).clone(),
                (**value).clone(),
            ])))),
            ("get", [_]) => Some((**value).clone().join(PLAIN)),
            ("get", [_, other]) => Some((**value).clone().join(other.clone())),
            _ => None,
        },
        Set(element) | Frozen(element) => match name {
            "difference" | "intersection" => Some(of.clone()),
            "symmetric_difference" | "union" => {
                let others = args.iter().map(Shape::element_in_any_order);
                let others: Option<Vec<Shape>> = others.collect();
                Some(Set(Box::new(
                    (**element).clone().join(Shape::joined(others?)),
                )))
            }
            "isdisjoint" | "issubset" | "issuperset" => Some(Number),
            _ => None,
        },
        _ => None,
    }
}

fn text(name: &str, args: &[Shape]) -> Option<Shape> {
    match name {
        "__str__" | "capitalize" | "casefold" | "center" | "expandtabs" | "format" | "ljust"
        | "lower" | "lstrip" | "removeprefix" | "removesuffix" | "replace" | "rjust" | "rstrip"
        | "strip" | "swapcase" | "title" | "translate" | "upper" | "zfill" => Some(Text),
        "join" => args.first()?.element().map(|_| Text),
        "__len__" | "count" | "endswith" | "find" | "index" | "isalnum" | "isalpha" | "isascii"
        | "isdecimal" | "isdigit" | "isidentifier" | "islower" | "isnumeric" | "isprintable"
        | "isspace" | "istitle" | "isupper" | "rfind" | "rindex" | "startswith" => Some(Number),
        "encode" => Some(Bytes),
        "partition" | "rpartition" => Some(Parts(vec![Text, Text, Text])),
        "rsplit" | "split" | "splitlines" => Some(List(Box::new(Text))),
        _ => None,
    }
}

/// Methods of containers that only read them, whatever they are given.
pub(super) const READING: &[&str] = &[
    "copy",
    "count",
    "difference",
    "get",
    "index",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "items",
    "keys",
    "symmetric_difference",
    "union",
    "values",
];

/// Builtin functions that only read the containers that they are given.
pub(super) const READERS: &[&str] = &[
    "all",
    "any",
    "bool",
    "dict",
    "enumerate",
    "frozenset",
    "len",
    "list",
    "max",
    "min",
    "print",
    "repr",
    "reversed",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
];
