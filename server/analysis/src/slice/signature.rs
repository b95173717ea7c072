//! Do the arguments fit the entry's signature?

use hoist_syntax::scopes::{ParameterKind, Scope};
use hoist_syntax::strict::CallArguments;

/// What is wrong with arguments, in words that follow "`train`: ".
pub(super) fn check(
    name: &str,
    scope: &Scope,
    skip: usize,
    given: &CallArguments,
) -> Result<(), String> {
    let parameters: Vec<_> = scope.parameters.iter().skip(skip).collect();
    let positional: Vec<&str> = parameters
        .iter()
        .filter(|p| {
            matches!(
                p.kind,
                ParameterKind::PositionalOnly | ParameterKind::Positional
            )
        })
        .map(|p| &*p.name)
        .collect();
    let by_name = |name: &str| {
        parameters.iter().any(|p| {
            &*p.name == name
                && matches!(
                    p.kind,
                    ParameterKind::Positional | ParameterKind::KeywordOnly
                )
        })
    };
    let takes_rest = parameters
        .iter()
        .any(|p| p.kind == ParameterKind::VarPositional);
    let takes_keywords = parameters
        .iter()
        .any(|p| p.kind == ParameterKind::VarKeyword);
    if given.positional > positional.len() && !takes_rest {
        return Err(format!(
            "`{name}` takes {} but {} given",
            counted(positional.len(), "positional argument"),
            if given.positional == 1 {
                "1 is".to_owned()
            } else {
                format!("{} are", given.positional)
            },
        ));
    }
    for keyword in &given.keywords {
        if !by_name(keyword) && !takes_keywords {
            let known: Vec<String> = parameters
                .iter()
                .filter(|p| {
                    matches!(
                        p.kind,
                        ParameterKind::Positional | ParameterKind::KeywordOnly
                    )
                })
                .map(|p| format!("`{}`", p.name))
                .collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(format!(
                "`{name}` has no parameter `{keyword}` (its parameters: {known})"
            ));
        }
        let filled = positional
            .iter()
            .take(given.positional)
            .any(|name| name == keyword);
        let only_positional = parameters
            .iter()
            .any(|p| &*p.name == keyword.as_str() && p.kind == ParameterKind::PositionalOnly);
        if filled && !only_positional {
            return Err(format!(
                "`{name}` is given `{keyword}` twice, by position and by name"
            ));
        }
    }
    if given.has_double_star {
        return Ok(());
    }
    let missing: Vec<&str> = parameters
        .iter()
        .filter(|p| !p.has_default)
        .filter(|p| match p.kind {
            ParameterKind::PositionalOnly | ParameterKind::Positional => {
                let place = positional
                    .iter()
                    .position(|name| *name == &*p.name)
                    .unwrap_or(usize::MAX);
                let by_keyword = p.kind == ParameterKind::Positional
                    && given.keywords.iter().any(|k| *k == *p.name);
                !(place < given.positional || by_keyword || given.has_star)
            }
            ParameterKind::KeywordOnly => !given.keywords.iter().any(|k| *k == *p.name),
            _ => false,
        })
        .map(|p| &*p.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let example: Vec<String> = missing.iter().map(|name| format!("{name}=...")).collect();
    Err(format!(
        "`{name}` needs {}; give {} as arguments, such as `{}`",
        missing
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
        if missing.len() == 1 { "it" } else { "them" },
        example.join(", "),
    ))
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
