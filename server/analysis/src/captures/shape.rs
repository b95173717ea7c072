//! What is known of a value that is computed from literals: enough to say that computing it again gives the same.
//!
//! Such a value is made of Python's own types only, so no operator or method on it runs anybody's code. Three things could
//! still differ between two computations: a value that is changed in between, the order of a set of texts, and a text that
//! shows where an object lies.

/// A value by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Bytes,
    /// Also a truth value.
    Number,
    Range,
    /// A tuple by its parts.
    Parts(Vec<Shape>),
    Tuple(Box<Shape>),
    List(Box<Shape>),
    Set(Box<Shape>),
    Frozen(Box<Shape>),
    Dict(Box<Shape>, Box<Shape>),
    /// What `zip` and the like give: used up by whoever goes through it.
    Iterator(Box<Shape>),
    /// The element of what is empty.
    Nothing,
    /// One of several types.
    Any {
        mutable: bool,
        /// Its text is the same in each process.
        printable: bool,
    },
}

use Shape::*;

/// Something that never changes, such as a number or a tuple of texts.
pub(super) const PLAIN: Shape = Any {
    mutable: false,
    printable: true,
};
/// A function or a type: it never changes, and its text says where it lies.
pub(super) const OPAQUE: Shape = Any {
    mutable: false,
    printable: false,
};

/// The most parts of a tuple that are told apart.
const MOST_PARTS: usize = 8;

impl Shape {
    pub(super) fn tuple(parts: Vec<Shape>) -> Shape {
        match parts.len() > MOST_PARTS {
            true => Tuple(Box::new(Shape::joined(parts))),
            false => Parts(parts),
        }
    }

    /// What is true of all of them.
    pub(super) fn joined(shapes: impl IntoIterator<Item = Shape>) -> Shape {
        shapes.into_iter().fold(Nothing, Shape::join)
    }

    pub(super) fn join(self, other: Shape) -> Shape {
        match (self, other) {
            (Nothing, shape) | (shape, Nothing) => shape,
            (one, other) if one == other => one,
            (List(one), List(other)) => List(Box::new(one.join(*other))),
            (Set(one), Set(other)) => Set(Box::new(one.join(*other))),
            (Dict(key, value), Dict(other_key, other_value)) => Dict(
                Box::new(key.join(*other_key)),
                Box::new(value.join(*other_value)),
            ),
            (Parts(one), Parts(other)) if one.len() == other.len() => {
                let pairs = one.into_iter().zip(other);
                Parts(pairs.map(|(one, other)| one.join(other)).collect())
            }
            (one @ (Parts(_) | Tuple(_)), other @ (Parts(_) | Tuple(_))) => {
                Tuple(Box::new(one.parts().join(other.parts())))
            }
            (one, other) => Any {
                mutable: one.is_mutable() || other.is_mutable(),
                printable: one.is_printable() && other.is_printable(),
            },
        }
    }

    /// The parts of a tuple as one.
    fn parts(self) -> Shape {
        match self {
            Parts(parts) => Shape::joined(parts),
            Tuple(part) => *part,
            other => other,
        }
    }

    /// Can it, or something in it, be changed in place?
    pub(super) fn is_mutable(&self) -> bool {
        match self {
            Text | Bytes | Number | Range | Nothing | Frozen(_) => false,
            Parts(parts) => parts.iter().any(Shape::is_mutable),
            Tuple(part) => part.is_mutable(),
            List(_) | Set(_) | Dict(..) | Iterator(_) => true,
            Any { mutable, .. } => *mutable,
        }
    }

    /// Is nothing in it that can be changed in place, whatever may be done to itself?
    pub(super) fn is_flat(&self) -> bool {
        match self {
            List(element) | Set(element) => !element.is_mutable(),
            Dict(_, value) => !value.is_mutable(),
            other => !other.is_mutable(),
        }
    }

    /// Is its text the same in each process?
    pub(super) fn is_printable(&self) -> bool {
        match self {
            Text | Bytes | Number | Range | Nothing => true,
            Parts(parts) => parts.iter().all(Shape::is_printable),
            Tuple(part) | List(part) => part.is_printable(),
            Dict(key, value) => key.is_printable() && value.is_printable(),
            Set(_) | Frozen(_) | Iterator(_) => false,
            Any { printable, .. } => *printable,
        }
    }

    /// What going through it gives, in an order that is always the same.
    pub(super) fn element(&self) -> Option<Shape> {
        Some(match self {
            Text => Text,
            Bytes | Range => Number,
            Parts(parts) => Shape::joined(parts.clone()),
            Tuple(element) | List(element) | Iterator(element) | Dict(element, _) => {
                (**element).clone()
            }
            Nothing => Nothing,
            // The parts of a tuple or of a text.
            Any {
                mutable: false,
                printable: true,
            } => PLAIN,
            Number | Set(_) | Frozen(_) | Any { .. } => return None,
        })
    }

    /// The same where the order does not matter.
    pub(super) fn element_in_any_order(&self) -> Option<Shape> {
        match self {
            Set(element) | Frozen(element) => Some((**element).clone()),
            other => other.element(),
        }
    }

    /// What `value[...]` gives; `part` is the number between the brackets, when it is one.
    pub(super) fn item(&self, part: Option<usize>) -> Option<Shape> {
        match (self, part) {
            (Parts(parts), Some(part)) => parts.get(part).cloned(),
            (Dict(_, value), _) => Some((**value).clone()),
            (Text | Parts(_) | Tuple(_) | List(_) | Any { .. }, _) => self.element(),
            (Bytes | Range, _) => Some(PLAIN),
            _ => None,
        }
    }

    /// What `value[from:to]` gives.
    pub(super) fn slice(&self) -> Option<Shape> {
        match self {
            Parts(_) => Some(Tuple(Box::new(self.element()?))),
            Text | Bytes | Range | Tuple(_) | List(_) => Some(self.clone()),
            Any {
                mutable: false,
                printable: true,
            } => Some(PLAIN),
            _ => None,
        }
    }

    /// What an operator with two sides gives.
    pub(super) fn operated(self, other: Shape, is_modulo: bool) -> Option<Shape> {
        match (self, other) {
            (Number, Number) => Some(Number),
            // "%s" % value
            (Text, other) if is_modulo => other.is_printable().then_some(Text),
            (Text, Text | Number) | (Number, Text) => Some(Text),
            (Bytes, Bytes | Number) | (Number, Bytes) => Some(Bytes),
            (List(one), List(other)) => Some(List(Box::new(one.join(*other)))),
            (list @ List(_), Number) | (Number, list @ List(_)) => Some(list),
            (Set(one), Set(other)) => Some(Set(Box::new(one.join(*other)))),
            (Dict(key, value), Dict(other_key, other_value)) => {
                Some(Dict(key, value).join(Dict(other_key, other_value)))
            }
            (one @ (Parts(_) | Tuple(_)), other @ (Parts(_) | Tuple(_))) => {
                Some(Tuple(Box::new(one.parts().join(other.parts()))))
            }
            (one @ (Parts(_) | Tuple(_)), Number) | (Number, one @ (Parts(_) | Tuple(_))) => {
                Some(Tuple(Box::new(one.parts())))
            }
            (one, other) => {
                let is_plain = |shape: &Shape| !shape.is_mutable() && shape.is_printable();
                (is_plain(&one) && is_plain(&other)).then_some(PLAIN)
            }
        }
    }
}
