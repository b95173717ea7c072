//! Other processes of the programme.

use super::{Case, case};

pub fn all() -> Vec<Case> {
    let mut cases = vec![
        case(
            "memory and processor time are those of all processes together",
            "
            import os, time
            def f():
                children = []
                told, tell = os.pipe()
                wait, end = os.pipe()
                for _ in range(3):
                    pid = os.fork()
                    if pid == 0:
                        os.close(end)
                        held = bytearray(os.urandom(1 << 20) * 50)
                        until = time.process_time() + 0.3
                        while time.process_time() < until:
                            pass
                        os.write(tell, b'.')
                        os.read(wait, 1)
                        os._exit(len(held) & 0)
                    children.append(pid)
                # All of them hold theirs now, for longer than it takes to look at them.
                for _ in children:
                    os.read(told, 1)
                time.sleep(6)
                os.close(end)
                # Of one of them nobody takes the end.
                for pid in children[1:]:
                    os.waitpid(pid, 0)
                return True
            ",
            "f",
            "",
            |ran| {
                ran.value();
                let peak = ran.result.peak_memory_bytes.unwrap();
                assert!((150 << 20..600 << 20).contains(&peak), "{peak}");
                let cpu = ran.result.cpu_seconds.unwrap();
                assert!((0.85..30.0).contains(&cpu), "{cpu}");
            },
        ),
        case(
            "subprocesses of the same Python find the module and write as they go",
            "
            import subprocess, sys
            VALUE = 42
            def f():
                return subprocess.check_output([sys.executable, '-c', 'import train; print(train.VALUE)']).strip()
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "b'42'"),
        ),
        case(
            "executors of concurrent.futures",
            "
            from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
            def square(x):
                return x * x
            def f():
                with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
                    return list(processes.map(square, range(4))) + list(threads.map(square, range(2)))
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "[0, 1, 4, 9, 0, 1]"),
        ),
        case(
            "a terminated process of multiprocessing dies as at home",
            "
            import multiprocessing, time
            def f():
                process = multiprocessing.get_context('fork').Process(target=time.sleep, args=(100,))
                process.start()
                process.terminate()
                process.join()
                return process.exitcode
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "-15"),
        ),
    ];
    for (name, args) in [
        ("multiprocessing by fork", "'fork'"),
        ("multiprocessing by spawn", "'spawn'"),
        ("multiprocessing by forkserver", "'forkserver'"),
    ] {
        cases.push(case(
            name,
            "
            import multiprocessing, os
            print('top level', __name__, os.getpid() == int(os.environ.setdefault('TOP', str(os.getpid()))))
            class Point:
                def __init__(self, x):
                    self.x = x
            def move(point):
                return Point(point.x + 1)
            def f(method):
                context = multiprocessing.get_context(method)
                with context.Pool(2) as pool:
                    moved = pool.map(move, [Point(1), Point(2)])
                assert all(type(point) is Point for point in moved)
                queue = context.Queue()
                process = context.Process(target=put, args=(queue,))
                process.start()
                value = queue.get()
                process.join()
                return [point.x for point in moved], value, process.exitcode
            def put(queue):
                queue.put(__name__)
            ",
            "f",
            args,
            |ran| {
                assert_eq!(ran.value(), "([2, 3], 'train', 0)");
                // A spawned child imports the module once, under its own name, and never runs it as __main__.
                assert!(ran.stdout.starts_with("top level train True\n"), "{}", ran.stdout);
                assert!(!ran.stdout.contains("mp_main"), "{}", ran.stdout);
            },
        ));
    }
    cases
}
