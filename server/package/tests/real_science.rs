//! Values of real numpy, pandas and matplotlib, which `tests/science` installs from PyPI: previews, pickles, figures.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hoist_package::Preview;
use support::{Ran, run};

/// The Pythons with these packages: this machine's own, and 3.6 where there is one.
fn pythons() -> &'static [PathBuf] {
    static PYTHONS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    PYTHONS.get_or_init(|| {
        let old = support::pythons()
            .into_iter()
            .find(|(minor, _)| *minor == 6);
        let bases = [PathBuf::from("python3")]
            .into_iter()
            .chain(old.map(|(_, python)| python));
        bases.map(|base| science(&base)).collect()
    })
}

fn science(base: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/science");
    let made = Command::new(script).arg(base).output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim())
}

/// Runs `f` of a programme under each of them.
fn each(source: &str, check: impl Fn(&Ran)) {
    for python in pythons() {
        let ran = run(python, source, "f", "");
        ran.value();
        check(&ran);
    }
}

fn previews(ran: &Ran) -> &[Preview] {
    &ran.result.previews
}

/// Every preview in a line or some: where, what, and its text.
fn told(ran: &Ran) -> String {
    let lines = previews(ran).iter().map(|preview| {
        let about = [
            &preview.dtype,
            &preview.name,
            &preview.index,
            &preview.figure,
            &preview.problem,
        ];
        let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
        let columns: Vec<String> = preview
            .columns
            .iter()
            .map(|it| format!("{}:{}", it.name, it.dtype))
            .collect();
        format!(
            "{}<{}> {:?} {} {}{}\n{}\n",
            preview.at,
            preview.kind,
            preview.shape,
            about.join(" | "),
            columns.join(" "),
            if preview.cut { " cut" } else { "" },
            preview.text.as_deref().unwrap_or("")
        )
    });
    lines.collect()
}

#[test]
fn arrays_of_every_kind_show_their_shape_and_their_head() {
    let source = "
        import numpy as np
        def f():
            point = np.dtype([('x', 'f8'), ('name', 'U3')])
            return [
                np.array(5),
                np.zeros((0, 3)),
                np.array([1.5, np.nan, -np.inf]),
                np.arange(12).reshape(3, 4),
                np.array([{'a': 1}, 'x' * 1000, None], dtype=object),
                np.array([(1.0, 'ab'), (2.5, 'c')], dtype=point),
                np.ma.array([1, 2, 3], mask=[0, 1, 0]),
                np.array(['2024-05-01', 'NaT'], dtype='datetime64[D]'),
                np.array([b'ab', b'c']),
                np.zeros((2,) * 20, dtype='i1'),
            ]
        ";
    each(source, |ran| {
        insta::assert_snapshot!("arrays", told(ran));
    });
}

#[test]
fn a_huge_array_is_never_printed_whole() {
    let source = "
        import numpy as np
        class Meters(np.ndarray):
            def __repr__(self):
                return 'meters'
            def __getitem__(self, key):
                raise ValueError('not by index')
        def f():
            np.set_printoptions(threshold=10 ** 9)
            huge = np.lib.stride_tricks.as_strided(np.zeros(1), (10 ** 9, 10 ** 3), (0, 0))
            wide = np.array(['x' * 100000] * 50)
            return huge[:2, :2], {'wide': wide, 'own': np.arange(3.0).view(Meters)}, huge.view(Meters)
        ";
    each(source, |ran| {
        let shapes: Vec<_> = previews(ran)
            .iter()
            .map(|it| (it.at.as_str(), it.shape.clone(), it.cut))
            .collect();
        assert_eq!(
            shapes,
            [
                ("[0]", vec![2, 2], false),
                ("[2]", vec![1_000_000_000, 1000], true)
            ]
        );
        let text = previews(ran)[1].text.as_deref().unwrap();
        assert_eq!(text.lines().count(), 10);
        assert!(text.starts_with("[[0. 0. "), "{text}");
        // Nor are its eight terabytes asked of the machine for a pickle; some machines would grant them.
        let why = ran.result.pickle_problem.as_deref().unwrap();
        assert!(why.starts_with("it would be larger than 1024 MiB"), "{why}");
    });
}

#[test]
fn frames_and_series_show_types_index_and_head() {
    let source = "
        import numpy as np
        import pandas as pd
        def f():
            index = pd.MultiIndex.from_product([['oslo', 'rome'], [2020, 2021]], names=['city', 'year'])
            frame = pd.DataFrame({'temp': [1.5, np.nan, 20.0, 21.25], 'note': ['x' * 200, None, 'ok', '\\u20ac'],
                                  'kind': pd.Categorical(['a', 'b', 'a', 'a'])}, index=index)
            wide = pd.DataFrame(np.zeros((100, 60)), columns=[('c', i) for i in range(60)])
            return {
                'frame': frame,
                'series': frame['temp'],
                'empty': pd.DataFrame({'a': []}),
                'twice': pd.DataFrame([[1, 2]], columns=['a', 'a']),
                'times': pd.Series(pd.date_range('2024-05-01', periods=3, tz='UTC')),
                'wide': wide,
            }
        ";
    // What pandas prints, its 3.6 prints otherwise here and there; that of today is looked at whole.
    let ran = run(&pythons()[0], source, "f", "");
    ran.value();
    insta::assert_snapshot!("frames", told(&ran));
    each(source, |ran| {
        let shapes: Vec<_> = previews(ran)
            .iter()
            .map(|it| (it.at.as_str(), it.shape.clone(), it.cut))
            .collect();
        let expected = [
            ("['frame']", vec![4, 3], false),
            ("['series']", vec![4], false),
            ("['empty']", vec![0, 1], false),
            ("['twice']", vec![1, 2], false),
            ("['times']", vec![3], false),
            ("['wide']", vec![100, 60], true),
        ];
        assert_eq!(shapes, expected);
        assert!(
            previews(ran)
                .iter()
                .all(|it| it.problem.is_none() && it.text.is_some())
        );
        assert_eq!(previews(ran)[5].columns.len(), 50);
    });
}

#[test]
fn only_the_class_counts_and_what_fails_is_said() {
    let source = "
        import numpy as np
        class Pretender:
            shape, dtype, columns = (2, 2), 'f8', ['a']
            @property
            def __class__(self):
                return np.ndarray
            def __array__(self):
                raise SystemExit(9)
        class Rude:
            def __repr__(self):
                raise KeyboardInterrupt
        def f():
            return Pretender(), np.array([Rude()], dtype=object)
        ";
    each(source, |ran| {
        let told: Vec<_> = previews(ran)
            .iter()
            .map(|it| (it.at.as_str(), it.problem.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(told, [("[1]", "KeyboardInterrupt")]);
    });
}

#[test]
fn nothing_is_imported_for_a_preview() {
    let source = "
        import sys
        def f():
            import atexit
            atexit.register(lambda: print([name for name in ('numpy', 'pandas', 'matplotlib', 'pickle') if name in sys.modules]))
            return [1, {'a': 2}]
        ";
    each(source, |ran| {
        assert_eq!(ran.stdout, "[]\n");
        assert!(previews(ran).is_empty());
    });
}

/// What a Python with the module beside it reads out of the pickle.
fn load(python: &Path, ran: &Ran, expression: &str) -> String {
    fs::write(ran.job.folder.join("train.py"), source_of(ran)).unwrap();
    let out = Command::new(python)
        .current_dir(&ran.job.folder)
        .args(["-c", &format!("import pickle\nvalue = pickle.load(open('result.pickle', 'rb'))\nprint({expression})")])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn source_of(ran: &Ran) -> Vec<u8> {
    let zip = Command::new("python3")
        .args(["-c", "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('src/train.py'))"])
        .arg(&ran.job.zip)
        .output()
        .unwrap();
    zip.stdout
}

#[test]
fn a_pickle_has_the_users_own_classes_and_frames() {
    let source = "
        import pandas as pd
        class Fit:
            def __init__(self, table):
                self.table = table
        def f():
            return Fit(pd.DataFrame({'a': range(100000)}))
        ";
    each(source, |ran| {
        let pickle = ran.result.pickle.as_ref().unwrap();
        assert!(pickle.size > 100_000 && pickle.data.is_none());
        let python = pythons().iter().find(|python| is_of(python, ran)).unwrap();
        assert_eq!(
            load(
                python,
                ran,
                "type(value).__module__, value.table['a'].sum()"
            ),
            "train 4999950000"
        );
    });
}

fn is_of(python: &Path, ran: &Ran) -> bool {
    python
        .to_string_lossy()
        .contains(ran.result.python.as_deref().unwrap())
}

/// Width and height of a PNG, which is checked to be one.
fn size_of_png(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// The figures of a job by name, with their sizes in pixels.
fn figures(ran: &Ran) -> Vec<(String, (u32, u32))> {
    let found = ran.result.figures.iter().map(|file| {
        let bytes = fs::read(ran.job.folder.join("figures").join(file.path.as_str())).unwrap();
        assert_eq!(bytes.len() as u64, file.size);
        (file.path.to_string(), size_of_png(&bytes))
    });
    found.collect()
}

#[test]
fn figures_come_in_the_order_in_which_they_were_shown_and_once() {
    let source = "
        import matplotlib
        import matplotlib.pyplot as plt
        from matplotlib.pyplot import show
        def draw(width):
            figure = plt.figure(figsize=(width, 1))
            plt.plot([1, 2])
            return figure
        def f():
            first = draw(1)
            plt.show()
            assert plt.get_fignums() == []
            draw(2)
            still = draw(3)
            show(block=False)
            assert plt.get_fignums() == [1, 2]
            plt.figure(1)
            plt.close()
            unshown = draw(4)
            alone = matplotlib.figure.Figure(figsize=(5, 1))
            return {'first': first, 'alone': alone, 'backend': matplotlib.get_backend()}
        ";
    each(source, |ran| {
        let sizes: Vec<_> = figures(ran)
            .into_iter()
            .map(|(name, (width, _))| (name, width))
            .collect();
        let expected = [
            ("1.png", 100),
            ("2.png", 200),
            ("3.png", 300),
            ("4.png", 400),
            ("5.png", 500),
        ];
        assert_eq!(
            sizes,
            expected.map(|(name, width)| (name.to_owned(), width))
        );
        let named: Vec<_> = previews(ran)
            .iter()
            .map(|it| (it.at.as_str(), it.figure.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(
            named,
            [
                ("['first']", "figures/1.png"),
                ("['alone']", "figures/5.png")
            ]
        );
        assert!(
            ran.value().to_lowercase().contains("'agg'"),
            "{}",
            ran.value()
        );
        assert_eq!(ran.result.notes, [""; 0]);
    });
}

#[test]
fn a_figure_that_is_open_when_the_function_raises_is_kept_and_one_that_cannot_be_drawn_is_told() {
    let source = "
        import matplotlib.pyplot as plt
        def f():
            plt.figure(figsize=(3000, 3000))
            plt.figure()
            plt.title('$\\\\frac$')
            plt.show()
            plt.figure(figsize=(2, 2))
            raise ValueError('late')
        ";
    for python in pythons() {
        let ran = run(python, source, "f", "");
        assert_eq!(ran.error(), ("ValueError".to_owned(), "late".to_owned()));
        let sizes = figures(&ran);
        assert_eq!(sizes.len(), 2, "{sizes:?}");
        // Of many more pixels than anybody can see: shown smaller.
        assert!(sizes[0].1.0 <= 5000, "{sizes:?}");
        assert_eq!(sizes[1].1, (200, 200));
        assert_eq!(ran.result.notes.len(), 1, "{:?}", ran.result.notes);
        assert!(
            ran.result.notes[0].starts_with("a figure could not be drawn: ValueError: "),
            "{:?}",
            ran.result.notes
        );
    }
}

#[test]
fn another_backend_is_the_programmes_choice() {
    let source = "
        import matplotlib
        matplotlib.use('svg')
        import matplotlib.pyplot as plt
        def f():
            plt.plot([1])
            plt.show()
            return matplotlib.get_backend(), plt.get_fignums()
        ";
    each(source, |ran| {
        assert_eq!(ran.value(), "('svg', [1])");
        assert_eq!(figures(ran).len(), 1);
    });
}
