//! Which generations are open: the place that each virtual host has for its own, a bound on how
//! many are open at a time, and those that were replaced and are still in use.
//!
//! Readers load a place and wait for nothing. Whoever changes a place holds its lock. A generation
//! that leaves its place is retired: it lives on in the responses that refer to it, and is dropped
//! by [`Retired::free`] when nothing else does, so that no worker has to unmap a file.

use std::collections::VecDeque;

use super::sync::{Arc, AtomicBool, Guard, Mutex, MutexGuard, Ordering, Place, PoisonError};

/// The place of one virtual host: its live generation, and beside it the state of whoever changes
/// it.
#[derive(Debug)]
pub(crate) struct Slot<T, S> {
    live: Place<T>,
    /// Whether it was asked for since it was last considered for eviction.
    recent: AtomicBool,
    /// Whether it is in the ring. Changed with the ring locked.
    shelved: AtomicBool,
    state: Mutex<S>,
}

impl<T, S> Slot<T, S> {
    /// An empty place.
    pub(crate) fn new(state: S) -> Self {
        Self {
            live: Place::default(),
            recent: AtomicBool::new(false),
            shelved: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    /// The live generation, for a request.
    pub(crate) fn ask(&self) -> Guard<Option<Arc<T>>> {
        if !self.recent.load(Ordering::Relaxed) {
            self.recent.store(true, Ordering::Relaxed);
        }
        self.live.load()
    }

    /// The live generation, for whoever only looks.
    pub(crate) fn peek(&self) -> Guard<Option<Arc<T>>> {
        self.live.load()
    }

    /// The right to change what is live.
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, unless somebody has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, S>> {
        self.state.try_lock().ok()
    }
}

/// The generations that are open.
#[derive(Debug)]
pub(crate) struct Shelf<T, S> {
    /// Most that are open at a time, those aside whose last response is still being sent.
    most: usize,
    /// The places that have a generation, the next to be considered for eviction first.
    ring: Mutex<VecDeque<Arc<Slot<T, S>>>>,
    retired: Retired<T>,
}

/// What was replaced and may still be in use, until nothing else refers to it.
#[derive(Debug)]
pub(crate) struct Retired<T>(Mutex<Vec<Arc<T>>>);

impl<T> Default for Retired<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T> Retired<T> {
    /// Takes in what is not to be found any more.
    pub(crate) fn push(&self, one: Arc<T>) {
        let mut all = lock(&self.0);
        // Several places may have shared it; its last reference has to be here.
        if !all.iter().any(|other| Arc::ptr_eq(other, &one)) {
            all.push(one);
        }
    }

    /// Lets go of what is in its place again.
    pub(crate) fn forget(&self, one: &Arc<T>) {
        lock(&self.0).retain(|other| !Arc::ptr_eq(other, one));
    }

    /// Drops what nothing else refers to any more. How many are left.
    pub(crate) fn free(&self) -> usize {
        let mut unused = Vec::new();
        let mut retired = lock(&self.0);
        let mut at = 0;
        while let Some(one) = retired.get(at) {
            if Arc::strong_count(one) == 1 {
                unused.push(retired.swap_remove(at));
            } else {
                at += 1;
            }
        }
        let left = retired.len();
        // Unmapping takes its time, and is not done under the lock.
        drop(retired);
        drop(unused);
        left
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, S> Shelf<T, S> {
    /// An empty shelf for so many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, ring: Mutex::new(VecDeque::new()), retired: Retired::default() }
    }

    /// Makes a generation the live one of a place, and makes room for it. `_state` is the proof
    /// that the place is locked.
    pub(crate) fn publish(
        &self,
        slot: &Arc<Slot<T, S>>,
        _state: &mut MutexGuard<'_, S>,
        generation: Arc<T>,
    ) {
        // One that is new is not the next to go.
        slot.recent.store(true, Ordering::Relaxed);
        // It may be one that was replaced and is put back while it is still in use.
        self.retired.forget(&generation);
        self.retire(slot.live.swap(Some(generation)));
        let mut ring = lock(&self.ring);
        if !slot.shelved.swap(true, Ordering::Relaxed) {
            ring.push_back(Arc::clone(slot));
        }
        self.make_room(&mut ring, Some(slot));
    }

    /// Makes the room that could not be made when two places were changed at a time, or while what
    /// should have gone was being sent.
    pub(crate) fn trim(&self) {
        self.make_room(&mut lock(&self.ring), None);
    }

    /// Takes the generation out of a place that is not asked any more.
    pub(crate) fn clear(&self, slot: &Arc<Slot<T, S>>, _state: &mut MutexGuard<'_, S>) {
        let mut ring = lock(&self.ring);
        if slot.shelved.swap(false, Ordering::Relaxed) {
            ring.retain(|other| !Arc::ptr_eq(other, slot));
        }
        drop(ring);
        self.retire(slot.live.swap(None));
    }

    /// Evicts what was not asked for since it was last considered, and is not being sent; if all
    /// are, what comes first. A place whose lock is taken is being changed and stays.
    fn make_room(&self, ring: &mut VecDeque<Arc<Slot<T, S>>>, keep: Option<&Arc<Slot<T, S>>>) {
        let turns = 3 * ring.len();
        for turn in 0..turns {
            if ring.len() <= self.most {
                return;
            }
            let Some(slot) = ring.pop_front() else { return };
            let is_kept = keep.is_some_and(|keep| Arc::ptr_eq(&slot, keep));
            let spared = is_kept || slot.recent.swap(false, Ordering::Relaxed);
            let in_use = || slot.live.load().as_ref().is_some_and(|one| Arc::strong_count(one) > 1);
            if spared || (turn < 2 * turns / 3 && in_use()) {
                ring.push_back(slot);
                continue;
            }
            let locked = slot.state.try_lock();
            if locked.is_ok() {
                slot.shelved.store(false, Ordering::Relaxed);
                self.retire(slot.live.swap(None));
            }
            let is_locked_elsewhere = locked.is_err();
            drop(locked);
            if is_locked_elsewhere {
                ring.push_back(slot);
            }
        }
    }

    fn retire(&self, generation: Option<Arc<T>>) {
        if let Some(generation) = generation {
            self.retired.push(generation);
        }
    }

    /// The generations that have left their places.
    pub(crate) fn retired(&self) -> &Retired<T> {
        &self.retired
    }

    /// How many places have a generation.
    pub(crate) fn len(&self) -> usize {
        lock(&self.ring).len()
    }
}

fn lock<L>(mutex: &Mutex<L>) -> MutexGuard<'_, L> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
