//! The same work on many things, on all processors, told in the order of the things.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// How many answers may wait to be heard.
const AHEAD: usize = 256;

/// Does `work` on all `things` and tells each answer, in order and as soon as it is its turn. The first error of `tell` ends it.
pub(super) fn in_order<T: Sync, A: Send, E>(
    things: &[T],
    work: impl Fn(&T) -> A + Sync,
    mut tell: impl FnMut(A) -> Result<(), E>,
) -> Result<(), E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || things.len() < 2 {
        return things.iter().try_for_each(|thing| tell(work(thing)));
    }
    let next = AtomicUsize::new(0);
    let (work, next) = (&work, &next);
    std::thread::scope(|scope| {
        let (sender, answers) = mpsc::sync_channel(AHEAD);
        for _ in 0..threads.min(things.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(thing) = things.get(number) else {
                        return;
                    };
                    // Nobody hears any more after an error.
                    if sender.send((number, work(thing))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (number, answer) in answers {
            early.insert(number, answer);
            while let Some(answer) = early.remove(&turn) {
                tell(answer)?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_once() {
        let things: Vec<u64> = (0..2_000).collect();
        let mut told = Vec::new();
        let work = |thing: &u64| {
            // Some take longer than others.
            (0..thing % 7 * 1_000).fold(*thing, |sum, more| std::hint::black_box(sum + more - more))
        };
        let done: Result<(), ()> = in_order(&things, work, |answer| {
            told.push(answer);
            Ok(())
        });
        assert_eq!(done, Ok(()));
        assert_eq!(told, things);
    }

    #[test]
    fn an_error_ends_it() {
        let things: Vec<usize> = (0..5_000).collect();
        let mut told = 0;
        let done = in_order(
            &things,
            |thing| *thing,
            |answer| {
                told += 1;
                if answer == 10 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((done, told), (Err("enough"), 11));
    }
}
