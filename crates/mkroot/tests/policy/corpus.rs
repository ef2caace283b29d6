//! The seed corpus of the fuzz targets, through the very functions that they run.

#[path = "../../fuzz/src/lib.rs"]
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
fn redirects_hold_for_every_seed() {
    each_seed("redirects", fuzz::redirects);
}

#[test]
fn headers_hold_for_every_seed() {
    each_seed("headers", fuzz::headers);
}

#[test]
fn configurations_hold_for_every_seed() {
    each_seed("config", fuzz::config);
}
