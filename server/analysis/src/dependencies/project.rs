//! What a project declares that it depends on, and the change that declares one more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::pep440_rs::{Operator, Version, VersionSpecifiers};
use pep508_rs::{MarkerTree, Requirement, VerbatimUrl, VersionOrUrl};
use toml_edit::{Array, DocumentMut, Item, RawString, Value};

use crate::environment::normalized;
use crate::files::Files;
use crate::lock::indexes_of;
use crate::{Edit, FileChange, Fix};

/// A file that declares dependencies.
pub(crate) struct Project {
    path: PathBuf,
    text: String,
    kind: Kind,
    requirements: Vec<Declared>,
    /// The project's own name.
    name: Option<String>,
    /// The package indexes that it names, whatever it says of them.
    indexes: Vec<String>,
}

enum Kind {
    /// `dependencies` of `[project]` in a pyproject.toml.
    Pyproject(Box<DocumentMut>),
    /// `[tool.poetry.dependencies]` there.
    Poetry(Box<DocumentMut>),
    /// A requirements.txt.
    Requirements,
}

/// A declared dependency.
struct Declared {
    /// Normalised.
    name: String,
    /// The versions that are asked for whatever the circumstances, as they are written.
    versions: Option<VersionSpecifiers>,
    /// The whole of it as PEP 508 writes it; none: it is written otherwise.
    text: Option<String>,
}

impl Declared {
    /// Reads a line of PEP 508; of one that is not, such as Poetry's, the name at its beginning.
    fn read(text: &str) -> Option<Declared> {
        if let Ok(requirement) = Requirement::<VerbatimUrl>::from_str(text) {
            let text = Some(requirement.to_string());
            let versions = match requirement.version_or_url {
                Some(VersionOrUrl::VersionSpecifier(versions))
                    if requirement.marker == MarkerTree::TRUE =>
                {
                    Some(versions)
                }
                _ => None,
            };
            return Some(Declared {
                name: normalized(requirement.name.as_ref()),
                versions,
                text,
            });
        }
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
        let name = text.get(..end).filter(|name| !name.is_empty())?;
        Some(Declared {
            name: normalized(name),
            versions: None,
            text: None,
        })
    }
}

/// Is the project of a folder's pyproject.toml called so?
pub(super) fn is_called(files: &dyn Files, folder: &Path, distribution: &str) -> bool {
    let text = files.read(&folder.join("pyproject.toml")).ok();
    let document = text
        .and_then(|text| String::from_utf8(text).ok())
        .and_then(|text| text.parse::<DocumentMut>().ok());
    document.is_some_and(|document| name_in(&document) == Some(normalized(distribution)))
}

/// The name of the project that a pyproject.toml is of.
fn name_in(document: &DocumentMut) -> Option<String> {
    let poetry = document.get("tool").and_then(|tool| tool.get("poetry"));
    let project = document.get("project").or(poetry)?;
    project.get("name")?.as_str().map(normalized)
}

impl Project {
    /// The file of the nearest project around a folder, up to the workspace's root: a pyproject.toml that declares
    /// dependencies, else a requirements.txt.
    pub(crate) fn around(files: &dyn Files, folder: &Path, workspace: &Path) -> Option<Project> {
        let folders = folder
            .ancestors()
            .take_while(|above| above.starts_with(workspace));
        for folder in folders {
            let found = Project::pyproject(files, folder.join("pyproject.toml"))
                .or_else(|| Project::of_requirements(files, folder.join("requirements.txt")));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn pyproject(files: &dyn Files, path: PathBuf) -> Option<Project> {
        let text = String::from_utf8(files.read(&path).ok()?).ok()?;
        let document: DocumentMut = text.parse().ok()?;
        let mut requirements = Vec::new();
        let project = document.get("project");
        let poetry = document
            .get("tool")
            .and_then(|tool| tool.get("poetry"))
            .filter(|poetry| poetry.get("dependencies").is_some());
        requirements.extend(
            project
                .and_then(|project| project.get("dependencies"))
                .map(texts)
                .unwrap_or_default(),
        );
        for groups in [
            project.and_then(|project| project.get("optional-dependencies")),
            document.get("dependency-groups"),
        ] {
            let groups = groups.and_then(Item::as_table_like);
            for (_, group) in groups.into_iter().flat_map(|groups| groups.iter()) {
                requirements.extend(texts(group));
            }
        }
        let mut declared: Vec<Declared> = requirements
            .iter()
            .filter_map(|text| Declared::read(text))
            .collect();
        if let Some(poetry) = poetry {
            let mut tables = vec![poetry.get("dependencies"), poetry.get("dev-dependencies")];
            let groups = poetry.get("group").and_then(Item::as_table_like);
            for (_, group) in groups.into_iter().flat_map(|groups| groups.iter()) {
                tables.push(group.get("dependencies"));
            }
            let tables = tables.into_iter().flatten().filter_map(Item::as_table_like);
            for (name, _) in tables.flat_map(|table| table.iter()) {
                declared.extend(Declared::read(name));
            }
        }
        let is_dynamic = project
            .and_then(|project| project.get("dynamic"))
            .is_some_and(|dynamic| texts(dynamic).iter().any(|name| name == "dependencies"));
        let name = name_in(&document);
        let indexes = indexes_of(&document);
        let kind = match (project, poetry) {
            (_, Some(_)) if project.is_none_or(|own| own.get("dependencies").is_none()) => {
                Kind::Poetry(Box::new(document))
            }
            (Some(_), _) if !is_dynamic => Kind::Pyproject(Box::new(document)),
            _ => return None,
        };
        Some(Project {
            path,
            text,
            kind,
            requirements: declared,
            name,
            indexes,
        })
    }

    fn of_requirements(files: &dyn Files, path: PathBuf) -> Option<Project> {
        let text = String::from_utf8(files.read(&path).ok()?).ok()?;
        let (mut requirements, mut indexes) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        read_requirements(
            files,
            &path,
            &text,
            &mut seen,
            &mut requirements,
            &mut indexes,
        );
        Some(Project {
            path,
            text,
            kind: Kind::Requirements,
            requirements,
            name: None,
            indexes,
        })
    }

    /// Is it declared, or the project itself?
    pub(crate) fn declares(&self, distribution: &str) -> bool {
        let name = normalized(distribution);
        self.name.as_ref() == Some(&name)
            || self.requirements.iter().any(|known| known.name == name)
    }

    /// The versions that the project asks for, when this one is none of them.
    pub(super) fn refuses(&self, distribution: &str, version: &str) -> Option<String> {
        let name = normalized(distribution);
        let version = Version::from_str(version).ok()?;
        let versions = self
            .requirements
            .iter()
            .filter(|known| known.name == name)
            .find_map(|known| known.versions.as_ref())?;
        (!versions.contains(&version)).then(|| versions.to_string())
    }

    /// What it asks for by a normalised name, as PEP 508 writes it.
    pub(crate) fn requirements_of(&self, name: &str) -> Vec<String> {
        let named = self.requirements.iter().filter(|known| known.name == name);
        named.filter_map(|known| known.text.clone()).collect()
    }

    /// All that it asks for, as PEP 508 writes it.
    pub(crate) fn requirements(&self) -> impl Iterator<Item = &str> {
        self.requirements
            .iter()
            .filter_map(|known| known.text.as_deref())
    }

    /// The only version that it allows of a normalised name, if there is only one.
    pub(crate) fn exact(&self, name: &str) -> Option<String> {
        let mut named = self.requirements.iter().filter(|known| known.name == name);
        let versions = named.find_map(|known| known.versions.as_ref())?;
        let exact = |operator| matches!(operator, &Operator::Equal | &Operator::ExactEqual);
        match &versions[..] {
            [one] if exact(one.operator()) => Some(one.version().to_string()),
            _ => None,
        }
    }

    /// The package indexes that it names, as they are written.
    pub(crate) fn indexes(&self) -> Vec<String> {
        self.indexes.clone()
    }

    /// The name of the file, for a sentence.
    pub(super) fn file_name(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.unwrap_or("requirements.txt")
    }

    /// The change that declares a distribution.
    pub(super) fn declare(&self, distribution: &str) -> Option<Fix> {
        let changed = match &self.kind {
            Kind::Pyproject(document) => {
                let mut document = (**document).clone();
                let dependencies = document
                    .get_mut("project")?
                    .as_table_like_mut()?
                    .entry("dependencies")
                    .or_insert_with(|| Item::Value(Value::Array(Array::new())))
                    .as_array_mut()?;
                push(dependencies, distribution);
                document.to_string()
            }
            Kind::Poetry(document) => {
                let mut document = (**document).clone();
                let poetry = document.get_mut("tool")?.get_mut("poetry")?;
                let dependencies = poetry.get_mut("dependencies")?.as_table_like_mut()?;
                dependencies.insert(distribution, toml_edit::value("*"));
                document.to_string()
            }
            Kind::Requirements => {
                let newline = if self.text.contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                let gap = if self.text.is_empty() || self.text.ends_with('\n') {
                    ""
                } else {
                    newline
                };
                format!("{}{gap}{distribution}{newline}", self.text)
            }
        };
        let title = format!("Add `{distribution}` to the project's dependencies");
        Some(Fix::elsewhere(
            title,
            FileChange {
                path: self.path.clone(),
                edits: vec![difference(&self.text, &changed)],
                before: Some(self.text.clone()),
            },
        ))
    }
}

/// The texts of an array; what else stands in it counts nothing.
fn texts(item: &Item) -> Vec<String> {
    let array = item.as_array();
    let values = array.into_iter().flat_map(Array::iter);
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// Adds a text at the end of an array, on a line of its own where the others have one. Comments stay with what they are about.
fn push(array: &mut Array, text: &str) {
    let raw = |raw: Option<&RawString>| {
        raw.and_then(RawString::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let Some(last) = array.iter().last() else {
        array.push(text);
        return;
    };
    let before = raw(last.decor().prefix());
    // What stands behind the last one: a comment on its line, before or after the comma.
    let behind = raw(last.decor().suffix()) + &raw(Some(array.trailing()));
    let before = match before.rsplit_once('\n') {
        Some((_, indentation)) => {
            let comment = behind.trim_end();
            array.set_trailing("\n");
            format!("{comment}\n{indentation}")
        }
        None => " ".to_owned(),
    };
    if let Some(last) = array.iter_mut().last()
        && before.contains('\n')
    {
        last.decor_mut().set_suffix("");
    }
    array.push(text);
    if let Some(added) = array.iter_mut().last() {
        added.decor_mut().set_prefix(before);
    }
}

/// The lines of a requirements.txt and of those that it includes.
fn read_requirements(
    files: &dyn Files,
    path: &Path,
    text: &str,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<Declared>,
    indexes: &mut Vec<String>,
) {
    if !seen.insert(path.to_path_buf()) {
        return;
    }
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines() {
        let line = match line.find(" #") {
            Some(at) => line.get(..at).unwrap_or_default(),
            None => line,
        };
        let line = line.trim();
        let included = ["-r", "--requirement"]
            .iter()
            .find_map(|option| line.strip_prefix(option))
            .map(|rest| rest.trim_start_matches(['=', ' ']));
        if let Some(included) = included {
            let path = path.with_file_name(included);
            if let Ok(bytes) = files.read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                read_requirements(files, &path, &text, seen, found, indexes);
            }
        } else if let Some(index) = index_of(line) {
            indexes.push(index.to_owned());
        } else if !line.is_empty() && !line.starts_with(['#', '-']) {
            // Options of one requirement: `--hash=...`.
            let line = line.split(" --").next().unwrap_or(line);
            found.extend(Declared::read(line.trim()));
        }
    }
}

/// The URL of a line that names an index.
fn index_of(line: &str) -> Option<&str> {
    let rest = ["--extra-index-url", "--index-url", "-i"]
        .iter()
        .find_map(|option| line.strip_prefix(option))?;
    let url = rest.strip_prefix('=').unwrap_or(rest).trim();
    (rest.starts_with(['=', ' ', '\t']) && !url.is_empty()).then_some(url)
}

/// The one edit between two texts.
fn difference(before: &str, after: &str) -> Edit {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs
            .take_while(|(one, other)| one == other)
            .map(|(one, _)| one.len_utf8())
            .sum()
    };
    let start = same(&mut before.chars().zip(after.chars()));
    let (rest, new) = (&before[start..], &after[start..]);
    let end = same(&mut rest.chars().rev().zip(new.chars().rev()));
    Edit {
        range: start..before.len() - end,
        text: new[..new.len() - end].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Disk, apply};

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Option<Project>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = Project::around(&Disk, folder.path(), folder.path());
        (folder, found)
    }

    fn declared(name: &str, text: &str, distribution: &str) -> String {
        let (_folder, project) = project(&[(name, text)]);
        let fix = project.unwrap().declare(distribution).unwrap();
        let change = &fix.elsewhere[0];
        assert_eq!(change.before.as_deref(), Some(text));
        apply(text, &change.edits)
    }

    #[test]
    fn what_is_declared_is_known() {
        let (_folder, found) = project(&[(
            "pyproject.toml",
            "[project]\nname = \"My.Tool\"\ndependencies = [\"numpy>=1.26\", \"PyYAML ; python_version > '3'\"]\n\
             [project.optional-dependencies]\nplot = [\"matplotlib\"]\n[dependency-groups]\ndev = [\"ruff\", {include-group = \"x\"}]\n",
        )]);
        let found = found.unwrap();
        for name in ["numpy", "pyyaml", "matplotlib", "ruff", "my_tool"] {
            assert!(found.declares(name), "{name}");
        }
        assert!(!found.declares("scipy"));
        assert_eq!(found.refuses("numpy", "1.24.0").as_deref(), Some(">=1.26"));
        assert_eq!(found.refuses("numpy", "1.26.4+local"), None);
        assert_eq!(found.refuses("pyyaml", "1.0"), None);

        let (folder, found) = project(&[(
            "requirements.txt",
            "# ours\nnumpy==1.26.4 \\\n  --hash=sha256:0\n-r more.txt\n--index-url https://x\nfoo @ https://x/foo.zip # from there\n",
        )]);
        drop(found);
        std::fs::write(
            folder.path().join("more.txt"),
            "-r requirements.txt\nscipy\n",
        )
        .unwrap();
        let found = Project::around(&Disk, folder.path(), folder.path()).unwrap();
        for name in ["numpy", "foo", "scipy"] {
            assert!(found.declares(name), "{name}");
        }
        assert_eq!(
            found.refuses("numpy", "1.26.3").as_deref(),
            Some("==1.26.4")
        );
    }

    #[test]
    fn a_project_that_says_nothing_of_dependencies_gets_none() {
        let dynamic = "[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n";
        assert!(project(&[("pyproject.toml", dynamic)]).1.is_none());
        assert!(project(&[("pyproject.toml", "[tool.ruff]\n")]).1.is_none());
        assert!(project(&[]).1.is_none());
        let both = [
            ("pyproject.toml", "[tool.ruff]\n"),
            ("requirements.txt", "numpy\n"),
        ];
        assert_eq!(project(&both).1.unwrap().file_name(), "requirements.txt");
    }

    #[test]
    fn a_dependency_is_added_as_the_others_stand() {
        let one_line =
            "# kept\n[project]\nname = \"x\"\ndependencies = [\"numpy\"] # kept\n\n[tool.x]\n";
        assert_eq!(
            declared("pyproject.toml", one_line, "PyYAML"),
            one_line.replace("[\"numpy\"]", "[\"numpy\", \"PyYAML\"]")
        );
        let lines = "[project]\ndependencies = [\n    # for arrays\n    \"numpy\",\n    \"scipy\",  # more\n]\nname = \"x\"\n";
        assert_eq!(
            declared("pyproject.toml", lines, "PyYAML"),
            "[project]\ndependencies = [\n    # for arrays\n    \"numpy\",\n    \"scipy\",  # more\n    \"PyYAML\",\n]\nname = \"x\"\n"
        );
        let commented = "[project]\ndependencies = [\n    # for arrays\n    \"numpy\",\n]\n";
        assert_eq!(
            declared("pyproject.toml", commented, "PyYAML"),
            "[project]\ndependencies = [\n    # for arrays\n    \"numpy\",\n    \"PyYAML\",\n]\n"
        );
        let no_comma = "[project]\ndependencies = [\n  \"numpy\", # a\n  \"scipy\" # b\n]\n";
        assert_eq!(
            declared("pyproject.toml", no_comma, "PyYAML"),
            "[project]\ndependencies = [\n  \"numpy\", # a\n  \"scipy\", # b\n  \"PyYAML\"\n]\n"
        );
        let none = "[project]\nname = \"x\"\n";
        assert_eq!(
            declared("pyproject.toml", none, "PyYAML"),
            "[project]\nname = \"x\"\ndependencies = [\"PyYAML\"]\n"
        );
        let poetry = "[tool.poetry]\nname = \"x\"\n\n[tool.poetry.dependencies]\npython = \"^3.10\"\n\n[build-system]\n";
        assert_eq!(
            declared("pyproject.toml", poetry, "PyYAML"),
            poetry.replace("\"^3.10\"\n", "\"^3.10\"\nPyYAML = \"*\"\n")
        );
        assert_eq!(
            declared("requirements.txt", "a\r\nb", "c"),
            "a\r\nb\r\nc\r\n"
        );
        assert_eq!(declared("requirements.txt", "", "c"), "c\n");
    }
}
