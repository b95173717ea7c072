//! What stands at paths of a target, for who types one: many questions at once, each answered with a bound.
//!
//! Paths are what a job's own functions take them for: `~` is a home folder, a `$` is a `$`. They and all names are bytes. What
//! comes back is not trusted: names that are none are left out, and words are made fit for a sentence.

mod here;

use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, ErrorKind, one_line};
use crate::fs::{FileKind, Fs};

const PROGRAM: &str = include_str!("../look.py");

/// The most names of one folder in an answer.
pub const LOOK_NAMES: usize = 5_000;

/// The longest name, in bytes.
const LONGEST: usize = 1_024;

/// A question: what is there?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glance {
    /// Absolute, or from a home folder (`~`, `~ada`).
    pub path: Vec<u8>,
    /// Of a folder, only names that begin so are wanted.
    pub prefix: Vec<u8>,
}

impl Glance {
    /// What is at a path, and of a folder all names.
    #[must_use]
    pub fn at(path: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            prefix: Vec::new(),
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight {
    /// Nothing, or a link to nothing.
    Absent {
        /// It is a link.
        link: bool,
    },
    /// It cannot be said: why, in the system's words.
    Unknown(String),
    /// Something.
    There(Seen),
}

/// Something that is there, links followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What it is.
    pub kind: FileKind,
    /// It is reached by a link of this name.
    pub link: bool,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in seconds since 1970.
    pub modified: f64,
    /// Its permission bits.
    pub mode: u32,
    /// What a folder holds, or why it does not show it.
    pub holds: Option<Result<Names, String>>,
}

/// The names in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Those that were asked for, sorted, and whether each is a folder; at most [`LOOK_NAMES`].
    pub names: Vec<(Vec<u8>, bool)>,
    /// How many entries the folder has, whatever their names; as far as was counted.
    pub count: u64,
    /// There are more of those that were asked for.
    pub more: bool,
    /// There are more than were counted.
    pub uncounted: bool,
}

impl Names {
    /// Whether the folder has an entry of this name, as far as these names tell.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<bool> {
        let found = self
            .names
            .binary_search_by(|(own, _)| own.as_slice().cmp(name));
        match found {
            Ok(index) => self.names.get(index).map(|(_, folder)| *folder),
            Err(_) => None,
        }
    }
}

impl Fs {
    /// What is at these paths, in their order: one process over there for all of them.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn look(&self, glances: &[Glance]) -> Result<Vec<Sight>, ClusterError> {
        let pairs = glances
            .iter()
            .map(|glance| (spelt(&glance.path), spelt(&glance.prefix)));
        let question = serde_json::json!({ "glances": pairs.collect::<Vec<_>>() });
        let output = self
            .run_program(PROGRAM, question.to_string().as_bytes())
            .await?;
        let failed = |why: String| {
            ClusterError::new(
                &self.target.settings().name,
                ErrorKind::File,
                format!("its files could not be looked at ({why})"),
                "try again",
            )
        };
        if output.status != 0 {
            return Err(failed(output.complaint()));
        }
        let answer: Answer =
            serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
        if answer.sights.len() != glances.len() {
            return Err(failed("not every question has an answer".to_owned()));
        }
        Ok(answer.sights.into_iter().map(Told::checked).collect())
    }
}

/// What is at these paths of this machine, found without starting anything. It reads the disk: call it off the threads that must not
/// wait.
#[must_use]
pub fn look_here(glances: &[Glance]) -> Vec<Sight> {
    let home = std::env::var_os("HOME");
    let look = |glance| here::look(glance, home.as_deref(), LOOK_NAMES);
    glances.iter().map(look).collect()
}

/// Bytes as the characters of their numbers.
fn spelt(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The other way; none where a character is no byte.
fn bytes_of(spelt: &str) -> Option<Vec<u8>> {
    let bytes = spelt
        .chars()
        .map(|character| u8::try_from(u32::from(character)));
    bytes.collect::<Result<_, _>>().ok()
}

#[derive(Deserialize)]
struct Answer {
    sights: Vec<Told>,
}

/// A sight as it is told.
#[derive(Serialize, Deserialize)]
struct Told {
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    link: bool,
    error: Option<String>,
    kind: Option<FileKind>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    modified: f64,
    #[serde(default)]
    mode: u32,
    holds: Option<ToldNames>,
    denied: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ToldNames {
    names: Vec<(String, bool)>,
    count: u64,
    more: bool,
    uncounted: bool,
}

impl Told {
    fn checked(self) -> Sight {
        if self.absent {
            return Sight::Absent { link: self.link };
        }
        let Some(kind) = self.kind else {
            let words = self.error.unwrap_or_default();
            return Sight::Unknown(one_line(&words));
        };
        let holds = match (kind, self.holds, self.denied) {
            (FileKind::Folder, Some(told), _) => Some(Ok(told.checked())),
            (FileKind::Folder, None, denied) => Some(Err(one_line(&denied.unwrap_or_default()))),
            _ => None,
        };
        Sight::There(Seen {
            kind,
            link: self.link,
            size: self.size,
            modified: self.modified,
            mode: self.mode & 0o7777,
            holds,
        })
    }
}

impl ToldNames {
    fn checked(self) -> Names {
        let is_name = |name: &Vec<u8>| {
            let is_self = name == b"." || name == b"..";
            (1..=LONGEST).contains(&name.len())
                && !is_self
                && !name.iter().any(|b| matches!(b, 0 | b'/'))
        };
        let told = self.names.len();
        let names = self.names.into_iter().take(LOOK_NAMES);
        let names = names.filter_map(|(name, folder)| Some((bytes_of(&name)?, folder)));
        let mut names: Vec<(Vec<u8>, bool)> = names.filter(|(name, _)| is_name(name)).collect();
        names.sort();
        names.dedup_by(|one, other| one.0 == other.0);
        Names {
            more: self.more || names.len() < told,
            names,
            count: self.count,
            uncounted: self.uncounted,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::{Nobody, TargetSettings, connect};

    fn of(path: &Path) -> Glance {
        Glance::at(path.as_os_str().as_bytes())
    }

    /// What both ways to look say, the program over there and the look at this machine; they agree.
    async fn both(glances: &[Glance]) -> Vec<Sight> {
        let work = tempfile::tempdir().expect("a folder");
        let settings = TargetSettings {
            work_dir: work.path().to_str().expect("UTF-8").to_owned(),
            ..TargetSettings::local()
        };
        let target = connect(&settings, Arc::new(Nobody)).await.expect("reached");
        let there = target.fs().look(glances).await.expect("an answer");
        let here = look_here(glances);
        assert_eq!(there, here);
        here
    }

    fn names(sight: &Sight) -> &Names {
        match sight {
            Sight::There(Seen {
                holds: Some(Ok(names)),
                ..
            }) => names,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn folders_files_links_and_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("b\nc"), "12345").expect("written");
        std::fs::set_permissions(at("b\nc"), PermissionsExt::from_mode(0o640)).expect("set");
        std::fs::create_dir(at("a é")).expect("made");
        symlink(at("a é"), at("to-folder")).expect("made");
        symlink(at("nowhere"), at("to-nothing")).expect("made");
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "")
            .expect("written");
        let asked = [
            of(folder.path()),
            of(&at("b\nc")),
            of(&at("to-folder")),
            of(&at("to-nothing")),
            of(&at("b\nc/deeper")),
            of(&at("none")),
        ];
        let sights = both(&asked).await;
        let found = names(&sights[0]);
        let wanted: Vec<(Vec<u8>, bool)> = vec![
            ("a é".into(), true),
            ("b\nc".into(), false),
            ("to-folder".into(), true),
            ("to-nothing".into(), false),
            (vec![0xff], false),
        ];
        assert_eq!((&found.names, found.count, found.more), (&wanted, 5, false));
        assert_eq!(found.find("a é".as_bytes()), Some(true));
        assert_eq!(found.find(b"b"), None);
        let Sight::There(file) = &sights[1] else {
            panic!("{:?}", sights[1])
        };
        assert_eq!(
            (file.kind, file.size, file.mode, file.link),
            (FileKind::File, 5, 0o640, false)
        );
        assert!(file.modified > 1.6e9);
        let Sight::There(linked) = &sights[2] else {
            panic!("{:?}", sights[2])
        };
        assert!(linked.link && linked.kind == FileKind::Folder);
        assert_eq!(sights[3], Sight::Absent { link: true });
        assert_eq!(sights[4], Sight::Absent { link: false });
        assert_eq!(sights[5], Sight::Absent { link: false });
    }

    #[tokio::test]
    async fn a_folder_of_a_hundred_thousand_is_cut_and_asked_for_its_beginnings() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = folder.path().join("n000000");
        std::fs::write(&first, "").expect("written");
        for number in 1..100_000 {
            // Links of one file are made fast; a file system may allow no more of one.
            let name = folder.path().join(format!("n{number:06}"));
            if std::fs::hard_link(&first, &name).is_err() {
                std::fs::write(name, "").expect("written");
            }
        }
        let all = of(folder.path());
        let some = Glance {
            prefix: b"n0999".to_vec(),
            ..all.clone()
        };
        let sights = both(&[all, some]).await;
        let all = names(&sights[0]);
        assert_eq!((all.names.len(), all.count), (LOOK_NAMES, 100_000));
        assert!(all.more && !all.uncounted);
        assert_eq!(all.names[LOOK_NAMES - 1].0, b"n004999");
        let some = names(&sights[1]);
        assert_eq!((some.names.len(), some.more), (100, false));
        assert_eq!(some.names[0].0, b"n099900");
    }

    #[tokio::test]
    async fn what_may_not_be_read_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("inner")).expect("made");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o000)).expect("set");
        let asked = [of(folder.path()), of(&folder.path().join("inner"))];
        let sights = both(&asked).await;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).expect("set");
        // The superuser reads everything.
        if matches!(sights[1], Sight::There(_)) {
            return;
        }
        let denied = "Permission denied".to_owned();
        assert!(
            matches!(&sights[0], Sight::There(Seen { holds: Some(Err(why)), .. }) if *why == denied)
        );
        assert_eq!(sights[1], Sight::Unknown(denied));
    }

    #[tokio::test]
    async fn a_home_folder_is_a_home_folder_and_a_variable_is_none() {
        let sights = both(&[Glance::at("~"), Glance::at("~/"), Glance::at("/$HOME")]).await;
        assert!(matches!(&sights[0], Sight::There(seen) if seen.kind == FileKind::Folder));
        assert_eq!(sights[0], sights[1]);
        assert_eq!(sights[2], Sight::Absent { link: false });
    }

    #[test]
    fn a_time_is_read_as_it_was_written() {
        let told = r#"{"kind": "file", "modified": 1795992849.6597757}"#;
        let told: Told = serde_json::from_str(told).expect("read");
        let Sight::There(seen) = told.checked() else {
            panic!("it is there")
        };
        assert_eq!(seen.modified.to_string(), "1795992849.6597757");
    }

    #[test]
    fn an_answer_is_not_trusted() {
        let odd = r#"{"sights": [
            {"kind": "folder", "link": false, "size": 1, "modified": 0, "mode": 4294967295,
             "holds": {"names": [["b", true], ["..", true], ["a/b", false], ["", false], ["\u0000", false], ["\u0100", false],
                                 ["b", false], ["\u00ff", false]], "count": 8, "more": false, "uncounted": false}},
            {"error": "no\u001b[31m\nway"},
            {"kind": "file", "holds": {"names": [], "count": 1, "more": true, "uncounted": true}}
        ]}"#;
        let answer: Answer = serde_json::from_str(odd).expect("read");
        let sights: Vec<Sight> = answer.sights.into_iter().map(Told::checked).collect();
        let Sight::There(folder) = &sights[0] else {
            panic!("{:?}", sights[0])
        };
        assert_eq!(folder.mode, 0o7777);
        let found = names(&sights[0]);
        let wanted: Vec<(Vec<u8>, bool)> = vec![(b"b".to_vec(), false), (vec![0xff], false)];
        assert_eq!((&found.names, found.more), (&wanted, true));
        assert_eq!(sights[1], Sight::Unknown("no [31m way".to_owned()));
        assert!(matches!(&sights[2], Sight::There(seen) if seen.holds.is_none()));
    }
}
