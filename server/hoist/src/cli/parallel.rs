//! The same work on many things, on all processors, told in the order of the things.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{Builder, Scope};

use hoist_syntax::strict::ROOMY_STACK;

/// How many things a thread takes at a time.
const PIECE: usize = 16;
/// How many such pieces may wait to be heard.
const AHEAD: usize = 32;

/// Does `work` on all things that `find` gives to its argument, while it goes on finding, and tells each answer, in order and as
/// soon as it is its turn. The first error of `tell` ends it; then the argument of `find` says `Break`.
pub(super) fn in_order<T: Send, A: Send, E>(
    find: impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) + Send,
    work: impl Fn(T) -> A + Sync,
    mut tell: impl FnMut(A) -> Result<(), E>,
) -> Result<(), E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (queue, work) = (&Queue::default(), &work);
    std::thread::scope(|scope| {
        let (sender, answers) = mpsc::sync_channel(AHEAD);
        for _ in 0..threads {
            let sender = sender.clone();
            with_roomy_stack(scope, move || {
                while let Some((number, things)) = queue.take() {
                    let answers: Vec<A> = things.into_iter().map(work).collect();
                    // Nobody hears any more after an error.
                    if sender.send((number, answers)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        scope.spawn(move || {
            // Whatever becomes of the search, the others are not left waiting.
            let _closing = Closing(queue);
            let mut piece = Vec::with_capacity(PIECE);
            find(&mut |thing| {
                piece.push(thing);
                if piece.len() < PIECE {
                    return ControlFlow::Continue(());
                }
                queue.add(std::mem::replace(&mut piece, Vec::with_capacity(PIECE)))
            });
            let _ = queue.add(piece);
        });
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (number, piece) in answers {
            early.insert(number, piece);
            while let Some(piece) = early.remove(&turn) {
                turn += 1;
                if let Err(error) = piece.into_iter().try_for_each(&mut tell) {
                    queue.close();
                    return Err(error);
                }
            }
        }
        Ok(())
    })
}

/// Starts a thread on which any text of ordinary length can be parsed.
fn with_roomy_stack<'s, 'e>(scope: &'s Scope<'s, 'e>, work: impl FnOnce() + Send + Clone + 's) {
    let roomy = Builder::new().stack_size(ROOMY_STACK);
    // Where a process may not have that much, a thread asks for more when it needs it.
    if roomy.spawn_scoped(scope, work.clone()).is_err() {
        scope.spawn(work);
    }
}

/// Pieces that wait to be worked on, each with its number.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    pieces: VecDeque<(usize, Vec<T>)>,
    added: usize,
    is_closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            waiting: Mutex::new(Waiting {
                pieces: VecDeque::new(),
                added: 0,
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a piece, unless nobody takes any more.
    fn add(&self, piece: Vec<T>) -> ControlFlow<()> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return ControlFlow::Break(());
        }
        let number = waiting.added;
        waiting.added += 1;
        waiting.pieces.push_back((number, piece));
        drop(waiting);
        self.changed.notify_one();
        ControlFlow::Continue(())
    }

    /// The next piece, as soon as there is one; none when there will be no more.
    fn take(&self) -> Option<(usize, Vec<T>)> {
        let mut waiting = self.lock();
        loop {
            if let Some(piece) = waiting.pieces.pop_front() {
                return Some(piece);
            }
            if waiting.is_closed {
                return None;
            }
            let woken = self.changed.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing comes any more.
    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

/// Closes a queue when it is dropped.
struct Closing<'q, T>(&'q Queue<T>);

impl<T> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T: Send>(things: Vec<T>) -> impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) + Send {
        |found| {
            let _ = things.into_iter().try_for_each(found);
        }
    }

    #[test]
    fn answers_come_in_order_and_once() {
        let things: Vec<u64> = (0..2_000).collect();
        let mut told = Vec::new();
        let work = |thing: u64| {
            // Some take longer than others.
            (0..thing % 7 * 1_000).fold(thing, |sum, more| std::hint::black_box(sum + more - more))
        };
        let done: Result<(), ()> = in_order(all(things.clone()), work, |answer| {
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
            all(things),
            |thing| thing,
            |answer| {
                told += 1;
                if answer == 10 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((done, told), (Err("enough"), 11));
    }

    #[test]
    fn the_search_ends_with_the_first_error() {
        let mut found = 0_u64;
        let endless = |find: &mut dyn FnMut(u64) -> ControlFlow<()>| {
            while find(found).is_continue() {
                found += 1;
            }
        };
        assert_eq!(in_order(endless, |thing| thing, Err), Err(0));
    }
}
