//! Work on numbered items by several threads, whose results come in order of the items.
//!
//! Memory is bounded by weights: an item is begun when it and all that is begun and not consumed yet
//! weigh no more than the budget, or when nothing else is under way. Items are begun in order, so
//! the result that is waited for is always under way, and the bound cannot lock up.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How much work is done at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Threads that work.
    pub(crate) threads: usize,
    /// Weight that may be under way.
    pub(crate) budget: u64,
}

/// What the threads share.
struct State<T> {
    /// The next item to be begun.
    next: usize,
    /// The weight of what is begun and not consumed.
    under_way: u64,
    done: BTreeMap<usize, T>,
    /// The item whose result is waited for.
    awaited: Option<usize>,
    /// Threads that wait for room to begin.
    waiting: usize,
    stopped: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// The awaited result is there, or never will be.
    ready: Condvar,
    /// There may be room to begin an item.
    room: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a result where it is waited for.
    fn put(&self, item: usize, result: T) {
        let mut state = self.lock();
        state.done.insert(item, result);
        if state.awaited == Some(item) {
            self.ready.notify_one();
        }
    }

    /// Lets go of an item that is consumed.
    fn let_go(&self, weight: u64, stop: bool) {
        let mut state = self.lock();
        state.under_way = state.under_way.saturating_sub(weight);
        state.stopped |= stop;
        if state.waiting > 0 {
            self.room.notify_all();
        }
    }
}

/// Stops the others when a thread goes, by a panic too.
struct Stop<'a, T>(&'a Shared<T>);

impl<T> Drop for Stop<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().stopped = true;
            self.0.ready.notify_all();
            self.0.room.notify_all();
        }
    }
}

/// Does `work` on the items `0..weights.len()` and hands the results to `consume` in that order, on
/// the thread of the caller. Each thread has a worker of its own from `worker`.
///
/// # Errors
/// The first that `consume` returns; no item is begun after it.
pub(crate) fn in_order<W, T: Send, E>(
    weights: &[u64],
    bounds: Bounds,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, usize) -> T + Sync,
    mut consume: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let state = State {
        next: 0,
        under_way: 0,
        done: BTreeMap::new(),
        awaited: None,
        waiting: 0,
        stopped: false,
    };
    let shared = Shared { state: Mutex::new(state), ready: Condvar::new(), room: Condvar::new() };
    let run = || {
        let _stop = Stop(&shared);
        let mut worker = worker();
        while let Some(item) = begin(&shared, weights, bounds.budget) {
            shared.put(item, work(&mut worker, item));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..bounds.threads.clamp(1, weights.len().max(1)) {
            scope.spawn(run);
        }
        for (item, weight) in weights.iter().enumerate() {
            let Some(result) = take(&shared, item) else { break };
            let consumed = consume(item, result);
            shared.let_go(*weight, consumed.is_err());
            consumed?;
        }
        Ok(())
    })
}

/// Waits until an item may be begun; `None` when there is none left.
fn begin<T>(shared: &Shared<T>, weights: &[u64], budget: u64) -> Option<usize> {
    let mut state = shared.lock();
    loop {
        let item = state.next;
        let weight = *weights.get(item)?;
        if state.stopped {
            return None;
        }
        if state.under_way == 0 || state.under_way.saturating_add(weight) <= budget {
            state.next += 1;
            state.under_way = state.under_way.saturating_add(weight);
            return Some(item);
        }
        state.waiting += 1;
        state = shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
    }
}

/// Waits for the result of an item; `None` if a thread panicked.
fn take<T>(shared: &Shared<T>, item: usize) -> Option<T> {
    let mut state = shared.lock();
    loop {
        if let Some(result) = state.done.remove(&item) {
            return Some(result);
        }
        if state.stopped {
            return None;
        }
        state.awaited = Some(item);
        state = shared.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.awaited = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn bounds(threads: usize, budget: u64) -> Bounds {
        Bounds { threads, budget }
    }

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let mut seen = Vec::new();
            let work = |_: &mut (), item: usize| {
                std::thread::sleep(std::time::Duration::from_micros((item as u64 * 7919) % 300));
                item * 2
            };
            let consume = |item, result| {
                assert_eq!(result, item * 2);
                seen.push(item);
                Ok::<_, ()>(())
            };
            in_order(&[1; 200], bounds(threads, 10), || (), work, consume).unwrap();
            assert_eq!(seen, (0..200).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_under_way_stays_within_the_budget_or_is_a_single_item() {
        let weights: Vec<u64> = (0..300).map(|n| if n % 50 == 7 { 100 } else { n % 9 }).collect();
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |_: &mut (), item: usize| {
            let weight = weights[item];
            let sum = now.fetch_add(weight, Ordering::SeqCst) + weight;
            if weight < 100 {
                most.fetch_max(sum, Ordering::SeqCst);
            }
            std::thread::yield_now();
        };
        let consume = |item: usize, ()| {
            now.fetch_sub(weights[item], Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        in_order(&weights, bounds(8, 30), || (), work, consume).unwrap();
        assert!(most.load(Ordering::SeqCst) <= 30, "{most:?}");
    }

    #[test]
    fn an_error_ends_the_work() {
        let begun = AtomicU64::new(0);
        let work = |_: &mut (), item: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            item
        };
        let consume = |item: usize, _| if item == 5 { Err("five") } else { Ok(()) };
        let result = in_order(&[1; 100_000], bounds(4, 8), || (), work, consume);
        assert_eq!(result, Err("five"));
        assert!(begun.load(Ordering::SeqCst) < 100);
    }

    #[test]
    fn no_items_are_no_work() {
        let nothing = |_: &mut (), _: usize| {};
        in_order(&[], bounds(4, 8), || (), nothing, |_, ()| Ok::<_, ()>(())).unwrap();
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_of_a_worker_reaches_the_caller() {
        let work = |_: &mut (), item: usize| assert!(item < 3, "on purpose");
        let _ = in_order(&[1; 50], bounds(2, 8), || (), work, |_, ()| Ok::<_, ()>(()));
    }
}
