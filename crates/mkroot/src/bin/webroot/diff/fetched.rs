//! What a visitor who comes back fetches again.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use webroot::Variant;

use super::change::Side;
use crate::stored;

/// Bodies that a visitor fetches who has all of the old webroot in a cache, each once, whatever
/// the number of its paths. What did not change has its entity tag still, and costs a 304.
#[derive(Debug, Default, Serialize)]
pub(super) struct Fetched {
    /// Distinct bodies of paths that were added or whose body changed.
    bodies: usize,
    /// Bytes of them as they are, or as the first that is stored.
    identity: u64,
    /// Bytes of the smallest variants, which clients get that accept every coding.
    smallest: u64,
    #[serde(skip)]
    seen: [HashSet<u32>; 2],
}

impl Fetched {
    /// Adds what is fetched for a path.
    pub(super) fn add(&mut self, old: Option<&Side<'_>>, new: &Side<'_>) {
        if (300..400).contains(&new.resource.status()) {
            return;
        }
        let is_known =
            |variant: &Variant<'_>| old.is_some_and(|old| new.has_body_of(old, variant.coding()));
        let [identities, smallest] = &mut self.seen;
        let first = new.resource.first();
        if !is_known(&first) && identities.insert(first.body_number()) {
            self.bodies += 1;
            self.identity = self.identity.saturating_add(first.body().size);
        }
        let variant = stored::smallest(&new.resource);
        if !is_known(&variant) && smallest.insert(variant.body_number()) {
            self.smallest = self.smallest.saturating_add(variant.body().size);
        }
    }
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bodies, identity, smallest, .. } = self;
        write!(
            f,
            "a returning visitor fetches {bodies} bodies: {identity} bytes, {smallest} in the \
             smallest codings"
        )
    }
}
