//! The seed corpus of the fuzz target, through the very function that it runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "there it is a crate")]
mod fuzz;

use std::fs;

use webroot::Webroot;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/reader");

#[test]
fn the_reader_holds_for_every_seed() {
    let mut whole = 0;
    let mut count = 0;
    for seed in fs::read_dir(CORPUS).unwrap() {
        let path = seed.unwrap().path();
        fuzz::reader(&fs::read(&path).unwrap());
        count += 1;
        whole += usize::from(Webroot::open(&path).is_ok_and(|webroot| webroot.verify().is_ok()));
    }
    assert!(count >= 3, "{count} seeds");
    assert!(whole >= 3, "{whole} seeds are webroots that verify: make them anew");
}

#[test]
fn a_site_with_everything_is_used_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site");
    common::write_site(&path);
    let mut bytes = fs::read(&path).unwrap();
    let before = bytes.clone();
    fuzz::seal(&mut bytes);
    assert!(bytes == before, "sealing what is sealed changes it");
    fuzz::exercise(&Webroot::open(&path).unwrap());
}
