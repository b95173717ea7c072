//! Data files that the code names by constants: they travel.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paths::{Evaluator, Named, tidy};
use crate::data_rules::PathMap;
use crate::files::paths::is_below;
use crate::files::{Files, Listing, Meta};
use crate::python::{ast, constant_text, dotted, range_of};
use crate::slice::types::OnTarget;
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// The most that all data files in a package may have together, in bytes; what is more goes to the target's store.
pub(crate) const TOGETHER: u64 = 100 * 1024 * 1024;

/// A place in the code that names a file.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) named: Named,
    pub(super) range: Range<usize>,
    /// The code opens it for reading there.
    pub(super) read: bool,
    /// The code is ready for there being no such file.
    pub(super) forgiven: bool,
    /// The code lists it there: a folder, or a pattern such as `data/*.csv`.
    pub(super) listed: bool,
}

/// What the statements of one file name, and how they read files.
pub(super) struct Mentions<'a> {
    pub(super) all: Vec<Mention>,
    /// The calls of functions and methods by the names of those that read files.
    pub(super) readers: Vec<&'a ast::ExprCall>,
}

/// Collects what the statements of one file name. `keep` tells which places count.
pub(super) fn mentions(file: &Path, body: &[Stmt], keep: &dyn Fn(usize) -> bool) -> Vec<Mention> {
    mentions_that(file, body, keep, &|_| true).all
}

/// The same, of the texts that nothing reads only those of which `counts` says so.
pub(super) fn mentions_that<'a>(
    file: &'a Path,
    body: &'a [Stmt],
    keep: &'a dyn Fn(usize) -> bool,
    counts: &'a dyn Fn(&str) -> bool,
) -> Mentions<'a> {
    let mut finder = Finder {
        evaluator: Evaluator::new(file, body),
        body,
        imported: OnceCell::new(),
        keep,
        counts,
        catching: 0,
        expected: Vec::new(),
        function: None,
        found: Vec::new(),
        readers: Vec::new(),
    };
    for stmt in body {
        finder.visit_stmt(stmt);
    }
    let Finder {
        expected,
        mut found,
        readers,
        ..
    } = finder;
    for mention in found.iter_mut().filter(|mention| mention.read) {
        mention.forgiven |= expected.iter().any(|expected| {
            expected.named == mention.named && expected.within.contains(&mention.range.start)
        });
    }
    Mentions {
        all: found,
        readers,
    }
}

/// A file that the code asks for, or writes itself.
struct Expected {
    named: Named,
    /// Where the code may take it to be there.
    within: Range<usize>,
}

/// What the arguments of a call name.
pub(super) fn mentions_in_arguments(args: &str, range: &Range<usize>) -> Vec<Mention> {
    let Some(call) = crate::python::expression(&format!("f({args}\n)")) else {
        return Vec::new();
    };
    let mut finder = Finder {
        evaluator: Evaluator::new(Path::new("/"), &[]),
        body: &[],
        imported: OnceCell::new(),
        keep: &|_| true,
        counts: &|_| true,
        catching: 0,
        expected: Vec::new(),
        function: None,
        found: Vec::new(),
        readers: Vec::new(),
    };
    finder.visit_expr(&call);
    let own = |mention: Mention| Mention {
        range: range.clone(),
        read: false,
        ..mention
    };
    finder.found.into_iter().map(own).collect()
}

struct Finder<'e> {
    evaluator: Evaluator<'e>,
    body: &'e [Stmt],
    /// Names that an import of the file binds; read when somebody asks.
    imported: OnceCell<BTreeSet<&'e str>>,
    keep: &'e dyn Fn(usize) -> bool,
    /// Does a text that nothing reads there count?
    counts: &'e dyn Fn(&str) -> bool,
    /// In how many blocks whose errors of missing files are caught.
    catching: usize,
    expected: Vec<Expected>,
    /// The function at the top level that the walk is in.
    function: Option<Range<usize>>,
    found: Vec<Mention>,
    readers: Vec<&'e ast::ExprCall>,
}

/// Functions and methods that ask whether a file is there.
const ASKING: &[&str] = &["exists", "is_file", "isfile", "lexists"];

/// Functions and methods that write the file that one of their arguments names.
pub(super) const WRITERS: &[&str] = &[
    "dump",
    "imsave",
    "imwrite",
    "save",
    "save_npz",
    "savefig",
    "savemat",
    "savetxt",
    "savez",
    "savez_compressed",
    "to_csv",
    "to_excel",
    "to_feather",
    "to_hdf",
    "to_json",
    "to_netcdf",
    "to_parquet",
    "to_pickle",
    "to_zarr",
    "urlretrieve",
    "write_bytes",
    "write_text",
];

/// Calls that read the file which their first argument names.
pub(super) const READERS: &[&str] = &[
    "DictReader",
    "File",
    "fromfile",
    "genfromtxt",
    "imread",
    "load",
    "loadmat",
    "loadtxt",
    "memmap",
    "open",
    "open_dataset",
    "parse",
    "read_csv",
    "read_excel",
    "read_feather",
    "read_hdf",
    "read_json",
    "read_parquet",
    "read_pickle",
    "read_table",
];

/// The last name of what is called.
pub(super) fn name_of(call: &ast::ExprCall) -> Option<&str> {
    match &*call.func {
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Name(name) => Some(name.id.as_str()),
        _ => None,
    }
}

impl<'e> Finder<'e> {
    fn imports(&self, name: &str) -> bool {
        self.imported
            .get_or_init(|| imported(self.body))
            .contains(name)
    }

    /// Notes the files of which a call asks whether they are there, and those that it writes.
    fn expect(&mut self, call: &ast::ExprCall, name: &str) {
        let method_of = match &*call.func {
            Expr::Attribute(attribute) => Some(&*attribute.value),
            _ => None,
        };
        let args = &call.arguments.args;
        let writes_file = match name {
            "open" => writes(call) || method_of.is_some() && writes_by(call, 0),
            name => WRITERS.contains(&name) || ASKING.contains(&name),
        };
        if writes_file {
            let named = method_of.into_iter().chain(args);
            // What one function writes may not be there yet for another.
            let within = match &self.function {
                Some(function) if !ASKING.contains(&name) => function.clone(),
                _ => 0..usize::MAX,
            };
            self.expected.extend(named.filter_map(|expr| {
                Some(Expected {
                    named: self.evaluator.path(expr)?,
                    within: within.clone(),
                })
            }));
        }
    }

    /// A folder whose files the code looks for.
    fn push_listed(&mut self, expr: &Expr) {
        let Some(named) = self.evaluator.path(expr) else {
            return;
        };
        let range = range_of(expr);
        self.found.push(Mention {
            named,
            range,
            read: false,
            forgiven: false,
            listed: true,
        });
    }

    /// What a call of a reader may read, and whether it surely reads a file of that name.
    fn subject<'c>(&self, call: &'c ast::ExprCall, name: &str) -> Option<(&'c Expr, bool)> {
        let path = dotted(&call.func);
        if name == "open"
            && let Expr::Attribute(attribute) = &*call.func
            // Path("x").open(), HERE.open("w")
            && (path.is_none() || self.evaluator.path(&attribute.value).is_some())
        {
            return Some((&attribute.value, !writes_by(call, 0)));
        }
        let first = call.arguments.args.first()?;
        let text = constant_text(first);
        // Of anything but an import nobody knows what it does: `archive.open("member")`, a `load` of the file's own.
        let is_known = path
            .as_ref()
            .and_then(|path| path.first())
            .is_some_and(|root| self.imports(root) || call.func.is_name_expr() && *root == "open");
        let is_method = name == "open" && call.func.is_attribute_expr();
        if is_method && text.is_some_and(is_mode) {
            return None;
        }
        let is_open = ["open", "File", "memmap"].contains(&name);
        let read = is_known
            && !(is_open && writes(call))
            && (name != "load" || !first.is_name_expr())
            && match self.evaluator.path(first) {
                Some(Named::Text(text)) => is_file_for(name, &text),
                _ => true,
            };
        Some((first, read))
    }

    fn push(&mut self, expr: &Expr, read: bool) {
        // Most are plain texts, and most of these name nothing.
        if let Some(text) = constant_text(expr)
            && (!may_name_a_file(text) || !read && !(self.counts)(text))
        {
            return;
        }
        let Some(named) = self.evaluator.path(expr) else {
            return;
        };
        if let Named::Text(text) = &named
            && !may_name_a_file(text)
        {
            return;
        }
        self.found.push(Mention {
            named,
            range: range_of(expr),
            read,
            forgiven: self.catching > 0,
            listed: false,
        });
    }
}

fn may_name_a_file(text: &str) -> bool {
    /// What stands in no name, and what an address has.
    const ODD: [bool; 256] = {
        let mut odd = [false; 256];
        let bytes = b"\n\r\0*?:";
        let mut index = 0;
        while index < bytes.len() {
            odd[bytes[index] as usize] = true;
            index += 1;
        }
        odd
    };
    let is_plain = || {
        !text
            .bytes()
            .fold(false, |odd, byte| odd | ODD[usize::from(byte)])
    };
    !text.is_empty() && text.len() < 300 && (is_plain() || !has_odd_parts(text))
}

/// Has a text something that no name of a file has?
fn has_odd_parts(text: &str) -> bool {
    text.bytes()
        .any(|byte| matches!(byte, b'\n' | b'\r' | b'\0' | b'*' | b'?'))
        || text.contains("://")
}

/// The names that imports bind, wherever these stand.
fn imported(body: &[Stmt]) -> BTreeSet<&str> {
    struct Imports<'a>(BTreeSet<&'a str>);
    impl<'a> Visitor<'a> for Imports<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            let names = match stmt {
                Stmt::Import(import) => &import.names,
                Stmt::ImportFrom(import) => &import.names,
                _ => return crate::python::with_stack(|| walk_stmt(self, stmt)),
            };
            for alias in names {
                let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                self.0.insert(name.split('.').next().unwrap_or(name));
            }
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut imports = Imports(BTreeSet::new());
    for stmt in body {
        imports.visit_stmt(stmt);
    }
    imports.0
}

/// Is a text that is given to a function of this name sure to name a file? `load` and `parse` take much else: models, dates,
/// versions, code.
fn is_file_for(function: &str, text: &str) -> bool {
    let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
    match function {
        "load" | "File" => {
            ending.len() <= 8
                && ending.starts_with(|c: char| c.is_ascii_alphabetic())
                && ending.chars().all(|c| c.is_ascii_alphanumeric())
        }
        "parse" => [
            "gpx", "htm", "html", "kml", "svg", "xhtml", "xml", "xsd", "xsl",
        ]
        .contains(&ending.to_ascii_lowercase().as_str()),
        _ => true,
    }
}

/// Does a handler of a `try` catch that a file is missing?
fn catches_missing(handlers: &[ast::ExceptHandler]) -> bool {
    let catches = |caught: &Expr| {
        matches!(
            dotted(caught).as_deref(),
            Some(["BaseException"
                | "EnvironmentError"
                | "Exception"
                | "FileNotFoundError"
                | "IOError"
                | "OSError"])
        )
    };
    handlers
        .iter()
        .any(
            |ast::ExceptHandler::ExceptHandler(handler)| match handler.type_.as_deref() {
                None => true,
                Some(Expr::Tuple(several)) => several.elts.iter().any(catches),
                Some(one) => catches(one),
            },
        )
}

/// Is a text the mode of an `open`?
fn is_mode(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.chars().all(|c| "rwxabtU+".contains(c))
}

/// Is a call of `open` and the like one that writes?
pub(super) fn writes(call: &ast::ExprCall) -> bool {
    writes_by(call, 1)
}

/// The same, where the mode is another argument than the second.
pub(super) fn writes_by(call: &ast::ExprCall, mode: usize) -> bool {
    let mode = call.arguments.args.get(mode).or_else(|| {
        let mode = |keyword: &&ast::Keyword| {
            keyword
                .arg
                .as_ref()
                .is_some_and(|name| name.as_str() == "mode")
        };
        call.arguments
            .keywords
            .iter()
            .find(mode)
            .map(|keyword| &keyword.value)
    });
    mode.is_some_and(|mode| match constant_text(mode) {
        Some(text) => text.contains(['w', 'a', 'x']),
        None => !matches!(mode, Expr::NumberLiteral(_)),
    })
}

impl<'e> Visitor<'e> for Finder<'e> {
    fn visit_stmt(&mut self, stmt: &'e Stmt) {
        if let Stmt::Expr(expr) = stmt
            && expr.value.is_string_literal_expr()
        {
            return;
        }
        if stmt.is_function_def_stmt() && self.function.is_none() {
            self.function = Some(range_of(stmt));
            crate::python::with_stack(|| walk_stmt(self, stmt));
            self.function = None;
            return;
        }
        if let Stmt::If(choice) = stmt
            && crate::python::is_main_test(&choice.test)
        {
            for clause in &choice.elif_else_clauses {
                clause.body.iter().for_each(|stmt| self.visit_stmt(stmt));
            }
            return;
        }
        if let Stmt::Try(attempt) = stmt
            && catches_missing(&attempt.handlers)
        {
            self.catching += 1;
            self.visit_body(&attempt.body);
            self.catching -= 1;
            for handler in &attempt.handlers {
                self.visit_except_handler(handler);
            }
            self.visit_body(&attempt.orelse);
            self.visit_body(&attempt.finalbody);
            return;
        }
        crate::python::with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, expr: &'e Expr) {
        if !(self.keep)(range_of(expr).start) {
            // A statement that is not kept may hold one that is: look further in.
            crate::python::walk_into(self, expr);
            return;
        }
        match expr {
            Expr::StringLiteral(_) => self.push(expr, false),
            // f"{folder}/data.csv"
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let ast::InterpolatedStringElement::Literal(literal) = element {
                        let named = Named::Text(literal.value.to_string());
                        if literal.value.contains('.') && literal.value.len() < 300 {
                            let range = range_of(expr);
                            self.found.push(Mention {
                                named,
                                range,
                                read: false,
                                forgiven: false,
                                listed: false,
                            });
                        }
                    }
                }
            }
            Expr::BinOp(binary) if binary.op == ast::Operator::Div => self.push(expr, false),
            Expr::Call(call) => {
                let name = name_of(call);
                if let Some(name) = name {
                    self.expect(call, name);
                }
                match name {
                    Some(name) if READERS.contains(&name) => {
                        self.readers.push(call);
                        if let Some((subject, read)) = self.subject(call, name) {
                            self.push(subject, read);
                        }
                    }
                    Some("read_text" | "read_bytes") => {
                        self.readers.push(call);
                        if let Expr::Attribute(attribute) = &*call.func {
                            self.push(&attribute.value, true);
                        }
                    }
                    Some("join" | "joinpath" | "Path") => self.push(expr, false),
                    Some(
                        "listdir" | "scandir" | "walk" | "iterdir" | "glob" | "iglob" | "rglob",
                    ) => {
                        let path_method = matches!(&*call.func, Expr::Attribute(attribute)
                            if self.evaluator.path(&attribute.value).is_some());
                        match (&*call.func, call.arguments.args.first()) {
                            (Expr::Attribute(attribute), _) if path_method => {
                                self.push_listed(&attribute.value);
                            }
                            (_, Some(first)) => self.push_listed(first),
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        crate::python::walk_into(self, expr);
    }
}

/// What became of the mentions.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// Files that travel, with their lengths and the place that names them.
    pub(super) found: BTreeMap<PathBuf, (u64, Range<usize>)>,
    /// Read, but not there.
    pub(super) missing: Vec<(String, Range<usize>)>,
    /// Read by an absolute path.
    pub(super) absolute: Vec<(String, Range<usize>)>,
    /// Read, and there, but not where the job begins.
    pub(super) astray: Vec<(PathBuf, Range<usize>)>,
    /// Named, but outside of the tree that travels.
    pub(super) outside: Vec<(PathBuf, Range<usize>)>,
    /// On the target already, where the path map says, with the place that names it; true where the code surely reads it.
    pub(super) mapped: BTreeMap<PathBuf, (Range<usize>, bool)>,
    /// Read by the path that it has on the target.
    pub(super) there: Vec<(String, Range<usize>)>,
    /// Read by an absolute path of this machine, which is another one on the target.
    pub(super) elsewhere: Vec<(String, String, Range<usize>)>,
    /// Did a text resolve against the first, and against the second candidate of the working directory?
    pub(super) resolved: (bool, bool),
}

/// Finds the files. `folders` are the candidates of the working directory: the module's folder and the workspace. What `map` speaks of
/// lies on the target already, whatever is here.
pub(super) fn locate<'m>(
    files: &dyn Files,
    mentions: impl IntoIterator<Item = &'m Mention>,
    folders: (&Path, &Path),
    base: &Path,
    map: &PathMap,
) -> Data {
    let mut data = Data::default();
    // The tree may begin above the workspace, for the sake of a package's name: what a path says is none of the package's.
    let within = match folders.1.starts_with(base) {
        true => folders.1,
        false => base,
    };
    let mut second: Vec<(PathBuf, u64, &Mention)> = Vec::new();
    let mut named_folders: Vec<PathBuf> = Vec::new();
    let mut loose: Vec<(&str, &Range<usize>)> = Vec::new();
    let regular = |path: &Path| {
        files
            .metadata(path)
            .ok()
            .filter(|meta| meta.is_file)
            .map(|meta| meta.len)
    };
    let is_dir = |path: &Path| files.metadata(path).is_ok_and(|meta| meta.is_dir);
    let (here, there) = (Lookup::new(files, folders.0), Lookup::new(files, folders.1));
    for mention in mentions {
        if mention.listed {
            data.list(files, mention, folders, (base, within), map);
            continue;
        }
        match &mention.named {
            Named::File(path) => match regular(path) {
                _ if map.linked(path).is_some() => data.map(path, &mention.range, mention.read),
                Some(len) => data.add(path.clone(), len, &mention.range, base, map),
                None if is_dir(path) => named_folders.push(path.clone()),
                None if mention.read && !mention.forgiven && files.metadata(path).is_err() => {
                    data.miss(path.display().to_string(), &mention.range);
                }
                None => {}
            },
            Named::Text(text) if Path::new(text).is_absolute() => {
                if mention.read && is_of_the_system(text) {
                    continue;
                }
                if mention.read {
                    data.name(text, &mention.range, map);
                } else {
                    // `folder + "/data.csv"`
                    loose.push((text.trim_start_matches('/'), &mention.range));
                }
            }
            Named::Text(text) => {
                let (near, far) = (here.find(text), there.find(text));
                let at = |folder: &Path| tidy(&folder.join(text));
                let is_linked =
                    |folder: &Path| !map.linked.is_empty() && map.linked(&at(folder)).is_some();
                if is_linked(folders.0) {
                    data.resolved.0 = true;
                    data.map(&at(folders.0), &mention.range, mention.read);
                } else if near.is_none() && is_linked(folders.1) {
                    data.resolved.1 = true;
                    data.map(&at(folders.1), &mention.range, mention.read);
                } else if let Some((near, meta)) = &near
                    && meta.is_file
                {
                    // Who names a module seldom means to read it.
                    data.resolved.0 |= mention.read || !text.ends_with(".py");
                    data.add(near.clone(), meta.len, &mention.range, within, map);
                } else if let Some((far, meta)) = far
                    && meta.is_file
                {
                    data.resolved.1 = true;
                    second.push((far, meta.len, mention));
                } else if let Some((near, meta)) = &near
                    && meta.is_dir
                {
                    named_folders.push(near.clone());
                } else if mention.read && !mention.forgiven && near.is_none() {
                    data.miss(text.clone(), &mention.range);
                } else if text.contains('.') {
                    loose.push((text, &mention.range));
                }
            }
        }
    }
    // A name that is joined to a folder where the code runs: in the module's own folder, or one that the code names.
    named_folders.insert(0, folders.0.to_path_buf());
    named_folders.dedup();
    for (name, range) in loose.into_iter().take(200) {
        for folder in named_folders
            .iter()
            .take(20)
            .filter(|folder| is_below(folder, base))
        {
            let (found, within) = match folder == folders.0 {
                true => (here.find(name), within),
                false => (lookup(files, folder, name), base),
            };
            if let Some((path, meta)) = found.filter(|(_, meta)| meta.is_file) {
                data.add(path, meta.len, range, within, map);
            }
        }
    }
    for (path, len, mention) in second {
        if !data.resolved.0 {
            data.add(path, len, &mention.range, within, map);
        } else if mention.read && !data.astray.iter().any(|(known, _)| *known == path) {
            data.astray.push((path, mention.range.clone()));
        }
    }
    data
}

/// Does a text that nothing reads matter to [`locate`]? Most are no name of anything in the folders.
pub(super) fn may_name_some<'a>(
    files: &'a dyn Files,
    folders: (&'a Path, &'a Path),
) -> impl Fn(&str) -> bool + use<'a> {
    let (here, there) = (files.listing(folders.0), files.listing(folders.1));
    move |text| {
        // What has an ending may be joined to a folder where the code runs.
        let parts = |byte: u8| matches!(byte, b'.' | b'/' | b'\\' | b':');
        !is_prose(text) && (text.bytes().any(parts) || !here.lacks(text) || !there.lacks(text))
    }
}

/// Is a text so long, or of so many lines, that nobody means a file by it?
fn is_prose(text: &str) -> bool {
    /// `PATH_MAX` of Linux, with the zero at its end.
    const LONGEST: usize = 4095;
    text.len() > LONGEST || text.contains('\n')
}

/// A folder in which many names are looked up, of which it has few.
struct Lookup<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    listing: Arc<Listing>,
}

impl<'a> Lookup<'a> {
    fn new(files: &'a dyn Files, folder: &'a Path) -> Lookup<'a> {
        Lookup {
            files,
            folder,
            listing: files.listing(folder),
        }
    }

    fn find(&self, name: &str) -> Option<(PathBuf, Meta)> {
        match self.lacks(name) {
            true => None,
            false => lookup(self.files, self.folder, name),
        }
    }

    /// Is it sure that nothing is there?
    fn lacks(&self, name: &str) -> bool {
        let first = name.split('/').next().unwrap_or_default();
        // On Windows these part names, too.
        let may_part = |name: &str| cfg!(windows) && name.contains(['\\', ':']);
        !matches!(first, "" | "." | "..")
            && self.listing.lacks(first)
            && !may_part(name)
            // `x/../data.csv` is `data.csv` also where there is no `x`.
            && !name.contains("..")
    }
}

fn lookup(files: &dyn Files, folder: &Path, name: &str) -> Option<(PathBuf, Meta)> {
    let path = tidy(&folder.join(name));
    let meta = files.metadata(&path).ok()?;
    Some((path, meta))
}

/// Is a path one that every machine has for itself?
fn is_of_the_system(text: &str) -> bool {
    ["/dev/", "/proc/", "/sys/"]
        .iter()
        .any(|folder| text.starts_with(folder))
}

/// The most files of a listed folder that travel.
const MOST_LISTED: usize = 2000;

impl Data {
    /// A folder that the code lists travels with its files, for an empty list would be a wrong result without an error.
    /// `limits` of what travels: for a path that counts from a module's own file, and for others.
    fn list(
        &mut self,
        files: &dyn Files,
        mention: &Mention,
        folders: (&Path, &Path),
        limits: (&Path, &Path),
        map: &PathMap,
    ) {
        let (path, from_text) = match &mention.named {
            Named::File(path) => (path.clone(), false),
            Named::Text(text) if is_of_the_system(text) => return,
            Named::Text(text) if Path::new(text).is_absolute() => {
                self.name(text, &mention.range, map);
                return;
            }
            Named::Text(text) => (PathBuf::from(text), true),
        };
        // Of a pattern, the part before the first wildcard.
        let fixed: PathBuf = path
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
            .collect();
        let (candidates, within) = if from_text {
            (
                vec![folders.0.join(&fixed), folders.1.join(&fixed)],
                limits.1,
            )
        } else {
            (vec![fixed.clone()], limits.0)
        };
        for (index, folder) in candidates.iter().map(|folder| tidy(folder)).enumerate() {
            // The whole tree is never meant to travel.
            let is_all = folders.0.starts_with(&folder) || folders.1.starts_with(&folder);
            if map.linked(&folder).is_some() {
                match (from_text, index) {
                    (true, 0) => self.resolved.0 = true,
                    (true, _) => self.resolved.1 = true,
                    _ => {}
                }
                self.map(&folder, &mention.range, true);
                return;
            }
            if is_all || !files.metadata(&folder).is_ok_and(|meta| meta.is_dir) {
                continue;
            }
            match (from_text, index) {
                (true, 0) => self.resolved.0 = true,
                (true, _) => self.resolved.1 = true,
                _ => {}
            }
            let mut waiting = vec![(folder, 0)];
            let mut count = 0;
            while let Some((folder, depth)) = waiting.pop() {
                for (name, is_dir) in files.list(&folder).unwrap_or_default() {
                    let path = folder.join(&name);
                    if name.starts_with('.') || name == "__pycache__" {
                        continue;
                    }
                    if is_dir {
                        // Links may lead around in circles.
                        if depth < 16 {
                            waiting.push((path, depth + 1));
                        }
                    } else if let Some(meta) =
                        files.metadata(&path).ok().filter(|meta| meta.is_file)
                    {
                        count += 1;
                        if count > MOST_LISTED {
                            return;
                        }
                        self.add(path, meta.len, &mention.range, within, map);
                    }
                }
            }
            return;
        }
    }

    /// A file or folder that lies on the target already.
    fn map(&mut self, path: &Path, range: &Range<usize>, is_read: bool) {
        let known = self.mapped.entry(path.to_path_buf());
        let known = known.or_insert_with(|| (range.clone(), is_read));
        if is_read && !known.1 {
            *known = (range.clone(), true);
        }
    }

    /// An absolute path that the code reads.
    fn name(&mut self, text: &str, range: &Range<usize>, map: &PathMap) {
        let fixed = text.split(['*', '?', '[']).next().unwrap_or_default();
        // Of a pattern, the folder before the first wildcard.
        let path = match fixed.len() == text.len() {
            true => Path::new(text),
            false => Path::new(fixed.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
        let path = tidy(path);
        match map.there(&path) {
            _ if map.is_there(&path) => {
                let path = path.to_string_lossy().into_owned();
                self.there.push((path, range.clone()));
            }
            Some(there) => {
                self.elsewhere.push((text.to_owned(), there, range.clone()));
            }
            None => self.absolute.push((text.to_owned(), range.clone())),
        }
    }

    /// What a job is to find on the target, for the package: every file and folder of the map that has a place in the tree, as names
    /// that are computed when the code runs may lead there, and what the code names by its path over there.
    pub(super) fn on_target(&self, map: &PathMap) -> Vec<OnTarget> {
        let linked = map.linked.iter().map(|linked| {
            let needs = self.mapped.iter().filter(|(path, (_, is_read))| {
                *is_read && map.linked(path).is_some_and(|of| of.here == linked.here)
            });
            OnTarget {
                place: Some(linked.place.clone()),
                path: linked.there.clone(),
                needs: needs.filter_map(|(path, _)| linked.rest(path)).collect(),
            }
        });
        let named: BTreeSet<&str> = self.there.iter().map(|(path, _)| path.as_str()).collect();
        let named = named.into_iter().map(|path| OnTarget {
            place: None,
            path: path.to_owned(),
            needs: vec![String::new()],
        });
        let mut all: Vec<OnTarget> = linked.chain(named).collect();
        all.sort();
        all.dedup_by(|a, b| a.place.is_some() && a.place == b.place);
        all
    }

    fn add(&mut self, path: PathBuf, len: u64, range: &Range<usize>, within: &Path, map: &PathMap) {
        if map.linked(&path).is_some() {
            self.map(&path, range, false);
        } else if is_below(&path, within) {
            self.found
                .entry(path)
                .or_insert_with(|| (len, range.clone()));
        } else if !self.outside.iter().any(|(known, _)| *known == path) {
            self.outside.push((path, range.clone()));
        }
    }

    fn miss(&mut self, name: String, range: &Range<usize>) {
        if !self.missing.iter().any(|(known, _)| *known == name) {
            self.missing.push((name, range.clone()));
        }
    }
}
