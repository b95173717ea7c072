use std::fs;

use hoist_cluster::SchedulerKind;

use super::*;

/// A workspace and a user's file with these texts; `None` leaves the file out.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        Self { folder }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let user = self.folder.path().join("user.toml");
        Config::load_with(Some(self.folder.path()), Some(&user))
    }

    /// The error's sentence without the temporary folder.
    fn refusal(&self) -> String {
        let error = self.load().expect_err("refused").to_string();
        error.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn local_is_there_without_any_file() {
    let config = Files::new(&[]).load().expect("loaded");
    assert_eq!(config.default_target().name, "local");
    assert_eq!(config.targets().count(), 1);
    assert!(config.files().is_empty());
    let unknown = config.target("slurm").expect_err("unknown").to_string();
    insta::assert_snapshot!(unknown, @r#"there is no target "slurm"; only "local" is there, others are made by [targets.NAME] in hoist.toml"#);
}

#[test]
fn the_first_found_key_wins_and_the_others_fill_what_it_leaves_open() {
    let files = Files::new(&[
        (
            "pyproject.toml",
            "[project]\nname = 'x'\n[tool.ruff]\nselect = []\n[tool.hoist.targets.big.resources]\ncores = 8\n",
        ),
        (
            "hoist.toml",
            "default_target = 'big'\n[targets.big]\nscheduler = 'slurm'\n[targets.big.resources]\ncores = 4\nmemory = '8G'\n",
        ),
        (
            "user.toml",
            "default_target = 'local'\n[targets.big]\nscheduler = 'none'\nhost = 'discovery'\n[targets.other]\nhost = 'h'\n",
        ),
    ]);
    let config = files.load().expect("loaded");
    let big = config.default_target();
    assert_eq!(big.name, "big");
    assert_eq!(big.host.as_deref(), Some("discovery"));
    assert_eq!(big.scheduler, SchedulerKind::Slurm);
    assert_eq!(big.resources.cores, Some(8));
    assert_eq!(big.resources.memory.map(|memory| memory.0), Some(8 << 30));
    let names: Vec<&str> = config
        .targets()
        .map(|target| target.name.as_str())
        .collect();
    assert_eq!(names, ["big", "local", "other"]);
    assert_eq!(config.files().len(), 3);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name_and_its_place() {
    let files = Files::new(&[(
        "hoist.toml",
        "[targets.a]\nhost = 'h'\nmodule = ['python']\n",
    )]);
    let refusal = files.refusal();
    assert!(
        refusal.starts_with(
            "hoist.toml:3:1: there is no key \"module\" here (did you mean \"modules\"?); there are "
        ),
        "{refusal}"
    );
    let files = Files::new(&[("pyproject.toml", "[tool.hoist]\ndefault-target = 'local'\n")]);
    assert_eq!(
        files.refusal(),
        "pyproject.toml:2:1: there is no key \"default-target\" here (did you mean \"default_target\"?); there are default_target, ignore, ignore_in, data, targets"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_at_its_place() {
    let files = Files::new(&[("hoist.toml", "[targets.a.resources]\ncores = 'many'\n")]);
    insta::assert_snapshot!(files.refusal(), @r#"hoist.toml:2:9: a whole number is expected, not the text "many""#);
    let files = Files::new(&[("hoist.toml", "[targets.a]\nscheduler = 'slrum'\n")]);
    let refusal = files.refusal();
    assert!(
        refusal.starts_with(
            "hoist.toml:2:13: there is no value \"slrum\" here (did you mean \"slurm\"?)"
        ),
        "{refusal}"
    );
}

#[test]
fn a_value_that_does_not_go_with_another_one_is_refused_at_its_place() {
    let text = "[targets.pods]\nscheduler = 'kubernetes'\nenvironment = 'venv'\n";
    let files = Files::new(&[("hoist.toml", text)]);
    insta::assert_snapshot!(files.refusal(), @r#"hoist.toml:3:15: environment = "venv" cannot be used, nothing outlives a pod, so each job would build it anew: put what the code imports into an image, and name that in `image`; correct `environment` of the target in the configuration"#);
}

#[test]
fn a_file_that_is_no_toml_is_never_left_out_in_silence() {
    let files = Files::new(&[("hoist.toml", "default_target = \n"), ("user.toml", "")]);
    assert!(
        files.refusal().starts_with("hoist.toml:1:"),
        "{}",
        files.refusal()
    );
    let files = Files::new(&[("pyproject.toml", "[project\n")]);
    assert!(
        files.refusal().starts_with("pyproject.toml:1:"),
        "{}",
        files.refusal()
    );
    let files = Files::new(&[]);
    fs::write(files.folder.path().join("hoist.toml"), b"a = '\xff'").expect("written");
    insta::assert_snapshot!(files.refusal(), @"hoist.toml: it is not UTF-8, as TOML must be; save it as UTF-8");
}

#[test]
fn a_default_target_that_does_not_exist_is_refused_where_it_is_named() {
    let files = Files::new(&[
        ("hoist.toml", "# ours\ndefault_target = 'discovry'\n"),
        ("user.toml", "[targets.discovery]\nhost = 'd'\n"),
    ]);
    insta::assert_snapshot!(files.refusal(), @r#"hoist.toml:2:18: there is no target "discovry" (did you mean "discovery"?); there are discovery, local"#);
}

#[test]
fn values_that_cannot_be_used_name_their_target() {
    let files = Files::new(&[("user.toml", "[targets.local]\nhost = 'elsewhere'\n")]);
    insta::assert_snapshot!(files.refusal(), @r#"user.toml:2:8: the target "local" is this machine and takes no host; give the target another name"#);
    let files = Files::new(&[("hoist.toml", "\n[targets.a]\nwork_dir = ''\n")]);
    let refusal = files.refusal();
    assert!(refusal.starts_with("hoist.toml:3:12: "), "{refusal}");
    assert!(refusal.contains("work_dir"), "{refusal}");
}

#[test]
fn the_workspace_is_the_nearest_folder_with_a_mark() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inner = folder.path().join("a/b");
    fs::create_dir_all(&inner).expect("made");
    let file = inner.join("train.py");
    fs::write(folder.path().join("hoist.toml"), "").expect("written");
    assert_eq!(workspace_of(&file), folder.path());
    fs::write(folder.path().join("a/pyproject.toml"), "").expect("written");
    assert_eq!(workspace_of(&file), folder.path().join("a"));
    let alone = tempfile::tempdir().expect("a temporary folder");
    // Nothing is said about folders above the temporary one: a mark there is the machine's.
    if !alone
        .path()
        .ancestors()
        .any(|above| above.join(".git").exists())
    {
        assert_eq!(workspace_of(&alone.path().join("x.py")), alone.path());
    }
}

/// What is wrong with a file, one mistake a line with what is underlined.
fn wrong(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    diagnose_with(&file, text, None)
        .iter()
        .map(|problem| {
            let place = text.get(problem.range.clone()).expect("inside of the text");
            format!("{} `{place}`: {}", problem.code, problem.message)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_mistake_of_a_file_is_told_at_its_place() {
    let text = "\
default_target = 'far'
colour = 'red'
ignore = ['HST012', 'HST999', 3]
ignore_in = { '*.py' = ['HST001', 'X'] }
data = 'x'

[targets.far]
scheduler = 'slrum'
modules = ['a', 2]
env = { A = '1', B = 2 }
work_dir = ''
python_version = 'three'
connect_timeout = 5

[targets.far.resources]
cores = 0
nodes = -1
memory = 8
time = 'soon'
queue = 'a b'
gpu = 1
extra = ['--x', 'qos=1']

[targets]
near = 'x'
";
    let text = text.replace("\n[targets]\nnear", "\n[targets.near]\nresources = 3\n#");
    insta::assert_snapshot!(wrong("hoist.toml", &text));
    insta::assert_snapshot!(
        "pyproject",
        wrong(
            "pyproject.toml",
            "[project]\ncolour = 'red'\n[tool.hoist]\ndefault_target = 'nowhere'\n",
        )
    );
    assert_eq!(wrong("pyproject.toml", "[tool.other]\nx = 1\n"), "");
    insta::assert_snapshot!(
        "broken",
        wrong("hoist.toml", "a = \n[targets.x\nhost = 'x'\n")
    );
}

#[test]
fn codes_are_ignored_where_the_configuration_says_so() {
    let files = Files::new(&[(
        "hoist.toml",
        "ignore = ['HST006']\nignore_in = { 'notebooks/*' = ['HST012', 'HST013'], 'setup.py' = ['HST001'] }\n",
    )]);
    let config = files.load().expect("loaded");
    let workspace = files.folder.path();
    let ignored = |file: &str| -> Vec<String> {
        let codes = config.ignored(&workspace.join(file), workspace);
        codes.iter().map(ToString::to_string).collect()
    };
    assert_eq!(ignored("train.py"), ["HST006"]);
    assert_eq!(ignored("notebooks/a.py"), ["HST006", "HST012", "HST013"]);
    assert_eq!(ignored("notebooks/deep/a.py"), ["HST006"]);
    assert_eq!(ignored("lib/setup.py"), ["HST001", "HST006"]);
}

/// The labels that are proposed where `|` stands, with what they put there.
fn proposed(name: &str, marked: &str) -> Vec<String> {
    let offset = marked.find('|').expect("a mark");
    let text = marked.replacen('|', "", 1);
    let file = Path::new("/w").join(name);
    complete(&file, &text, offset, &["discovery".to_owned()])
        .iter()
        .map(|found| format!("{} -> {}", found.label, found.insert))
        .collect()
}

#[test]
fn keys_and_values_are_proposed_from_the_schema() {
    let top = proposed("hoist.toml", "data = []\n|\n");
    insta::assert_snapshot!(top.join("\n"), @r#"
    default_target -> default_target = ""
    ignore -> ignore = []
    ignore_in -> ignore_in = {}
    targets -> targets = {}
    "#);
    let all = SchedulerKind::ALL;
    let bare = proposed("hoist.toml", "[targets.x]\nscheduler = |\n");
    let quoted = proposed("hoist.toml", "[targets.x]\nscheduler = 's|'\n");
    assert!(bare.len() == all.len() && bare.contains(&"slurm -> \"slurm\"".to_owned()));
    assert!(quoted.len() == all.len() && quoted.contains(&"slurm -> slurm".to_owned()));
    assert_eq!(
        proposed("hoist.toml", "default_target = \"|\"\n[targets.mine]\n"),
        ["discovery -> discovery", "local -> local", "mine -> mine"]
    );
    assert!(proposed("hoist.toml", "ignore = ['|']").contains(&"HST012 -> HST012".to_owned()));
    assert!(
        proposed("hoist.toml", "[targets.x.resources]\nmem|\n")
            .contains(&"memory -> memory = \"\"".to_owned())
    );
    assert!(
        proposed("hoist.toml", "[targets.x]\nresources.mem| = '8G'\n")
            .contains(&"memory -> memory".to_owned())
    );
    assert!(
        proposed("hoist.toml", "[|]\n")
            .contains(&"targets.discovery.resources -> targets.discovery.resources".to_owned())
    );
    assert_eq!(
        proposed("pyproject.toml", "[project]\n|\n"),
        Vec::<String>::new()
    );
    assert!(
        proposed("pyproject.toml", "[tool.hoist.targets.x]\n|\n")
            .contains(&"host -> host = \"\"".to_owned())
    );
    assert!(proposed("pyproject.toml", "[|]\n").contains(&"tool.hoist -> tool.hoist".to_owned()));
}

#[test]
fn a_key_and_a_value_are_explained() {
    let explained = |marked: &str| {
        let offset = marked.find('|').expect("a mark");
        let text = marked.replacen('|', "", 1);
        explain(Path::new("/w/hoist.toml"), &text, offset).map(|found| found.text)
    };
    insta::assert_snapshot!(explained("[targets.x]\nwork|_dir = '~'\n").unwrap_or_default(), @"The folder for packages and jobs, shared with the compute nodes. `~` and `$NAME` are read on the other side. Without it: `\"~/.hoist\"`.");
    assert_eq!(
        explained("ignore = ['HST|012']\n").as_deref(),
        Some("A data file is missing")
    );
    assert_eq!(
        explained("[targets.x]\nscheduler = 'slu|rm'\n").as_deref(),
        Some("Slurm.")
    );
    assert_eq!(explained("[targets.x]\nnothing| = 1\n"), None);
}

#[test]
fn patterns_of_files_that_travel_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tables")).expect("a folder in it");
    std::fs::write(folder.path().join("tables/a.csv"), "1").expect("a file");
    let said = |text: &str, name: &str| -> Vec<String> {
        let found = diagnose_with(&folder.path().join(name), text, None);
        found
            .into_iter()
            .map(|problem| {
                let Problem {
                    code,
                    severity,
                    range,
                    message,
                } = problem;
                format!("{severity:?} {code} {}: {message}", &text[range])
            })
            .collect()
    };
    let text = "data = ['tables/*.csv', 'tables', 'gone/*.csv']\n";
    let gone = "Warning HST012 'gone/*.csv': no file matches `gone/*.csv`, which `data` names; correct the pattern";
    assert_eq!(said(text, "hoist.toml"), [gone]);
    assert_eq!(
        said(&format!("[tool.hoist]\n{text}"), "pyproject.toml"),
        [gone]
    );
    for leaves in [
        "../x.csv",
        "/data/x.csv",
        "tables/../../x",
        "a*/../../x",
        "C:\\x.csv",
    ] {
        assert_eq!(
            said(&format!("data = ['tables', '{leaves}']\n"), "hoist.toml"),
            [format!(
                "Error HST052 '{leaves}': `{leaves}` does not stay in the workspace, and what lies outside of it does not travel: write it from the workspace's folder, with `/`"
            )]
        );
    }
    assert_eq!(
        said("data = ['a/[x']\n", "hoist.toml"),
        ["Error HST052 'a/[x': `a/[x` is no pattern: invalid range pattern"]
    );
}
