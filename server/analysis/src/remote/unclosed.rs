//! Code in which a string is being typed, closed at the cursor so that a parser sees the call that it is in.

/// The text with the string literal in which the cursor is closed there, with the brackets around it, in place of the rest of the
/// line; none when the cursor is in no such literal. `start` is where the statement begins.
pub(super) fn closed_at(text: &str, start: usize, offset: usize) -> Option<String> {
    let (quote, brackets) = open_at(text.get(start..offset)?)?;
    let (before, after) = text.split_at_checked(offset)?;
    let rest = after.find(['\n', '\r']).map_or("", |at| &after[at..]);
    let mut closed = format!("{before}{quote}");
    closed.extend(brackets.chars().rev());
    closed.push_str(rest);
    Some(closed)
}

/// The quotes of the literal that is open at the end of some code, and what closes the brackets that are, from the outermost in.
fn open_at(code: &str) -> Option<(&str, String)> {
    let bytes = code.as_bytes();
    let mut brackets = String::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => at += code[at..].find('\n').unwrap_or(code.len() - at),
            b'(' => brackets.push(')'),
            b'[' => brackets.push(']'),
            b'{' => brackets.push('}'),
            b')' | b']' | b'}' => drop(brackets.pop()),
            b'\'' | b'"' => {
                let one = &code[at..=at];
                let three = code.get(at..at + 3).filter(|three| *three == one.repeat(3));
                let quote = three.unwrap_or(one);
                match end_of(&code[at + quote.len()..], quote) {
                    Some(length) => at += quote.len() + length - 1,
                    None => return Some((quote, brackets)),
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// How long the rest of a literal is, with its quotes or, where it has none, to the end of its line; none when it goes on.
fn end_of(rest: &str, quote: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match byte {
            b'\\' => is_escaped = true,
            b'\n' if quote.len() == 1 => return Some(at + 1),
            _ if rest.as_bytes()[at..].starts_with(quote.as_bytes()) => {
                return Some(at + quote.len());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::closed_at;

    #[test]
    fn a_string_is_closed_at_the_cursor_with_the_brackets_around_it() {
        let closed = |text: &str| {
            let at = text.find('|').expect("a cursor");
            closed_at(&text.replacen('|', "", 1), 0, at)
        };
        let becomes = |text: &str, wanted: &str| assert_eq!(closed(text).as_deref(), Some(wanted));
        becomes("f(g['a', {\"b|\ny = 1\n", "f(g['a', {\"b\"}])\ny = 1\n");
        becomes(
            "f('a') # it's\ng('''a\nb|c''')",
            "f('a') # it's\ng('''a\nb''')",
        );
        becomes("f('a\\'b|)", "f('a\\'b')");
        becomes("'lost\nf('|", "'lost\nf('')");
        becomes("'é' + f('é\\'|", "'é' + f('é\\'')");
        for none in ["f('a'|)", "f(|", "# '|", "'''a''' |", "f('a'\n|"] {
            assert_eq!(closed(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_closed_without_a_panic(text in "[f('\"\\\\#\né)]{0,30}", at in 0usize..40) {
            if let Some(closed) = closed_at(&text, 0, at) {
                prop_assert!(closed.starts_with(&text[..at]));
            }
        }
    }
}
