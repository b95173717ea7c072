//! Programmes times Pythons, run in parallel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cases::all;
use super::{pythons, run};

/// Runs every programme under the Pythons of this machine for which `chosen` (programme's number, Python's number)
/// holds, and fails with the names of those that did not give what they must.
pub fn check(chosen: impl Fn(usize, usize) -> bool) {
    let pythons = pythons();
    let versions: Vec<String> = pythons
        .iter()
        .map(|(minor, _)| format!("3.{minor}"))
        .collect();
    assert!(
        !pythons.is_empty(),
        "no Python 3.6 or newer was found: set HOIST_TEST_PYTHONS to some, separated by ':'"
    );
    eprintln!("Pythons: {}", versions.join(", "));

    let cases = all();
    let mut work = Vec::new();
    for (at_python, (minor, python)) in pythons.iter().enumerate() {
        for (at_case, case) in cases.iter().enumerate() {
            if *minor >= case.since && chosen(at_case, at_python) {
                work.push((minor, python, case));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((minor, python, case)) =
                    work.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let checked = catch_unwind(AssertUnwindSafe(|| {
                        (case.check)(&run(python, &case.source, case.entry, case.args));
                    }));
                    if let Err(panic) = checked {
                        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("Python 3.{minor}: {}\n{text}\n", case.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "of {} runs failed:\n{}",
        work.len(),
        failures.join("\n")
    );
}
