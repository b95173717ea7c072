//! What the tests share: a workspace in a temporary folder, slices of it, and Python to run them.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod library;

use std::path::PathBuf;
use std::process::Command;

use hoist_analysis::{
    DataRules, Disk, EntryCall, EntrySpec, Finding, Module, Refusal, Settings, Severity, Slice,
    Wishes, findings_with, slice, slice_anyway, slice_as_wished,
};
use hoist_syntax::Document;

/// Files in a folder that is removed at the end.
pub struct Workspace {
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Workspace {
    /// Writes the files: path and text.
    pub fn new(files: &[(&str, &str)]) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("workspace").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = folder.path().canonicalize().unwrap().join("workspace");
        Workspace::at(root, folder)
    }

    /// A folder inside of a temporary one.
    pub fn at(root: PathBuf, folder: tempfile::TempDir) -> Workspace {
        Workspace {
            root,
            _folder: folder,
        }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).unwrap();
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
            environment: None,
        };
        let entry: EntrySpec = entry.parse().unwrap();
        slice(&module, &Disk, &entry, args)
    }

    /// The slice of an entry, also when it may fail.
    pub fn slice_anyway(
        &self,
        file: &str,
        entry: &str,
        args: Option<&str>,
    ) -> Result<Slice, Refusal> {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let module = Module {
            path: &path,
            document: &document,
            workspace: &self.path(""),
            environment: None,
        };
        slice_anyway(&module, &Disk, &entry.parse().unwrap(), args)
    }

    /// The slice with what comments and the configuration add to it.
    pub fn included(&self, file: &str, entry: &str, data: &[String]) -> Slice {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let workspace = self.path("");
        let module = Module {
            path: &path,
            document: &document,
            environment: None,
            workspace: &workspace,
        };
        let wishes = Wishes {
            data,
            ..Wishes::default()
        };
        slice_as_wished(&module, &Disk, &entry.parse().unwrap(), &wishes).unwrap()
    }

    /// The same for a target with these rules.
    pub fn wished(
        &self,
        file: &str,
        entry: &str,
        data: &[String],
        rules: &DataRules,
    ) -> Result<Slice, Refusal> {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let workspace = self.path("");
        let module = Module {
            path: &path,
            document: &document,
            environment: None,
            workspace: &workspace,
        };
        let wishes = Wishes {
            data,
            rules: rules.clone(),
            ..Wishes::default()
        };
        slice_as_wished(&module, &Disk, &entry.parse().unwrap(), &wishes)
    }

    pub fn findings(&self, file: &str) -> Vec<Finding> {
        self.findings_with(file, &Settings::default())
    }

    pub fn findings_with(&self, file: &str, settings: &Settings) -> Vec<Finding> {
        let path = self.path(file);
        let document = Document::new(std::fs::read_to_string(&path).unwrap());
        let workspace = self.path("");
        findings_with(
            &Module {
                path: &path,
                document: &document,
                workspace: &workspace,
                environment: None,
            },
            &Disk,
            settings,
        )
    }
}

/// The findings of a file that stands alone.
pub fn findings_of(source: &str) -> Vec<Finding> {
    Workspace::new(&[("train.py", source)]).findings("train.py")
}

/// A finding in a line: how bad, its code, what it stands under, and what it says.
pub fn line(source: &str, finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
        Severity::Hint => "hint",
    };
    format!(
        "{severity} {} `{}`: {}",
        finding.code,
        &source[finding.range.clone()],
        finding.message
    )
}

/// Findings as lines that begin with the number of theirs.
pub fn lines(source: &str, found: &[Finding]) -> String {
    let numbered = |finding: &Finding| {
        let number = source[..finding.range.start].matches('\n').count() + 1;
        format!("{number} {}", line(source, finding))
    };
    found.iter().map(numbered).collect::<Vec<_>>().join("\n")
}

/// A source without its lines of carets.
pub fn unmarked(source: &str) -> String {
    source
        .split_inclusive('\n')
        .filter(|line| !line.trim_start().starts_with('^'))
        .collect()
}

/// The source as `train.py` in the workspace, with a line below each finding's: carets under its place, its code, and how it is
/// mended.
pub fn marked(workspace: &Workspace, source: &str, settings: &Settings) -> String {
    let text = unmarked(source);
    workspace.write("train.py", &text);
    let found = workspace.findings_with("train.py", settings);
    let mut shown = String::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        shown.push_str(line);
        let end = start + line.len();
        let of_line = found
            .iter()
            .filter(|finding| (start..end).contains(&finding.range.start));
        for finding in of_line {
            let fixes: Vec<&str> = finding.fixes.iter().map(|fix| fix.title.as_str()).collect();
            let mark = format!(
                "{}{} {} {}",
                " ".repeat(finding.range.start - start),
                "^".repeat(finding.range.len()),
                finding.code,
                fixes.join(", ")
            );
            shown.push_str(mark.trim_end());
            shown.push('\n');
        }
        start = end;
    }
    shown
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
        environment: None,
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

/// One run of an entry in a tree of files.
#[derive(serde::Serialize)]
struct Run {
    top: PathBuf,
    name: String,
    file: String,
    roots: Vec<String>,
    cwd: String,
    entry: String,
    args: String,
    out: PathBuf,
}

/// Unpacks slices and runs each entry in a process of its own as a bare `exec(compile(...))` would; gives what each prints
/// and its result's `repr`, or the exception.
pub fn run_all(slices: &[Slice]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        let top = folder.path().join(index.to_string()).join("workspace");
        for file in &slice.files {
            let path = top.join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.contents).unwrap();
        }
        for path in &slice.folders {
            std::fs::create_dir_all(top.join(path)).unwrap();
        }
        let EntryCall::Function { qualname, .. } = &slice.entry else {
            panic!("lines are run by the runner")
        };
        jobs.push(Run {
            out: folder.path().join(index.to_string()).join("result"),
            top,
            name: slice.module_name.clone(),
            file: slice.module_file.clone(),
            roots: slice.roots.clone(),
            cwd: slice.cwd.clone(),
            entry: qualname.clone(),
            args: slice.args.clone().unwrap_or_default(),
        });
    }
    run_jobs(&jobs)
}

/// Runs entries in their whole modules: workspace, file, entry and arguments of each. Gives what [`run_all`] gives.
pub fn run_whole(entries: &[(&Workspace, &str, &str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let jobs: Vec<Run> = entries
        .iter()
        .enumerate()
        .map(|(index, (workspace, file, entry, args))| Run {
            top: workspace.path(""),
            name: file.trim_end_matches(".py").replace('/', "."),
            file: (*file).to_owned(),
            roots: vec![String::new()],
            cwd: String::new(),
            entry: (*entry).to_owned(),
            args: (*args).to_owned(),
            out: folder.path().join(index.to_string()),
        })
        .collect();
    run_jobs(&jobs)
}

fn run_jobs(jobs: &[Run]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("jobs.json");
    std::fs::write(&list, serde_json::to_string(jobs).unwrap()).unwrap();
    let programme = r#"
import sys, os, io, re, types, inspect, asyncio, atexit, json, signal
def job(top, name, file, roots, cwd, entry, args, out):
    top = os.path.realpath(top)
    os.chdir(os.path.join(top, cwd))
    for root in reversed(roots):
        sys.path.insert(0, os.path.join(top, root))
    module = types.ModuleType(name)
    sys.modules[name] = module
    module.__file__ = os.path.join(top, file)
    if "." in name:
        module.__package__ = name.rpartition(".")[0]
    printed = io.StringIO()
    try:
        exec(compile(open(module.__file__, "rb").read(), module.__file__, "exec"), module.__dict__)
        module.__dict__["_entry_"] = eval(entry, module.__dict__)
        sys.stdout, before = printed, sys.stdout
        result = eval("_entry_(%s)" % args, module.__dict__)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        if inspect.isgenerator(result):
            result = list(result)
        line = repr(result)
        atexit._run_exitfuncs()
        if printed.getvalue():
            line += " printed " + repr(printed.getvalue())
        before.flush()
    except BaseException as error:
        line = "%s %s" % (type(error).__name__, error)
    line = re.sub(r"\b0x[0-9a-f]+\b", "0x", line.replace(os.path.dirname(top), "ABOVE"))
    with open(out, "w", newline="") as file:
        file.write(line)
for each in json.load(open(sys.argv[1])):
    child = os.fork()
    if child == 0:
        try:
            sys.stdout = open(os.devnull, "w")
            signal.alarm(20)
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
    jobs.iter()
        .map(|job| std::fs::read_to_string(&job.out).unwrap_or_else(|_| "no result".to_owned()))
        .collect()
}

/// Runs one slice.
pub fn run(slice: &Slice) -> String {
    run_all(std::slice::from_ref(slice)).remove(0)
}
