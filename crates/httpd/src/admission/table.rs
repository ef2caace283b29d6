//! The clients that are known by their address, for all workers. It has room for a fixed number of
//! them, and forgets those first of which there is nothing to remember.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::bucket::Bucket;

/// Shards, a power of two. Each has a lock of its own, which is held for a look at its places.
const SHARDS: usize = 4096;
/// Clients of a shard.
const PLACES: usize = 16;

/// The clients. It takes 1.1 MiB, and 32 bytes for each client that is in it: 3.1 MiB at most.
pub(super) struct Table {
    shards: Box<[Mutex<Shard>]>,
    /// Keyed anew by each process, so that nobody can choose addresses that share a shard.
    hash: RandomState,
}

type Shard = [(u64, Option<Arc<Bucket>>); PLACES];

/// What the table says of a client that connects.
#[derive(Debug)]
pub(super) enum Found {
    /// It is known from now on, for as long as this is kept.
    Known(Arc<Bucket>),
    /// It has as many connections as it may.
    TooMany,
    /// All that could be in its place have connections: there is no room for it.
    NoRoom,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hash: RandomState::new() }
    }

    /// Lets a client connect that has fewer than `most` connections. Each is there as long as the
    /// bucket that it got.
    pub(super) fn connect(&self, client: u64, most: usize) -> Found {
        let shard = self.hash.hash_one(client) as usize % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return Found::NoRoom };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        // A clone is only made here, so the count can but fall meanwhile.
        let connections = |bucket: &Arc<Bucket>| Arc::strong_count(bucket) - 1;
        let mut place = None;
        let mut least = u64::MAX;
        for (at, (known, bucket)) in shard.iter().enumerate() {
            let full_at = match bucket {
                Some(bucket) if *known == client => {
                    let is_one_more = connections(bucket) < most;
                    return if is_one_more {
                        Found::Known(Arc::clone(bucket))
                    } else {
                        Found::TooMany
                    };
                }
                Some(bucket) if connections(bucket) > 0 => continue,
                Some(bucket) => bucket.full_at(),
                None => 0,
            };
            // Of a bucket that is full nothing is forgotten.
            if place.is_none() || full_at < least {
                (place, least) = (Some(at), full_at);
            }
        }
        let Some(place) = place.and_then(|at| shard.get_mut(at)) else { return Found::NoRoom };
        let bucket = Arc::new(Bucket::default());
        *place = (client, Some(Arc::clone(&bucket)));
        Found::Known(bucket)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bucket::Rate;
    use super::*;

    fn known(table: &Table, client: u64) -> Arc<Bucket> {
        match table.connect(client, usize::MAX) {
            Found::Known(bucket) => bucket,
            found => panic!("{found:?}"),
        }
    }

    #[test]
    fn a_connection_counts_until_it_ends() {
        let table = Table::new();
        let mut connections = vec![known(&table, 7), known(&table, 7)];
        assert!(matches!(table.connect(7, 2), Found::TooMany));
        assert!(matches!(table.connect(8, 2), Found::Known(_)));
        connections.pop();
        assert!(matches!(table.connect(7, 2), Found::Known(_)));
    }

    #[test]
    fn a_client_that_comes_again_has_the_tokens_that_it_left() {
        let table = Table::new();
        let rate = Rate::new(1, 1).unwrap();
        assert_eq!(known(&table, 7).take(rate, 1000), Ok(()));
        assert_eq!(known(&table, 7).take(rate, 1000), Err(1));
        assert_eq!(known(&table, 8).take(rate, 1000), Ok(()));
    }

    #[test]
    fn clients_without_connections_make_room_and_the_last_to_be_forgotten_is_the_busiest() {
        let table = Table::new();
        let rate = Rate::new(1, 100).unwrap();
        let busy = known(&table, 0);
        (0..100).for_each(|_| _ = busy.take(rate, 1000));
        drop(busy);
        // Far more than there is room for; of each shard most are forgotten.
        for client in 1..4 * (SHARDS * PLACES) as u64 {
            assert_eq!(known(&table, client).take(rate, 1000), Ok(()));
        }
        assert!(known(&table, 0).take(rate, 1000).is_err());
    }

    #[test]
    fn a_table_that_is_full_of_connections_has_no_room() {
        let table = Table::new();
        let connect = |client| match table.connect(client, 1) {
            Found::Known(bucket) => Some(bucket),
            _ => None,
        };
        let all = 2 * (SHARDS * PLACES) as u64;
        let kept: Vec<_> = (0..all).filter_map(connect).collect();
        assert!(kept.len() <= SHARDS * PLACES && kept.len() > SHARDS * PLACES * 9 / 10);
        drop(kept);
        assert!(matches!(table.connect(all + 1, 1), Found::Known(_)));
    }
}
