//! Folders that the code writes into are there in the job when they are here.

mod support;

use support::{Workspace, run_all};

/// The folders that travel with `run`, and the working directory, in a workspace with these folders.
#[track_caller]
fn folders(folders: &[&str], file: &str, source: &str) -> (Vec<String>, String) {
    let workspace = Workspace::new(&[(file, source)]);
    for folder in folders {
        std::fs::create_dir_all(workspace.path(folder)).expect("made");
    }
    let slice = workspace.slice(file, "run", None).expect("a slice");
    (slice.folders, slice.cwd)
}

#[test]
fn a_folder_is_there_however_the_file_in_it_is_named() {
    for write in [
        "open('out/a.txt', 'w')",
        "open(f'out/{n}.txt', 'w')",
        "open(f'{OUT}/{n}.txt', mode='a')",
        "open('out/%d.txt' % n, 'w')",
        "open('out/{}.txt'.format(n), 'x')",
        "open('out/run' + str(n), 'wb')",
        "open(OUT + '/' + str(n), 'w')",
        "open(os.path.join(OUT, str(n)), 'w')",
        "open(os.path.join(OUT, 'a.txt'), 'w')",
        "(Path('out') / f'{n}.txt').write_text('x')",
        "Path(OUT, f'{n}.txt').write_bytes(b'')",
        "Path('out').joinpath(str(n)).open('w')",
        "Path('./out/a').with_suffix('.txt').touch()",
        "numpy.savetxt('out/a.txt', [n])",
        "pandas.DataFrame().to_csv(path_or_buf='out/a.csv')",
        "logging.basicConfig(filename='out/run.log')",
        "logging.FileHandler('out/run.log')",
        "sqlite3.connect('out/a.db')",
        "h5py.File('out/a.h5', 'w')",
        "shutil.copy('a', 'out/b')",
    ] {
        let source = format!(
            "import h5py, logging, numpy, os, pandas, shutil, sqlite3\nfrom pathlib import Path\nOUT = 'out'\n\ndef run(n=1):\n    {write}\n"
        );
        let found = folders(&["out", "elsewhere"], "train.py", &source);
        assert_eq!(found, (vec!["out".to_owned()], String::new()), "{write}");
    }
}

#[test]
fn names_of_the_function_and_defaults_of_its_parameters_are_known() {
    let source = "\
def run(where='out', n=1):
    place = f'{where}/deep'
    path = place + f'/{n}.txt'
    with open(path, 'w') as file:
        file.write('x')
    for where in ():
        pass
";
    // `where` is bound twice, so nobody knows where it leads.
    let found = folders(&["out/deep"], "train.py", source);
    assert_eq!(found.0, [""; 0]);
    let once = source.replace("for where", "for other");
    let found = folders(&["out/deep"], "train.py", &once);
    assert_eq!(found.0, ["out/deep"]);
}

#[test]
fn a_folder_that_is_not_here_or_that_the_code_minds_itself_does_not_travel() {
    for body in [
        "open('gone/a.txt', 'w')",
        "os.makedirs('out', exist_ok=True); open('out/a.txt', 'w')",
        "Path('out').mkdir(); open('out/a.txt', 'w')",
        "print(os.path.isdir('out/')); open('./out/a.txt', 'w')",
        "open('out/a.txt')",
        "open('/tmp/a.txt', 'w')",
        "open('../a.txt', 'w')",
        "open('a.txt', 'w')",
    ] {
        let source = format!("import os\nfrom pathlib import Path\n\ndef run():\n    {body}\n");
        let found = folders(&["out"], "train.py", &source);
        assert_eq!(found.0, [""; 0], "{body}");
    }
    let other = "def run():\n    return 1\n\ndef save():\n    open('out/a.txt', 'w')\n";
    assert_eq!(folders(&["out"], "train.py", other).0, [""; 0]);
}

#[test]
fn a_folder_tells_where_the_job_begins_when_nothing_else_does() {
    let source = "def run():\n    open('out/a.txt', 'w').close()\n";
    let found = folders(&["out"], "scripts/train.py", source);
    assert_eq!(found, (vec!["out".to_owned()], String::new()));
    let found = folders(&["out", "scripts/out"], "scripts/train.py", source);
    let here = (vec!["scripts/out".to_owned()], "scripts".to_owned());
    assert_eq!(found, here);
    let source = "\
from pathlib import Path
HERE = Path(__file__).parent.parent / 'out'

def run():
    (HERE / 'a.txt').write_text('x')
";
    let found = folders(&["out"], "scripts/train.py", source);
    assert_eq!(found, (vec!["out".to_owned()], "scripts".to_owned()));
}

#[test]
fn what_local_modules_write_is_written_as_well() {
    let workspace = Workspace::new(&[
        (
            "train.py",
            "import report\n\ndef run():\n    return report.save(3)\n",
        ),
        (
            "report.py",
            "def save(x):\n    with open(f'out/{x}.txt', 'w') as file:\n        return file.write(str(x))\n",
        ),
    ]);
    std::fs::create_dir(workspace.path("out")).unwrap();
    let slice = workspace.slice("train.py", "run", None).unwrap();
    assert_eq!(slice.folders, ["out"]);
    let ran = run_all(&[slice]);
    assert!(ran[0].contains('1'), "{ran:?}");
}
