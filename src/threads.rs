//! Pieces of work on several threads, with results in an order that does not depend on them.
//!
//! Does not: know what the work is.

use std::num::NonZeroUsize;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    let take = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let numbers = numbers.take_while(|number| *number < pieces);
        numbers.map(|number| (number, work(number))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let results = workers.into_iter().map(|worker| match worker.join() {
            Ok(results) => results,
            Err(panic) => panic::resume_unwind(panic),
        });
        results.flatten().collect()
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Fills a table by position, each thread a part of it.
pub fn fill<T: Send>(threads: NonZeroUsize, table: &mut [T], work: impl Fn(usize) -> T + Sync) {
    let part = table.len().div_ceil(threads.get().min(MOST)).max(1);
    let fill = |from: usize, part: &mut [T]| {
        for (at, slot) in part.iter_mut().enumerate() {
            *slot = work(from + at);
        }
    };
    thread::scope(|scope| {
        for (at, part_of_it) in table.chunks_mut(part).enumerate() {
            let fill = &fill;
            scope.spawn(move || fill(at * part, part_of_it));
        }
    });
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
}
