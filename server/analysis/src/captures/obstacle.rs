//! Why a nested function cannot stand on its own, in types and in words.

/// Why a root cannot stand on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    /// It captures a value that exists only while the function around it runs.
    Value {
        name: String,
        /// The function in which the value lives.
        owner: String,
        why: Why,
    },
    /// It uses `super()` or `__class__` of a class around it.
    Class(String),
    /// It uses a name that is private to a class around it: `__x`.
    Private(String),
    /// It changes a variable of a function around it with `nonlocal`.
    Nonlocal(String),
    /// Two different things would have one name in the module.
    Collision(String),
    /// It needs, by its module-level name, the definition inside of which it stands.
    Enclosing(String),
}

/// Why a captured name's value cannot be had outside of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Parameter,
    Loop,
    With,
    Except,
    Changed,
    Several,
    Conditional,
    Computed,
    Touched,
    TypeParameter,
    Unbound,
}

impl Why {
    /// In words, with the function whose value it is.
    pub(crate) fn words(self, owner: &str) -> String {
        match self {
            Why::Parameter => format!("a parameter of `{owner}`"),
            Why::Loop => format!("a loop variable of `{owner}`"),
            Why::With => format!("the target of a `with` in `{owner}`"),
            Why::Except => format!("an exception that `{owner}` catches"),
            Why::Changed => format!("changed in `{owner}` after it is bound"),
            Why::Several => format!("bound more than once in `{owner}`"),
            Why::Conditional => format!("bound in `{owner}` only on a condition"),
            Why::Computed => format!("computed when `{owner}` runs"),
            Why::Touched => format!("also used elsewhere in `{owner}`, which may change it"),
            Why::TypeParameter => format!("a type parameter of `{owner}`"),
            Why::Unbound => format!("never bound in `{owner}`"),
        }
    }
}

/// The names that a list of obstacles is about, in order and once each.
pub(crate) fn names_of(obstacles: &[Obstacle]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for obstacle in obstacles {
        let name = match obstacle {
            Obstacle::Value { name, .. }
            | Obstacle::Class(name)
            | Obstacle::Private(name)
            | Obstacle::Nonlocal(name)
            | Obstacle::Collision(name)
            | Obstacle::Enclosing(name) => name,
        };
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
