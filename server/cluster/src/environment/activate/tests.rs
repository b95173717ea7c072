use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::environment::EnvironmentSpec;
use crate::script::{Place, render};
use crate::{Submission, TargetSettings};

const WORK: &str = "/home/ada/my work";
const JOB: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn submission(environment: JobEnvironment) -> Submission {
    Submission {
        job: JOB.to_owned(),
        name: "train.py::train".to_owned(),
        package: Arc::from(Vec::new()),
        sha256: "ab".repeat(32),
        request: Vec::new(),
        resources: Default::default(),
        after: Vec::new(),
        environment,
        data: Default::default(),
    }
}

fn spec(name: &str) -> EnvironmentSpec {
    EnvironmentSpec {
        name: name.to_owned(),
        python: "3.11".to_owned(),
        requirements: vec!["six==1.16.0 ; python_version >= '3'".to_owned()],
        complete: true,
        constraints: Vec::new(),
        indexes: Vec::new(),
        wheels: Vec::new(),
    }
}

fn script(settings: &TargetSettings, environment: JobEnvironment, work: &str) -> String {
    let place = Place {
        work,
        python: Some("/usr/bin/python3"),
        found: "",
    };
    let scheduler = settings.scheduler.words();
    render(settings, scheduler, &submission(environment), &place).expect("it can be said")
}

/// What an environment adds to the script of a job on the target as it is, and what it leaves out.
fn difference(kind: &str, environment: JobEnvironment, gpus: u32) -> String {
    let mut settings = TargetSettings::local();
    settings.resources.gpus = Some(gpus);
    let plain = script(&settings, JobEnvironment::Settings, WORK);
    if !kind.is_empty() {
        settings.environment = Some(kind.parse().expect(kind));
    }
    let text = script(&settings, environment, WORK);
    let missing = plain.lines().filter(|line| !text.contains(line));
    let missing: Vec<String> = missing.map(|line| format!("-{line}")).collect();
    let added = text.lines().filter(|line| !plain.contains(line));
    let added: Vec<&str> = added.collect();
    format!("{}\n{}", missing.join("\n"), added.join("\n"))
}

#[test]
fn the_script_of_each_environment() {
    let venv = JobEnvironment::Venv {
        name: "3.11-ab12".to_owned(),
    };
    let shown = [
        ("venv", difference("", venv, 0)),
        (
            "conda",
            difference("conda:it's mine", JobEnvironment::Settings, 0),
        ),
        (
            "path",
            difference("path:~/an env", JobEnvironment::Settings, 0),
        ),
        (
            "image of a file",
            difference("image:~/torch.sif", JobEnvironment::Settings, 2),
        ),
        (
            "image of a registry",
            difference("image:lab/torch:2", JobEnvironment::Settings, 0),
        ),
    ];
    let shown = shown.map(|(name, text)| format!("== {name}\n{text}\n"));
    insta::assert_snapshot!(shown.join("\n"));
    // Where there is nothing to build, `venv` and `system` are the same.
    for kind in ["venv", "system"] {
        assert_eq!(difference(kind, JobEnvironment::Settings, 0), "\n");
    }
}

#[test]
fn the_script_of_a_job_that_builds_its_own() {
    let text = script(
        &TargetSettings::local(),
        JobEnvironment::Build(spec("3.11-ab12")),
        WORK,
    );
    let (before, rest) = text
        .split_once("<<'HOIST_ENVIRONMENT' &\n")
        .expect("it brings the programme");
    let (program, after) = rest
        .split_once("\nHOIST_ENVIRONMENT\n")
        .expect("which ends somewhere");
    let before: Vec<&str> = before.lines().collect();
    let last = &before[before.len() - 2..];
    let venv = after.find("VIRTUAL_ENV=").expect("it is used then");
    insta::assert_snapshot!(format!("{}<<\n...\n{}", last.join("\n"), &after[..venv]));
    // No scheduler takes a line of it for its own.
    for kind in crate::SchedulerKind::ALL {
        let directive = kind.words().directive().unwrap_or("#!");
        assert!(!program.lines().any(|line| line.starts_with(directive)));
    }
}

#[test]
fn what_cannot_be_an_environment_is_refused_before_the_job() {
    let place = Place {
        work: WORK,
        python: None,
        found: "",
    };
    let refusal = |settings: &TargetSettings, environment| {
        let scheduler = settings.scheduler.words();
        let refused = render(settings, scheduler, &submission(environment), &place);
        refused.expect_err("it is refused").to_string()
    };
    let local = TargetSettings::local();
    let named = |name: &str| JobEnvironment::Venv {
        name: name.to_owned(),
    };
    for name in ["", "../jobs", ".hidden", "A", "a/b", "a b", "-n"] {
        let error = refusal(&local, named(name));
        assert!(
            error.contains("is not the name of an environment"),
            "{error}"
        );
    }
    for line in ["-e .", "--index-url x", "", "a\nb", "# x"] {
        let mut spec = spec("a");
        spec.requirements.push(line.to_owned());
        let error = refusal(&local, JobEnvironment::Build(spec));
        assert!(error.contains("is not a requirement"), "{error}");
    }
    let mut secret = spec("a");
    secret.requirements = vec!["x @ https://ada:secret@host/x.whl".to_owned()];
    let error = refusal(&local, JobEnvironment::Build(secret));
    assert!(
        error.contains("holds a login") && !error.contains("secret"),
        "{error}"
    );
    let mut absent = spec("a");
    absent.wheels = vec!["/nowhere/x-1-py3-none-any.whl".into()];
    let error = refusal(&local, JobEnvironment::Build(absent));
    assert!(error.contains("cannot be sent"), "{error}");
}

fn write_program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Stands in for conda: its hook defines a function that activates folders below `$STAND_IN_ENVS`.
const CONDA: &str = r#"#!/bin/sh
case $1 in
  shell.bash) cat <<'END'
conda() {
  [ "$1" = activate ] || { "$STAND_IN" "$@"; return; }
  if [ -d "$2" ]; then CONDA_PREFIX=$2; else CONDA_PREFIX=$STAND_IN_ENVS/$2; fi
  [ -d "$CONDA_PREFIX" ] || { CONDA_PREFIX=; echo "EnvironmentNameNotFound: $2" >&2; return 1; }
  export CONDA_PREFIX
  for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do [ ! -e "$script" ] || . "$script"; done
}
END
    ;;
  env) printf '# conda environments:\n#\nbase                  *  /opt/conda\nlab                      %s/lab\n                         /other/place\n' "$STAND_IN_ENVS" ;;
esac
"#;

/// Stands in for Apptainer: says what it is asked for and runs the command outside of any image. As the real one is documented to do,
/// it parts what `--bind` names at commas that no backslash stands before, and begins nothing where one of these places is not there.
const APPTAINER: &str = r#"#!/bin/sh
[ "$1" = exec ] || exit 9
shift
while :; do
  case $1 in
    --nv) printf 'nv\n'; shift ;;
    --bind)
      printf '%s\n' "$2" | sed 's/\([^\\]\),/\1\n/g; s/\\\([\\,:]\)/\1/g' >"$0.binds"
      while IFS= read -r place; do
        [ -e "$place" ] || { echo "FATAL: container creation failed: mount source $place doesn't exist" >&2; exit 255; }
        printf 'bind %s\n' "$place"
      done <"$0.binds"
      shift 2 ;;
    *) break ;;
  esac
done
printf 'image %s\n' "$1"
shift
exec "$@"
"#;

/// A Python that says where it is called from.
const PYTHON: &str = "#!/bin/sh\nprintf 'python %s\\nenv %s %s\\n' \"$0\" \"$VIRTUAL_ENV\" \"$CONDA_PREFIX\"; echo '{}' >\"$3/exit\"\n";

/// Runs the script of a job in this environment: its output, and the reason where it came to nothing.
fn run(top: &Path, settings: &TargetSettings, environment: JobEnvironment) -> (String, String) {
    let work = top.join("work");
    let job = work.join("jobs").join(JOB);
    if job.exists() {
        std::fs::remove_dir_all(&job).expect("removed");
    }
    std::fs::create_dir_all(&job).expect("made");
    let text = script(settings, environment, work.to_str().expect("UTF-8"));
    let path = top.join("script.sh");
    std::fs::write(&path, &text).expect("written");
    let bin = top.join("bin");
    let shell = crate::script::shell(settings, settings.scheduler.words());
    let mut command = Command::new(shell.split(' ').next().expect("a word"));
    command
        .arg(&path)
        .current_dir(top)
        .env("HOME", top)
        .env("STAND_IN", bin.join("conda"))
        .env("STAND_IN_ENVS", top.join("envs"))
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env_remove("VIRTUAL_ENV")
        .env_remove("CONDA_PREFIX")
        .env_remove("CONDA_EXE");
    let out = command.output().expect("it runs");
    let stdout = std::fs::read_to_string(job.join("stdout")).unwrap_or_default();
    let exit = std::fs::read_to_string(job.join("exit")).unwrap_or_default();
    let exit: serde_json::Value = serde_json::from_str(&exit).unwrap_or_default();
    let reason = exit["reason"].as_str().map(str::to_owned);
    let errors = || String::from_utf8_lossy(&out.stderr).into_owned();
    let said = if stdout.is_empty() && reason.is_none() {
        errors()
    } else {
        stdout
    };
    (said, reason.unwrap_or_default())
}

fn configured(kind: &str) -> TargetSettings {
    TargetSettings {
        environment: Some(kind.parse().expect(kind)),
        ..TargetSettings::local()
    }
}

#[test]
fn an_environment_of_conda_is_activated_by_its_hook_or_those_that_exist_are_named() {
    let top = tempfile::tempdir().expect("a folder");
    let top = top.path();
    write_program(&top.join("bin/conda"), CONDA);
    write_program(&top.join("envs/lab/bin/python"), PYTHON);
    let hook = "VIRTUAL_ENV='of activate.d'; export VIRTUAL_ENV\n";
    write_program(&top.join("envs/lab/etc/conda/activate.d/x.sh"), hook);
    let lab = top.join("envs/lab").display().to_string();
    for name in ["lab".to_owned(), lab.clone(), "~/envs/lab".to_owned()] {
        let (said, reason) = run(
            top,
            &configured(&format!("conda:{name}")),
            JobEnvironment::Settings,
        );
        let wanted = format!("python {lab}/bin/python\nenv of activate.d {lab}\n");
        assert_eq!(
            (said.as_str(), reason.as_str()),
            (wanted.as_str(), ""),
            "{name}"
        );
    }
    let (_, reason) = run(top, &configured("conda:lap"), JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: conda has no environment lap on ")
            && reason.ends_with(", but base, lab, /other/place"),
        "{reason}"
    );
    std::fs::create_dir_all(top.join("envs/bare/conda-meta")).expect("made");
    let (_, reason) = run(top, &configured("conda:bare"), JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: there is none in conda's environment bare on "),
        "{reason}"
    );
    std::fs::remove_file(top.join("bin/conda")).expect("removed");
    let (_, reason) = run(top, &configured("conda:lab"), JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: there is no conda, mamba or micromamba on "),
        "{reason}"
    );
}

#[test]
fn a_folder_a_python_and_an_image_are_used_as_they_are() {
    let top = tempfile::tempdir().expect("a folder");
    let top = top.path();
    let home = top.display().to_string();
    write_program(&top.join("env/bin/python"), PYTHON);
    std::fs::write(top.join("env/pyvenv.cfg"), "").expect("written");
    for kind in ["path:~/env", "path:$HOME/env/bin/python"] {
        let (said, reason) = run(top, &configured(kind), JobEnvironment::Settings);
        let wanted = format!("python {home}/env/bin/python\nenv {home}/env \n");
        assert_eq!(
            (said.as_str(), reason.as_str()),
            (wanted.as_str(), ""),
            "{kind}"
        );
    }
    let (_, reason) = run(
        top,
        &configured("path:/nowhere/env"),
        JobEnvironment::Settings,
    );
    assert!(
        reason.starts_with("no python: /nowhere/env, the environment of the target, is not on "),
        "{reason}"
    );
    let (_, reason) = run(top, &configured("path:~/work"), JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: the environment ~/work of the target has no bin/python on "),
        "{reason}"
    );

    write_program(&top.join("bin/python3"), PYTHON);
    let mut settings = configured("image:~/torch.sif");
    settings.resources.gpus = Some(1);
    let (_, reason) = run(top, &settings, JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: the image ~/torch.sif is not on "),
        "{reason}"
    );
    std::fs::write(top.join("torch.sif"), "").expect("written");
    let (_, reason) = run(top, &settings, JobEnvironment::Settings);
    assert!(
        reason.starts_with("no python: neither apptainer nor singularity is on "),
        "{reason}"
    );
    write_program(&top.join("bin/apptainer"), APPTAINER);
    let (said, reason) = run(top, &settings, JobEnvironment::Settings);
    let wanted = format!(
        "nv\nbind {home}\nbind {home}/work\nimage {home}/torch.sif\npython {home}/bin/python3\nenv  \n"
    );
    assert_eq!((said, reason), (wanted, String::new()));
    let (said, _) = run(
        top,
        &configured("image:lab/torch:2"),
        JobEnvironment::Settings,
    );
    assert!(
        said.contains("\nimage docker://lab/torch:2\n") && !said.contains("nv\n"),
        "{said}"
    );
}

/// What a job in a container reads and writes is there under the path by which it is named, and where links lead.
#[test]
fn a_container_has_what_the_path_map_names_and_the_job_itself() {
    let top = tempfile::tempdir().expect("a folder");
    let top = top.path().canonicalize().expect("it is there");
    write_program(&top.join("bin/python3"), PYTHON);
    write_program(&top.join("bin/apptainer"), APPTAINER);
    for folder in ["home", "disk/lab, 1:2", "disk/own", "disk/hoist"] {
        std::fs::create_dir_all(top.join(folder)).expect("made");
    }
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(top.join(to), top.join(from)).expect("linked");
    };
    link("disk/lab, 1:2", "lab");
    link("disk/own", "home/own");
    link("disk/hoist", "work");
    let mut settings = configured("image:lab/torch:2");
    let at = |path: &str| top.join(path).display().to_string();
    let paths = [
        ("a", at("lab")),
        ("b", at("disk/nowhere")),
        ("c", "$NOT_SET_HERE/data".to_owned()),
        ("d", "~/own".to_owned()),
        ("e", "$STAND_IN_ENVS".to_owned()),
    ];
    settings.paths = paths.map(|(here, there)| (here.to_owned(), there)).into();
    settings.env = [("HOME".to_owned(), at("home"))].into();
    std::fs::create_dir(top.join("envs")).expect("made");
    let (said, reason) = run(&top, &settings, JobEnvironment::Settings);
    assert_eq!(reason, "", "{said}");
    let bound: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("bind "))
        .collect();
    let wanted = [
        "home",
        "disk/hoist",
        "work",
        "disk/lab, 1:2",
        "lab",
        "disk/own",
        "envs",
    ];
    assert_eq!(bound, wanted.map(at));
}

/// What a shell might take for its own.
const HOSTILE: [&str; 16] = [
    "'",
    "\"",
    "$(touch owned)",
    "`touch owned`",
    "\\",
    "!",
    "*",
    "é",
    " ",
    "#",
    ";",
    "&",
    "${HOME}",
    "%",
    "x",
    ":",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_name_of_an_environment_is_interpreted(
        parts in proptest::collection::vec(prop::sample::select(HOSTILE.to_vec()), 1..8),
        text in "[^\0/\\p{Cc}]{1,20}",
    ) {
        let top = tempfile::tempdir().expect("a folder");
        let top = top.path();
        // Not blank at its ends, which a configuration's value is not either.
        let name = format!("e{}{text}e", parts.concat());
        let envs = top.join("envs");
        let home = envs.join(&name);
        write_program(&home.join("bin/python"), PYTHON);
        write_program(&top.join("bin/python3"), PYTHON);
        write_program(&top.join("bin/conda"), CONDA);
        write_program(&top.join("bin/apptainer"), APPTAINER);
        let python = format!("python {}/bin/python\n", home.display());
        for kind in [
            format!("conda:{name}"),
            format!("conda:{}", home.display()),
            format!("path:{}", home.display()),
            format!("path:{}/bin/python", home.display()),
        ] {
            let (said, reason) = run(top, &configured(&kind), JobEnvironment::Settings);
            prop_assert!(said.starts_with(&python), "{kind}: {said:?} {reason:?}");
        }
        let (said, reason) = run(top, &configured(&format!("image:{}", home.display())), JobEnvironment::Settings);
        let image = format!("\nimage {}\n", home.display());
        prop_assert!(said.contains(&image), "{said:?} {reason:?}");
        for kind in ["conda", "path", "image"] {
            let (_, reason) = run(top, &configured(&format!("{kind}:/nowhere/{name}")), JobEnvironment::Settings);
            prop_assert!(reason.starts_with("no python: "), "{reason:?}");
        }
        prop_assert!(!top.join("owned").exists());
    }
}
