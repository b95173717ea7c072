//! Where imports come from, in a workspace with an environment that is made by hand, and what there is to say about them.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use hoist_analysis::environment::{Environment, Question, Variables};
use hoist_analysis::{
    Disk, Finding, Module, Packages, Settings, TargetPython, apply, findings, findings_with,
    imports, slice,
};
use hoist_syntax::Document;

/// A workspace `work` with a virtual environment in it, and a project beside it.
struct Place {
    folder: tempfile::TempDir,
    variables: Variables,
}

const SITE: &str = "work/.venv/lib/python3.11/site-packages";

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        let place = Place {
            folder: tempfile::tempdir().unwrap(),
            variables: Variables::default(),
        };
        place.write("base/lib/python3.11/os.py", "");
        place.write("base/lib/python3.11/json/__init__.py", "");
        let home = place.path("base/bin");
        place.write(
            "work/.venv/pyvenv.cfg",
            &format!("home = {}\nversion = 3.11.4\n", home.display()),
        );
        place.write("work/.venv/bin/python3", "");
        place.write(&format!("{SITE}/README"), "");
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn install(&self, name: &str, version: &str, files: &[&str]) {
        let info = format!("{SITE}/{name}-{version}.dist-info");
        self.write(
            &format!("{info}/METADATA"),
            &format!("Name: {name}\nVersion: {version}\n"),
        );
        for file in files {
            self.write(&format!("{SITE}/{file}"), "");
        }
        let record: String = files.iter().map(|file| format!("{file},,\n")).collect();
        self.write(&format!("{info}/RECORD"), &record);
    }

    fn with<T>(&self, file: &str, look: impl FnOnce(&Module<'_>) -> T) -> T {
        let path = self.path(file);
        let workspace = self.path("work");
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let question = Question {
            workspace: &workspace,
            folder: path.parent().unwrap(),
            configured: None,
        };
        let environment = Environment::read(&Disk, &self.variables, &question);
        look(&Module {
            path: &path,
            document: &document,
            workspace: &workspace,
            environment: Some(&environment),
        })
    }

    /// Each import of a file as a line.
    fn origins(&self, file: &str) -> String {
        let top = self.path("");
        let lines: Vec<String> = self.with(file, |module| {
            imports(module, &Disk)
                .into_iter()
                .map(|import| {
                    let name = import.name.map_or(String::new(), |name| format!(" {name}"));
                    let mut line = format!(
                        "{}{}{name}: {}",
                        ".".repeat(import.level as usize),
                        import.module,
                        format!("{:?}", import.origin).to_lowercase()
                    );
                    for word in [import.distribution, import.version].into_iter().flatten() {
                        line.push(' ');
                        line.push_str(&word);
                    }
                    if let Some(path) = import.path {
                        let path = path.strip_prefix(&top).unwrap_or(&path).to_owned();
                        line.push_str(&format!(" at {}", path.display()));
                    }
                    line
                })
                .collect()
        });
        lines.join("\n")
    }

    fn said(&self, file: &str) -> String {
        let lines: Vec<String> = self.with(file, |module| {
            findings(module, &Disk)
                .into_iter()
                .filter(|finding| (21..=29).contains(&finding.code.number()))
                .map(|finding| {
                    let fixes: Vec<&str> =
                        finding.fixes.iter().map(|fix| fix.title.as_str()).collect();
                    let under = &module.document.text()[finding.range.clone()];
                    format!(
                        "{:?} {} `{under}`: {} {fixes:?}",
                        finding.severity, finding.code, finding.message
                    )
                })
                .collect()
        });
        lines.join("\n")
    }
}

#[test]
fn imports_come_from_where_python_would_take_them() {
    let place = Place::new(&[
        ("work/pyproject.toml", ""),
        ("work/helpers.py", ""),
        ("work/src/tool/__init__.py", ""),
        ("work/src/tool/core.py", ""),
        ("work/lib/vendored.py", ""),
        ("work/bare/inner.py", ""),
        ("work/yaml/notes.py", ""),
        ("work/fast.cpython-311-x86_64-linux-gnu.so", ""),
        ("mine/src/mylib/__init__.py", ""),
        ("mine/src/mylib/part.py", ""),
        ("other/linked.py", ""),
        (
            "work/train.py",
            "import sys\nsys.path.insert(0, 'lib')\nimport os.path, json, _io, distutils, tomllib\nimport helpers, vendored, tool.core\n\
             from tool import core, missing\nfrom bare import inner\nimport yaml, cv2, numpy, nowhere, by_hand\nfrom yaml import safe_load\n\
             import mylib.part, linked, fast\nfrom google.cloud import storage, unheard\nimport google\nimport imp, annotationlib\n",
        ),
    ]);
    place.install("PyYAML", "6.0.1", &["yaml/__init__.py"]);
    place.install(
        "google_cloud_storage",
        "2.1",
        &["google/cloud/storage/__init__.py"],
    );
    place.write(&format!("{SITE}/by_hand.py"), "");
    let editable = place.path("mine");
    place.install("mylib", "1.0", &["__editable___mylib_1_0_finder.py"]);
    place.write(
        &format!("{SITE}/mylib-1.0.dist-info/direct_url.json"),
        &format!(
            "{{\"url\": \"file://{}\", \"dir_info\": {{\"editable\": true}}}}",
            editable.display()
        ),
    );
    place.write(
        &format!("{SITE}/mylib-1.0.dist-info/RECORD"),
        "__editable___mylib_1_0_finder.py,,\nmylib-1.0.dist-info/direct_url.json,,\n",
    );
    place.write(
        &format!("{SITE}/__editable__.mylib-1.0.pth"),
        "import __editable___mylib_1_0_finder; __editable___mylib_1_0_finder.install()",
    );
    place.write(
        &format!("{SITE}/__editable___mylib_1_0_finder.py"),
        &format!(
            "MAPPING: dict[str, str] = {{'mylib': '{}'}}\n",
            editable.join("src/mylib").display()
        ),
    );
    let other = place.path("other");
    place.write(
        &format!("{SITE}/other.pth"),
        &format!("{}\n", other.display()),
    );
    insta::assert_snapshot!(place.origins("work/train.py"));
}

#[test]
fn relative_imports_are_local_at_every_level() {
    let place = Place::new(&[
        ("work/pkg/__init__.py", ""),
        ("work/pkg/util.py", "from . import sub\n"),
        ("work/pkg/logging.py", ""),
        ("work/pkg/sub/__init__.py", "from .. import util\n"),
        ("work/pkg/sub/deep/worker.py", ""),
        (
            "work/pkg/sub/train.py",
            "from . import train\nfrom .deep import worker, nothing\nfrom .. import util, VALUE\nfrom ..util import x\nfrom ...outside import y\nfrom .gone import z\nimport pkg.util\n",
        ),
        ("work/pkg/main.py", "import logging, util, pkg\n"),
    ]);
    insta::assert_snapshot!(place.origins("work/pkg/sub/train.py"));
    // A module of a package has the package's parent on the path: a file beside it hides nothing.
    insta::assert_snapshot!(place.origins("work/pkg/main.py"));
}

#[test]
fn what_is_wrong_with_imports_is_said() {
    let place = Place::new(&[
        (
            "work/pyproject.toml",
            "[project]\nname = \"ours\"\ndependencies = [\"numpy>=2\"]\n",
        ),
        ("work/random.py", ""),
        ("work/fast.abi3.so", ""),
        (
            "work/train.py",
            "import numpy as np\nimport cv2\nfrom nowhere import (\n    a)\nimport yaml\nfrom yaml import (\n    safe_load,\n)\nimport random\nimport fast\n\
             try:\n    import ujson\nexcept ImportError:\n    ujson = None\nif TYPE_CHECKING:\n    import pandas\nimport sys\nif sys.version_info < (3, 11):\n    import tomli\n\
             import cv2.data\nimport sklearn  # hoist: ignore[HST021]\ndef f():\n    import torch\n",
        ),
    ]);
    place.install("PyYAML", "6.0.1", &["yaml/__init__.py"]);
    place.install("numpy", "1.26.4", &["numpy/__init__.py"]);
    insta::assert_snapshot!(place.said("work/train.py"));

    // The fix writes one line into the project's file.
    let fixed = place.with("work/train.py", |module| {
        let found = findings(module, &Disk);
        let missing = found
            .into_iter()
            .find(|finding| finding.code.number() == 21)
            .unwrap();
        let change = missing
            .fixes
            .into_iter()
            .next()
            .unwrap()
            .elsewhere
            .remove(0);
        assert_eq!(change.path, place.path("work/pyproject.toml"));
        apply(&change.before.unwrap(), &change.edits)
    });
    assert!(
        fixed.contains("dependencies = [\"numpy>=2\", \"opencv-python\"]"),
        "{fixed}"
    );
}

#[test]
fn without_a_python_nothing_is_said() {
    let place = Place::new(&[("work/train.py", "import nowhere, cv2\n")]);
    std::fs::remove_dir_all(place.path("work/.venv")).unwrap();
    assert_eq!(place.said("work/train.py"), "");
    assert_eq!(
        place.origins("work/train.py"),
        "nowhere: unknown\ncv2: unknown opencv-python"
    );
}

#[test]
fn a_slice_lists_the_distributions_that_it_needs() {
    let place = Place::new(&[
        (
            "work/train.py",
            "import yaml, os, plots\nfrom google.cloud import storage\nimport cv2\nimport numpy\ntry:\n    import rich\nexcept ImportError:\n    rich = None\n\n\
             def f():\n    return yaml, os, storage, cv2, rich, plots.show()\n\ndef g():\n    return numpy\n",
        ),
        (
            "work/plots.py",
            "import yaml.nodes\ndef show():\n    return yaml\n",
        ),
    ]);
    place.install("PyYAML", "6.0.1", &["yaml/__init__.py", "yaml/nodes.py"]);
    place.install(
        "google_cloud_storage",
        "2.1",
        &["google/cloud/storage/__init__.py"],
    );
    place.install("rich", "13.0", &["rich/__init__.py"]);
    place.install("numpy", "1.0", &["numpy/__init__.py"]);
    let of = |entry: &str| {
        place.with("work/train.py", |module| {
            let slice = slice(module, &Disk, &entry.parse().unwrap(), None).unwrap();
            serde_json::to_string(&slice.requirements).unwrap()
        })
    };
    insta::assert_snapshot!(of("f").replace("},", "},\n"));
    assert_eq!(
        of("g"),
        r#"[{"distribution":"numpy","version":"1.0","modules":["numpy"]}]"#
    );
}

#[test]
fn an_editable_install_beside_the_workspace_travels() {
    let place = Place::new(&[
        ("mine/src/mylib/__init__.py", "from . import part\n"),
        ("mine/src/mylib/part.py", "VALUE = 1\n"),
        (
            "work/train.py",
            "import mylib\ndef f():\n    return mylib.part.VALUE\n",
        ),
    ]);
    let source = place.path("mine/src");
    place.write(
        &format!("{SITE}/_mylib.pth"),
        &format!("{}\n", source.display()),
    );
    let slice = place.with("work/train.py", |module| {
        slice(module, &Disk, &"f".parse().unwrap(), None).unwrap()
    });
    let files: Vec<&str> = slice.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        files,
        [
            "mine/src/mylib/__init__.py",
            "mine/src/mylib/part.py",
            "work/train.py"
        ]
    );
    assert_eq!(slice.roots, ["work", "mine/src"]);
    assert_eq!(slice.requirements, []);
}

#[test]
fn what_is_here_may_not_be_there() {
    let place = Place::new(&[
        (
            "work/a.py",
            "import yaml\nimport google.cloud.storage\nimport six\nimport absent_thing\nimport sklearn\n",
        ),
        (
            "work/requirements.txt",
            "pyyaml>=6\nsix\ngoogle-cloud-storage\n",
        ),
    ]);
    place.install("PyYAML", "6.0", &["yaml/__init__.py"]);
    place.install("six", "1.16", &["six.py"]);
    place.install(
        "google-cloud-storage",
        "2.0",
        &["google/cloud/storage/__init__.py"],
    );
    let said = |modules: &[&str], distributions: &[(&str, &str)]| {
        let python = TargetPython {
            target: "far".to_owned(),
            version: "3.9".parse().unwrap(),
            packages: Some(Arc::new(Packages {
                modules: modules.iter().map(ToString::to_string).collect(),
                distributions: distributions
                    .iter()
                    .map(|(name, version)| (name.to_string(), version.to_string()))
                    .collect(),
            })),
            builds: false,
        };
        let settings = Settings {
            default_target: Some("far".to_owned()),
            pythons: [("far".to_owned(), python)].into(),
            ..Settings::default()
        };
        let found = place.with("work/a.py", |module| {
            findings_with(module, &Disk, &settings)
        });
        let told = |finding: &Finding| format!("{} {}", finding.code, finding.message);
        found.iter().map(told).collect::<Vec<_>>().join("\n")
    };
    // `google` is a folder of many; another version is one that is refused.
    insta::assert_snapshot!(said(
        &["google", "six", "yaml", "sklearn"],
        &[("six", "1.15"), ("pyyaml", "5.4")]
    ), @"
    HST025 `PyYAML` is 5.4 on the target far, but requirements.txt asks for >=6; install one of these there, or change what is asked for
    HST026 `google.cloud.storage` comes with `google-cloud-storage` 2.0 here, which the target far lacks (Python 3.9): install it there, or choose a Python there that has it
    HST021 `absent_thing` is no module of the workspace and is not installed for Python 3.11 (.venv); install what it comes with, or correct the name
    HST021 `sklearn` is not installed for Python 3.11 (.venv); it comes with the distribution `scikit-learn`, which the target far has
    ");
    insta::assert_snapshot!(said(&[], &[("google-cloud-storage", "1.0")]), @"
    HST026 `yaml` comes with `PyYAML` 6.0 here, which the target far lacks (Python 3.9): install it there, or choose a Python there that has it
    HST026 `six` comes with `six` 1.16 here, which the target far lacks (Python 3.9): install it there, or choose a Python there that has it
    HST021 `absent_thing` is no module of the workspace and is not installed for Python 3.11 (.venv); install what it comes with, or correct the name
    HST021 `sklearn` is not installed for Python 3.11 (.venv); it comes with the distribution `scikit-learn`, which the target far lacks as well
    ");
}

#[test]
fn a_project_is_not_hidden_by_its_own_sources() {
    for (name, said) in [("six", 0), ("other", 1)] {
        let project = format!("[project]\nname = '{name}'\ndependencies = []\n");
        let place = Place::new(&[
            ("work/pyproject.toml", &project),
            ("work/src/six/__init__.py", ""),
            ("work/docs/requirements.txt", "sphinx\n"),
            (
                "work/docs/conf.py",
                "import sys\nsys.path.insert(0, '../src')\nimport six\n",
            ),
        ]);
        place.install("six", "1.16", &["six.py"]);
        let found = place.with("work/docs/conf.py", |module| findings(module, &Disk));
        let hidden = found.iter().filter(|one| one.code.to_string() == "HST024");
        assert_eq!(hidden.count(), said, "{name}");
    }
}

#[test]
fn what_fails_at_the_top_of_a_module_can_move_into_its_function() {
    let text = "import absent_thing as a, fast\nfrom six import moves, b\n\ndef f(x):\n    return a.run(x), fast\n\ndef g(x):\n    return moves, b\n\ndef h():\n    return 1\n";
    let place = Place::new(&[
        ("work/a.py", text),
        ("work/fast.cpython-311-x86_64-linux-gnu.so", ""),
    ]);
    place.install("six", "1.16", &["six.py"]);
    let python = TargetPython {
        target: "far".to_owned(),
        version: "3.9".parse().unwrap(),
        packages: Some(Arc::default()),
        builds: false,
    };
    let settings = Settings {
        default_target: Some("far".to_owned()),
        pythons: [("far".to_owned(), python)].into(),
        ..Settings::default()
    };
    let found = place.with("work/a.py", |module| {
        findings_with(module, &Disk, &settings)
    });
    let told = |finding: &Finding| {
        let fixes = finding.fixes.iter().map(|fix| fix.title.as_str());
        let fixes = fixes.collect::<Vec<_>>().join(", ");
        format!("{} {fixes}", finding.code)
    };
    insta::assert_snapshot!(found.iter().map(told).collect::<Vec<_>>().join("\n"), @r"
    HST021 Move `import absent_thing as a` into `f`
    HST023 Move `import fast` into `f`
    HST026 Move `from six import moves, b` into `g`
    ");
    assert_eq!(
        apply(text, &found[2].fixes[0].edits),
        "import absent_thing as a, fast\n\ndef f(x):\n    return a.run(x), fast\n\ndef g(x):\n    from six import moves, b\n    return moves, b\n\ndef h():\n    return 1\n"
    );
}

#[test]
fn who_works_on_the_library_itself_hides_nothing() {
    for (own, hides) in [("os.py", false), ("other.py", true)] {
        let own = format!("work/lib/{own}");
        let place = Place::new(&[
            (&own, ""),
            ("work/lib/abc.py", ""),
            ("work/lib/site.py", ""),
            ("work/lib/random.py", ""),
            ("work/lib/shuffle.py", "import random\n"),
        ]);
        let said = place.said("work/lib/shuffle.py");
        assert_eq!(said.contains("HST024"), hides, "{said}");
    }
}

#[test]
fn a_release_that_does_not_run_with_the_targets_python_is_told_before_it_is_built() {
    let place = Place::new(&[(
        "work/a.py",
        "import fine\nimport fresh\n\ndef f():\n    return fine, fresh\n",
    )]);
    for (name, python) in [("fine", ">=3.9.2"), ("fresh", ">=3.10")] {
        place.install(name, "2.1.0", &[&format!("{name}.py")]);
        place.write(
            &format!("{SITE}/{name}-2.1.0.dist-info/METADATA"),
            &format!("Name: {name}\nVersion: 2.1.0\nRequires-Python: {python}\n"),
        );
    }
    let said = |builds: bool| {
        let python = TargetPython {
            target: "far".to_owned(),
            version: "3.9".parse().unwrap(),
            packages: None,
            builds,
        };
        let settings = Settings {
            default_target: Some("far".to_owned()),
            pythons: [("far".to_owned(), python)].into(),
            ..Settings::default()
        };
        let found = place.with("work/a.py", |module| {
            findings_with(module, &Disk, &settings)
        });
        let told = |finding: &Finding| format!("{} {}", finding.code, finding.message);
        found.iter().map(told).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        said(true),
        "HST027 `fresh` comes with `fresh` 2.1.0 here, which needs Python >=3.10, and the target far has Python 3.9: choose another Python there, or install a version here that runs with both"
    );
    assert_eq!(said(false), "");
}
