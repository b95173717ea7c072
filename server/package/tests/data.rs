//! Data files that do not lie in the package: those of the target's store, and what is on the target already.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoist_analysis::{OnTarget, Slice, StoredFile};
use hoist_package::{Outcome, Request, manifest_of};
use support::{Job, Ran, build, dedent, python3, slice, sum_of};

/// Nobody in particular.
const SOMEBODY: u32 = 65_534;

fn request() -> Request {
    Request {
        job: "01J".to_owned(),
        ..Request::default()
    }
}

/// A slice that reads `data/big.csv`, which lies in a folder of this machine.
fn reading(home: &Path, source: &str, contents: &[u8]) -> Slice {
    let origin = home.join("big.csv");
    fs::write(&origin, contents).unwrap();
    Slice {
        stored: vec![StoredFile {
            path: "data/big.csv".to_owned(),
            origin,
            len: contents.len() as u64,
            why: "the code names it".to_owned(),
        }],
        ..slice(&dedent(source), "f")
    }
}

/// A job whose package lies where a target has it, with the store beside.
struct Placed {
    job: Job,
    store: PathBuf,
}

impl Placed {
    fn new(slice: &Slice, request: &Request) -> Self {
        let mut job = Job::new(slice, request);
        let packages = job.home.path().join("packages");
        fs::create_dir(&packages).unwrap();
        let zip = packages.join(job.zip.file_name().unwrap());
        fs::rename(&job.zip, &zip).unwrap();
        job.zip = zip;
        let store = job.home.path().join("data");
        fs::create_dir(&store).unwrap();
        Self { job, store }
    }

    /// Puts a file into the store as the upload does.
    fn store(&self, contents: &[u8]) -> PathBuf {
        let path = self.store.join(sum_of(contents));
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let meta = fs::metadata(&path).unwrap();
        let changed = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        fs::write(
            path.with_extension("seal"),
            format!("{} {changed}", contents.len()),
        )
        .unwrap();
        path
    }

    /// Runs it as a user who is not root, whoever runs the test: root may write whatever the mode says.
    fn run(self) -> Ran {
        let mut command = self.job.command(&python3());
        if fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0) {
            let owner = format!("{SOMEBODY}:{SOMEBODY}");
            let changed = Command::new("chown")
                .args(["-R", &owner])
                .arg(self.job.home.path())
                .status();
            assert!(changed.unwrap().success());
            command.uid(SOMEBODY).gid(SOMEBODY);
        }
        let child = command.spawn().unwrap();
        self.job.finish(child)
    }
}

const READS: &str = "
    import os
    def f():
        with open('data/big.csv') as file:
            text = file.read()
        return len(text), os.stat('data/big.csv').st_ino
";

#[test]
fn a_stored_file_is_linked_to_its_place_and_does_not_come_back() {
    let home = tempfile::tempdir().unwrap();
    let contents = b"1,2\n".repeat(1000);
    let slice = reading(home.path(), READS, &contents);
    let package = build(&slice).unwrap();
    let manifest = manifest_of(&package.bytes).unwrap();
    assert_eq!(manifest, package.manifest);
    assert_eq!(manifest.stored[0].sha256, sum_of(&contents));
    assert!(!String::from_utf8_lossy(&package.bytes).contains("src/data/big.csv"));
    assert_eq!(build(&slice).unwrap().sha256, package.sha256);

    let placed = Placed::new(&slice, &request());
    let stored = placed.store(&contents);
    let ran = placed.run();
    let inode = fs::metadata(&stored).unwrap().ino();
    assert_eq!(ran.value(), format!("(4000, {inode})"));
    assert!(ran.result.files.is_empty());
    assert_eq!(fs::metadata(&stored).unwrap().nlink(), 1);
}

#[test]
fn a_job_cannot_change_what_others_share() {
    let home = tempfile::tempdir().unwrap();
    let source = "
        def f():
            try:
                with open('data/big.csv', 'a') as file:
                    file.write('mine')
            except PermissionError:
                return 'no'
    ";
    let slice = reading(home.path(), source, b"ours");
    let placed = Placed::new(&slice, &request());
    let stored = placed.store(b"ours");
    let ran = placed.run();
    assert_eq!(ran.value(), "'no'");
    assert_eq!(fs::read(&stored).unwrap(), b"ours");
}

#[test]
fn root_gets_a_copy_unless_the_store_is_its_own() {
    if !fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = "
        def f():
            with open('data/big.csv', 'a') as file:
                file.write('mine')
            return open('data/big.csv').read()
    ";
    for own in [false, true] {
        let slice = reading(home.path(), source, b"ours");
        let request = Request {
            own_store: own,
            ..request()
        };
        let placed = Placed::new(&slice, &request);
        let stored = placed.store(b"ours");
        let ran = placed.job.run(&python3());
        assert_eq!(ran.value(), "'oursmine'");
        let left = fs::read(&stored).unwrap();
        assert_eq!(left, if own { &b"oursmine"[..] } else { b"ours" });
        // What it made of it is its own.
        assert_eq!(ran.result.files.len(), 1);
    }
}

#[test]
fn a_store_on_another_file_system_will_do() {
    let home = tempfile::tempdir().unwrap();
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let slice = reading(home.path(), READS, b"12345");
    let placed = Placed::new(&slice, &request());
    fs::remove_dir(&placed.store).unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &placed.store).unwrap();
    let stored = placed.store(b"12345");
    fs::set_permissions(&stored, fs::Permissions::from_mode(0o444)).unwrap();
    let inode = fs::metadata(&stored).unwrap().ino();
    assert_eq!(placed.run().value(), format!("(5, {inode})"));
}

#[test]
fn what_is_not_what_the_manifest_says_is_refused_and_thrown_away() {
    let home = tempfile::tempdir().unwrap();
    let run = |alter: &dyn Fn(&Path)| {
        let slice = reading(home.path(), READS, b"12345");
        let placed = Placed::new(&slice, &request());
        let stored = placed.store(b"12345");
        fs::set_permissions(&stored, fs::Permissions::from_mode(0o644)).unwrap();
        alter(&stored);
        let ran = placed.run();
        let is_left = stored.exists();
        (ran, is_left)
    };
    // The seal is gone or broken, the bytes are right: it is sealed anew.
    let (ran, is_left) = run(&|stored| fs::write(stored.with_extension("seal"), "x").unwrap());
    assert!(ran.value().starts_with("(5, ") && is_left);

    for (alter, words) in [
        (
            &(|stored: &Path| fs::write(stored, "54321").unwrap()) as &dyn Fn(&Path),
            "`data/big.csv` was altered in the store of data files: run the function again, and it is sent anew",
        ),
        (
            &|stored| fs::write(stored, "123").unwrap(),
            "`data/big.csv` has 3 bytes in the store and not 5: run the function again, and it is sent anew",
        ),
        (
            &|stored| fs::remove_file(stored).unwrap(),
            "`data/big.csv` is not in the store of data files any more",
        ),
    ] {
        let (ran, is_left) = run(alter);
        assert_eq!((ran.exit.state, ran.code), (Outcome::Failed, 3));
        assert!(ran.exit.reason.starts_with(words), "{}", ran.exit.reason);
        assert!(!is_left);
    }
}

fn linking(source: &str, there: Vec<OnTarget>) -> Slice {
    Slice {
        there,
        ..slice(&dedent(source), "f")
    }
}

fn there(place: &str, path: &Path, needs: &[&str]) -> OnTarget {
    OnTarget {
        place: (!place.is_empty()).then(|| place.to_owned()),
        path: path.to_str().unwrap().to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    }
}

#[test]
fn what_is_on_the_target_already_is_found_at_its_place() {
    let lab = tempfile::tempdir().unwrap();
    for file in ["years/1999.csv", "years/old/1899.csv", "one.csv"] {
        let file = lab.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    let source = "
        import os
        def f():
            found = [os.path.relpath(os.path.join(top, name)) for top, _, names in os.walk('data', followlinks=True) for name in names]
            return sorted(found), open('one.csv').read()
    ";
    let mut slice = linking(
        source,
        vec![
            there("data/years", &lab.path().join("years"), &["1999.csv"]),
            there("one.csv", &lab.path().join("one.csv"), &[""]),
            there("not.csv", &lab.path().join("not.csv"), &[]),
        ],
    );
    let expected = "(['data/years/1999.csv', 'data/years/old/1899.csv'], 'x')";
    let ran = Job::new(&slice, &request()).run(&python3());
    assert_eq!(ran.value(), expected);
    assert!(ran.result.files.is_empty(), "{:?}", ran.result.files);

    // A file of the package lies in the same folder.
    let module = support::file(
        "data/years/old/read.py",
        b"",
        hoist_analysis::FileKind::Module,
    );
    slice.files.push(module);
    let ran = Job::new(&slice, &request()).run(&python3());
    assert_eq!(
        ran.value(),
        "(['data/years/1999.csv', 'data/years/old/1899.csv', 'data/years/old/read.py'], 'x')"
    );
    assert!(ran.result.files.is_empty(), "{:?}", ran.result.files);
    assert!(lab.path().join("years/old/1899.csv").exists());
    assert!(!lab.path().join("years/old/read.py").exists());
}

#[test]
fn what_should_be_on_the_target_and_is_not_is_told_before_the_entry_starts() {
    let lab = tempfile::tempdir().unwrap();
    let source = "
        def f():
            print('started')
    ";
    let refused = |there: OnTarget| {
        let ran = Job::new(&linking(source, vec![there]), &request()).run(&python3());
        assert_eq!((ran.exit.state, ran.stdout.as_str()), (Outcome::Failed, ""));
        ran.exit.reason
    };
    let reason = refused(there("data", lab.path(), &["x/1.csv"]));
    let wanted = lab.path().join("x/1.csv");
    assert!(
        reason.starts_with(&format!("{} cannot be found on ", wanted.display())),
        "{reason}"
    );
    assert!(reason.ends_with("(No such file or directory), where `paths` of the target says that `data/x/1.csv` lies: put it there, or correct `paths`"), "{reason}");
    let reason = refused(there("", &wanted, &[""]));
    assert!(
        reason.ends_with("(No such file or directory): put it there, or correct `paths`"),
        "{reason}"
    );
    let reason = refused(there("data", Path::new("$HOIST_NOT_SET/x"), &[""]));
    assert!(reason.ends_with("a variable is not set"), "{reason}");
}

#[test]
fn a_package_without_its_large_files_says_so_when_it_is_run_by_hand() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::new(&reading(home.path(), READS, b"12345"), &request());
    let ran = Command::new("python3")
        .arg(&job.zip)
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3));
    assert!(said.contains("`data/big.csv` (5 bytes) is not in this package but in the store of a target: `hoist package --all` writes one with everything in it"), "{said}");
}
