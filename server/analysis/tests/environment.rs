//! Environments that are made by hand in a temporary folder: which interpreter is found, and what is installed for it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use hoist_analysis::Disk;
use hoist_analysis::environment::{Choice, Environment, Environments, Question, Variables};

/// A folder that is removed at the end, with a home in it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(files: &[(&str, &str)]) -> Home {
        let home = Home {
            folder: tempfile::tempdir().unwrap(),
        };
        for (path, text) in files {
            home.write(path, text);
        }
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A Python with its own library: `prefix/bin/python3.11`.
    fn python(&self, prefix: &str, minor: &str) {
        self.write(&format!("{prefix}/bin/python{minor}"), "");
        self.write(&format!("{prefix}/lib/python{minor}/os.py"), "");
        self.write(
            &format!("{prefix}/lib/python{minor}/site-packages/README.txt"),
            "",
        );
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            format!("python{minor}"),
            self.path(&format!("{prefix}/bin/python3")),
        )
        .unwrap();
    }

    /// A virtual environment over a Python.
    fn venv(&self, folder: &str, base: &str, minor: &str, system: bool) {
        let home = self.path(base).join("bin");
        self.write(
            &format!("{folder}/pyvenv.cfg"),
            &format!(
                "home = {}\ninclude-system-site-packages = {system}\nversion = {minor}.4\n",
                home.display()
            ),
        );
        self.write(
            &format!("{folder}/lib/python{minor}/site-packages/_virtualenv.pth"),
            "import _virtualenv\n",
        );
        std::fs::create_dir_all(self.path(folder).join("bin")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.join("python3"), self.path(folder).join("bin/python3"))
            .unwrap();
    }

    /// An installed distribution with its files.
    fn install(&self, site: &str, name: &str, version: &str, files: &[&str]) {
        let info = format!("{name}-{version}.dist-info");
        self.write(
            &format!("{site}/{info}/METADATA"),
            &format!("Name: {name}\nVersion: {version}\nSummary: {name} does it.\n\nText\n"),
        );
        let mut record = format!("{info}/METADATA,,\n");
        for file in files {
            self.write(&format!("{site}/{file}"), "");
            record.push_str(&format!("{file},sha256=x,1\n"));
        }
        self.write(&format!("{site}/{info}/RECORD"), &record);
    }

    fn environment(&self, variables: &Variables, configured: Option<&str>) -> Environment {
        let workspace = self.path("work");
        let question = Question {
            workspace: &workspace,
            folder: &workspace.join("deep/er"),
            configured,
        };
        Environment::read(&Disk, variables, &question)
    }
}

fn providers(environment: &Environment, module: &str) -> Vec<String> {
    environment
        .providers(module)
        .iter()
        .map(|one| format!("{} {}", one.name, one.version))
        .collect()
}

fn chosen(environment: &Environment) -> (Choice, String, Option<String>) {
    let interpreter = environment.interpreter().unwrap();
    let name = interpreter.prefix.file_name().unwrap();
    (
        interpreter.choice,
        name.to_str().unwrap().to_owned(),
        interpreter.version.clone(),
    )
}

#[test]
fn the_interpreter_is_the_first_that_is_meant() {
    let home = Home::new(&[("work/train.py", "")]);
    home.python("python311", "3.11");
    home.python("pyenv/versions/3.12.1", "3.12");
    home.python("pyenv/versions/3.9.18", "3.9");
    home.python("uv/cpython-3.13.0-linux-x86_64-gnu", "3.13");
    home.write("pyenv/shims/python3", "#!/bin/sh\n");
    let path =
        std::env::join_paths([home.path("pyenv/shims"), home.path("python311/bin")]).unwrap();
    let base = [
        ("HOME", home.path("home").into_os_string()),
        ("PATH", path),
        ("PYENV_ROOT", home.path("pyenv").into_os_string()),
        ("UV_PYTHON_INSTALL_DIR", home.path("uv").into_os_string()),
    ];
    let with = |more: &[(&'static str, PathBuf)]| {
        let more = more
            .iter()
            .map(|(name, path)| (*name, path.clone().into_os_string()));
        Variables::of(base.iter().cloned().chain(more))
    };
    let plain = with(&[]);
    let is = |found: Environment, choice, name: &str, version: &str| {
        assert_eq!(
            chosen(&found),
            (choice, name.to_owned(), Some(version.to_owned()))
        );
    };

    // From the weakest to the strongest.
    is(
        home.environment(&plain, None),
        Choice::Path,
        "python311",
        "3.11",
    );
    home.write("pyenv/version", "3.9.18\n");
    is(
        home.environment(&plain, None),
        Choice::Version,
        "3.9.18",
        "3.9.18",
    );
    home.write("work/.python-version", "# ours\n3.12\n");
    is(
        home.environment(&plain, None),
        Choice::Version,
        "3.12.1",
        "3.12.1",
    );
    home.write("work/.python-version", "3.13\n");
    let uv = "cpython-3.13.0-linux-x86_64-gnu";
    is(
        home.environment(&plain, None),
        Choice::Version,
        uv,
        "3.13.0",
    );
    home.write("conda/conda-meta/python-3.10.4-h1_0_cpython.json", "{}");
    home.python("conda", "3.10");
    let conda = [("CONDA_PREFIX", home.path("conda"))];
    is(
        home.environment(&with(&conda), None),
        Choice::Conda,
        "conda",
        "3.10.4",
    );
    home.venv("work/venv", "python311", "3.11", false);
    is(
        home.environment(&with(&conda), None),
        Choice::Workspace,
        "venv",
        "3.11.4",
    );
    home.venv("work/deep/.venv", "python311", "3.11", false);
    is(
        home.environment(&with(&conda), None),
        Choice::Workspace,
        ".venv",
        "3.11.4",
    );
    home.venv("other", "pyenv/versions/3.12.1", "3.12", false);
    let active = with(&[("VIRTUAL_ENV", home.path("other"))]);
    is(
        home.environment(&active, None),
        Choice::Activated,
        "other",
        "3.12.4",
    );
    let named = |text: &str| home.environment(&active, Some(text));
    is(named("venv"), Choice::Activated, "other", "3.12.4");
    is(
        named("./venv/bin/python3"),
        Choice::Configured,
        "venv",
        "3.11.4",
    );
    is(named("./venv"), Choice::Configured, "venv", "3.11.4");
    is(named("python3"), Choice::Configured, "python311", "3.11");

    // What an activated environment that is gone leaves is passed over, and without any Python there is none.
    let gone = with(&[("VIRTUAL_ENV", home.path("nowhere"))]);
    is(
        home.environment(&gone, None),
        Choice::Workspace,
        ".venv",
        "3.11.4",
    );
    let empty = Home::new(&[("work/train.py", "")]);
    let none = empty.environment(&Variables::default(), None);
    assert!(none.interpreter().is_none() && none.distributions().is_empty());
    assert!(none.is_library("os") && none.is_library("distutils"));
}

#[test]
fn an_environment_sees_the_base_only_when_it_says_so() {
    let home = Home::new(&[("work/train.py", "")]);
    home.python("base", "3.11");
    home.install(
        "base/lib/python3.11/site-packages",
        "six",
        "1.0",
        &["six.py"],
    );
    let user = "home/.local/lib/python3.11/site-packages";
    home.install(user, "attrs", "2.0", &["attr/__init__.py"]);
    let variables = Variables::of([("HOME", home.path("home").into_os_string())]);
    for system in [false, true] {
        home.venv(&format!("venv-{system}"), "base", "3.11", system);
        let site = format!("venv-{system}/lib/python3.11/site-packages");
        home.install(&site, "rich", "3.0", &["rich/__init__.py"]);
        let path = home.path(&format!("venv-{system}"));
        let environment = home.environment(&variables, path.to_str());
        assert_eq!(providers(&environment, "rich.table"), ["rich 3.0"]);
        assert_eq!(!providers(&environment, "six").is_empty(), system);
        assert_eq!(!providers(&environment, "attr").is_empty(), system);
        assert!(environment.is_library("os") && environment.is_library("_thread"));
    }
    // A Python without any environment sees itself and what its user installed.
    let path = home.path("base/bin/python3");
    let environment = home.environment(&variables, path.to_str());
    assert_eq!(providers(&environment, "six"), ["six 1.0"]);
    assert_eq!(providers(&environment, "attr"), ["attrs 2.0"]);
}

#[test]
fn a_name_is_of_the_distribution_whose_files_it_is() {
    let home = Home::new(&[]);
    home.python("base", "3.11");
    home.venv("work/.venv", "base", "3.11", false);
    let site = "work/.venv/lib/python3.11/site-packages";
    home.install(
        site,
        "PyYAML",
        "6.0.1",
        &[
            "yaml/__init__.py",
            "_yaml/__init__.py",
            "yaml/_yaml.cpython-311-x86_64-linux-gnu.so",
        ],
    );
    home.install(
        site,
        "google_cloud_storage",
        "2.1",
        &["google/cloud/storage/__init__.py"],
    );
    home.install(
        site,
        "protobuf",
        "4.0",
        &[
            "google/protobuf/__init__.py",
            "google/_upb/_message.abi3.so",
        ],
    );
    home.install(site, "six", "1.16", &["six.py"]);
    home.install(
        site,
        "opencv_python",
        "4.8",
        &["cv2/__init__.py", "cv2/cv2.abi3.so"],
    );
    home.install(
        site,
        "opencv_python_headless",
        "4.9",
        &["cv2/__init__.py", "cv2/headless.py"],
    );
    home.install(
        site,
        "attrs",
        "23.1",
        &["attr/__init__.py", "attrs/__init__.py"],
    );
    // Without a record, by the list of names.
    home.write(
        &format!("{site}/Old-1.0.egg-info/PKG-INFO"),
        "Name: Old\nVersion: 1.0\n",
    );
    home.write(&format!("{site}/Old-1.0.egg-info/top_level.txt"), "oldie\n");
    home.write(&format!("{site}/oldie.py"), "");
    // As conda and setup.py leave it: a list of sources, of which not all were installed.
    home.write(
        &format!("{site}/Conda_Made-2.0-py3.11.egg-info/PKG-INFO"),
        "Name: Conda-Made\nVersion: 2.0\n",
    );
    home.write(
        &format!("{site}/Conda_Made-2.0-py3.11.egg-info/SOURCES.txt"),
        "setup.py\nmade/__init__.py\nmade/x.py\ntests/test_x.py\n",
    );
    home.write(&format!("{site}/made/__init__.py"), "");
    // A file alone, which tells only its name.
    home.write(
        &format!("{site}/dbus_python-1.3.2.egg-info"),
        "Name: dbus-python\nVersion: 1.3.2\n",
    );
    home.write(&format!("{site}/dbus/__init__.py"), "");
    // Installed by pip with setup.py: the files stand relative to the metadata.
    home.write(
        &format!("{site}/Listed-3.0-py3.11.egg-info/PKG-INFO"),
        "Name: Listed\nVersion: 3.0\n",
    );
    home.write(
        &format!("{site}/Listed-3.0-py3.11.egg-info/installed-files.txt"),
        "../listed_one.py\n../listed_two/__init__.py\nPKG-INFO\n",
    );
    home.write(&format!("{site}/copied_by_hand.py"), "");
    // A folder that a .pth puts on the path, inside of the site.
    home.install(site, "pywin32", "306", &["win32/win32api.pyd"]);
    home.write(
        &format!("{site}/pywin32.pth"),
        "# comment\nwin32\nwin32\\lib\nnowhere\n",
    );

    let environment = home.environment(&Variables::default(), None);
    let shown: Vec<String> = [
        "yaml",
        "yaml.nodes",
        "_yaml",
        "google.cloud.storage.blob",
        "google.protobuf",
        "google._upb._message",
        "google",
        "google.cloud",
        "six",
        "cv2",
        "cv2.headless",
        "attr",
        "attrs",
        "oldie",
        "made",
        "tests",
        "setup",
        "dbus.service",
        "listed_one",
        "listed_two.x",
        "copied_by_hand",
        "win32api",
        "numpy",
    ]
    .iter()
    .map(|name| {
        format!("{name}: {}", providers(&environment, name).join(", "))
            .trim_end()
            .to_owned()
    })
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    yaml: PyYAML 6.0.1
    yaml.nodes: PyYAML 6.0.1
    _yaml: PyYAML 6.0.1
    google.cloud.storage.blob: google_cloud_storage 2.1
    google.protobuf: protobuf 4.0
    google._upb._message: protobuf 4.0
    google:
    google.cloud:
    six: six 1.16
    cv2: opencv_python 4.8, opencv_python_headless 4.9
    cv2.headless: opencv_python_headless 4.9
    attr: attrs 23.1
    attrs: attrs 23.1
    oldie: Old 1.0
    made: Conda-Made 2.0
    tests:
    setup:
    dbus.service: dbus-python 1.3.2
    listed_one: Listed 3.0
    listed_two.x: Listed 3.0
    copied_by_hand:
    win32api: pywin32 306
    numpy:
    ");
    assert!(
        environment.has("copied_by_hand") && environment.has("google") && !environment.has("numpy")
    );
    assert_eq!(
        environment
            .distribution("pyyaml")
            .unwrap()
            .summary
            .as_deref(),
        Some("PyYAML does it.")
    );
    assert_eq!(
        environment
            .distribution("google-cloud.STORAGE")
            .unwrap()
            .version,
        "2.1"
    );
}

#[test]
fn what_is_read_is_read_again_when_it_changes_and_not_before() {
    let home = Home::new(&[]);
    home.python("base", "3.11");
    home.venv("work/.venv", "base", "3.11", false);
    let site = "work/.venv/lib/python3.11/site-packages";
    home.install(site, "six", "1.0", &["six.py"]);
    let workspace = home.path("work");
    let question = Question {
        workspace: &workspace,
        folder: &workspace,
        configured: None,
    };
    let environments = Environments::new(Variables::default(), Duration::ZERO);
    let first = environments.get(&Disk, &question);
    let again = environments.get(&Disk, &question);
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    let later = |path: &Path| {
        let file = std::fs::File::open(path).unwrap();
        let now = std::time::SystemTime::now() + Duration::from_secs(5);
        file.set_modified(now).unwrap();
    };
    home.install(site, "rich", "3.0", &["rich/__init__.py"]);
    later(&home.path(site));
    let second = environments.get(&Disk, &question);
    assert_eq!(providers(&second, "rich"), ["rich 3.0"]);
    std::fs::remove_dir_all(home.path(site).join("six-1.0.dist-info")).unwrap();
    std::fs::remove_file(home.path(site).join("six.py")).unwrap();
    let third = environments.get(&Disk, &question);
    assert!(providers(&third, "six").is_empty() && !third.has("six"));
    // A patient one says again what it has said, until it is told to doubt it.
    let patient = Environments::new(Variables::default(), Duration::from_secs(3600));
    let before = patient.get(&Disk, &question);
    home.install(site, "six", "2.0", &["six.py"]);
    assert!(std::sync::Arc::ptr_eq(
        &before,
        &patient.get(&Disk, &question)
    ));
    patient.doubt();
    assert_eq!(
        providers(&patient.get(&Disk, &question), "six"),
        ["six 2.0"]
    );
}
