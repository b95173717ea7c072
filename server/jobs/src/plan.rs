//! From a request to all that a job needs, without touching the network or the disk of the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoist_analysis::environment::{Choice, Environment, Environments, Question};
use hoist_analysis::{Disk, EntrySpec, Files, Module, Runnable, Settings, Slice, Wishes};
use hoist_cluster::{
    DataFile, JobEnvironment, Resources, SchedulerKind, Submission, TargetSettings,
};
use hoist_package::{Package, Request, TreePath};
use hoist_syntax::Document;

use crate::environment::Wanted;
use crate::sums::Sums;
use crate::{Config, JobId, RunError, data};

/// What someone wants to run.
#[derive(Clone)]
pub struct RunRequest {
    /// The module, absolute.
    pub path: PathBuf,
    /// Its text.
    pub document: Document,
    /// The folder that its local modules are looked for in, absolute; see [`crate::workspace_of`].
    pub workspace: PathBuf,
    /// Where other files are read; an editor puts its unsaved buffers over the disk.
    pub files: Arc<dyn Files>,
    /// What is installed; an editor keeps what it has read.
    pub environments: Arc<Environments>,
    /// The configuration of the workspace.
    pub config: Arc<Config>,
    /// What to run.
    pub entry: EntrySpec,
    /// Python source of call arguments; `None`: those of the comment above the function, else none.
    pub args: Option<String>,
    /// The target's name; `None`: that of the comment above the function, else the configuration's default.
    pub target: Option<String>,
    /// Resources by name; they go before those of the comment, which go before those of the target.
    pub resources: BTreeMap<String, String>,
    /// Run in spite of a refusal that allows it.
    pub force: bool,
    /// Jobs and sweeps that must have succeeded before it begins.
    pub after: Vec<JobId>,
    /// Put all data files into the package, however large: it is to run without a target's store.
    pub pack_all: bool,
}

impl RunRequest {
    /// A request for an entry of a file on this disk, with everything else left to the comment above the function and the
    /// configuration.
    pub fn new(
        path: PathBuf,
        document: Document,
        workspace: PathBuf,
        config: Arc<Config>,
        entry: EntrySpec,
    ) -> Self {
        Self {
            path,
            document,
            workspace,
            files: Arc::new(Disk),
            environments: Arc::new(Environments::here()),
            config,
            entry,
            args: None,
            target: None,
            resources: BTreeMap::new(),
            force: false,
            after: Vec::new(),
            pack_all: false,
        }
    }
}

/// A run that was found good: what travels, where to, with what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What travels.
    pub slice: Slice,
    /// The same as a ZIP.
    pub package: Package,
    /// Where to; for a plain process on this machine `python` names the interpreter.
    pub settings: TargetSettings,
    /// What is asked of the scheduler, all in all.
    pub resources: Resources,
    /// The short name for lists.
    pub name: String,
    /// The entry's file, relative to the workspace when inside it.
    pub file: String,
    /// The line of the entry, from 1.
    pub line: Option<u32>,
    /// What is to be installed for it over there.
    pub wanted: Option<Wanted>,
}

impl Plan {
    /// What the target is given for a job of this plan; which environment it gets is known when the target is reached.
    pub fn submission(&self, job: JobId) -> Submission {
        Submission {
            job: job.to_string(),
            name: self.name.clone(),
            package: self.package.bytes.clone().into(),
            sha256: self.package.sha256.clone(),
            request: self.request(job).to_bytes(),
            resources: self.resources.clone(),
            after: Vec::new(),
            environment: JobEnvironment::Settings,
            data: self.data(),
        }
    }

    /// The data files that the package names and does not hold.
    pub fn data(&self) -> Arc<[DataFile]> {
        let origins = &self.package.origins;
        data::files_of(&self.package.manifest, |path| {
            origins.get(&TreePath::new(path).ok()?).cloned()
        })
    }

    /// What the runner is asked.
    pub(crate) fn request(&self, job: JobId) -> Request {
        Request {
            job: job.to_string(),
            args: self.slice.args.clone(),
            time_limit: self.resources.time.map(|time| time.0),
            warning: self.resources.warning.map(|warning| warning.0),
            checkpoint: checkpoint(&self.settings, job),
            own_store: self.settings.scheduler == SchedulerKind::Kubernetes,
            package_sha256: Some(self.package.sha256.clone()),
            ..Request::default()
        }
    }
}

/// Names the folder that stays between the attempts at what this job began. On Kubernetes nothing outlives a job's pod.
pub(crate) fn checkpoint(settings: &TargetSettings, began: JobId) -> Option<String> {
    (settings.scheduler != SchedulerKind::Kubernetes).then(|| began.to_string())
}

/// Slices, packages and chooses the target.
///
/// # Errors
/// Every reason for which the job would not be started, in one sentence.
pub fn plan(request: &RunRequest) -> Result<Plan, RunError> {
    let question = Question {
        workspace: &request.workspace,
        folder: request.path.parent().unwrap_or(&request.workspace),
        configured: request.config.local_python(),
    };
    let environment = request.environments.get(&*request.files, &question);
    let module = Module {
        path: &request.path,
        document: &request.document,
        workspace: &request.workspace,
        environment: Some(&environment),
    };
    let runnable = hoist_analysis::runnables(&module)
        .into_iter()
        .find(|runnable| runnable.entry == request.entry);
    let (mut settings, resources) = destination(
        &request.config,
        runnable.as_ref(),
        request.target.as_deref(),
        &request.resources,
    )?;
    if settings.host.is_none()
        && settings.scheduler == SchedulerKind::None
        && settings.python.is_none()
    {
        settings.python = local_python(&environment);
    }
    let directives = runnable.as_ref().map(|runnable| &runnable.directives);
    let args = request
        .args
        .as_deref()
        .or_else(|| directives.and_then(|directives| directives.args.as_deref()));
    let mut rules = data::rules_of(&settings);
    if request.pack_all {
        rules.store_from = None;
    }
    let wishes = Wishes {
        args,
        data: request.config.data(),
        force: request.force,
        rules,
    };
    let mut slice =
        hoist_analysis::slice_as_wished(&module, &*request.files, &request.entry, &wishes)?;
    let said = Settings {
        ignore: request.config.ignored(&request.path, &request.workspace),
        ..Settings::default()
    };
    hoist_analysis::silence(&request.document, &said, &mut slice.findings);
    let wanted = Wanted::of(&*request.files, &module, &slice, &settings);
    let sums = Sums::here();
    let package = hoist_package::build(&slice, &|path| sums.sum(path))?;
    let (name, line) = match &request.entry {
        EntrySpec::Name(qualname) => (
            last_name(qualname).to_owned(),
            runnable.map(|runnable| runnable.line + 1),
        ),
        EntrySpec::Lines { first, .. } => (format!("lines {}", request.entry), Some(*first)),
    };
    Ok(Plan {
        slice,
        package,
        settings,
        resources,
        name,
        line,
        wanted,
        file: shown(&request.path, &request.workspace),
    })
}

/// The target of a run, with all that is asked of it: `target` and `wanted`, resources by name, are what was asked for at the
/// run itself, before what stands above the function and in the configuration.
///
/// # Errors
/// There is no such target, or something cannot be asked for.
pub fn destination(
    config: &Config,
    runnable: Option<&Runnable>,
    target: Option<&str>,
    wanted: &BTreeMap<String, String>,
) -> Result<(TargetSettings, Resources), RunError> {
    let directives = runnable.map(|runnable| &runnable.directives);
    let named = target.or_else(|| directives.and_then(|directives| directives.target.as_deref()));
    let settings = match named {
        Some(name) => config.target(name)?,
        None => config.default_target(),
    };
    let settings = settings.clone();
    settings.check()?;
    let line = runnable.map(|runnable| runnable.line + 1);
    let mut above = Resources::default();
    for (key, value) in directives
        .iter()
        .flat_map(|directives| &directives.resources)
    {
        above
            .set(key, value)
            .map_err(|source| RunError::Resources { source, line })?;
    }
    let mut asked = Resources::default();
    for (key, value) in wanted {
        asked
            .set(key, value)
            .map_err(|source| RunError::Resources { source, line: None })?;
    }
    let resources = asked.over(&above).over(&settings.resources);
    resources
        .check_together()
        .map_err(|source| RunError::Resources { source, line })?;
    Ok((settings, resources))
}

/// The interpreter that the editor speaks of, when it is another one than `PATH` has. Nothing was started to find it.
fn local_python(environment: &Environment) -> Option<String> {
    let interpreter = environment.interpreter()?;
    let is_chosen = interpreter.choice != Choice::Path && interpreter.executable.is_file();
    let executable = interpreter.executable.to_str()?;
    is_chosen.then(|| executable.to_owned())
}

/// How people read a path: relative to the workspace when inside it, with `/`.
pub(crate) fn shown(path: &Path, workspace: &Path) -> String {
    path.strip_prefix(workspace)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

fn last_name(qualname: &str) -> &str {
    qualname.rsplit('.').next().unwrap_or(qualname)
}
