//! A job is like home: the module, its names, its output, its end.

use super::{Case, case};

pub fn all() -> Vec<Case> {
    vec![
        case(
            "the module has its name, its file and its place",
            "
            import inspect, importlib, linecache, os, pickle, sys, threading
            class Model:
                pass
            def f():
                assert sys.modules['train'].f is f
                assert sys.argv == [__file__] and os.path.basename(__file__) == 'train.py'
                assert os.getcwd() == os.path.dirname(__file__) == sys.path[0]
                assert __spec__.name == 'train' and __package__ == ''
                assert 'class Model' in inspect.getsource(Model) and 'getsource' in inspect.getsource(f)
                assert type(pickle.loads(pickle.dumps(Model()))) is Model
                assert linecache.getline(__file__, 1).startswith('import inspect')
                assert importlib.reload(sys.modules[__name__]).f is not None
                assert not [name for name in sys.modules if 'hoist' in name]
                assert not [path for path in sys.path if path.endswith('.zip') and 'python' not in path]
                assert threading.current_thread() is threading.main_thread()
                return __name__
            if __name__ == '__main__':
                raise SystemExit('the guarded part ran')
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "'train'"),
        ),
        case(
            "__main__ is the module, too",
            "
            import doctest, timeit, __main__
            def double(x):
                '''
                >>> double(4)
                8
                '''
                return 2 * x
            def f():
                assert timeit.timeit('double(2)', setup='from __main__ import double', number=3) >= 0
                assert __main__.double is double and __main__.__file__ == __file__
                __main__.extra = 5
                return extra, tuple(doctest.testmod())
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "(5, (0, 1))"),
        ),
        case(
            "text is UTF-8 and shown line by line",
            "
            import sys, os, subprocess
            def f():
                print('Grüße \\U0001f600')
                print('half \\ud800')
                sys.stdout.write('no end of line')
                sys.stdout.flush()
                os.write(1, b' from C\\n')
                subprocess.check_call([sys.executable, '-c', 'print(\"fr\\xfch\"); import sys; sys.stderr.write(\"e\\\\n\")'])
                print('closing')
                sys.stdout.close()
                try:
                    print('lost')
                except ValueError as error:
                    return str(error)
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "'I/O operation on closed file.'");
                assert_eq!(ran.stdout, "Grüße 😀\nhalf \\ud800\nno end of line from C\nfrüh\nclosing\n");
                assert_eq!(ran.stderr, "e\n");
            },
        ),
        case(
            "logging, threads, atexit and daemons end as at home",
            "
            import atexit, logging, threading, time
            logging.basicConfig(level='INFO')
            atexit.register(print, 'atexit')
            def later():
                time.sleep(0.05)
                print('thread')
            def f():
                logging.getLogger(__name__).info('from %s', __name__)
                threading.Thread(target=later).start()
                threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
                return 1
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "1");
                assert_eq!(ran.stdout, "thread\natexit\n");
                assert_eq!(ran.stderr, "INFO:train:from train\n");
            },
        ),
        case(
            "what the job writes is kept",
            "
            import os
            def f():
                os.makedirs('out/deep')
                for name in ('out/deep/a.txt', 'model.bin'):
                    with open(name, 'w') as file:
                        file.write('12345')
                os.symlink('/etc/passwd', 'link')
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "None");
                let files: Vec<(&str, u64)> =
                    ran.result.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
                assert_eq!(files, [("model.bin", 5), ("out/deep/a.txt", 5)]);
                assert_eq!(ran.job.read("files/out/deep/a.txt"), "12345");
            },
        ),
    ]
}
