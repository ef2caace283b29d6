//! Pages that list a directory, for directories without an index.

use std::collections::BTreeMap;

use super::{Item, Origin};
use crate::config::Config;
use crate::listing::{ListingEntry, listing};
use crate::source::SourceFile;

/// What is in a directory: of each name whether it is a directory, the size and the time of
/// modification.
type Names<'a> = BTreeMap<&'a [u8], (bool, u64, i64)>;

/// Adds an item for each directory that is to be listed and has no index.
pub(super) fn add(items: &mut Vec<Item<'_>>, files: &[SourceFile], config: &Config) {
    if !config.lists_any() {
        return;
    }
    let mut directories: BTreeMap<&[u8], Names<'_>> = BTreeMap::new();
    for file in files {
        let modified = file.seen.modified.0;
        let mut path = file.path.as_slice();
        let mut is_directory = false;
        while let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
            let (directory, name) = path.split_at_checked(slash + 1).unwrap_or_default();
            let size = if is_directory { 0 } else { file.seen.size };
            let names = directories.entry(directory).or_default();
            let known = names.entry(name).or_insert((is_directory, size, modified));
            // A directory is as new as the newest file below it.
            known.2 = known.2.max(modified);
            path = path.get(..slash).unwrap_or_default();
            is_directory = true;
        }
    }
    for (directory, names) in directories {
        if names.contains_key(&b"index.html"[..]) || !config.lists(directory) {
            continue;
        }
        let entries: Vec<ListingEntry<'_>> = names
            .iter()
            .map(|(name, (is_directory, size, modified))| ListingEntry {
                name,
                is_directory: *is_directory,
                size: *size,
                modified: *modified,
            })
            .collect();
        let modified = entries.iter().map(|entry| entry.modified).max().unwrap_or(0);
        let page = listing(directory, &entries);
        let origin = Origin::Listing(page, modified);
        items.push(Item { path: directory.to_vec(), origin, beside: Vec::new() });
    }
}
