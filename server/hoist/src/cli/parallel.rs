//! The same work on many things, on all processors, told in the order of the things.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::Builder;

use hoist_syntax::strict::ROOMY_STACK;

/// How many things a thread takes at a time at most; near the end it takes fewer, so that all threads end together.
const MOST: usize = 16;
/// How many such pieces may wait to be heard.
const AHEAD: usize = 32;

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
            let work = move || {
                while let Some(piece) = take(next, things.len(), threads) {
                    let answers: Vec<A> = things[piece.clone()].iter().map(work).collect();
                    // Nobody hears any more after an error.
                    if sender.send((piece.start, answers)).is_err() {
                        return;
                    }
                }
            };
            let roomy = Builder::new().stack_size(ROOMY_STACK);
            // Where a process may not have that much, a thread asks for more when it needs it.
            if roomy.spawn_scoped(scope, work.clone()).is_err() {
                scope.spawn(work);
            }
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (number, piece) in answers {
            early.insert(number, piece);
            while let Some(piece) = early.remove(&turn) {
                turn += piece.len();
                piece.into_iter().try_for_each(&mut tell)?;
            }
        }
        Ok(())
    })
}

/// The next piece of so many things.
fn take(next: &AtomicUsize, things: usize, threads: usize) -> Option<Range<usize>> {
    let end_of = |start: usize| start + ((things - start) / (4 * threads)).clamp(1, MOST);
    let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |start| {
        (start < things).then(|| end_of(start))
    });
    taken.ok().map(|start| start..end_of(start))
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
