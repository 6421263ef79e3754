//! Pieces of work on several threads, with results in an order that does not depend on them.
//!
//! Does not: know what the work is.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// More threads than this would only wait for each other, however many are allowed.
const MOST: usize = 64;

/// Does pieces of work by number, as threads come free; the results come in the order of the numbers.
pub fn each<T: Send>(
    threads: NonZeroUsize,
    pieces: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let threads = threads.get().min(pieces).min(MOST);
    if threads <= 1 {
        return (0..pieces).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = |_| {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let numbers = numbers.take_while(|number| *number < pieces);
        numbers.map(|number| (number, work(number))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = crew(threads, take).into_iter().flatten().collect();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Runs the same on so many threads, each with its number; this one is 0. Where the system gives fewer, it runs
/// on fewer: what is to be done lies in a line from which whoever there is takes all.
pub fn crew<T: Send>(threads: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let run = &run;
    thread::scope(|scope| {
        let start = |number| thread::Builder::new().spawn_scoped(scope, move || run(number)).ok();
        let others: Vec<_> = (1..threads).map_while(start).collect();
        let own = run(0);
        let others = others.into_iter().map(|other| match other.join() {
            Ok(result) => result,
            Err(panic) => panic::resume_unwind(panic),
        });
        std::iter::once(own).chain(others).collect()
    })
}

/// Fills a table by position, each thread a part of it.
pub fn fill<T: Send>(threads: NonZeroUsize, table: &mut [T], work: impl Fn(usize) -> T + Sync) {
    let part = table.len().div_ceil(threads.get().min(MOST)).max(1);
    let threads = table.len().div_ceil(part);
    let parts = Mutex::new(table.chunks_mut(part).enumerate());
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    crew(threads, |_| {
        while let Some((at, part_of_it)) = next() {
            for (within, slot) in part_of_it.iter_mut().enumerate() {
                *slot = work(at * part + within);
            }
        }
    });
}

/// Does pieces of work that are taken and put away one at a time, in their order, and worked on
/// beside each other. A thread does all three, so that a piece mostly stays near one processor.
///
/// The first error, in the order of the pieces, ends it, and so does a `Break`. Where a piece takes
/// long, fewer than two results for each thread wait for it.
pub fn relay<P: Send, R: Send, E: Send>(
    threads: NonZeroUsize,
    take: impl FnMut() -> Result<Option<P>, E> + Send,
    work: impl Fn(P) -> R + Sync,
    put: impl FnMut(R) -> Result<ControlFlow<()>, E> + Send,
) -> Result<(), E> {
    let threads = threads.get().min(MOST);
    let line = Mutex::new(Line { take, taken: 0, ended: false });
    let turns = Turns { queue: Mutex::new(Queue::new(put)), moved: Condvar::new(), most: threads };
    crew(threads, |_| {
        let _ends = EndsIfPanicked(&turns);
        while let Some((number, piece)) = line.lock().ok().and_then(|mut line| line.next())
            && turns.put(number, piece.map(&work)).is_continue()
        {}
    });
    turns.queue.into_inner().map_or(Ok(()), |queue| queue.outcome)
}

/// The pieces that nobody took yet.
struct Line<T> {
    take: T,
    taken: usize,
    ended: bool,
}

impl<P, E, T: FnMut() -> Result<Option<P>, E>> Line<T> {
    /// The next piece, or the error in its place, and its number.
    fn next(&mut self) -> Option<(usize, Result<P, E>)> {
        if self.ended {
            return None;
        }
        let piece = (self.take)().transpose();
        self.ended = !matches!(piece, Some(Ok(_)));
        self.taken += 1;
        piece.map(|piece| (self.taken - 1, piece))
    }
}

/// Where results wait for their turn to be put away.
struct Turns<R, E, F> {
    queue: Mutex<Queue<R, E, F>>,
    /// Told whenever results were put away.
    moved: Condvar,
    /// The most results that wait.
    most: usize,
}

struct Queue<R, E, F> {
    put: F,
    waiting: BTreeMap<usize, Result<R, E>>,
    /// The number of the result whose turn it is.
    next: usize,
    outcome: Result<(), E>,
    over: bool,
}

impl<R, E, F: FnMut(R) -> Result<ControlFlow<()>, E>> Turns<R, E, F> {
    /// Puts away what this result and those behind it make possible. Gives whether it goes on.
    fn put(&self, number: usize, result: Result<R, E>) -> ControlFlow<()> {
        // Where a thread panicked within, the others end.
        let Ok(mut queue) = self.queue.lock() else { return ControlFlow::Break(()) };
        queue.waiting.insert(number, result);
        queue.put_away();
        self.moved.notify_all();
        // The thread whose turn it is has nobody to wait for.
        while !queue.over && queue.waiting.len() >= self.most {
            let Ok(moved) = self.moved.wait(queue) else { return ControlFlow::Break(()) };
            queue = moved;
        }
        if queue.over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl<R, E, F: FnMut(R) -> Result<ControlFlow<()>, E>> Queue<R, E, F> {
    fn new(put: F) -> Self {
        Self { put, waiting: BTreeMap::new(), next: 0, outcome: Ok(()), over: false }
    }

    fn put_away(&mut self) {
        while !self.over
            && let Some(result) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            match result.and_then(&mut self.put) {
                Ok(flow) => self.over = flow.is_break(),
                Err(error) => {
                    self.outcome = Err(error);
                    self.over = true;
                }
            }
        }
    }
}

/// Lets nobody wait for the result of a thread that panics.
struct EndsIfPanicked<'t, R, E, F>(&'t Turns<R, E, F>);

impl<R, E, F> Drop for EndsIfPanicked<'_, R, E, F> {
    fn drop(&mut self) {
        if thread::panicking() {
            if let Ok(mut queue) = self.0.queue.lock() {
                queue.over = true;
            }
            self.0.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let threads = NonZeroUsize::new(threads).unwrap();
            assert_eq!(each(threads, 4, |n| n * n), [0, 1, 4, 9]);
            assert_eq!(each(threads, 0, |n| n), [0; 0]);
            let mut table = [0; 7];
            fill(threads, &mut table, |at| at + 1);
            assert_eq!(table, [1, 2, 3, 4, 5, 6, 7]);
        }
    }

    /// Relays the numbers below `pieces`; gives what was put away, and the outcome.
    fn relayed(
        threads: usize,
        pieces: usize,
        work: impl Fn(usize) -> usize + Sync,
        mut put: impl FnMut(usize) -> Result<ControlFlow<()>, usize> + Send,
    ) -> (Vec<usize>, Result<(), usize>) {
        let (mut next, mut done) = (0, Vec::new());
        let take = || {
            next += 1;
            // Nobody asks again behind the last one.
            if next > pieces + 1 { Err(next) } else { Ok((next <= pieces).then_some(next)) }
        };
        let note = |result| {
            done.push(result);
            put(result)
        };
        let outcome = relay(NonZeroUsize::new(threads).unwrap(), take, work, note);
        (done, outcome)
    }

    #[test]
    fn a_relay_puts_away_in_order_and_ends_where_one_thread_would() {
        let uneven = |n| {
            thread::sleep(std::time::Duration::from_micros((n as u64 * 7919) % 300));
            n
        };
        for threads in [1, 2, 5] {
            let all = relayed(threads, 100, uneven, |_| Ok(ControlFlow::Continue(())));
            assert_eq!(all, ((1..=100).collect(), Ok(())));
            let end = |n| if n == 40 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            let ended = relayed(threads, 100, uneven, |n| Ok(end(n)));
            assert_eq!(ended, ((1..=40).collect(), Ok(())));
            let fail = |n| if n == 7 { Err(n) } else { Ok(ControlFlow::Continue(())) };
            assert_eq!(relayed(threads, 100, uneven, fail), ((1..=7).collect(), Err(7)));
            assert_eq!(relayed(threads, 0, uneven, fail), (vec![], Ok(())));
        }
    }

    #[test]
    fn a_relay_waits_for_nobody_who_panicked() {
        for threads in [1, 2, 5] {
            let work = |n| if n == 9 { panic!("the work of {n}") } else { n };
            let put = |_| Ok(ControlFlow::Continue(()));
            let relayed = panic::catch_unwind(|| relayed(threads, 100, work, put));
            assert_eq!(relayed.unwrap_err().downcast_ref::<String>().unwrap(), "the work of 9");
            let put =
                |n| if n == 9 { panic!("what {n} came to") } else { Ok(ControlFlow::Continue(())) };
            let relayed = panic::catch_unwind(|| self::relayed(threads, 100, |n| n, put));
            assert_eq!(relayed.unwrap_err().downcast_ref::<String>().unwrap(), "what 9 came to");
        }
    }
}
