//! Which virtual hosts have counters of their own. So many series as there are, a scrape takes, and
//! the names may be a hundred thousand: the first that are asked for have theirs, the others share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tally::{Counter, Tally};
use crate::vhost::Name;

/// Where requests are counted whose host is no virtual host, and what is no request.
pub(super) const NONE: usize = 0;
/// Where requests are counted whose virtual host has no counters of its own.
pub(super) const OTHER: usize = 1;
/// Places that belong to no single virtual host.
pub(super) const SHARED: usize = 2;
/// The names of these.
pub(super) const SHARED_NAMES: [&str; SHARED] = ["none", "other"];

/// Where the requests of a virtual host are counted.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its number among the places of each worker.
    pub(super) number: usize,
    /// All requests, by worker.
    pub(super) requests: Box<[Apart]>,
    /// While there is one the place is not given to another virtual host.
    _lease: Option<Arc<()>>,
}

/// A counter on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Apart(pub(super) Counter);

impl Place {
    /// Requests since the virtual host was found.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.iter().map(|count| count.0.get()).sum()
    }
}

/// The places that belong to single virtual hosts.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
pub(super) struct Given {
    by_name: HashMap<Name, usize>,
    /// In the order of places, behind those that are shared.
    leases: Vec<(Name, Arc<()>)>,
}

impl Places {
    /// Places for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, given: Mutex::default() }
    }

    /// A place for a virtual host. A name that was there before has its place again. When all are
    /// given, the place of a name is free that is gone and of whose requests none is in flight.
    pub(super) fn place(&self, name: &Name, tallies: &[Arc<Tally>]) -> Place {
        let requests = tallies.iter().map(|_| Apart::default()).collect();
        let lease = if is_reserved(name) { None } else { self.lease(name, tallies) };
        let (number, lease) = lease.map_or((OTHER, None), |(at, lease)| (at, Some(lease)));
        Place { number, requests, _lease: lease }
    }

    fn lease(&self, name: &Name, tallies: &[Arc<Tally>]) -> Option<(usize, Arc<()>)> {
        let mut given = self.given();
        let Given { by_name, leases } = &mut *given;
        if let Some(at) = by_name.get(name) {
            let (_, lease) = leases.get(*at)?;
            return Some((SHARED + at, Arc::clone(lease)));
        }
        let at = if leases.len() < self.most {
            leases.push((name.clone(), Arc::default()));
            leases.len() - 1
        } else {
            // Whoever had it has let go of it, and so has counted for the last time.
            let is_free = |(_, lease): &mut (Name, Arc<()>)| Arc::get_mut(lease).is_some();
            let at = leases.iter_mut().position(is_free)?;
            let (before, _) = leases.get_mut(at)?;
            by_name.remove(before);
            *before = name.clone();
            for tally in tallies {
                tally.cells(SHARED + at).iter().for_each(Counter::clear);
            }
            at
        };
        by_name.insert(name.clone(), at);
        let (_, lease) = leases.get(at)?;
        Some((SHARED + at, Arc::clone(lease)))
    }

    /// Calls `tell` with each place and the name that it is for. None changes hands meanwhile.
    pub(super) fn each(&self, mut tell: impl FnMut(usize, &str)) {
        let given = self.given();
        for (place, name) in SHARED_NAMES.iter().enumerate() {
            tell(place, name);
        }
        for (at, (name, _)) in given.leases.iter().enumerate() {
            tell(SHARED + at, &name.to_string());
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a name is one under which requests are counted that are not its own.
fn is_reserved(name: &Name) -> bool {
    matches!(name, Name::Exact(name) if SHARED_NAMES.contains(&&**name))
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::*;
    use protocol::{Method, Status};

    fn exact(name: &str) -> Name {
        Name::Exact(name.into())
    }

    fn told(places: &Places) -> Vec<(usize, String)> {
        let mut told = Vec::new();
        places.each(|place, name| told.push((place, name.to_owned())));
        told.split_off(SHARED)
    }

    #[test]
    fn the_first_names_have_places_of_their_own_and_the_others_share_one() {
        let places = Places::new(2);
        let numbers: Vec<_> = ["a", "b", "c", "a", "d"]
            .map(|name| places.place(&exact(name), &[]))
            .map(|place| (place.number, place))
            .into();
        let numbers: Vec<_> = numbers.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 3, OTHER, 2, OTHER]);
        assert_eq!(told(&places), [(2, "a".to_owned()), (3, "b".to_owned())]);
    }

    #[test]
    fn names_that_mean_something_else_share() {
        let places = Places::new(2);
        for name in SHARED_NAMES {
            assert_eq!(places.place(&exact(name), &[]).number, OTHER);
        }
        assert_eq!(places.place(&Name::Wildcard("none".into()), &[]).number, SHARED);
    }

    #[test]
    fn a_name_that_comes_back_goes_on_counting() {
        let tallies = [Arc::new(Tally::new(1))];
        let places = Places::new(1);
        let cell = Cell::of(Method::Get, Status::OK);
        let place = places.place(&exact("a"), &tallies);
        tallies[0].count(place.number, cell);
        drop(place);
        let place = places.place(&exact("a"), &tallies);
        tallies[0].count(place.number, cell);
        assert_eq!(tallies[0].cells(place.number)[cell.number()].get(), 2);
    }

    #[test]
    fn the_place_of_a_name_that_is_gone_is_given_to_another_and_begins_at_zero() {
        let tallies = [Arc::new(Tally::new(1)), Arc::new(Tally::new(1))];
        let places = Places::new(1);
        let cell = Cell::of(Method::Get, Status::OK);
        let first = places.place(&exact("a"), &tallies);
        tallies[1].count(first.number, cell);
        assert_eq!(places.place(&exact("b"), &tallies).number, OTHER, "it is still there");
        drop(first);
        let second = places.place(&exact("c"), &tallies);
        assert_eq!(told(&places), [(second.number, "c".to_owned())]);
        assert_eq!(tallies[1].cells(second.number)[cell.number()].get(), 0);
        assert_eq!(places.place(&exact("a"), &tallies).number, OTHER);
    }
}
