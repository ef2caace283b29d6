//! The seed corpus of the fuzz targets, through the very functions that they run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "there it is a crate")]
mod fuzz;

fn each_seed(target: &str, run: impl Fn(&[u8])) {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/");
    let mut count = 0;
    for seed in std::fs::read_dir(format!("{corpus}{target}")).unwrap() {
        run(&std::fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 10, "{count} seeds");
}

#[test]
fn the_parser_holds_for_every_seed() {
    each_seed("parse", fuzz::parse);
}

#[test]
fn rules_hold_for_every_seed() {
    each_seed("rules", fuzz::rules);
}

#[test]
fn a_split_changes_nothing_for_any_seed() {
    each_seed("conn", |seed| {
        for split in 1..=255 {
            fuzz::conn(&[&[split], &seed[1..]].concat());
        }
    });
}

#[test]
fn the_proxy_header_holds_for_every_seed() {
    each_seed("proxy", fuzz::proxy);
}
