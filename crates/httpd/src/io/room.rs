//! Room for connections: each worker has a share of those that there may be, and when it has them
//! all, connections that were idle longest make room for those that wait to be accepted. If none
//! is, those wait until one ends.

use crate::log::warning;

/// Milliseconds for which a connection has to be idle before it makes room: one between two requests
/// of a page is not idle.
const IDLE: u64 = 1000;
/// The part of a worker's connections that makes room at a time, so that it is not looked for with
/// each that comes.
const PART: usize = 64;

/// A worker's share.
#[derive(Debug)]
pub(super) struct Room {
    share: usize,
    /// When idle connections are looked for next, in milliseconds: not again at once where there are
    /// none.
    looks_at: u64,
    /// Whether the worker waits for a connection to end.
    pub(super) is_awaited: bool,
}

impl Room {
    /// The share of a worker of `connections` among `workers`.
    pub(super) fn new(connections: usize, worker: usize, workers: usize) -> Self {
        let share = share(connections, worker, workers);
        Self { share, looks_at: 0, is_awaited: false }
    }

    /// Takes over another number of connections. Those that are there stay.
    pub(super) fn set(&mut self, connections: usize, worker: usize, workers: usize) {
        self.share = share(connections, worker, workers);
    }

    /// How many more than `connections` there may be.
    pub(super) fn left(&self, connections: usize) -> usize {
        self.share.saturating_sub(connections)
    }

    /// Picks those that make room: of those that are idle, since a time in milliseconds, the ones
    /// that are idle longest. None if it is not time to look for them.
    pub(super) fn pick(
        &mut self,
        now: u64,
        idle: impl Iterator<Item = (u64, usize)>,
    ) -> Vec<usize> {
        if now < self.looks_at {
            return Vec::new();
        }
        let mut idle: Vec<_> = idle.filter(|(since, _)| since + IDLE <= now).collect();
        let most = self.share.div_ceil(PART);
        if idle.len() > most {
            idle.select_nth_unstable(most);
            idle.truncate(most);
        }
        if idle.is_empty() {
            self.looks_at = now + super::REST;
        }
        idle.into_iter().map(|(_, key)| key).collect()
    }

    /// Tells the operator that a worker has no room.
    pub(super) fn tell(&self, worker: usize) {
        let share = self.share;
        warning!(
            worker,
            "worker {worker}: can't accept connections: it has {share}, its share of \
             limits.connections; others wait until one ends or is idle"
        );
    }
}

/// The shares add up to all connections, if there are as many as workers.
fn share(connections: usize, worker: usize, workers: usize) -> usize {
    let (each, more) = (connections / workers.max(1), connections % workers.max(1));
    (each + usize::from(worker < more)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_all() {
        for (connections, workers) in [(1, 1), (10, 3), (100, 7), (1000, 1), (8, 8)] {
            let shares = (0..workers).map(|worker| share(connections, worker, workers));
            assert_eq!(shares.sum::<usize>(), connections);
        }
        assert_eq!(share(2, 5, 8), 1);
    }

    #[test]
    fn those_idle_longest_make_room_a_part_at_a_time() {
        let mut room = Room::new(128, 0, 1);
        assert_eq!((room.left(100), room.left(128), room.left(200)), (28, 0, 0));
        let idle = |since: [u64; 4]| since.into_iter().zip(0..);
        let mut picked = room.pick(10_000, idle([5000, 3000, 9500, 2000]));
        picked.sort_unstable();
        assert_eq!(picked, [1, 3]);
        assert_eq!(room.pick(10_000, idle([5000, 9500, 9600, 9999])), [0]);
    }

    #[test]
    fn where_none_is_idle_none_is_looked_for_again_at_once() {
        let mut room = Room::new(10, 0, 1);
        assert_eq!(room.pick(10_000, [(9500, 1)].into_iter()), [0; 0]);
        assert_eq!(room.pick(10_050, [(1, 2)].into_iter()), [0; 0]);
        assert_eq!(room.pick(10_100, [(1, 2)].into_iter()), [2]);
    }
}
