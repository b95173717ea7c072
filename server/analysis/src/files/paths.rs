//! Questions about paths by their bytes. The standard library takes a path apart for each, which is asked for many times here;
//! of nearly all paths their bytes tell the same.

use std::ffi::OsStr;
use std::path::Path;

/// The folder and the name at the end of a path, as the path itself gives them.
pub(crate) fn parted(path: &Path) -> Option<(&Path, &OsStr)> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = path.as_os_str().as_bytes();
        let at = memchr::memrchr(b'/', bytes);
        if let Some((before, [b'/', name @ ..])) = at.map(|at| bytes.split_at(at))
            && !matches!(name, b"" | b"." | b"..")
            && !matches!(before, [] | [.., b'/'] | b"." | [.., b'/', b'.'])
        {
            return Some((
                Path::new(OsStr::from_bytes(before)),
                OsStr::from_bytes(name),
            ));
        }
    }
    path.parent().zip(path.file_name())
}

/// A folder and those above it, as [`Path::ancestors`] gives them.
pub fn ancestors(folder: &Path) -> impl Iterator<Item = &Path> {
    std::iter::successors(Some(folder), |folder| match parted(folder) {
        Some((above, _)) => Some(above),
        None => folder.parent(),
    })
}

/// Is a path the one of a folder, or below it? The answer of [`Path::starts_with`].
pub(crate) fn is_below(path: &Path, folder: &Path) -> bool {
    let (path_bytes, folder_bytes) = (bytes(path), bytes(folder));
    let rest = path_bytes.strip_prefix(folder_bytes);
    cfg!(unix)
        && !folder_bytes.is_empty()
        && rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
        || path.starts_with(folder)
}

/// Are two paths the same? The answer of their `==`.
pub(crate) fn are_same(one: &Path, other: &Path) -> bool {
    match bytes(one) == bytes(other) {
        true => true,
        false if is_tidy(one) && is_tidy(other) => false,
        false => one == other,
    }
}

/// Is a path sure to have no part that says nothing, or leads up again? Most have none.
pub fn is_tidy(path: &Path) -> bool {
    let bytes = bytes(path);
    let parts_two = |pair: &[u8]| pair[0] == b'/' && matches!(pair[1], b'/' | b'.');
    cfg!(unix)
        && !matches!(bytes.first(), None | Some(b'.'))
        && bytes.last() != Some(&b'/')
        && !bytes.windows(2).any(parts_two)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: &[&str] = &[
        "", "/", "//", "a", "/a", "//a", "a/b", "/a/b", "/a//b", "/a/b/", "/a/./b", "/a/.",
        "/a/..", "./b", "../b", "/a/../b", "/./b", "a/.b", "/a/b.py", "/a./b", "/a/...", "/a/bc",
        "/ab",
    ];

    #[test]
    fn a_path_is_parted_as_the_library_does_it() {
        for path in PATHS.iter().map(Path::new) {
            assert_eq!(
                parted(path),
                path.parent().zip(path.file_name()),
                "{path:?}"
            );
            let above: Vec<&Path> = ancestors(path).collect();
            assert_eq!(above, path.ancestors().collect::<Vec<_>>(), "{path:?}");
        }
    }

    #[test]
    fn paths_are_compared_as_the_library_does_it() {
        for one in PATHS.iter().map(Path::new) {
            for other in PATHS.iter().map(Path::new) {
                assert_eq!(
                    is_below(one, other),
                    one.starts_with(other),
                    "{one:?} {other:?}"
                );
                assert_eq!(are_same(one, other), one == other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_tidy_path_is_made_of_its_parts() {
        for path in PATHS.iter().map(Path::new).filter(|path| is_tidy(path)) {
            let again: std::path::PathBuf = path.components().collect();
            assert_eq!(again.as_os_str(), path.as_os_str());
            assert!(path.components().all(|part| part.as_os_str() != ".."));
        }
    }
}
