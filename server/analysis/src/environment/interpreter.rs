//! An interpreter and the folders that belong to it, read from how its files lie.

use std::path::{Path, PathBuf};

use super::variables::Variables;
use crate::files::Files;

/// Why this interpreter was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The configuration or an argument names it.
    Configured,
    /// `VIRTUAL_ENV`: it is activated.
    Activated,
    /// A `.venv` or `venv` in the workspace.
    Workspace,
    /// `CONDA_PREFIX`, or an environment of conda in the workspace.
    Conda,
    /// A `.python-version` file, or pyenv's own choice.
    Version,
    /// The first `python3` on `PATH`.
    Path,
}

/// An interpreter that was found without starting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// What one would start.
    pub executable: PathBuf,
    /// The folder of the environment: `sys.prefix`.
    pub prefix: PathBuf,
    /// The folder of the Python that it rests on: `sys.base_prefix`.
    pub base: PathBuf,
    /// Its version as far as it can be read: `3.11`, `3.11.7`.
    pub version: Option<String>,
    /// Whether it is a virtual environment: what is installed lies apart from the Python that it rests on.
    pub is_virtual: bool,
    /// Whether what the Python at `base` has installed is seen: not by most virtual environments.
    pub sees_base: bool,
    /// Why it was taken.
    pub choice: Choice,
}

impl Interpreter {
    /// The interpreter that a path means: an executable, or the folder of an environment.
    pub(super) fn at(files: &dyn Files, path: &Path, choice: Choice) -> Option<Interpreter> {
        let meta = files.metadata(path).ok()?;
        if meta.is_dir {
            return Interpreter::of_prefix(files, path, choice);
        }
        let bin = path.parent()?;
        let is_bin = bin
            .file_name()
            .is_some_and(|name| name == "bin" || name == "Scripts");
        let above = if is_bin { bin.parent()? } else { bin };
        for folder in [bin, above] {
            if let Some(config) = VenvConfig::read(files, folder) {
                return Some(config.interpreter(files, folder, path, choice));
            }
        }
        // Links lead to the folder that the libraries lie in.
        let real = files.real(path).ok()?;
        let bin = real.parent()?;
        let is_bin = bin.file_name().is_some_and(|name| name == "bin");
        let prefix = if is_bin { bin.parent()? } else { bin };
        Some(Interpreter {
            executable: path.to_path_buf(),
            prefix: prefix.to_path_buf(),
            base: prefix.to_path_buf(),
            version: version(files, prefix, Some(&real)),
            is_virtual: false,
            sees_base: true,
            choice,
        })
    }

    /// The interpreter of an environment's folder; none when the folder is none of one.
    pub(super) fn of_prefix(
        files: &dyn Files,
        prefix: &Path,
        choice: Choice,
    ) -> Option<Interpreter> {
        let names = [
            "bin/python3",
            "bin/python",
            "Scripts/python.exe",
            "python.exe",
        ];
        let is_file = |path: &PathBuf| files.metadata(path).is_ok_and(|meta| meta.is_file);
        let executable = names
            .iter()
            .map(|name| prefix.join(name))
            .find(|path| is_file(path));
        if let Some(config) = VenvConfig::read(files, prefix) {
            // What it rests on may have been removed; what is installed in it can be read all the same.
            let executable = executable.unwrap_or_else(|| prefix.join("bin/python3"));
            return Some(config.interpreter(files, prefix, &executable, choice));
        }
        let executable = executable?;
        let real = files.real(&executable).ok();
        Some(Interpreter {
            version: version(files, prefix, real.as_deref()),
            executable,
            prefix: prefix.to_path_buf(),
            base: prefix.to_path_buf(),
            is_virtual: false,
            sees_base: true,
            choice,
        })
    }

    /// `3.11` of `3.11.7`.
    pub fn minor(&self) -> Option<&str> {
        self.version.as_deref().map(minor)
    }

    /// The folder of Python's own library.
    pub(super) fn library(&self, files: &dyn Files) -> Option<PathBuf> {
        library_folders(files, &self.base, self.minor())
            .into_iter()
            .find(|folder| {
                files
                    .metadata(&folder.join("os.py"))
                    .is_ok_and(|meta| meta.is_file)
            })
    }

    /// The folders of what is installed, in the order in which `site` puts them on `sys.path`.
    pub(super) fn sites(&self, files: &dyn Files, variables: &Variables) -> Vec<PathBuf> {
        let mut found = Found {
            files,
            sites: Vec::new(),
            real: Vec::new(),
        };
        if self.is_virtual {
            found.of_prefix(&self.prefix, self.minor());
        }
        if self.sees_base {
            if variables.text("PYTHONNOUSERSITE").is_none()
                && let Some(minor) = self.minor()
            {
                let base = variables
                    .folder("PYTHONUSERBASE")
                    .or_else(|| variables.home().map(|home| home.join(".local")));
                if let Some(base) = base {
                    found.add(base.join(format!("lib/python{minor}/site-packages")));
                }
            }
            found.of_prefix(&self.base, self.minor());
        }
        found.sites
    }
}

/// Folders without those that are the same under two names.
struct Found<'a> {
    files: &'a dyn Files,
    sites: Vec<PathBuf>,
    real: Vec<PathBuf>,
}

impl Found<'_> {
    fn add(&mut self, folder: PathBuf) {
        if !self.files.metadata(&folder).is_ok_and(|meta| meta.is_dir) {
            return;
        }
        let real = self.files.real(&folder).unwrap_or_else(|_| folder.clone());
        if !self.real.contains(&real) {
            self.real.push(real);
            self.sites.push(folder);
        }
    }

    fn of_prefix(&mut self, prefix: &Path, minor: Option<&str>) {
        // Debian keeps what its users install apart from what it installs itself.
        if let Some(minor) = minor {
            self.add(prefix.join(format!("local/lib/python{minor}/dist-packages")));
        }
        for library in library_folders(self.files, prefix, minor) {
            self.add(library.join("site-packages"));
            self.add(library.join("dist-packages"));
        }
        if minor.is_none_or(|minor| minor.starts_with("3.")) {
            self.add(prefix.join("lib/python3/dist-packages"));
        }
    }
}

/// The folders `lib/python3.11` of a prefix, of one version where that is known.
fn library_folders(files: &dyn Files, prefix: &Path, minor: Option<&str>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64"] {
        let lib = prefix.join(lib);
        let known: Vec<String> = match minor {
            Some(minor) => ["python", "pypy"]
                .iter()
                .flat_map(|name| [format!("{name}{minor}"), format!("{name}{minor}t")])
                .collect(),
            None => files
                .list(&lib)
                .unwrap_or_default()
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| version_of_folder(name).is_some())
                .collect(),
        };
        let folders = known.into_iter().map(|name| lib.join(name));
        found.extend(folders.filter(|folder| files.metadata(folder).is_ok_and(|meta| meta.is_dir)));
    }
    // Windows has one version in a prefix.
    let windows = prefix.join("Lib");
    if found.is_empty() && files.metadata(&windows).is_ok_and(|meta| meta.is_dir) {
        found.push(windows);
    }
    found
}

/// `3.11` of `python3.11`, `pypy3.10` and `python3.13t`.
fn version_of_folder(name: &str) -> Option<&str> {
    let digits = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))?;
    let digits = digits.strip_suffix('t').unwrap_or(digits);
    let (major, minor) = digits.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then_some(digits)
}

/// `3.11` of `3.11.7`, `3.11.7.final.0` and `3.13.0rc1`.
fn minor(version: &str) -> &str {
    let mut dots = version.match_indices('.').skip(1);
    dots.next().map_or(version, |(at, _)| &version[..at])
}

/// A version's leading numbers: `3.11.7` of `3.11.7.final.0`.
fn numbers(text: &str) -> Option<String> {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = text
        .trim()
        .split('.')
        .take(3)
        .take_while(is_number)
        .collect();
    (parts.len() >= 2).then(|| parts.join("."))
}

/// The version of the Python in a prefix, from the names of its files.
fn version(files: &dyn Files, prefix: &Path, executable: Option<&Path>) -> Option<String> {
    // Conda writes down each package that it installs: `python-3.11.7-h955ad1f_0.json`.
    if let Ok(entries) = files.list(&prefix.join("conda-meta")) {
        let found = entries.iter().find_map(|(name, _)| {
            let rest = name.strip_prefix("python-")?;
            let (version, build) = rest.split_once('-')?;
            build.ends_with(".json").then(|| numbers(version))?
        });
        if found.is_some() {
            return found;
        }
    }
    let by_executable = executable
        .and_then(|path| path.file_name()?.to_str())
        .and_then(version_of_folder)
        .map(str::to_owned);
    let by_library = || {
        let mut versions: Vec<(u32, u32, String)> = files
            .list(&prefix.join("lib"))
            .ok()?
            .iter()
            .filter_map(|(name, _)| {
                let text = version_of_folder(name)?;
                let (major, minor) = text.split_once('.')?;
                let has_library = files
                    .metadata(&prefix.join("lib").join(name).join("os.py"))
                    .is_ok_and(|meta| meta.is_file);
                has_library
                    .then(|| Some((major.parse().ok()?, minor.parse().ok()?, text.to_owned())))?
            })
            .collect();
        versions.sort();
        versions.pop().map(|(_, _, text)| text)
    };
    let version = by_executable.or_else(by_library)?;
    // pyenv and uv name the folder by the whole version: `3.11.7`, `cpython-3.11.7-linux-x86_64-gnu`.
    let folder = prefix.file_name().and_then(|name| name.to_str());
    let whole = folder
        .into_iter()
        .flat_map(|name| name.split('-'))
        .filter_map(numbers)
        .find(|text| minor(text) == version);
    Some(whole.unwrap_or(version))
}

/// `pyvenv.cfg`.
struct VenvConfig {
    home: Option<PathBuf>,
    version: Option<String>,
    sees_base: bool,
}

impl VenvConfig {
    fn read(files: &dyn Files, folder: &Path) -> Option<VenvConfig> {
        let bytes = files.read(&folder.join("pyvenv.cfg")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut config = VenvConfig {
            home: None,
            version: None,
            sees_base: false,
        };
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "home" => config.home = Some(PathBuf::from(value)),
                "version" | "version_info" => config.version = numbers(value),
                "include-system-site-packages" => {
                    config.sees_base = value.eq_ignore_ascii_case("true");
                }
                _ => {}
            }
        }
        Some(config)
    }

    fn interpreter(
        self,
        files: &dyn Files,
        prefix: &Path,
        executable: &Path,
        choice: Choice,
    ) -> Interpreter {
        // An environment that was made in another one names that one's folder; the executable's links lead to the bottom.
        let real = files.real(executable).ok();
        let of_home = self
            .home
            .as_deref()
            .and_then(|home| files.real(home).ok().or_else(|| Some(home.to_path_buf())));
        let bin = real.as_deref().and_then(Path::parent);
        let base = [bin, of_home.as_deref()]
            .into_iter()
            .flatten()
            .filter(|bin| !bin.starts_with(prefix))
            .find_map(|bin| match bin.file_name() {
                Some(name) if name == "bin" => bin.parent(),
                _ => Some(bin),
            })
            .unwrap_or(prefix)
            .to_path_buf();
        Interpreter {
            executable: executable.to_path_buf(),
            version: self.version.or_else(|| {
                version(files, prefix, None).or_else(|| version(files, &base, real.as_deref()))
            }),
            prefix: prefix.to_path_buf(),
            base,
            is_virtual: true,
            sees_base: self.sees_base,
            choice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        assert_eq!(version_of_folder("python3.11"), Some("3.11"));
        assert_eq!(version_of_folder("python3.13t"), Some("3.13"));
        assert_eq!(version_of_folder("pypy3.10"), Some("3.10"));
        assert_eq!(version_of_folder("python3"), None);
        assert_eq!(version_of_folder("python3.11-config"), None);
        assert_eq!(numbers("3.11.7.final.0").as_deref(), Some("3.11.7"));
        assert_eq!(numbers(" 3.12 ").as_deref(), Some("3.12"));
        assert_eq!(numbers("mine"), None);
        assert_eq!((minor("3.11.7"), minor("3.9")), ("3.11", "3.9"));
    }
}
