//! Which distribution a well-known import name belongs to, for what is not installed.

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!("import-names.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .collect()
});

/// The distribution that a module is usually installed by; the longest dotted name that is known decides.
pub fn distribution_for(module: &str) -> Option<&'static str> {
    let ends = module.rmatch_indices('.').map(|(at, _)| at);
    std::iter::once(module.len())
        .chain(ends)
        .find_map(|end| TABLE.get(&module[..end]).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_each_name_once() {
        let lines: Vec<&str> = include_str!("import-names.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(lines.len(), TABLE.len());
        assert!(lines.iter().all(|line| line.split(' ').count() == 2));
    }

    #[test]
    fn the_longest_name_decides() {
        assert_eq!(distribution_for("yaml"), Some("PyYAML"));
        assert_eq!(distribution_for("sklearn.svm"), Some("scikit-learn"));
        assert_eq!(
            distribution_for("google.cloud.storage.blob"),
            Some("google-cloud-storage")
        );
        assert_eq!(distribution_for("google.unheard"), None);
        assert_eq!(distribution_for("my_own_module"), None);
    }
}
