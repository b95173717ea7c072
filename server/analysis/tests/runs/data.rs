//! Data files.

use super::support::{Workspace, run};

#[test]
fn data_files_travel() {
    let workspace = Workspace::new(&[
        (
            "sub/train.py",
            "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\nNAME = 'named.txt'\ndef f():\n    return open('near.txt').read() + (HERE / 'data' / 'deep.txt').read_text() + open(os.path.join('data', NAME)).read()\ndef g():\n    return open('sub/near.txt').read()\n",
        ),
        ("sub/near.txt", "1"),
        ("sub/data/deep.txt", "2"),
        ("sub/data/named.txt", "3"),
        ("sub/data/other.txt", "4"),
    ]);
    let slice = workspace.slice("sub/train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "'123'");
    assert_eq!(slice.cwd, "sub");
    assert!(
        !slice
            .files
            .iter()
            .any(|file| file.path.ends_with("other.txt"))
    );
    let slice = workspace.slice("sub/train.py", "g", None).unwrap();
    assert_eq!((run(&slice).as_str(), slice.cwd.as_str()), ("'1'", ""));
}

#[test]
fn data_that_is_joined_or_listed_travels() {
    let workspace = Workspace::new(&[
        (
            "train.py",
            "import glob, os\nhere = os.path.split(os.path.realpath(__file__))\ndef f(name, folder='data'):\n    texts = [open(p).read() for p in sorted(glob.glob('data/*.csv'))]\n    return texts, open(here[0] + '/side.txt').read(), open(f'{folder}/deep.txt').read(), open(name).read()\n",
        ),
        ("data/a.csv", "1"),
        ("data/b.csv", "2"),
        ("data/deep.txt", "3"),
        ("side.txt", "4"),
        ("given.txt", "5"),
        ("else.txt", "6"),
    ]);
    let slice = workspace
        .slice("train.py", "f", Some("'given.txt'"))
        .unwrap();
    assert_eq!(run(&slice), "(['1', '2'], '4', '3', '5')");
    assert!(!slice.files.iter().any(|file| file.path == "else.txt"));
}
