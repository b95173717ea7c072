//! What must be installed elsewhere: from the metadata installed here and from what is declared, to the list for one platform.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hoist_analysis::environment::{Environment, Question, Variables};
use hoist_analysis::lock::{Lock, LockError, Needs, Platform, needs};
use hoist_analysis::{Disk, EntrySpec, Module, slice};
use hoist_syntax::Document;

/// A workspace with a virtual environment of Python 3.11.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Project {
        let project = Project {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("base/bin/python3.11", "");
        project.write("base/lib/python3.11/os.py", "");
        let home = project.root().join("base/bin");
        project.write(
            ".venv/pyvenv.cfg",
            &format!("home = {}\nversion = 3.11.4\n", home.display()),
        );
        project.write(".venv/bin/python", "");
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn in_site(&self, path: &str, text: &str) {
        self.write(&format!(".venv/lib/python3.11/site-packages/{path}"), text);
    }

    /// Installs a distribution of one module of its name, with these lines in its metadata.
    fn install(&self, name: &str, version: &str, lines: &[&str]) {
        let info = format!("{name}-{version}.dist-info");
        let head = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        self.in_site(
            &format!("{info}/METADATA"),
            &(head + &lines.join("\n") + "\n"),
        );
        self.in_site(
            &format!("{info}/RECORD"),
            &format!("{name}/__init__.py,,\n"),
        );
        self.in_site(&format!("{name}/__init__.py"), "");
    }

    fn needs_of(&self, file: &str, entry: &str) -> Needs {
        let root = self.root();
        let path = root.join(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let question = Question {
            workspace: &root,
            folder: path.parent().unwrap(),
            configured: None,
        };
        let environment = Environment::read(&Disk, &Variables::default(), &question);
        let module = Module {
            path: &path,
            document: &document,
            workspace: &root,
            environment: Some(&environment),
        };
        let slice = slice(&module, &Disk, &EntrySpec::Name(entry.to_owned()), None).unwrap();
        needs(&Disk, &module, &slice)
    }

    /// Needs of the function `work` of main.py.
    fn needs(&self) -> Needs {
        self.needs_of("main.py", "work")
    }

    fn lock(&self) -> Lock {
        self.needs().lock(&linux("3.11.9")).unwrap()
    }
}

fn variables(python: &str) -> BTreeMap<String, String> {
    let minor: Vec<&str> = python.split('.').take(2).collect();
    let all = [
        ("implementation_name", "cpython"),
        ("implementation_version", python),
        ("os_name", "posix"),
        ("platform_machine", "x86_64"),
        ("platform_python_implementation", "CPython"),
        ("platform_release", "6.1.0"),
        ("platform_system", "Linux"),
        ("platform_version", "#1 SMP"),
        ("python_full_version", python),
        ("python_version", &minor.join(".")),
        ("sys_platform", "linux"),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn linux(python: &str) -> Platform {
    Platform::new(&variables(python), Some("glibc 2.36")).unwrap()
}

/// A module whose function `work` imports these.
fn importing(modules: &str) -> String {
    format!("import {modules}\n\ndef work():\n    return {modules}\n")
}

#[test]
fn what_is_installed_here_is_pinned_with_what_it_needs() {
    let project = Project::new(&[("main.py", &importing("frames"))]);
    project.install(
        "frames",
        "2.1.0",
        &[
            "Requires-Dist: arrays<3,>=1.26",
            "Requires-Dist: zones>=2020",
            "Requires-Dist: colours; sys_platform == 'win32'",
            "Requires-Dist: backport>=4; python_version < '3.9'",
            "Requires-Dist: pytest>=7; extra == 'test'",
        ],
    );
    project.install("arrays", "1.26.4", &[]);
    project.install("Zones", "2024.1", &["Requires-Dist: six"]);
    project.install("six", "1.16.0", &[]);
    project.install("pytest", "8.0", &[]);
    project.install("unrelated", "1.0", &[]);
    let lock = project.lock();
    assert_eq!(
        lock.requirements,
        [
            "arrays==1.26.4",
            "frames==2.1.0",
            "six==1.16.0",
            "zones==2024.1"
        ]
    );
    assert!(lock.is_complete);
    assert_eq!(lock.python, "3.11");
    // What an older Python needs besides is not installed here: the installer finds it.
    let older = project.needs().lock(&linux("3.8.2")).unwrap();
    assert_eq!(older.requirements[1], "backport>=4");
    assert!(!older.is_complete);
}

#[test]
fn what_a_library_makes_use_of_and_has_here_goes_with_it() {
    let project = Project::new(&[("main.py", &importing("frames"))]);
    project.install(
        "frames",
        "2.1.0",
        &[
            "Requires-Dist: columns>=10; extra == 'columnar'",
            "Requires-Dist: speed>=2; extra == 'performance'",
            "Requires-Dist: sheets>=3; extra == 'excel'",
            "Requires-Dist: sphinx; extra == 'doc'",
            "Requires-Dist: columns>=10; extra == 'all'",
        ],
    );
    project.install("columns", "15.0", &["Requires-Dist: arrays"]);
    project.install("arrays", "1.26.4", &[]);
    // Too old for it: it is not used here either.
    project.install("speed", "1.0", &[]);
    project.install("sphinx", "7.0", &[]);
    assert_eq!(
        project.lock().requirements,
        ["arrays==1.26.4", "columns==15.0", "frames==2.1.0"]
    );
}

#[test]
fn extras_that_are_asked_for_are_kept() {
    let project = Project::new(&[("main.py", &importing("web"))]);
    project.install("web", "1.0", &["Requires-Dist: fetch[socks]>=2"]);
    project.install(
        "fetch",
        "2.31",
        &["Requires-Dist: PySocks; extra == 'socks'"],
    );
    assert_eq!(
        project.lock().requirements,
        ["fetch[socks]==2.31", "pysocks", "web==1.0"]
    );
}

#[test]
fn what_is_not_installed_is_asked_for_as_it_is_declared() {
    let project = Project::new(&[
        ("main.py", &importing("yaml, frames")),
        (
            "pyproject.toml",
            "[project]\nname = \"x\"\ndependencies = [\"PyYAML>=6,<7\", \"frames>=3 ; python_version >= '3.8'\"]\n",
        ),
    ]);
    // The project does not allow the one that is installed.
    project.install("frames", "2.1.0", &["Requires-Dist: arrays"]);
    let lock = project.lock();
    assert_eq!(lock.requirements, ["frames>=3", "pyyaml>=6,<7"]);
    assert!(!lock.is_complete);

    let project = Project::new(&[
        ("main.py", &importing("yaml")),
        (
            "requirements.txt",
            "--extra-index-url https://me:secret@packages.example.org/simple\n-i https://pypi.org/simple\nPyYAML==6.0.1\narrays[fast]<2\nother\n",
        ),
    ]);
    let lock = project.lock();
    assert_eq!(lock.requirements, ["pyyaml==6.0.1"]);
    assert_eq!(lock.constraints, ["pyyaml==6.0.1", "arrays<2"]);
    assert_eq!(lock.indexes, ["https://packages.example.org/simple"]);
    assert!(!lock.is_complete, "nobody knows what it needs");
}

#[test]
fn an_optional_import_is_needed_only_where_it_is_here() {
    let source = "try:\n    import fast\nexcept ImportError:\n    fast = None\ntry:\n    import slow\nexcept ImportError:\n    slow = None\n\ndef work():\n    return fast, slow\n";
    let project = Project::new(&[("main.py", source)]);
    project.install("slow", "1.0", &[]);
    assert_eq!(project.lock().requirements, ["slow==1.0"]);
}

#[test]
fn a_script_says_what_it_needs() {
    let source = "# /// script\n# requires-python = \">=3.9\"\n# dependencies = [\n#   \"arrays<2\",\n#   \"rich\",\n# ]\n# [[tool.uv.index]]\n# url = \"https://packages.example.org/simple\"\n# ///\nimport arrays\n\ndef work():\n    return arrays\n";
    let project = Project::new(&[("main.py", source), ("requirements.txt", "arrays>=9\n")]);
    project.install("arrays", "1.26.4", &[]);
    let lock = project.lock();
    assert_eq!(lock.requirements, ["arrays==1.26.4", "rich"]);
    assert_eq!(lock.indexes, ["https://packages.example.org/simple"]);
    let error = project.needs().lock(&linux("3.8.1")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the script asks for Python >=3.9 and the target's is 3.8.1; choose another Python there (`python` or `modules` of the target), or change `requires-python`"
    );
}

const UV_LOCK: &str = r#"version = 1
requires-python = ">=3.8"

[[package]]
name = "frames"
version = "2.2.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "arrays", version = "1.24.4", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.9'" },
    { name = "arrays", version = "2.0.1", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3.9'" },
    { name = "tool", extra = ["cli"] },
]

[package.optional-dependencies]
excel = [{ name = "sheets" }]

[[package]]
name = "arrays"
version = "1.24.4"
source = { registry = "https://pypi.org/simple" }
resolution-markers = ["python_full_version < '3.9'"]

[[package]]
name = "arrays"
version = "2.0.1"
source = { registry = "https://pypi.org/simple" }
resolution-markers = ["python_full_version >= '3.9'"]

[[package]]
name = "tool"
version = "0.3"
source = { git = "https://example.org/tool.git?subdirectory=py&rev=main#0a1b2c" }

[[package]]
name = "own"
version = "0.1"
source = { editable = "." }
"#;

#[test]
fn a_lock_file_goes_before_what_is_installed() {
    let project = Project::new(&[("main.py", &importing("frames")), ("uv.lock", UV_LOCK)]);
    project.install("frames", "2.1.0", &["Requires-Dist: other"]);
    let lock = project.lock();
    assert_eq!(
        lock.requirements,
        [
            "arrays==2.0.1",
            "frames==2.2.0",
            "tool[cli] @ git+https://example.org/tool.git@0a1b2c#subdirectory=py"
        ]
    );
    assert!(lock.is_complete && lock.indexes.is_empty());
    let older = project.needs().lock(&linux("3.8.2")).unwrap();
    assert_eq!(older.requirements[0], "arrays==1.24.4");
    assert_ne!(older.name, lock.name);
}

#[test]
fn a_pylock_is_a_lock_file_too() {
    let pylock = r#"lock-version = "1.0"
created-by = "test"
[[packages]]
name = "frames"
version = "2.2.0"
requires-python = ">=3.9"
index = "https://packages.example.org/simple"
dependencies = [{ name = "arrays" }, { name = "tool" }]
[[packages]]
name = "arrays"
version = "2.0.1"
marker = "sys_platform == 'linux'"
dependencies = []
[[packages]]
name = "tool"
[packages.vcs]
type = "git"
url = "https://example.org/tool.git"
commit-id = "0a1b2c"
"#;
    let project = Project::new(&[("main.py", &importing("frames")), ("pylock.toml", pylock)]);
    let lock = project.lock();
    assert_eq!(
        lock.requirements,
        [
            "arrays==2.0.1",
            "frames==2.2.0",
            "tool @ git+https://example.org/tool.git@0a1b2c"
        ]
    );
    assert_eq!(lock.indexes, ["https://packages.example.org/simple"]);
    let error = project.needs().lock(&linux("3.8.2")).unwrap_err();
    assert!(matches!(&error, LockError::Python { distribution, .. } if distribution == "frames"));
}

#[test]
fn what_does_not_run_there_is_said_before_anything_is_built() {
    let project = Project::new(&[("main.py", &importing("frames"))]);
    project.install("frames", "2.1.0", &["Requires-Dist: arrays"]);
    project.install("arrays", "2.0.1", &["Requires-Python: >=3.10"]);
    let needs = project.needs();
    let error = needs.lock(&linux("3.6.8")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "arrays 2.0.1 needs Python >=3.10 and the target's is 3.6.8; choose another Python there (`python` or `modules` of the target), or a version of arrays here that runs with both"
    );
    assert_eq!(needs.module_for("arrays"), Some("frames"));
    assert_eq!(needs.module_for("frames"), Some("frames"));
    assert_eq!(needs.module_for("else"), None);
}

#[test]
fn where_a_release_came_from_it_comes_from_there_too() {
    let project = Project::new(&[("main.py", &importing("torch, vision, tool, wheel, packed"))]);
    project.install("torch", "2.3.0+cu121", &[]);
    project.install("vision", "1.0+site", &[]);
    project.install("tool", "0.3", &[]);
    project.in_site(
        "tool-0.3.dist-info/direct_url.json",
        r#"{"url": "https://example.org/tool.git", "vcs_info": {"vcs": "git", "commit_id": "0a1b2c"}}"#,
    );
    project.install("wheel", "0.1", &[]);
    project.in_site(
        "wheel-0.1.dist-info/direct_url.json",
        r#"{"url": "file:///tmp/wheel-0.1-py3-none-any.whl", "archive_info": {}}"#,
    );
    project.install("packed", "2.31.0+dfsg1", &[]);
    project.in_site("packed-2.31.0+dfsg1.dist-info/INSTALLER", "conda\n");
    let lock = project.lock();
    assert_eq!(
        lock.requirements,
        [
            "packed==2.31.0",
            "tool @ git+https://example.org/tool.git@0a1b2c",
            "torch==2.3.0+cu121",
            "vision==1.0+site",
            "wheel==0.1"
        ]
    );
    assert_eq!(lock.indexes, ["https://download.pytorch.org/whl/cu121"]);
    assert_eq!(
        lock.archives,
        [Path::new("/tmp/wheel-0.1-py3-none-any.whl")]
    );
    assert_eq!(lock.by_conda, ["packed"]);

    project.in_site(
        "tool-0.3.dist-info/direct_url.json",
        r#"{"url": "file:///home/ada/tool", "dir_info": {}}"#,
    );
    let error = project.needs().lock(&linux("3.11.9")).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "tool is installed from the folder /home/ada/tool, which the target does not have; install it with `pip install -e`"
        ),
        "{error}"
    );
}

#[test]
fn the_name_follows_from_all_that_decides_and_from_nothing_else() {
    let project = Project::new(&[("main.py", &importing("frames"))]);
    project.install("frames", "2.1.0", &[]);
    let needs = project.needs();
    let name = |platform: &Platform| needs.lock(platform).unwrap().name;
    let first = name(&linux("3.11.9"));
    assert!(first.starts_with("py3.11-"), "{first}");
    assert_eq!(first.len(), "py3.11-".len() + 12);
    // Another patch of Python, another kernel: the same.
    assert_eq!(name(&linux("3.11.2")), first);
    let mut other = variables("3.11.9");
    other.insert("platform_release".to_owned(), "4.18".to_owned());
    assert_eq!(
        name(&Platform::new(&other, Some("glibc 2.28")).unwrap()),
        first
    );
    other.insert("platform_machine".to_owned(), "aarch64".to_owned());
    assert_ne!(
        name(&Platform::new(&other, Some("glibc 2.28")).unwrap()),
        first
    );
    assert_ne!(
        name(&Platform::new(&variables("3.11.9"), Some("musl 1.2")).unwrap()),
        first
    );
    assert_ne!(name(&linux("3.12.1")), first);
    let again: Needs = serde_json::from_str(&serde_json::to_string(&needs).unwrap()).unwrap();
    assert_eq!(again, needs);
    assert!(Platform::new(&BTreeMap::new(), None).is_none());
}

#[test]
fn nothing_is_needed_by_what_imports_only_pythons_own() {
    let project = Project::new(&[("main.py", &importing("json"))]);
    assert!(project.needs().is_empty());
}
