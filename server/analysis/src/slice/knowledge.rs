//! What well-known functions do to the objects that they are given. Everything that is not named here is taken to change
//! what it gets: then too much is kept, never too little.

/// Builtin functions that change none of their arguments.
#[rustfmt::skip]
const QUIET_BUILTINS: &[&str] = &[
    "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable", "chr", "classmethod",
    "complex", "dict", "dir", "divmod", "enumerate", "filter", "float", "format", "frozenset", "getattr",
    "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass", "iter", "len", "list",
    "map", "max", "memoryview", "min", "object", "oct", "open", "ord", "pow", "print", "property", "range",
    "repr", "reversed", "round", "set", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple",
    "type", "vars", "zip",
];

/// Builtin functions whose result holds nothing of their arguments.
#[rustfmt::skip]
const FRESH_BUILTINS: &[&str] = &[
    "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable", "chr", "complex", "divmod",
    "float", "format", "hash", "hasattr", "hex", "id", "input", "int", "isinstance", "issubclass", "len", "oct",
    "open", "ord", "pow", "print", "range", "repr", "round", "str", "type",
];

/// Builtin functions that read their arguments to the end when these are iterators.
#[rustfmt::skip]
pub(super) const CONSUMING_BUILTINS: &[&str] = &[
    "all", "any", "dict", "enumerate", "filter", "frozenset", "list", "map", "max", "min", "set", "sorted",
    "sum", "tuple", "zip",
];

/// Methods that change neither their object nor their arguments, and give something new.
#[rustfmt::skip]
const FRESH_METHODS: &[&str] = &[
    "all", "any", "argmax", "argmin", "argsort", "as_integer_ratio", "as_posix", "ascii_lower", "astype",
    "bit_length", "capitalize", "casefold", "center", "conjugate", "corr", "count", "cumsum", "date",
    "decode", "describe", "difference", "dot", "encode", "endswith", "exists", "expandtabs", "find", "findall",
    "format", "format_map", "fromkeys", "fullmatch", "hex", "hexdigest", "index", "intersection", "is_dir",
    "is_file", "is_integer", "isalnum", "isalpha", "isdecimal", "isdigit", "isdisjoint", "isidentifier",
    "islower", "isnumeric", "isoformat", "isprintable", "isspace", "issubset", "issuperset", "istitle",
    "isupper", "item", "join", "keys", "ljust", "lower", "lstrip", "match", "max", "mean", "median", "min",
    "most_common", "nunique", "partition", "prod", "read_bytes", "read_text", "removeprefix", "removesuffix",
    "replace", "rfind", "rindex", "rjust", "round", "rpartition", "rsplit", "rstrip", "search", "split",
    "splitlines", "startswith", "std", "strftime", "strip", "sub", "sum", "swapcase", "symmetric_difference",
    "timestamp", "title", "to_dict", "to_numpy", "to_string", "tolist", "total_seconds", "translate", "union",
    "upper", "value_counts", "var", "zfill",
];

/// Methods that change nothing, and may give a part of their object.
#[rustfmt::skip]
const QUIET_METHODS: &[&str] = &[
    "copy", "diagonal", "flatten", "get", "groupby", "head", "items", "joinpath", "merge", "most_common", "nlargest",
    "nsmallest", "ravel", "reshape", "resolve", "squeeze", "swapaxes", "tail", "transpose", "values", "view",
    "with_name", "with_suffix",
];

/// Methods that put their arguments into their object and leave the arguments as they are.
#[rustfmt::skip]
const INSERTING_METHODS: &[&str] = &[
    "add", "add_edge", "add_node", "append", "appendleft", "extend", "extendleft", "insert", "push", "put",
    "setdefault", "update",
];

/// Methods that change their object but not their arguments, by the custom of the libraries that have them.
#[rustfmt::skip]
const READING_METHODS: &[&str] = &[
    "bar", "barh", "boxplot", "contour", "contourf", "critical", "debug", "discard", "error", "exception",
    "execute", "fill_between", "fit", "fit_predict", "fit_transform", "hist", "imshow", "info", "legend", "log",
    "pie", "plot", "pop", "predict", "predict_proba", "remove", "scatter", "score", "set_title", "set_xlabel",
    "set_xlim", "set_ylabel", "set_ylim", "step", "text", "title", "transform", "violinplot", "warning",
    "write", "writelines", "writerow", "writerows",
];

/// Modules, or parts of modules, whose functions change none of their arguments.
#[rustfmt::skip]
const QUIET_MODULES: &[&str] = &[
    "base64", "binascii", "calendar", "cmath", "collections", "colorsys", "copy", "csv", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fnmatch", "fractions", "functools", "glob", "hashlib", "hmac",
    "html", "inspect", "itertools", "json", "logging", "math", "matplotlib", "numbers", "numpy", "os", "pandas",
    "pathlib", "platform", "pprint", "re", "scipy", "seaborn", "shlex", "shutil", "sklearn", "statistics",
    "string", "struct", "subprocess", "tabulate", "tempfile", "textwrap", "time", "timeit", "tqdm", "typing",
    "unicodedata", "urllib", "uuid", "warnings", "zlib",
];

/// Exceptions to [`QUIET_MODULES`].
#[rustfmt::skip]
const LOUD_FUNCTIONS: &[&str] = &[
    "numpy.copyto", "numpy.fill_diagonal", "numpy.place", "numpy.put", "numpy.put_along_axis", "numpy.putmask",
    "numpy.random.shuffle", "struct.pack_into",
];

/// Functions whose result holds nothing of their arguments.
#[rustfmt::skip]
const FRESH_MODULES: &[&str] = &[
    "base64", "binascii", "calendar", "cmath", "colorsys", "copy.deepcopy", "datetime", "decimal", "fractions",
    "glob", "hashlib", "json", "math", "numpy.arange", "numpy.array", "numpy.dot", "numpy.eye", "numpy.exp",
    "numpy.linspace", "numpy.log", "numpy.mean", "numpy.ones", "numpy.random", "numpy.sqrt", "numpy.std",
    "numpy.sum", "numpy.zeros", "os", "pandas.read_csv", "platform", "random.randint", "random.random",
    "random.uniform", "re", "statistics", "string", "struct", "textwrap", "time", "uuid", "zlib",
];

/// Calls that set up the process. They stay, whatever else is kept, because anything may rest on them.
#[rustfmt::skip]
const PROCESS_CALLS: &[&str] = &[
    "asyncio.set_event_loop", "asyncio.set_event_loop_policy", "codecs.register", "codecs.register_error",
    "copyreg.pickle", "csv.field_size_limit", "decimal.setcontext", "faulthandler.enable", "gc.disable",
    "gc.enable", "gc.set_threshold", "gettext.install", "importlib.invalidate_caches", "locale.setlocale",
    "logging.addLevelName", "logging.basicConfig", "logging.captureWarnings", "logging.config",
    "logging.disable", "logging.getLogger", "logging.setLoggerClass", "mimetypes.init",
    "multiprocessing.freeze_support", "multiprocessing.set_start_method", "os.chdir", "os.environ", "os.nice",
    "os.putenv", "os.umask", "os.unsetenv", "random.seed", "random.setstate", "resource.setrlimit",
    "signal.signal", "site.addsitedir", "socket.setdefaulttimeout", "sys.meta_path", "sys.modules", "sys.path",
    "sys.path_hooks", "sys.set_int_max_str_digits", "sys.setcheckinterval", "sys.setdlopenflags",
    "sys.setprofile", "sys.setrecursionlimit", "sys.setswitchinterval", "sys.settrace",
    "sys.stderr.reconfigure", "sys.stdin.reconfigure", "sys.stdout.reconfigure", "tempfile.tempdir",
    "threading.setprofile", "threading.settrace", "threading.stack_size", "warnings",
];

/// Calls that make places for files which the entry may use by their names.
#[rustfmt::skip]
const FILE_CALLS: &[&str] = &[
    "os.link", "os.makedirs", "os.mkdir", "os.rename", "os.replace", "os.symlink", "pathlib.Path.mkdir",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move", "shutil.rmtree",
    "shutil.unpack_archive",
];

/// Calls of libraries that set the seeds of generators which others draw from.
#[rustfmt::skip]
const SEED_CALLS: &[&str] = &[
    "manual_seed", "manual_seed_all", "seed", "seed_all", "seed_everything", "set_random_seed", "set_rng_state",
    "set_seed", "set_state",
];

/// Calls that only show something, in the libraries that exist for it.
#[rustfmt::skip]
const SHOWING: &[&str] = &[
    "annotate", "axhline", "axis", "axvline", "bar", "barh", "barplot", "boxplot", "clf", "close", "colorbar",
    "contour", "contourf", "countplot", "distplot", "draw", "errorbar", "figlegend", "figtext", "figure",
    "fill", "fill_between", "grid", "heatmap", "hist", "histplot", "hlines", "imshow", "kdeplot", "legend",
    "lineplot", "loglog", "matshow", "pairplot", "pause", "pie", "plot", "pointplot", "polar", "quiver",
    "regplot", "savefig", "scatter", "scatterplot", "semilogx", "semilogy", "show", "specgram", "stackplot",
    "stem", "step", "subplot", "subplots", "subplots_adjust", "suptitle", "table", "text", "tick_params",
    "tight_layout", "title", "violinplot", "vlines", "xlabel", "xlim", "xscale", "xticks", "ylabel", "ylim",
    "yscale", "yticks",
];

/// Beginnings of the names of calls that write something out, by custom.
#[rustfmt::skip]
const WRITING: &[&str] = &[
    "dump", "export", "imsave", "imwrite", "log_", "print", "save", "to_", "write",
];

/// Calls of Python's own library that leave nothing behind.
#[rustfmt::skip]
const PASSING: &[&str] = &[
    "asyncio.run", "atexit.register", "cProfile.run", "logging.critical", "logging.debug", "logging.error",
    "logging.exception", "logging.info", "logging.log", "logging.warn", "logging.warning", "os.system",
    "pprint.pp", "pprint.pprint", "subprocess.Popen", "subprocess.call", "subprocess.check_call",
    "subprocess.check_output", "subprocess.run", "sys.exit", "sys.stderr.flush", "sys.stderr.write",
    "sys.stdout.flush", "sys.stdout.write", "time.perf_counter", "time.process_time", "time.sleep", "time.time",
    "timeit.timeit", "traceback.print_exc", "traceback.print_stack", "webbrowser.open",
];

/// Functions whose result is an iterator, which a reading exhausts.
#[rustfmt::skip]
const ITERATOR_FUNCTIONS: &[&str] = &[
    "builtins.enumerate", "builtins.filter", "builtins.iter", "builtins.map", "builtins.open",
    "builtins.reversed", "builtins.zip", "codecs.open", "csv.DictReader", "csv.reader", "fileinput.input",
    "glob.iglob", "gzip.open", "io.open", "io.StringIO", "itertools", "os.scandir", "os.walk", "re.finditer",
];

/// Methods whose result is an iterator.
#[rustfmt::skip]
const ITERATOR_METHODS: &[&str] = &[
    "finditer", "glob", "iterdir", "iterrows", "itertuples", "open", "rglob",
];

/// What a call outside of this file may change besides its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing.
    Nothing,
    /// The set-up of the process.
    Process,
    /// Files and folders.
    Files,
    /// The seed of a generator of a library.
    Seed,
    /// A generator of random numbers that this module holds: a draw, or a seed of Python's own.
    Random(&'static str),
    /// Whatever the library holds.
    Library,
}

fn has_prefix(list: &[&str], path: &str) -> bool {
    list.iter().any(|entry| {
        path.strip_prefix(entry)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// What a call of a function of another module may change, by its full path.
pub(super) fn reach(path: &str) -> Reach {
    let name = last(path);
    if has_prefix(PASSING, path) {
        return Reach::Nothing;
    }
    if let Some(generator) = generator_of(path) {
        return Reach::Random(generator);
    }
    if has_prefix(PROCESS_CALLS, path) || path == "decimal.getcontext" {
        return Reach::Process;
    }
    if has_prefix(FILE_CALLS, path) {
        return Reach::Files;
    }
    if SEED_CALLS.contains(&name) {
        return Reach::Seed;
    }
    if WRITING.iter().any(|start| name.starts_with(start))
        || SHOWING.contains(&name) && is_plotting(path)
    {
        return Reach::Nothing;
    }
    Reach::Library
}

/// The module whose hidden generator a call draws from or sets.
pub(super) fn generator_of(path: &str) -> Option<&'static str> {
    let constructors = [
        "Random",
        "SystemRandom",
        "default_rng",
        "RandomState",
        "Generator",
        "SeedSequence",
        "PCG64",
    ];
    if constructors.contains(&last(path)) {
        return None;
    }
    if path.starts_with("random.") {
        return Some("random");
    }
    path.starts_with("numpy.random.").then_some("numpy.random")
}

/// Does the name of a call say that it sets something up, also when its value is taken: `old = signal.signal(...)`?
pub(super) fn sets_up(path: &str) -> bool {
    let name = last(path);
    let starts = [
        "add_",
        "disable",
        "enable",
        "install",
        "register",
        "set",
        "unregister",
    ];
    starts.iter().any(|start| name.starts_with(start))
        || ["chdir", "init", "seed", "signal", "tzset", "umask"].contains(&name)
}

/// Does a call set a generator so that what is drawn afterwards is the same in each run?
pub(super) fn is_seed(path: &str) -> bool {
    SEED_CALLS.contains(&last(path)) || last(path) == "setstate"
}

fn is_plotting(path: &str) -> bool {
    ["matplotlib", "pylab", "seaborn", "plotly", "bokeh"]
        .iter()
        .any(|library| path.split('.').next() == Some(library))
}

pub(super) fn is_quiet_builtin(name: &str) -> bool {
    QUIET_BUILTINS.contains(&name) || name.chars().next().is_some_and(char::is_uppercase)
}

pub(super) fn is_fresh_builtin(name: &str) -> bool {
    FRESH_BUILTINS.contains(&name)
}

/// Does a method leave its object as it is?
pub(super) fn is_quiet_method(name: &str) -> bool {
    FRESH_METHODS.contains(&name) || QUIET_METHODS.contains(&name)
}

pub(super) fn is_fresh_method(name: &str) -> bool {
    FRESH_METHODS.contains(&name)
}

pub(super) fn is_inserting(name: &str) -> bool {
    INSERTING_METHODS.contains(&name)
}

/// Is a method known to change its object?
pub(super) fn is_changing(name: &str) -> bool {
    is_inserting(name)
        || [
            "clear", "discard", "pop", "popitem", "popleft", "remove", "reverse", "rotate", "sort",
        ]
        .contains(&name)
}

/// Does a method leave its arguments as they are?
pub(super) fn spares_arguments(name: &str) -> bool {
    is_quiet_method(name) || INSERTING_METHODS.contains(&name) || READING_METHODS.contains(&name)
}

/// Does a function of another module leave its arguments as they are?
pub(super) fn is_quiet_function(path: &str) -> bool {
    has_prefix(QUIET_MODULES, path) && !has_prefix(LOUD_FUNCTIONS, path)
        || path == "random.choice"
        || path == "random.choices"
        || path == "random.sample"
        || path == "heapq.nlargest"
        || path == "heapq.nsmallest"
        || path == "bisect.bisect"
        || path == "bisect.bisect_left"
        || path == "bisect.bisect_right"
        || path == "sys.getsizeof"
}

pub(super) fn is_fresh_function(path: &str) -> bool {
    has_prefix(FRESH_MODULES, path)
}

pub(super) fn makes_iterator(path: &str) -> bool {
    has_prefix(ITERATOR_FUNCTIONS, path)
}

pub(super) fn is_iterator_method(name: &str) -> bool {
    ITERATOR_METHODS.contains(&name)
}
