//! Private names of a class: `__x` inside of `class A` is `_A__x`.

use std::borrow::Cow;

/// The name that CPython stores for `name` inside of the class `class` (`_Py_Mangle` in Python/compile.c).
pub(super) fn mangle<'n>(class: Option<&str>, name: &'n str) -> Cow<'n, str> {
    let Some(class) = class else {
        return Cow::Borrowed(name);
    };
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return Cow::Borrowed(name);
    }
    match class.trim_start_matches('_') {
        "" => Cow::Borrowed(name),
        class => Cow::Owned(format!("_{class}{name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::mangle;

    #[test]
    fn only_private_names_in_a_class_with_a_name_are_mangled() {
        assert_eq!(mangle(Some("A"), "__x"), "_A__x");
        assert_eq!(mangle(Some("__A"), "__x"), "_A__x");
        assert_eq!(mangle(Some("___"), "__x"), "__x");
        assert_eq!(mangle(Some("A"), "__x__"), "__x__");
        assert_eq!(mangle(Some("A"), "_x"), "_x");
        assert_eq!(mangle(None, "__x"), "__x");
    }
}
