//! Writes the ZIP. The same slice gives the same bytes: sorted names, one fixed date, one fixed mode, one compressor.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hoist_analysis::{FileKind, Slice};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::manifest::{MANIFEST_VERSION, Manifest, ManifestFile, ManifestLink};
use crate::{TreePath, TreePathError};

/// A package: a ZIP in memory, named by its hash.
#[derive(Debug, Clone)]
pub struct Package {
    /// The ZIP.
    pub bytes: Vec<u8>,
    /// SHA-256 of [`Self::bytes`] in lower-case hexadecimal digits.
    pub sha256: String,
    /// What `manifest.json` says.
    pub manifest: Manifest,
    /// Where each file of the tree came from on the user's machine. This is not in the ZIP: a package must not differ
    /// for the folder it was made in, and the cluster need not know.
    pub origins: BTreeMap<TreePath, PathBuf>,
}

/// Why a slice cannot become a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file's place in the tree would lead out of it.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// Two files want the same place.
    #[error("two files want the place {0} in the package: rename one of them")]
    Twice(TreePath),
    /// A path is needed as a file and as a folder.
    #[error("{0} is a file in the package and {1} lies below it: rename one of them")]
    FileAndFolder(TreePath, TreePath),
    /// The slice names a module that is not among its files.
    #[error("the module {0} is not among the files of the package")]
    NoModule(TreePath),
    /// ZIP itself refused.
    #[error("the package could not be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// Writing into memory failed.
    #[error("the package could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// The manifest could not be written.
    #[error("the manifest could not be written: {0}")]
    Manifest(#[from] serde_json::Error),
    /// A data file that goes to the target's store cannot be read.
    #[error("{} cannot be read ({error}), so it cannot travel: make it readable", .path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What a file's bytes are, for one that stays outside of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Their number.
    pub size: u64,
    /// Their SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
}

/// Sums a file of this machine: it may know the sum of one that has not changed.
pub type Summing<'a> = &'a dyn Fn(&Path) -> std::io::Result<Sum>;

/// What Python runs of a package.
const MAIN: &str = "__main__.py";

/// Its text, which knows the runner's other files by their sum and by the names of their modules.
fn main_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let main = include_str!("../runtime/__main__.py");
        let texts: String = RUNTIME.iter().map(|(_, text)| *text).collect();
        let sum = hex_sha256((main.to_owned() + &texts).as_bytes());
        let module = |(name, _): &(&str, &str)| {
            let name = name.trim_end_matches(".py").trim_end_matches("/__init__");
            name.replace('/', ".")
        };
        let modules: Vec<String> = RUNTIME.iter().map(module).collect();
        main.replace("@RUNNER@", &sum[..16])
            .replace("@MODULES@", &modules.join(" "))
    });
    &TEXT
}

/// The runner's other files, as they stand at the top of every package.
const RUNTIME: &[(&str, &str)] = &[
    (
        "hoist_runner/__init__.py",
        include_str!("../runtime/hoist_runner/__init__.py"),
    ),
    (
        "hoist_runner/child.py",
        include_str!("../runtime/hoist_runner/child.py"),
    ),
    (
        "hoist_runner/data.py",
        include_str!("../runtime/hoist_runner/data.py"),
    ),
    (
        "hoist_runner/entry.py",
        include_str!("../runtime/hoist_runner/entry.py"),
    ),
    (
        "hoist_runner/errors.py",
        include_str!("../runtime/hoist_runner/errors.py"),
    ),
    (
        "hoist_runner/figures.py",
        include_str!("../runtime/hoist_runner/figures.py"),
    ),
    (
        "hoist_runner/folder.py",
        include_str!("../runtime/hoist_runner/folder.py"),
    ),
    (
        "hoist_runner/imports.py",
        include_str!("../runtime/hoist_runner/imports.py"),
    ),
    (
        "hoist_runner/job.py",
        include_str!("../runtime/hoist_runner/job.py"),
    ),
    (
        "hoist_runner/package.py",
        include_str!("../runtime/hoist_runner/package.py"),
    ),
    (
        "hoist_runner/pickles.py",
        include_str!("../runtime/hoist_runner/pickles.py"),
    ),
    (
        "hoist_runner/previews.py",
        include_str!("../runtime/hoist_runner/previews.py"),
    ),
    (
        "hoist_runner/processes.py",
        include_str!("../runtime/hoist_runner/processes.py"),
    ),
    (
        "hoist_runner/signals.py",
        include_str!("../runtime/hoist_runner/signals.py"),
    ),
    (
        "hoist_runner/statements.py",
        include_str!("../runtime/hoist_runner/statements.py"),
    ),
    (
        "hoist_runner/supervisor.py",
        include_str!("../runtime/hoist_runner/supervisor.py"),
    ),
    (
        "hoist_runner/values.py",
        include_str!("../runtime/hoist_runner/values.py"),
    ),
];

/// Makes the package of a slice. `sum` is asked for the files that go to the target's store.
pub fn build(slice: &Slice, sum: Summing<'_>) -> Result<Package, PackageError> {
    let manifest = manifest(slice, sum)?;
    let mut contents: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut origins = BTreeMap::new();
    for file in &slice.files {
        contents.insert(format!("src/{}", file.path), &file.contents);
        if !file.origin.as_os_str().is_empty() {
            origins.insert(TreePath::new(&file.path)?, file.origin.clone());
        }
    }
    for file in &slice.stored {
        origins.insert(TreePath::new(&file.path)?, file.origin.clone());
    }
    let manifest_text = serde_json::to_vec_pretty(&manifest)?;
    contents.insert("manifest.json".to_owned(), &manifest_text);
    for (name, text) in RUNTIME {
        contents.insert((*name).to_owned(), text.as_bytes());
    }
    contents.insert(MAIN.to_owned(), main_text().as_bytes());

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in &contents {
        zip.start_file(name.as_str(), options(bytes))?;
        zip.write_all(bytes)?;
    }
    let bytes = zip.finish()?.into_inner();
    let sha256 = hex_sha256(&bytes);
    Ok(Package {
        bytes,
        sha256,
        manifest,
        origins,
    })
}

fn options(bytes: &[u8]) -> SimpleFileOptions {
    // A script that travels as data is started by its own name, so it must be executable on the other side too.
    let mode = if bytes.starts_with(b"#!") {
        0o755
    } else {
        0o644
    };
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(mode)
        .large_file(u32::try_from(bytes.len()).is_err())
}

fn manifest(slice: &Slice, sum: Summing<'_>) -> Result<Manifest, PackageError> {
    let mut paths = BTreeSet::new();
    let mut files = Vec::with_capacity(slice.files.len());
    for file in &slice.files {
        let path = TreePath::new(&file.path)?;
        if !paths.insert(path.clone()) {
            return Err(PackageError::Twice(path));
        }
        files.push(ManifestFile {
            path,
            size: file.contents.len() as u64,
            sha256: hex_sha256(&file.contents),
            kind: file.kind,
            why: file.why.clone(),
        });
    }
    let mut stored = Vec::with_capacity(slice.stored.len());
    for file in &slice.stored {
        let path = TreePath::new(&file.path)?;
        if !paths.insert(path.clone()) {
            return Err(PackageError::Twice(path));
        }
        let path_here = file.origin.clone();
        let Sum { size, sha256 } = sum(&file.origin).map_err(|error| PackageError::Unread {
            path: path_here,
            error,
        })?;
        stored.push(ManifestFile {
            path,
            size,
            sha256,
            kind: FileKind::Data,
            why: file.why.clone(),
        });
    }
    for path in &paths {
        for (slash, _) in path.as_str().match_indices('/') {
            let folder = TreePath::new(&path.as_str()[..slash])?;
            if paths.contains(&folder) {
                return Err(PackageError::FileAndFolder(folder, path.clone()));
            }
        }
    }
    for folder in slice.roots.iter().chain([&slice.cwd]) {
        if !folder.is_empty() {
            TreePath::new(folder)?;
        }
    }
    let folders = slice.folders.iter().map(TreePath::new);
    let folders = folders.collect::<Result<Vec<_>, _>>()?;
    for folder in &folders {
        if paths.contains(folder) {
            return Err(PackageError::FileAndFolder(folder.clone(), folder.clone()));
        }
    }
    let there = slice.there.iter().map(|there| {
        Ok(ManifestLink {
            place: there.place.as_ref().map(TreePath::new).transpose()?,
            path: there.path.clone(),
            needs: there.needs.clone(),
        })
    });
    let there = there.collect::<Result<Vec<_>, TreePathError>>()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    stored.sort_by(|a, b| a.path.cmp(&b.path));
    let module_file = TreePath::new(&slice.module_file)?;
    if !paths.contains(&module_file) {
        return Err(PackageError::NoModule(module_file));
    }
    Ok(Manifest {
        version: MANIFEST_VERSION,
        module_name: slice.module_name.clone(),
        module_file,
        roots: slice.roots.clone(),
        cwd: slice.cwd.clone(),
        folders,
        entry: slice.entry.clone(),
        requirements: slice.requirements.clone(),
        files,
        stored,
        there,
    })
}

/// The manifest of a package that was made before.
pub fn manifest_of(package: &[u8]) -> Result<Manifest, PackageError> {
    let mut zip = zip::ZipArchive::new(Cursor::new(package))?;
    let file = zip.by_name("manifest.json")?;
    Ok(serde_json::from_reader(file)?)
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
