//! What a job needs installed on its target, and the environment that follows from it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hoist_analysis::lock::{Lock, LockError, Needs, Platform, needs};
use hoist_analysis::{Files, ImportOrigin, Module, Slice};
use hoist_cluster::{
    BuildPlace, EnvironmentKind, EnvironmentSpec, Facts, JobEnvironment, Libc, SchedulerKind,
    TargetSettings,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a slice needs installed, with the places that need it. It is kept beside the package; its name is its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// On any platform.
    pub(crate) needs: Needs,
    /// Where each module is imported first.
    imports: BTreeMap<String, Place>,
    /// The Python of the editor, on this machine.
    pub(crate) python: Option<PathBuf>,
}

/// The place of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// From 1.
    pub(crate) line: u32,
}

impl Wanted {
    /// What a slice of a module needs, where its target builds environments and it needs anything.
    pub(crate) fn of(
        files: &dyn Files,
        module: &Module<'_>,
        slice: &Slice,
        settings: &TargetSettings,
    ) -> Option<Self> {
        if !builds(settings) {
            return None;
        }
        let needs = needs(files, module, slice);
        if needs.is_empty() {
            return None;
        }
        let foreign = slice.imports.iter();
        let foreign = foreign.filter(|import| import.origin != ImportOrigin::Local);
        let imports = foreign.map(|import| {
            let place = Place {
                path: import.path.clone(),
                line: import.line,
            };
            (import.module.clone(), place)
        });
        Some(Self {
            needs,
            imports: imports.collect(),
            python: module
                .environment
                .and_then(|environment| environment.interpreter())
                .map(|interpreter| interpreter.executable.clone()),
        })
    }

    /// As it is kept, with the name that its hash gives it.
    pub(crate) fn kept(&self) -> (String, Vec<u8>) {
        // Texts and numbers: there is nothing in it that could fail.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let sum = Sha256::digest(&bytes);
        let name = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        (name, bytes)
    }

    /// The import for whose sake a distribution is installed.
    pub(crate) fn place_of(&self, distribution: &str) -> Option<&Place> {
        self.imports.get(self.needs.module_for(distribution)?)
    }

    /// What is installed for the Python that a target has.
    pub(crate) fn lock(&self, platform: &Platform) -> Result<Lock, LockError> {
        self.needs.lock(platform)
    }
}

/// Does a job of this target get an environment that is built for it? A plain process on this machine runs with the Python of the
/// editor, which has what is installed here; an image has what it has.
pub(crate) fn builds(settings: &TargetSettings) -> bool {
    match &settings.environment {
        Some(kind) => *kind == EnvironmentKind::Venv,
        None => {
            let is_here = settings.host.is_none() && settings.scheduler == SchedulerKind::None;
            !is_here && settings.scheduler != SchedulerKind::Kubernetes
        }
    }
}

/// The Python of a target, for the lock; `None` when what it said cannot be.
pub(crate) fn platform(facts: &Facts) -> Option<Platform> {
    let markers = serde_json::to_value(&facts.markers).ok()?;
    let variables: BTreeMap<String, String> = serde_json::from_value(markers).ok()?;
    let libc = match &facts.libc {
        Some(Libc::Glibc(version)) => Some(format!("glibc {version}")),
        Some(Libc::Musl(version)) => Some(format!("musl {version}")),
        None => None,
    };
    Platform::new(&variables, libc.as_deref())
}

/// How a lock is built on a target.
pub(crate) fn spec(lock: &Lock, settings: &TargetSettings) -> EnvironmentSpec {
    let mut indexes = lock.indexes.clone();
    for index in &settings.indexes {
        if !indexes.contains(index) {
            indexes.push(index.clone());
        }
    }
    EnvironmentSpec {
        name: lock.name.clone(),
        python: lock.python.clone(),
        requirements: lock.requirements.clone(),
        complete: lock.is_complete,
        constraints: lock.constraints.clone(),
        indexes,
        wheels: lock.archives.clone(),
    }
}

/// What a job is told of its environment, once that is known.
pub(crate) fn of_job(spec: EnvironmentSpec, settings: &TargetSettings) -> JobEnvironment {
    match settings.build_place() {
        BuildPlace::Login => JobEnvironment::Venv { name: spec.name },
        BuildPlace::Job => JobEnvironment::Build(spec),
    }
}
