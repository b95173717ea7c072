use std::fs;

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
    assert_eq!(big.scheduler, hoist_cluster::SchedulerKind::Slurm);
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
            "hoist.toml:3:1: there is no key \"module\" here, did you mean \"modules\"?; there are "
        ),
        "{refusal}"
    );
    let files = Files::new(&[("pyproject.toml", "[tool.hoist]\ndefault-target = 'local'\n")]);
    assert_eq!(
        files.refusal(),
        "pyproject.toml:2:1: there is no key \"default-target\" here, did you mean \"default_target\"?; there are default_target, targets"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_at_its_place() {
    let files = Files::new(&[("hoist.toml", "[targets.a.resources]\ncores = 'many'\n")]);
    insta::assert_snapshot!(files.refusal(), @r#"hoist.toml:2:9: invalid type: string "many", expected u32"#);
    let files = Files::new(&[("hoist.toml", "[targets.a]\nscheduler = 'slrum'\n")]);
    let refusal = files.refusal();
    assert!(
        refusal.starts_with(
            "hoist.toml:2:13: there is no value \"slrum\" here, did you mean \"slurm\"?"
        ),
        "{refusal}"
    );
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
    insta::assert_snapshot!(files.refusal(), @r#"hoist.toml:2:1: there is no target "discovry", did you mean "discovery"?; there are discovery, local"#);
}

#[test]
fn values_that_cannot_be_used_name_their_target() {
    let files = Files::new(&[("user.toml", "[targets.local]\nhost = 'elsewhere'\n")]);
    insta::assert_snapshot!(files.refusal(), @r#"user.toml:2:1: the target "local" is this machine and takes no host; give the target another name"#);
    let files = Files::new(&[("hoist.toml", "\n[targets.a]\nwork_dir = ''\n")]);
    let refusal = files.refusal();
    assert!(refusal.starts_with("hoist.toml:2:10: "), "{refusal}");
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
