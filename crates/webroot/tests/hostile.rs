//! Damaged and hostile files: errors, never panics.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

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

/// Makes the identity of a changed header page right again, as an attacker would.
fn seal(bytes: &mut [u8]) {
    let mut page = bytes[..4096].to_vec();
    page[24..56].fill(0);
    bytes[24..56].copy_from_slice(blake3::hash(&page).as_bytes());
}

/// Uses everything that a reader offers.
fn exercise(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile");
    fs::write(&path, bytes).unwrap();
    let Ok(webroot) = Webroot::open(&path) else { return };
    for path in [&b"/"[..], b"/d", b"/large.bin", b"/copy.txt", b"/none", b"/d/e/x"] {
        let found = [webroot.lookup(path), webroot.error_page(404, path)];
        for resource in found.into_iter().flatten().flatten() {
            for variant in resource.variants() {
                let spans = [variant.head(), variant.fields(), variant.content_type()];
                for span in spans.into_iter().chain([variant.body(), variant.after_validators()]) {
                    assert!(webroot.bytes(span).is_some(), "a checked span left the file");
                }
                variant.etag();
            }
        }
    }
    let _ = webroot.resources().count();
    let _ = webroot.verify();
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
            seal(&mut bytes);
        }
        exercise(&bytes);
    }

    #[test]
    fn cut_files_never_panic(size in 0usize..80_000, told in any::<bool>()) {
        let mut bytes = site()[..size.min(site().len())].to_vec();
        if told && bytes.len() >= 4096 {
            let size = bytes.len() as u64;
            bytes[16..24].copy_from_slice(&size.to_le_bytes());
            seal(&mut bytes);
        }
        exercise(&bytes);
    }
}
