//! The shelf under a model checker: threads that read, open, replace, evict and remove meet in many
//! orders, and no generation is dropped while somebody refers to it, or kept when nobody does.
//!
//! The very source of the shelf is compiled here with the checker's locks and atomics in the place
//! of the system's, and with a pointer behind such a lock in the place of the atomic one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, dead_code)]

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, Ordering};
    pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

    /// A pointer that is loaded and replaced at once.
    #[derive(Debug)]
    pub(crate) struct Place<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for Place<T> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<T> Place<T> {
        pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
            Guard(self.0.lock().unwrap().clone())
        }

        pub(crate) fn swap(&self, new: Option<Arc<T>>) -> Option<Arc<T>> {
            std::mem::replace(&mut self.0.lock().unwrap(), new)
        }
    }

    /// What was loaded.
    pub(crate) struct Guard<P>(P);

    impl<P> std::ops::Deref for Guard<P> {
        type Target = P;

        fn deref(&self) -> &P {
            &self.0
        }
    }
}

#[path = "../src/vhost/shelf.rs"]
mod shelf;

use std::collections::HashSet;

use shuttle::rand::Rng;
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use shuttle::thread;

use shelf::{Retired, Shelf, Slot};
use sync::Place;

/// Orders that are tried of each model.
const ORDERS: usize = 3000;

/// A generation: counts itself while it is open.
#[derive(Debug)]
struct Open {
    number: usize,
    mapped: AtomicBool,
    world: Arc<World>,
}

/// What is open in all, and what each vhost is to lead to.
#[derive(Debug, Default)]
struct World {
    open: AtomicUsize,
    most_open: AtomicUsize,
    next: AtomicUsize,
}

impl Open {
    fn new(world: &Arc<World>) -> Arc<Self> {
        let open = world.open.fetch_add(1, Ordering::SeqCst) + 1;
        world.most_open.fetch_max(open, Ordering::SeqCst);
        let number = world.next.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self { number, mapped: AtomicBool::new(true), world: Arc::clone(world) })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        assert!(self.mapped.swap(false, Ordering::SeqCst), "unmapped twice");
        self.world.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a vhost's directory entry leads to, and whether its name is gone.
#[derive(Debug, Default)]
struct State {
    removed: bool,
    /// The generations that were published, in order.
    history: Vec<usize>,
}

type Site = Arc<Slot<Open, State>>;
type Shelves = Arc<Shelf<Open, State>>;

/// Opens what is not open, as a worker does for a request.
fn ask(shelf: &Shelves, site: &Site, world: &Arc<World>) -> Option<Arc<Open>> {
    if let Some(open) = &*site.ask() {
        return Some(Arc::clone(open));
    }
    let mut state = site.lock();
    if state.removed {
        return None;
    }
    if site.peek().is_none() {
        let open = Open::new(world);
        state.history.push(open.number);
        shelf.publish(site, &mut state, open);
    }
    let live = site.ask().as_ref().map(Arc::clone);
    assert!(live.is_some(), "what was just opened is gone before it was used");
    drop(state);
    live
}

/// Makes a new generation live, as the watcher does when a link was swapped.
fn swap(shelf: &Shelves, site: &Site, world: &Arc<World>) {
    let mut state = site.lock();
    if !state.removed {
        let open = Open::new(world);
        state.history.push(open.number);
        shelf.publish(site, &mut state, open);
    }
}

/// A worker: plans from what is live, and holds on to it while it sends.
fn work(shelf: &Shelves, places: &[Site], world: &Arc<World>) {
    for _ in 0..3 {
        let site = &places[shuttle::rand::thread_rng().gen_range(0..places.len())];
        let before = site.lock().history.len();
        let sending = ask(shelf, site, world);
        thread::yield_now();
        if let Some(sending) = sending {
            assert!(sending.mapped.load(Ordering::SeqCst), "unmapped while a plan refers to it");
            let history = &site.lock().history;
            let since = &history[before.saturating_sub(1)..];
            assert!(since.contains(&sending.number), "it was replaced before the request");
        }
    }
}

fn places(count: usize) -> Vec<Site> {
    (0..count).map(|_| Arc::new(Slot::new(State::default()))).collect()
}

/// What holds when all is over: what is open is what is live, within the bound.
fn assert_tidy(shelf: &Shelves, places: &[Site], world: &World, most: usize) {
    shelf.trim();
    assert_eq!(shelf.retired().free(), 0, "something is retired and held by nobody");
    let live: Vec<_> =
        places.iter().filter_map(|site| site.peek().as_ref().map(Arc::clone)).collect();
    assert_eq!(shelf.len(), live.len());
    assert!(live.len() <= most, "{} are open", live.len());
    let numbers: HashSet<_> = live.iter().map(|open| open.number).collect();
    assert_eq!(world.open.load(Ordering::SeqCst), numbers.len(), "a generation has leaked");
}

/// Runs workers beside what `other` does.
fn model(most: usize, count: usize, other: fn(&Shelves, &[Site], &Arc<World>)) {
    shuttle::check_random(
        move || {
            let world = Arc::new(World::default());
            let shelf: Shelves = Arc::new(Shelf::new(most));
            let places = Arc::new(places(count));
            let mut threads = Vec::new();
            for _ in 0..2 {
                let (shelf, places, world) = (shelf.clone(), places.clone(), world.clone());
                threads.push(thread::spawn(move || work(&shelf, &places, &world)));
            }
            let (watched, all, around) = (shelf.clone(), places.clone(), world.clone());
            threads.push(thread::spawn(move || {
                other(&watched, &all, &around);
                watched.retired().free();
            }));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_tidy(&shelf, &places, &world, most);
        },
        ORDERS,
    );
}

#[test]
fn a_generation_that_is_replaced_lives_as_long_as_its_responses() {
    model(4, 2, |shelf, places, world| {
        for site in places.iter().cycle().take(4) {
            swap(shelf, site, world);
            shelf.retired().free();
        }
    });
}

#[test]
fn a_generation_that_is_put_back_or_shared_does_not_leak() {
    model(4, 2, |shelf, places, world| {
        let first = Open::new(world);
        // Live at both places, replaced, and put back while it may be in use.
        for generation in [first.clone(), Open::new(world), first] {
            for site in places {
                let mut state = site.lock();
                state.history.push(generation.number);
                shelf.publish(site, &mut state, Arc::clone(&generation));
                drop(state);
                shelf.retired().free();
            }
        }
    });
}

#[test]
fn what_is_evicted_is_opened_again_and_nothing_leaks() {
    model(1, 3, |shelf, places, world| {
        for site in places {
            swap(shelf, site, world);
            shelf.retired().free();
        }
    });
}

#[test]
fn a_name_that_is_removed_keeps_nothing_open() {
    model(2, 2, |shelf, places, _| {
        for site in places {
            let mut state = site.lock();
            state.removed = true;
            shelf.clear(site, &mut state);
            drop(state);
            shelf.retired().free();
        }
        assert!(places.iter().all(|site| site.peek().is_none()));
    });
}

#[test]
fn a_table_that_is_replaced_is_freed_when_no_worker_has_it() {
    shuttle::check_random(
        || {
            let world = Arc::new(World::default());
            let live = Arc::new(Place::default());
            live.swap(Some(Open::new(&world)));
            let published = Arc::clone(&live);
            let worker = thread::spawn(move || {
                for _ in 0..3 {
                    let table = published.load();
                    thread::yield_now();
                    let table = table.as_ref().unwrap();
                    assert!(table.mapped.load(Ordering::SeqCst), "freed while a worker reads it");
                }
            });
            let old = Retired::default();
            for _ in 0..3 {
                live.swap(Some(Open::new(&world))).into_iter().for_each(|table| old.push(table));
                old.free();
            }
            worker.join().unwrap();
            assert_eq!(old.free(), 0, "a table is held by nobody");
            assert_eq!(world.open.load(Ordering::SeqCst), 1, "a table has leaked");
        },
        ORDERS,
    );
}
