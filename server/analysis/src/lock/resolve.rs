//! From what is needed on any platform to the list of what is installed on one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use pep508_rs::pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{
    ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree, Requirement, VerbatimUrl,
    VersionOrUrl,
};
use sha2::{Digest, Sha256};

use super::needs::{extras_in, is_of_users, parsed};
use super::{Needs, Pin, Root, Source};
use crate::environment::normalized;

/// The Python that something is installed for.
#[derive(Clone, Debug)]
pub struct Platform {
    markers: MarkerEnvironment,
    libc: String,
}

impl Platform {
    /// From the variables of PEP 508's markers, each by its name, and the C library, as `glibc 2.28`. `None` when one is missing or
    /// is no version where it must be one.
    pub fn new(variables: &BTreeMap<String, String>, libc: Option<&str>) -> Option<Platform> {
        let get = |name: &str| variables.get(name).map(String::as_str);
        let builder = MarkerEnvironmentBuilder {
            implementation_name: get("implementation_name")?,
            implementation_version: get("implementation_version")?,
            os_name: get("os_name")?,
            platform_machine: get("platform_machine")?,
            platform_python_implementation: get("platform_python_implementation")?,
            platform_release: get("platform_release")?,
            platform_system: get("platform_system")?,
            platform_version: get("platform_version")?,
            python_full_version: get("python_full_version")?,
            python_version: get("python_version")?,
            sys_platform: get("sys_platform")?,
        };
        Some(Platform {
            markers: MarkerEnvironment::try_from(builder).ok()?,
            // The same C library in another version takes the same wheels, mostly; what is built there fits there.
            libc: libc.unwrap_or_default().to_owned(),
        })
    }

    /// `3.11`.
    pub fn python(&self) -> String {
        self.markers.python_version().to_string()
    }

    fn runs(&self, specifiers: &str) -> bool {
        // What cannot be read forbids nothing: the installer will see.
        let Ok(specifiers) = VersionSpecifiers::from_str(specifiers) else {
            return true;
        };
        let full = &self.markers.python_full_version().version;
        specifiers.contains(full) || specifiers.contains(&full.only_release())
    }

    fn fits(&self, marker: Option<&str>) -> bool {
        let marker = marker.map(MarkerTree::from_str);
        marker.is_none_or(|marker| marker.is_ok_and(|marker| marker.evaluate(&self.markers, &[])))
    }
}

/// What is installed in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Names it: the same list for the same Python and platform has the same name.
    pub name: String,
    /// The Python it is for: `3.11`.
    pub python: String,
    /// Requirements as PEP 508 writes them, sorted; pinned as far as anybody knows the version.
    pub requirements: Vec<String>,
    /// Archives of this machine, of which each is one of the requirements.
    pub archives: Vec<PathBuf>,
    /// The versions that the project allows of what is not among them and comes along; empty when nothing does.
    pub constraints: Vec<String>,
    /// Further package indexes.
    pub indexes: Vec<String>,
    /// Each of it is pinned and nothing else is needed.
    pub is_complete: bool,
    /// The distributions of it that conda installed here; an index may not have them.
    pub by_conda: Vec<String>,
}

/// Why there can be no such environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// A release that does not run with that Python.
    #[error(
        "{distribution} {version} needs Python {wanted} and the target's is {found}; choose another Python there (`python` or `modules` of the target), or a version of {distribution} here that runs with both"
    )]
    Python {
        /// Its name.
        distribution: String,
        /// Its version.
        version: String,
        /// What it runs with.
        wanted: String,
        /// The target's.
        found: String,
    },
    /// The script's own metadata asks for another Python.
    #[error(
        "the script asks for Python {wanted} and the target's is {found}; choose another Python there (`python` or `modules` of the target), or change `requires-python`"
    )]
    Script {
        /// What it asks for.
        wanted: String,
        /// The target's.
        found: String,
    },
    /// It was installed from a folder that only this machine has.
    #[error(
        "{distribution} is installed from the folder {}, which the target does not have; install it with `pip install -e`, so that its files travel, or from a wheel", .folder.display()
    )]
    Folder {
        /// Its name.
        distribution: String,
        /// Where it is.
        folder: PathBuf,
    },
}

impl LockError {
    /// The distribution that is in the way; none: the script itself.
    pub fn distribution(&self) -> Option<&str> {
        match self {
            LockError::Python { distribution, .. } | LockError::Folder { distribution, .. } => {
                Some(distribution)
            }
            LockError::Script { .. } => None,
        }
    }
}

/// What is wanted of a distribution, by a root or by another distribution.
struct Want {
    name: String,
    extras: Vec<ExtraName>,
    versions: Option<VersionOrUrl<VerbatimUrl>>,
    /// A release of another version than is asked for is no use: a person asked.
    strictly: bool,
}

impl Want {
    fn of(requirement: Requirement<VerbatimUrl>, strictly: bool) -> Want {
        Want {
            name: normalized(requirement.name.as_ref()),
            extras: requirement.extras,
            versions: requirement.version_or_url,
            strictly,
        }
    }

    fn is_met_by(&self, pin: &Pin) -> bool {
        match &self.versions {
            None => true,
            Some(VersionOrUrl::VersionSpecifier(versions)) => {
                Version::from_str(&pin.version).is_ok_and(|version| versions.contains(&version))
            }
            Some(VersionOrUrl::Url(url)) => pin.source == Source::Url(url.to_string()),
        }
    }
}

/// What was decided of a distribution.
#[derive(Default)]
struct Chosen<'n> {
    pin: Option<&'n Pin>,
    extras: BTreeSet<ExtraName>,
    /// Without a release: all that is asked for.
    asked: Vec<String>,
    url: Option<String>,
}

impl Needs {
    /// What is installed for a Python.
    ///
    /// # Errors
    /// Something that is needed cannot be installed there.
    pub fn lock(&self, platform: &Platform) -> Result<Lock, LockError> {
        if let Some(wanted) = &self.python
            && !platform.runs(wanted)
        {
            let (wanted, found) = (wanted.clone(), found(platform));
            return Err(LockError::Script { wanted, found });
        }
        let mut walk = Walk {
            needs: self,
            platform,
            chosen: BTreeMap::new(),
        };
        for root in &self.roots {
            if let Some(requirement) = parsed(&root.requirement)
                && requirement.evaluate_markers(&platform.markers, &[])
            {
                walk.take(Want::of(requirement, true))?;
            }
        }
        walk.lock()
    }
}

fn found(platform: &Platform) -> String {
    platform.markers.python_full_version().to_string()
}

struct Walk<'n> {
    needs: &'n Needs,
    platform: &'n Platform,
    chosen: BTreeMap<String, Chosen<'n>>,
}

impl<'n> Walk<'n> {
    /// Takes what is wanted and all that it needs in turn.
    fn take(&mut self, first: Want) -> Result<(), LockError> {
        let mut wants = vec![first];
        while let Some(want) = wants.pop() {
            let is_new = !self.chosen.contains_key(&want.name);
            if is_new {
                let pin = self.pin(&want);
                if let Some(pin) = pin {
                    self.check(&want.name, pin)?;
                }
                let chosen = Chosen {
                    pin,
                    ..Chosen::default()
                };
                self.chosen.insert(want.name.clone(), chosen);
            }
            let Some(chosen) = self.chosen.get_mut(&want.name) else {
                continue;
            };
            let before = chosen.extras.len();
            chosen.extras.extend(want.extras);
            if let Some(pin) = chosen.pin {
                if is_new || chosen.extras.len() > before {
                    let extras: Vec<ExtraName> = chosen.extras.iter().cloned().collect();
                    self.needs_of(pin, &extras, &mut wants);
                }
            } else {
                match want.versions {
                    Some(VersionOrUrl::VersionSpecifier(versions)) => {
                        chosen
                            .asked
                            .extend(versions.iter().map(ToString::to_string));
                    }
                    Some(VersionOrUrl::Url(url)) => chosen.url = Some(url.to_string()),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// The release for what is wanted.
    fn pin(&self, want: &Want) -> Option<&'n Pin> {
        let known = self.needs.known.get(&want.name)?;
        let fits = |pin: &&Pin| self.platform.fits(pin.when.as_deref());
        known
            .iter()
            .filter(fits)
            .find(|pin| !want.strictly || want.is_met_by(pin))
    }

    fn check(&self, name: &str, pin: &Pin) -> Result<(), LockError> {
        if let Source::Folder(folder) = &pin.source {
            return Err(LockError::Folder {
                distribution: name.to_owned(),
                folder: folder.clone(),
            });
        }
        match &pin.python {
            Some(wanted) if !self.platform.runs(wanted) => Err(LockError::Python {
                distribution: name.to_owned(),
                version: pin.version.clone(),
                wanted: wanted.clone(),
                found: found(self.platform),
            }),
            _ => Ok(()),
        }
    }

    /// What a release needs: what it requires, and what it can make use of and has here.
    fn needs_of(&self, pin: &Pin, extras: &[ExtraName], wants: &mut Vec<Want>) {
        for text in pin.requires.iter().flatten() {
            let Some(requirement) = parsed(text) else {
                continue;
            };
            let markers = &self.platform.markers;
            if requirement.evaluate_markers(markers, extras) {
                wants.push(Want::of(requirement, false));
                continue;
            }
            let usual: Vec<ExtraName> = extras_in(&requirement.marker)
                .into_iter()
                .filter(is_of_users)
                .collect();
            if !usual.is_empty() && requirement.evaluate_markers(markers, &usual) {
                // It changes what a library does that it is there: `numexpr` for pandas, `torch` for transformers.
                let want = Want::of(requirement, true);
                let is_here = self.pin(&want).is_some_and(|pin| {
                    let python = pin.python.as_deref();
                    python.is_none_or(|python| self.platform.runs(python))
                        && !matches!(pin.source, Source::Folder(_))
                });
                if is_here {
                    wants.push(want);
                }
            }
        }
    }

    fn lock(self) -> Result<Lock, LockError> {
        let mut lock = Lock {
            name: String::new(),
            python: self.platform.python(),
            requirements: Vec::new(),
            archives: Vec::new(),
            constraints: Vec::new(),
            indexes: self.needs.indexes.clone(),
            is_complete: true,
            by_conda: Vec::new(),
        };
        for (name, chosen) in &self.chosen {
            lock.add(name, chosen);
        }
        if !lock.is_complete {
            lock.constraints.clone_from(&self.needs.constraints);
        }
        lock.name = self.name(&lock);
        Ok(lock)
    }

    /// Python and a hash of all that decides what the environment is.
    fn name(&self, lock: &Lock) -> String {
        let markers = &self.platform.markers;
        let mut hash = Sha256::new();
        let mut add = |word: &str| {
            hash.update(word.as_bytes());
            hash.update([0]);
        };
        let libc = self.platform.libc.split(' ').next().unwrap_or_default();
        for word in [
            markers.implementation_name(),
            &lock.python,
            markers.sys_platform(),
            markers.platform_machine(),
            libc,
        ] {
            add(word);
        }
        let lists = [&lock.requirements, &lock.constraints, &lock.indexes];
        for line in lists.into_iter().flatten() {
            add(line);
        }
        for path in &lock.archives {
            add(&path.to_string_lossy());
        }
        let sum = hash.finalize();
        let digits: String = sum
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let word = match markers.implementation_name() {
            "cpython" => "py".to_owned(),
            other => other
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase(),
        };
        format!("{word}{}-{digits}", lock.python)
    }
}

impl Lock {
    fn add(&mut self, name: &str, chosen: &Chosen<'_>) {
        let extras: Vec<&str> = chosen.extras.iter().map(AsRef::as_ref).collect();
        let extras = match extras.is_empty() {
            true => String::new(),
            false => format!("[{}]", extras.join(",")),
        };
        let Some(pin) = chosen.pin else {
            self.is_complete = false;
            let mut asked = chosen.asked.clone();
            asked.dedup();
            self.requirements.push(match &chosen.url {
                Some(url) => format!("{name}{extras} @ {url}"),
                None => format!("{name}{extras}{}", asked.join(",")),
            });
            return;
        };
        self.is_complete &= pin.requires.is_some();
        if pin.by_conda {
            self.by_conda.push(name.to_owned());
        }
        match &pin.source {
            Source::Url(url) => self.requirements.push(format!("{name}{extras} @ {url}")),
            Source::Archive(path) | Source::Folder(path) => {
                self.archives.push(path.clone());
                self.requirements
                    .push(format!("{name}{extras}=={}", pin.version));
            }
            Source::Index => {
                let (version, index) = published(name, &pin.version);
                self.requirements.push(format!("{name}{extras}=={version}"));
                if let Some(index) = index
                    && !self.indexes.contains(&index)
                {
                    self.indexes.push(index);
                }
            }
        }
    }
}

/// The version under which a release is published, and the index that has it where that is not the usual one. PyTorch's label tells
/// what it was built for, and each has an index; a distributor's label only says that it was packed again.
fn published<'v>(name: &str, version: &'v str) -> (&'v str, Option<String>) {
    let Some((public, label)) = version.split_once('+') else {
        return (version, None);
    };
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_torch = label == "cpu"
        || label == "xpu"
        || label.strip_prefix("cu").is_some_and(is_number)
        || label.strip_prefix("rocm").is_some_and(is_number);
    if is_torch && (name.contains("torch") || name == "xformers" || name == "triton") {
        return (
            version,
            Some(format!("https://download.pytorch.org/whl/{label}")),
        );
    }
    let is_packed_again = ["dfsg", "ds", "deb", "ubuntu", "repack"]
        .iter()
        .any(|word| label.strip_prefix(word).is_some_and(is_number));
    (if is_packed_again { public } else { version }, None)
}

/// See [`Needs::module_for`].
pub(super) fn module_for<'n>(needs: &'n Needs, distribution: &str) -> Option<&'n str> {
    let wanted = normalized(distribution);
    let name_of = |root: &Root| parsed(&root.requirement).map(|it| normalized(it.name.as_ref()));
    let own = needs
        .roots
        .iter()
        .find(|root| name_of(root).as_deref() == Some(&wanted));
    let reaches = |root: &&Root| {
        let mut todo: Vec<String> = name_of(root).into_iter().collect();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(name) = todo.pop() {
            if name == wanted {
                return true;
            }
            if !seen.insert(name.clone()) {
                continue;
            }
            let pins = needs.known.get(&name).into_iter().flatten();
            let texts = pins.flat_map(|pin| pin.requires.iter().flatten());
            todo.extend(texts.filter_map(|text| Some(normalized(parsed(text)?.name.as_ref()))));
        }
        false
    };
    let root = own.filter(|root| !root.modules.is_empty()).or_else(|| {
        needs
            .roots
            .iter()
            .filter(|root| !root.modules.is_empty())
            .find(reaches)
    });
    root.and_then(|root| root.modules.first())
        .map(String::as_str)
}
