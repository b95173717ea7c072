//! Names of distributions.

/// A name as PEP 503 compares it: lower case, with one hyphen for each run of `-`, `_` and `.`.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn names_compare_as_pep_503_says() {
        assert_eq!(normalized("PyYAML"), "pyyaml");
        assert_eq!(normalized("ruamel.yaml"), "ruamel-yaml");
        assert_eq!(normalized("My__Odd.-Name"), "my-odd-name");
    }
}
