//! The tree of files that travels: the slice, local modules, data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::aim::Aim;
use super::data::{self, TOGETHER};
use super::folders;
use super::requirements::Requirements;
use super::types::{
    FileKind, ImportOrigin, ImportedModule, OnTarget, Requirement, SliceFile, StoredFile,
};
use super::{Objections, inspect_files, judgement, tree_path};
use crate::data_rules::{DataRules, Load, PathMap, Way};
use crate::files::Files;
use crate::modules::{Collected, Resolver, Standing, imports_of};
use crate::python::{Source, ast, range_of, start_of};
use crate::{Code, EntrySpec, Finding, Module, Severity, supplied};
use ast::Stmt;

/// What a tree grows on.
pub(super) struct Ground<'a> {
    pub(super) module: &'a Module<'a>,
    pub(super) files: &'a dyn Files,
    pub(super) standing: &'a Standing,
    pub(super) source: &'a Source,
    pub(super) entry: &'a EntrySpec,
    /// The arguments of the call.
    pub(super) args: Option<&'a str>,
    /// How data files reach the target.
    pub(super) rules: &'a DataRules,
    pub(super) resolver: &'a Resolver<'a>,
}

/// The tree.
pub(super) struct Tree {
    pub(super) module_file: String,
    pub(super) roots: Vec<String>,
    pub(super) cwd: String,
    pub(super) folders: Vec<String>,
    pub(super) files: Vec<SliceFile>,
    pub(super) stored: Vec<StoredFile>,
    pub(super) there: Vec<OnTarget>,
    pub(super) imports: Vec<ImportedModule>,
    pub(super) requirements: Vec<Requirement>,
}

/// The most files of one package's folder that travel.
const MOST_FILES: usize = 3000;
/// The largest file of a package's folder that travels unasked, in bytes.
const PACKAGE_FILE: u64 = 2 * 1024 * 1024;

/// How deep the folders of a package may be nested.
const DEEPEST: u32 = 16;

/// Puts the tree together.
pub(super) fn grow(
    ground: &Ground<'_>,
    collected: &Collected,
    kept: &BTreeSet<usize>,
    aim: &Aim,
    text: String,
    objections: &mut Objections,
    findings: &mut Vec<Finding>,
) -> Tree {
    let Ground {
        module,
        standing,
        source,
        entry,
        ..
    } = ground;
    let base = &standing.base;
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let mut files: BTreeMap<String, SliceFile> = BTreeMap::new();
    let module_file = tree_path(base, module.path).unwrap_or_else(|| "module.py".to_owned());

    for (path, import, name) in &collected.missing {
        if path == module.path {
            let message = format!(
                "`{name}` (line {}) is imported but there is no such module in the workspace; add the file or correct the import",
                source.line(import.at)
            );
            objections.add(
                Code::MissingLocalModule,
                message,
                import.at..import.at + 1,
                entry,
            );
        } else {
            let shown = tree_path(base, path).unwrap_or_else(|| path.display().to_string());
            findings.push(warning(
                Code::MissingLocalModule,
                format!("{shown} imports `{name}`, and there is no such module in the workspace"),
                aim.name_range.clone(),
                entry,
            ));
        }
    }
    for (path, error) in &collected.unreadable {
        let message = format!(
            "{} cannot be read ({error}), so it does not travel",
            path.display()
        );
        objections.add(Code::Unreadable, message, aim.name_range.clone(), entry);
    }
    for travelling in collected.modules.values() {
        if travelling.path == module.path {
            continue;
        }
        let Some(path) = tree_path(base, &travelling.path) else {
            continue;
        };
        let is_init = path.ends_with("__init__.py");
        let kind = if is_init {
            FileKind::PackageInit
        } else {
            FileKind::Module
        };
        files.insert(
            path.clone(),
            SliceFile {
                path,
                contents: travelling.contents.clone(),
                origin: travelling.path.clone(),
                why: format!(
                    "`{}` is imported by `{}`",
                    travelling.name, travelling.importer
                ),
                kind,
            },
        );
    }
    for folder in &collected.folders {
        take_folder(ground, folder, &mut files, findings);
    }

    let keep = |at: usize| {
        source
            .body()
            .iter()
            .any(|stmt| kept.contains(&start_of(stmt)) && range_of(stmt).contains(&at))
            || kept.iter().any(|start| {
                *start <= at
                    && aim.root.is_some()
                    && statement_end(source, *start).is_some_and(|end| at < end)
            })
    };
    let mut mentions = data::mentions(module.path, source.body(), &keep);
    mentions.extend(
        ground
            .args
            .iter()
            .flat_map(|args| data::mentions_in_arguments(args, &aim.name_range)),
    );
    let own = mentions.len();
    let mut written = folders::written(module.path, source.body(), &keep);
    for travelling in collected.modules.values() {
        if let Some(other) = &travelling.source {
            mentions.extend(data::mentions(&travelling.path, other.body(), &|_| true));
            if travelling.path != module.path {
                written.extend(folders::written(&travelling.path, other.body(), &|_| true));
            }
        }
    }
    let own_places: BTreeSet<(usize, usize)> = mentions
        .iter()
        .take(own)
        .map(|mention| (mention.range.start, mention.range.end))
        .collect();
    let map = PathMap::new(ground.rules, module.workspace, base);
    let located = data::locate(
        ground.files,
        &mentions,
        (folder, module.workspace),
        base,
        &map,
    );
    let place = |range: &std::ops::Range<usize>| {
        if own_places.contains(&(range.start, range.end)) {
            range.clone()
        } else {
            aim.name_range.clone()
        }
    };
    let mut load = Load::new(ground.rules, 0, 0);
    let mut stored = Vec::new();
    for (path, (len, range)) in &located.found {
        let Some(tree) = tree_path(base, path) else {
            continue;
        };
        if files.contains_key(&tree) || *path == module.path {
            continue;
        }
        let why = "the code names it".to_owned();
        match load.take(*len) {
            Way::Package => {}
            Way::Store => {
                stored.push(StoredFile {
                    path: tree,
                    origin: path.clone(),
                    len: *len,
                    why,
                });
                continue;
            }
            Way::TooMuch(limit) => {
                let message = too_much(&tree, limit, &ground.rules.target);
                objections.add(Code::TooLarge, message, place(range), entry);
                break;
            }
        }
        match ground.files.read(path) {
            Ok(contents) => {
                let file = SliceFile {
                    path: tree.clone(),
                    contents,
                    origin: path.clone(),
                    why,
                    kind: FileKind::Data,
                };
                files.insert(tree, file);
            }
            Err(error) => {
                let message = format!("`{tree}` cannot be read ({error}), so it does not travel");
                objections.add(Code::Unreadable, message, place(range), entry);
            }
        }
    }
    for (name, range) in &located.missing {
        let message = format!(
            "`{name}` does not exist here, so it does not travel; the job has it only if it makes it itself"
        );
        findings.push(warning(Code::MissingData, message, place(range), entry));
    }
    for (path, range) in &located.astray {
        let message = inspect_files::astray(path, folder, module.workspace);
        findings.push(warning(Code::MissingData, message, place(range), entry));
    }
    for (name, range) in &located.absolute {
        let message = format!(
            "`{name}` is an absolute path: it must exist on the cluster under the same name"
        );
        findings.push(warning(Code::AbsolutePath, message, place(range), entry));
    }
    for (name, there, range) in &located.elsewhere {
        let message = judgement::elsewhere(name, there, &ground.rules.target);
        findings.push(warning(Code::AbsolutePath, message, place(range), entry));
    }
    for (path, range) in &located.outside {
        let message = format!(
            "`{}` lies outside of the workspace and does not travel; move it into the workspace, or put it on the cluster and give its path there",
            path.display()
        );
        findings.push(warning(
            Code::OutsideWorkspace,
            message,
            place(range),
            entry,
        ));
    }

    files.insert(
        module_file.clone(),
        SliceFile {
            path: module_file.clone(),
            contents: text.into_bytes(),
            origin: module.path.to_path_buf(),
            why: format!("the part of the module that {entry} needs"),
            kind: FileKind::Slice,
        },
    );
    let mut roots: Vec<String> = Vec::new();
    let script = [standing.root.clone()];
    for root in script.iter().chain(&collected.roots) {
        if let Some(root) = tree_path(base, root)
            && !roots.contains(&root)
        {
            roots.push(root);
        }
    }
    let is_folder = |path: &Path| {
        map.linked(path).is_none() && ground.files.metadata(path).is_ok_and(|meta| meta.is_dir)
    };
    let place_of = |path: &Path| tree_path(base, path);
    let written_from = |cwd: &Path| folders::there(&written, cwd, &is_folder, &place_of);
    let (near, far) = (written_from(folder), written_from(module.workspace));
    // Where no file tells from which folder the paths count, a folder to write into may.
    let at_workspace = match located.resolved {
        (false, false) => near.is_empty() && !far.is_empty(),
        (near, far) => far && !near,
    };
    let (cwd, folders) = match at_workspace {
        true => (module.workspace, far),
        false => (folder, near),
    };
    let (imports, requirements) = imports(ground, collected, kept);
    let supplied = collected.foreign.keys();
    for name in supplied.filter_map(|module| supplied::module(module)) {
        let path = format!("{}/{name}.py", supplied::FOLDER);
        let file = SliceFile {
            path: path.clone(),
            contents: supplied::TEXT.as_bytes().to_vec(),
            origin: PathBuf::new(),
            why: format!("the cluster's own files, for `import {name}`"),
            kind: FileKind::Module,
        };
        files.insert(path, file);
        if !roots.iter().any(|root| root == supplied::FOLDER) {
            roots.push(supplied::FOLDER.to_owned());
        }
    }
    Tree {
        module_file,
        roots,
        cwd: tree_path(base, cwd).unwrap_or_default(),
        folders: folders.into_iter().collect(),
        files: files.into_values().collect(),
        there: located.on_target(&map),
        stored,
        imports,
        requirements,
    }
}

/// The refusal of a file with which all data files would have more bytes than the configuration allows.
pub(crate) fn too_much(name: &str, limit: u64, target: &str) -> String {
    format!(
        "with `{name}` the data files are more than the {} that `data_limit` of {target} allows; raise it, put the file on the cluster and name its place in `paths` of the target, or read less",
        inspect_files::size(limit)
    )
}

/// The end of the statement that begins at an offset, at any depth.
fn statement_end(source: &Source, start: usize) -> Option<usize> {
    fn search(
        body: &[Stmt],
        text: &str,
        lines: &hoist_syntax::LineIndex,
        start: usize,
    ) -> Option<usize> {
        for stmt in body {
            let range = range_of(stmt);
            if range.start == start {
                return Some(range.end);
            }
            if range.contains(&start) {
                if let Stmt::Match(matched) = stmt {
                    return matched
                        .cases
                        .iter()
                        .find_map(|case| search(&case.body, text, lines, start));
                }
                return super::emit::clauses(text, lines, stmt)
                    .into_iter()
                    .find_map(|(_, body)| search(body, text, lines, start));
            }
        }
        None
    }
    search(source.body(), source.text(), source.document.lines(), start)
}

fn warning(
    code: Code,
    message: String,
    range: std::ops::Range<usize>,
    entry: &EntrySpec,
) -> Finding {
    Finding {
        code,
        severity: Severity::Warning,
        message,
        range,
        entry: Some(entry.clone()),
        fixes: Vec::new(),
    }
}

/// A folder of files that never travel.
fn is_left_out(name: &str) -> bool {
    name.starts_with('.')
        || name.ends_with(".egg-info")
        || [
            "__pycache__",
            "build",
            "dist",
            "env",
            "node_modules",
            "site-packages",
            "venv",
            "wandb",
            "mlruns",
        ]
        .contains(&name)
}

/// All Python files of a package's folder, and its small data files.
fn take_folder(
    ground: &Ground<'_>,
    folder: &Path,
    files: &mut BTreeMap<String, SliceFile>,
    findings: &mut Vec<Finding>,
) {
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    let mut count = 0;
    let mut bytes = 0;
    let shown = tree_path(&ground.standing.base, folder).unwrap_or_default();
    while let Some((at, depth)) = waiting.pop() {
        let Ok(entries) = ground.files.list(&at) else {
            continue;
        };
        for (name, is_dir) in entries {
            if is_left_out(&name) {
                continue;
            }
            let path = at.join(&name);
            if is_dir {
                // Links may lead around in circles.
                let is_deep = depth >= DEEPEST;
                if !is_deep && ground.files.metadata(&path.join("pyvenv.cfg")).is_err() {
                    waiting.push((path, depth + 1));
                }
                continue;
            }
            let Some(tree) = tree_path(&ground.standing.base, &path) else {
                continue;
            };
            if files.contains_key(&tree) || path == *ground.module.path || name.ends_with(".pyc") {
                continue;
            }
            let Ok(meta) = ground.files.metadata(&path) else {
                continue;
            };
            if !meta.is_file || meta.len > PACKAGE_FILE {
                continue;
            }
            count += 1;
            bytes += meta.len;
            if count > MOST_FILES || bytes > TOGETHER {
                let message = format!(
                    "the package in `{shown}` has more than {MOST_FILES} files or {} MB, so not all of it travels; name the data files that the code needs, or put them on the cluster",
                    TOGETHER / 1_000_000
                );
                findings.push(warning(Code::TooLarge, message, 0..0, ground.entry));
                return;
            }
            let Ok(contents) = ground.files.read(&path) else {
                continue;
            };
            let kind = match name.as_str() {
                "__init__.py" => FileKind::PackageInit,
                _ if name.ends_with(".py") => FileKind::Module,
                _ => FileKind::Data,
            };
            let file = SliceFile {
                path: tree.clone(),
                contents,
                origin: path,
                why: format!("it belongs to the package in `{shown}`"),
                kind,
            };
            files.insert(tree, file);
        }
    }
}

/// The modules that what travels imports, and the distributions that these are of.
fn imports(
    ground: &Ground<'_>,
    collected: &Collected,
    kept: &BTreeSet<usize>,
) -> (Vec<ImportedModule>, Vec<Requirement>) {
    let source = ground.source;
    let mut found: BTreeMap<String, ImportedModule> = BTreeMap::new();
    let mut requirements = Requirements::default();
    let mut add = |module: String, path: &Path, line: u32, optional: bool, origin: ImportOrigin| {
        if module.is_empty() || module == "__future__" {
            return;
        }
        let known = found.entry(module.clone()).or_insert(ImportedModule {
            module,
            path: path.to_path_buf(),
            line,
            optional,
            origin,
        });
        known.optional &= optional;
    };
    for (module, foreign) in &collected.foreign {
        let origin = requirements.add(ground.resolver, module, foreign);
        let line = if foreign.path == ground.module.path {
            source.line(foreign.at)
        } else {
            collected
                .modules
                .get(&foreign.path)
                .and_then(|module| module.source.as_ref())
                .map(|source| source.line(foreign.at))
                .unwrap_or(1)
        };
        add(
            module.clone(),
            &foreign.path,
            line,
            foreign.optional,
            origin,
        );
    }
    let lines: BTreeMap<String, u32> = imports_of(source.body())
        .into_iter()
        .filter(|import| kept.iter().any(|start| *start <= import.at))
        .map(|import| (import.module.clone(), source.line(import.at)))
        .collect();
    for travelling in collected.modules.values() {
        let line = lines.get(&travelling.name).copied().unwrap_or(1);
        let (name, path) = (travelling.name.clone(), ground.module.path);
        add(name, path, line, false, ImportOrigin::Local);
    }
    (found.into_values().collect(), requirements.sorted())
}
