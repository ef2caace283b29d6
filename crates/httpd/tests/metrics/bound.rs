//! With very many virtual hosts the number of series is bounded, and no counter goes down.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::ask::{Metrics, start};
use super::{lay, site};
use crate::common::{PATIENCE, ask, until};
use crate::on_every_backend;

on_every_backend!(
    vhosts_beyond_the_bound_are_counted_together,
    no_counter_goes_down_over_swaps_and_removals,
);

/// Virtual hosts, and how many of them are counted each for itself.
const VHOSTS: usize = 3000;
const BOUND: usize = 100;

fn vhosts_beyond_the_bound_are_counted_together(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, format!("[metrics]\nvhosts = {BOUND}\n")).unwrap();
    let (server, admin) = start(backend, &["--config", config.to_str().unwrap()], |vhosts| {
        site(&vhosts.join("../one"), "one");
        for number in 0..VHOSTS {
            symlink("../one", vhosts.join(format!("{number}.example"))).unwrap();
        }
    });
    let mut stream = server.connect();
    for _ in 0..2 {
        for number in 0..VHOSTS {
            assert_eq!(ask(&mut stream, &format!("{number}.example"), "/").status, 200);
        }
    }
    assert_eq!(ask(&mut stream, "none", "/").status, 404);
    let metrics = admin.metrics();
    let all = metrics.family("ashttpd_requests_total");
    assert_eq!(all.len(), BOUND + 2, "{all:#?}");
    for number in 0..BOUND {
        assert_eq!(metrics.requests(&format!("{number}.example"), "GET", "200"), 2.0);
    }
    let others = 2 * (VHOSTS - BOUND);
    assert_eq!(metrics.requests("other", "GET", "200"), others as f64);
    assert_eq!(metrics.requests("none", "GET", "404"), 1.0);
    assert_eq!(metrics.sum("ashttpd_vhosts"), VHOSTS as f64);
    // Each is told for itself here.
    let vhosts = admin.vhosts();
    assert_eq!(vhosts.len(), VHOSTS);
    assert!(vhosts.iter().all(|vhost| vhost["requests"] == 2));
}

/// Whether a sample is one that never goes down.
fn is_counter(sample: &str) -> bool {
    let name = sample.split('{').next().unwrap();
    ["_total", "_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end))
}

fn assert_none_went_down(before: &Metrics, now: &Metrics) {
    for (sample, value) in before.0.iter().filter(|(sample, _)| is_counter(sample)) {
        let now = now.0.get(sample).unwrap_or_else(|| panic!("{sample} is gone"));
        assert!(now >= value, "{sample}: {value}, then {now}");
    }
}

fn no_counter_goes_down_over_swaps_and_removals(backend: &str) {
    const ROUNDS: usize = 5;
    let (server, admin) = start(backend, &["--grace", "0.001"], lay);
    let place = |name: &str, to: &Path| {
        let file = server.dir.path().join("next");
        site(&file, name);
        fs::rename(&file, to).unwrap();
    };
    let two = server.vhosts().join("two.example");
    let serves = |text: &str| server.get("two.example", "/").body == text.as_bytes();
    let mut before = admin.metrics();
    let mut check = || {
        let now = admin.metrics();
        assert_none_went_down(&before, &now);
        before = now;
    };
    for round in 0..ROUNDS {
        let text = format!("round {round}");
        place(&text, &two);
        until(PATIENCE, "the new one is served", || serves(&text));
        check();
        fs::remove_file(&two).unwrap();
        until(PATIENCE, "it is gone", || server.get("two.example", "/").status == 404);
        check();
        place("again", &two);
        until(PATIENCE, "it is there again", || serves("again"));
        check();
    }
    // What comes after its name was gone is no swap.
    assert_eq!(admin.metrics().get("ashttpd_swaps_total"), ROUNDS as f64);
    let all = admin.metrics().family("ashttpd_requests_total").len();
    assert_eq!(all, 2, "200 by two.example, 404 by none");
}
