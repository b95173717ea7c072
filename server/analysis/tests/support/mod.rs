//! What the tests share: a workspace in a temporary folder, slices of it, and Python to run them.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

use hoist_analysis::{
    Disk, EntryCall, EntrySpec, Finding, Module, Refusal, Slice, findings, slice, slice_anyway,
};
use hoist_syntax::Document;

/// Files in a folder that is removed at the end.
pub struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    /// Writes the files: path and text.
    pub fn new(files: &[(&str, &str)]) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Workspace { folder }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    /// The slice of an entry of a file.
    pub fn slice(&self, file: &str, entry: &str, args: Option<&str>) -> Result<Slice, Refusal> {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let workspace = self.path("");
        let module = Module {
            path: &path,
            document: &document,
            workspace: &workspace,
        };
        let entry: EntrySpec = entry.parse().unwrap();
        slice(&module, &Disk, &entry, args)
    }

    pub fn findings(&self, file: &str) -> Vec<Finding> {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let workspace = self.path("");
        findings(
            &Module {
                path: &path,
                document: &document,
                workspace: &workspace,
            },
            &Disk,
        )
    }
}

/// The text of the slice of a single file, whatever its arguments.
pub fn text_of(source: &str, entry: &str) -> String {
    let workspace = Workspace::new(&[("train.py", source)]);
    let path = workspace.path("train.py");
    let document = Document::new(source.to_owned());
    let module = Module {
        path: &path,
        document: &document,
        workspace: &workspace.path(""),
    };
    match slice_anyway(&module, &Disk, &entry.parse().unwrap(), None) {
        Ok(slice) => String::from_utf8(slice.module_contents().to_vec()).unwrap(),
        Err(refusal) => format!("refused {}: {}", refusal.code, refusal.message),
    }
}

/// The lines of a slice that are not empty, with their numbers.
pub fn shown(source: &str, entry: &str) -> String {
    text_of(source, entry)
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| format!("{:3} {}\n", number + 1, line.trim_end()))
        .collect()
}

/// The refusal's code and sentence, or what is kept when there is none.
pub fn refused(source: &str, entry: &str, args: Option<&str>) -> String {
    let workspace = Workspace::new(&[("train.py", source)]);
    match workspace.slice("train.py", entry, args) {
        Ok(_) => "not refused".to_owned(),
        Err(refusal) => format!("{}: {}", refusal.code, refusal.message),
    }
}

/// Unpacks slices and runs each entry in a process of its own as a bare `exec(compile(...))` would; gives what each prints
/// last: the result's `repr`, or the exception.
pub fn run_all(slices: &[Slice]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        let top = folder.path().join(index.to_string());
        for file in &slice.files {
            let path = top.join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.contents).unwrap();
        }
        let EntryCall::Function { qualname, .. } = &slice.entry else {
            panic!("lines are run by the runner")
        };
        jobs.push(serde_json::json!({
            "top": top, "name": slice.module_name, "file": slice.module_file, "roots": slice.roots, "cwd": slice.cwd,
            "entry": qualname, "args": slice.args.as_deref().unwrap_or_default(), "out": top.join("result"),
        }));
    }
    let list = folder.path().join("jobs.json");
    std::fs::write(&list, serde_json::to_string(&jobs).unwrap()).unwrap();
    let programme = r#"
import sys, os, types, inspect, asyncio, json
def job(top, name, file, roots, cwd, entry, args, out):
    os.chdir(os.path.join(top, cwd))
    for root in reversed(roots):
        sys.path.insert(0, os.path.join(top, root))
    module = types.ModuleType(name)
    sys.modules[name] = module
    module.__file__ = os.path.join(top, file)
    if "." in name:
        module.__package__ = name.rpartition(".")[0]
    try:
        exec(compile(open(module.__file__, "rb").read(), module.__file__, "exec"), module.__dict__)
        module.__dict__["_entry_"] = eval(entry, module.__dict__)
        result = eval("_entry_(%s)" % args, module.__dict__)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        if inspect.isgenerator(result):
            result = list(result)
        line = repr(result)
    except BaseException as error:
        line = "%s %s" % (type(error).__name__, error)
    with open(out, "w", newline="") as file:
        file.write(line)
for each in json.load(open(sys.argv[1])):
    child = os.fork()
    if child == 0:
        try:
            sys.stdout = open(os.devnull, "w")
            job(**each)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"#;
    let done = Command::new("python3")
        .args(["-c", programme])
        .arg(&list)
        .status()
        .expect("python3 runs");
    assert!(done.success());
    (0..slices.len())
        .map(|index| {
            let result = folder.path().join(index.to_string()).join("result");
            std::fs::read_to_string(result).unwrap_or_else(|_| "no result".to_owned())
        })
        .collect()
}

/// Runs one slice.
pub fn run(slice: &Slice) -> String {
    run_all(std::slice::from_ref(slice)).remove(0)
}
