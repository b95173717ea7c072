//! The lines of a job script that lead to the Python of an environment, and put it before others as activating it does.

use serde_json::Value;

use super::build::in_job;
use super::spec::check_name;
use super::{EnvironmentKind, JobEnvironment};
use crate::error::ClusterError;
use crate::resources::Resources;
use crate::scheduler::SchedulerKind;
use crate::script::quote;
use crate::settings::TargetSettings;
use crate::shell;

/// The Python that a job gets.
#[derive(Debug, Clone)]
pub(crate) enum JobPython<'a> {
    /// That of the target as it is.
    System,
    /// That of a virtual environment of ours, by its name.
    Venv(&'a str),
    /// The same, built by the job itself; with the spec as the programme over there reads it.
    Build(&'a str, Value),
    /// That of an environment of conda's, by its name or folder.
    Conda(&'a str),
    /// That of an environment's folder, or this one itself.
    Path(&'a str),
    /// That of a container image.
    Image(Image<'a>),
}

/// A container image, and what of the target it is given.
#[derive(Debug, Clone)]
pub(crate) struct Image<'a> {
    image: &'a str,
    /// The Python, by its path within.
    python: &'a str,
    /// What lies on the target, as the target's path map names it.
    places: Vec<&'a str>,
}

impl<'a> JobPython<'a> {
    /// What the target's own settings say.
    pub(crate) fn configured(settings: &'a TargetSettings) -> Self {
        match &settings.environment {
            Some(EnvironmentKind::Conda(name)) => Self::Conda(name.as_str()),
            Some(EnvironmentKind::Path(path)) => Self::Path(path.as_str()),
            Some(EnvironmentKind::Image(image))
                if settings.scheduler != SchedulerKind::Kubernetes =>
            {
                Self::Image(Image {
                    image: image.as_str(),
                    python: settings.python.as_deref().unwrap_or("python3"),
                    places: settings.paths.values().map(String::as_str).collect(),
                })
            }
            // A pod is in its image already; and where nothing is asked for, there is nothing to build.
            Some(EnvironmentKind::Image(_) | EnvironmentKind::System | EnvironmentKind::Venv)
            | None => Self::System,
        }
    }

    /// What a submission says.
    ///
    /// # Errors
    /// No environment can have that name or be made of this, or a wheel of it cannot be read.
    pub(crate) fn of(
        settings: &'a TargetSettings,
        wanted: &'a JobEnvironment,
    ) -> Result<Self, ClusterError> {
        let target = &settings.name;
        match wanted {
            JobEnvironment::Settings => Ok(Self::configured(settings)),
            JobEnvironment::Venv { name } => {
                check_name(target, name)?;
                Ok(Self::Venv(name))
            }
            JobEnvironment::Build(spec) => {
                spec.check(target)?;
                Ok(Self::Build(&spec.name, spec.json(&spec.sums(target)?)))
            }
        }
    }

    /// Whether the Python of the target as it is must be found, to be used or to build with.
    pub(crate) fn needs_base(&self) -> bool {
        matches!(self, Self::System | Self::Build(..))
    }

    /// The lines that lead to it, once modules, variables and set-up lines are through; none where the Python of the target is the one.
    pub(crate) fn lines(&self, work: &str) -> Option<String> {
        let lines = match self {
            Self::System => return None,
            Self::Venv(name) => venv(work, name),
            Self::Build(name, spec) => format!("{}\n{}", in_job(work, spec), venv(work, name)),
            Self::Conda(name) => conda(name),
            Self::Path(path) => at_path(path),
            Self::Image(image) => in_image(work, image),
        };
        // Whatever the set-up lines switched on.
        Some(format!("set +eu\n{lines}"))
    }

    /// What stands before the Python where the runner is started.
    pub(crate) fn before_python(&self, resources: &Resources) -> Option<String> {
        let Self::Image(..) = self else {
            return None;
        };
        let gpu = match resources.gpus {
            Some(gpus) if gpus > 0 => " --nv",
            _ => "",
        };
        Some(format!(
            "\"$hoist_container\" exec{gpu} --bind \"$hoist_binds\" \"$hoist_image\" "
        ))
    }

    /// The line that comes last of all.
    pub(crate) fn after_all(&self) -> Option<&'static str> {
        let leaves = matches!(self, Self::Venv(_) | Self::Build(..));
        leaves.then_some("rm -f \"$hoist_environment/hoist/jobs/${hoist_job##*/}\"")
    }
}

/// A virtual environment of ours. The job says first that it is in it, and looks then whether it is there: whoever removes it does the
/// one and the other in the opposite order.
fn venv(work: &str, name: &str) -> String {
    let gone =
        format!("the environment {name} is not there any more: run again, and it is built anew");
    format!(
        r#"hoist_environment={}
{{ true >"$hoist_environment/hoist/jobs/${{hoist_job##*/}}"; }} 2>/dev/null
[ -e "$hoist_environment/hoist/ready" ] && [ -x "$hoist_environment/bin/python" ] || hoist_stop 127 {}
{{ true >"$hoist_environment/hoist/used"; }} 2>/dev/null
VIRTUAL_ENV=$hoist_environment PATH=$hoist_environment/bin:$PATH
export VIRTUAL_ENV PATH
unset PYTHONHOME
hoist_python=$hoist_environment/bin/python"#,
        quote(&format!("{work}/envs/{name}")),
        quote(&gone),
    )
}

/// What somebody else made: a folder with bin/python, or a Python.
fn at_path(path: &str) -> String {
    format!(
        r#"hoist_environment={}
if [ -d "$hoist_environment" ]; then
  hoist_python=$hoist_environment/bin/python
  [ -x "$hoist_python" ] || hoist_python=$hoist_environment/bin/python3
  [ -x "$hoist_python" ] || hoist_stop 127 {}
else
  hoist_python=$hoist_environment
  [ -x "$hoist_python" ] || hoist_stop 127 {}
  hoist_environment=${{hoist_environment%/*}}/..
  hoist_environment=$(cd "$hoist_environment" && pwd)
fi
if [ -e "$hoist_environment/pyvenv.cfg" ]; then VIRTUAL_ENV=$hoist_environment; export VIRTUAL_ENV; fi
if [ -d "$hoist_environment/conda-meta" ]; then CONDA_PREFIX=$hoist_environment; export CONDA_PREFIX; fi
PATH=${{hoist_python%/*}}:$PATH; export PATH
unset PYTHONHOME"#,
        crate::script::one_line(&shell::path(path)),
        quote(&format!(
            "no python: the environment {path} of the target has no bin/python on "
        )) + "\"$hoist_here\"",
        quote(&format!(
            "no python: {path}, the environment of the target, is not on "
        )) + "\"$hoist_here\"",
    )
}

/// An environment of conda's, activated by its hook so that the scripts of its packages run.
fn conda(name: &str) -> String {
    let place = if name.contains('/') {
        crate::script::one_line(&shell::path(name))
    } else {
        quote(name)
    };
    format!(
        r#"hoist_environment={place}
hoist_conda=
for hoist_candidate in "${{CONDA_EXE:-}}" conda mamba micromamba "${{MAMBA_EXE:-}}" \
    "$HOME/miniconda3/bin/conda" "$HOME/miniforge3/bin/conda" "$HOME/mambaforge/bin/conda" "$HOME/anaconda3/bin/conda" \
    /opt/conda/bin/conda "$HOME/.local/bin/micromamba"; do
  if [ -n "$hoist_candidate" ] && command -v "$hoist_candidate" >/dev/null 2>&1; then hoist_conda=$hoist_candidate; break; fi
done
[ -n "$hoist_conda" ] || hoist_stop 127 "no python: there is no conda, mamba or micromamba on $hoist_here (is a module missing in the target's modules?)"
case ${{hoist_conda##*/}} in
  conda*) hoist_words=$("$hoist_conda" shell.bash hook 2>/dev/null); hoist_activate=conda ;;
  mamba*) hoist_words=$("$hoist_conda" shell hook --shell bash 2>/dev/null); hoist_activate=mamba ;;
  *) hoist_words=$("$hoist_conda" shell hook --shell bash 2>/dev/null); hoist_activate=micromamba ;;
esac
eval "$hoist_words"
if ! $hoist_activate activate "$hoist_environment" || [ ! -x "${{CONDA_PREFIX:-}}/bin/python" ]; then
  if [ -d "${{CONDA_PREFIX:-}}/conda-meta" ] && [ "${{CONDA_PREFIX##*/}}" = "${{hoist_environment##*/}}" ]; then
    hoist_stop 127 "no python: there is none in conda's environment $hoist_environment on $hoist_here"
  fi
  hoist_words=$("$hoist_conda" env list 2>/dev/null | awk '$1 !~ /^(#|Name|─)/ && $NF ~ /^\// {{ n = (NF > 1 && $1 !~ /^[*\/]/) ? $1 : $NF; printf "%s%s", s, n; s = ", " }}')
  hoist_stop 127 "no python: $hoist_activate has no environment $hoist_environment on $hoist_here, but ${{hoist_words:-none at all}}"
fi
unset PYTHONHOME
hoist_python=$CONDA_PREFIX/bin/python"#
    )
}

/// Shell function `hoist_bind PATH`: lets a container have what lies there, by that path and where it really lies, for what leads to it
/// may be a link that the container lacks. Below the home, which it has, links are as they are. What is not there would keep the
/// container from beginning, and whoever misses it says so better.
const BIND: &str = r#"hoist_binds=
hoist_bind() {
  [ -e "$1" ] || return 0
  hoist_place=$(readlink -f "$1" 2>/dev/null) || hoist_place=$1
  case $1 in "$hoist_place"|"$HOME"/*) set -- "$hoist_place" ;; *) set -- "$hoist_place" "$1" ;; esac
  for hoist_place; do
    hoist_binds=$hoist_binds${hoist_binds:+,}$(printf '%s\n' "$hoist_place" | sed 's/[\\,:]/\\&/g')
  done
}"#;

/// A container image, run by what runs images on clusters. The folders of the job, of packages and of data files are below the work
/// folder.
fn in_image(work: &str, of: &Image<'_>) -> String {
    let Image {
        image,
        python,
        places,
    } = of;
    let places = places.iter().map(|place| {
        let place = crate::script::one_line(&shell::path(place));
        // One that begins with a variable that is not set is nowhere.
        format!(
            "{{ hoist_place=$(printf %s. {place}); }} 2>/dev/null; hoist_bind \"${{hoist_place%.}}\"\n"
        )
    });
    let binds = format!(
        "{BIND}\nhoist_bind \"$HOME\"\nhoist_bind {}\n{}",
        quote(work),
        places.collect::<String>()
    );
    let is_file = image.starts_with(['/', '~', '$']);
    let place = if is_file {
        crate::script::one_line(&shell::path(image))
    } else if image.contains("://") {
        quote(image)
    } else {
        // A name alone is one of a registry, as it is for Kubernetes.
        quote(&format!("docker://{image}"))
    };
    let is_there = match is_file {
        true => format!(
            "\n[ -e \"$hoist_image\" ] || hoist_stop 127 {}\"$hoist_here\"",
            quote(&format!("no python: the image {image} is not on "))
        ),
        false => String::new(),
    };
    format!(
        r#"{binds}hoist_image={place}{is_there}
hoist_container=
for hoist_candidate in apptainer singularity; do
  if command -v "$hoist_candidate" >/dev/null 2>&1; then hoist_container=$hoist_candidate; break; fi
done
[ -n "$hoist_container" ] || hoist_stop 127 "no python: neither apptainer nor singularity is on $hoist_here to run the image $hoist_image"
hoist_python={}"#,
        crate::script::one_line(&shell::path(python)),
    )
}

#[cfg(test)]
mod tests;
