//! Damaged and hostile files: errors, never panics.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, dead_code, reason = "there it is a crate")]
mod fuzz;

use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;
use webroot::Webroot;

fn site() -> &'static [u8] {
    static SITE: OnceLock<Vec<u8>> = OnceLock::new();
    SITE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site");
        common::write_site(&path);
        fs::read(path).unwrap()
    })
}

/// Uses everything that a reader offers.
fn exercise(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile");
    fs::write(&path, bytes).unwrap();
    if let Ok(webroot) = Webroot::open(&path) {
        fuzz::exercise(&webroot);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0usize..200_000, any::<u8>()), 1..8),
        sealed in any::<bool>(),
    ) {
        let mut bytes = site().to_vec();
        // The index and the entries are at the end: half of the changes go there.
        let tail = bytes.len() - 1600;
        for (n, (at, value)) in changes.into_iter().enumerate() {
            let size = bytes.len();
            let at = match n % 3 { 0 => at % 400, 1 => tail + at % 1600, _ => at % size };
            bytes[at] = value;
        }
        if sealed {
            fuzz::seal(&mut bytes);
        }
        exercise(&bytes);
    }

    #[test]
    fn cut_files_never_panic(size in 0usize..80_000, told in any::<bool>()) {
        let mut bytes = site()[..size.min(site().len())].to_vec();
        if told && bytes.len() >= 4096 {
            fuzz::seal(&mut bytes);
        }
        exercise(&bytes);
    }
}
