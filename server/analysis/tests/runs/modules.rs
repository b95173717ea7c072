//! Local modules and packages.

use super::support::{Workspace, run};

#[test]
fn local_modules_travel() {
    let workspace = Workspace::new(&[
        (
            "train.py",
            "import helper\nfrom pkg.sub import tool\nfrom pkg import VERSION\nimport sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport inlib\ndef f():\n    from late import value\n    return helper.x(), tool.run(), VERSION, inlib.name, value\n",
        ),
        ("helper.py", "import circle\ndef x(): return circle.y\n"),
        ("circle.py", "import helper\ny = 'circle'\n"),
        ("late.py", "value = 'late'\n"),
        ("unused.py", "raise SystemExit\n"),
        ("pkg/__init__.py", "from .version import VERSION\n"),
        ("pkg/version.py", "VERSION = '1'\n"),
        ("pkg/sub/__init__.py", ""),
        (
            "pkg/sub/tool.py",
            "from ..version import VERSION\nimport os\ndef run():\n    here = os.path.dirname(__file__)\n    return open(os.path.join(here, 'data.txt')).read() + VERSION\n",
        ),
        ("pkg/sub/data.txt", "text"),
        ("lib/inlib.py", "name = __name__\n"),
    ]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "('circle', 'text1', '1', 'inlib', 'late')");
    let paths: Vec<&str> = slice.files.iter().map(|file| file.path.as_str()).collect();
    assert!(!paths.contains(&"unused.py"), "{paths:?}");
}

#[test]
fn modules_of_packages_keep_their_names() {
    let workspace = Workspace::new(&[
        ("src/app/__init__.py", ""),
        (
            "src/app/train.py",
            "from .model import Model\nfrom . import config as c\nfrom app.deep.more import z\ndef f(): return Model.name, c.k, z, __name__\n",
        ),
        ("src/app/model.py", "class Model: name = 'm'\n"),
        ("src/app/config.py", "k = 1\n"),
        ("src/app/deep/more.py", "z = 3\n"),
    ]);
    let slice = workspace.slice("src/app/train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "('m', 1, 3, 'app.train')");
    assert_eq!(
        (slice.module_file.as_str(), slice.roots.join("|").as_str()),
        ("src/app/train.py", "src")
    );
}

#[test]
fn state_of_local_modules() {
    let workspace = Workspace::new(&[
        (
            "store.py",
            "items = []\nflag = 0\ndef add(x): items.append(x)\ndef pure(x): return x\n",
        ),
        (
            "train.py",
            "import store\nfrom store import add as put\nimport loud\nput(1)\nstore.flag = 2\nx = store.pure(3)\nloud.shout()\ndef f(): return store.items, store.flag\n",
        ),
        ("loud.py", "def shout(): raise SystemExit('called')\n"),
    ]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "([1], 2)");
}

#[test]
fn star_imports_of_local_modules() {
    let workspace = Workspace::new(&[
        (
            "names.py",
            "from more import *\n__all__ = ['a', 'late']\na = 1\nhidden = 2\n",
        ),
        ("more.py", "late = 3\n_own = 4\n"),
        (
            "train.py",
            "from names import *\nfrom more import *\ndef f(): return a + late\ndef g(): return hidden\n",
        ),
    ]);
    assert_eq!(run(&workspace.slice("train.py", "f", None).unwrap()), "4");
    let refusal = workspace.slice("train.py", "g", None).unwrap_err();
    assert_eq!(
        refusal.message,
        "`hidden` (line 4) is bound nowhere in the module and is no builtin; import or define it"
    );
}

#[test]
fn the_clusters_files_are_there_without_being_installed() {
    let source = r#"
from hoist import cluster, cluster_ls, cluster_exists, cluster_stat
from clustrix import cluster_find, cluster_glob, cluster_du, cluster_count_files, cluster_isdir, cluster_isfile, configure

configure(cluster_host="far", username="ada")

@cluster(cores=2)
def look():
    import os
    os.makedirs("data/deep")
    for name, text in [("data/b.csv", "12"), ("data/a.csv", "345"), ("data/deep/c.txt", "6")]:
        with open(name, "w") as file:
            file.write(text)
    os.chmod("data/a.csv", 0o640)
    info, used = cluster_stat("data/a.csv"), cluster_du("data", config=None)
    return (
        cluster_ls("data"), cluster_ls("nothing"), cluster_find("*.txt", "data"), cluster_glob("*.csv", "data"),
        cluster_glob("data/**/*.txt"), cluster_exists("data/x"), cluster_isdir("data"), cluster_isfile("data/a.csv"),
        cluster_count_files("data"), cluster_count_files("data", "*.csv"),
        (info.name, info.size, info.is_file, info.is_dir, info.permissions, abs(info.modified_datetime.timestamp() - info.modified) < 1e-4),
        (used.total_bytes, used.file_count, used.total_mb * 1024 == used.total_gb * 1024 * 1024),
    )
"#;
    let workspace = Workspace::new(&[("train.py", source)]);
    let slice = workspace.slice("train.py", "look", None).unwrap();
    assert_eq!(
        run(&slice),
        "(['a.csv', 'b.csv', 'deep'], [], ['deep/c.txt'], ['a.csv', 'b.csv'], ['data/deep/c.txt'], False, True, True, 3, 2, \
         ('a.csv', 3, True, False, '640', True), (6, 3, True))"
    );
    assert!(slice.requirements.is_empty(), "{:?}", slice.requirements);
    assert_eq!(slice.roots, ["", ".hoist"]);

    // A module of one's own of that name is one's own.
    let workspace = Workspace::new(&[
        ("train.py", "import hoist\ndef f(): return hoist.mine\n"),
        ("hoist.py", "mine = 'own'\n"),
    ]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "'own'");
    assert_eq!(slice.roots, [""]);
}
