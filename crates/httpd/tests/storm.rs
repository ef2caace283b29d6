//! Storms: swaps, rollbacks, removals, corrupt files and changes in place as fast as the machine
//! allows, while clients ask without pause; every response is proven.
//!
//! Longer ones than those of the suite are for `scripts/storm` and `scripts/soak`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "storm/attacks.rs"]
mod attacks;
#[path = "storm/checker.rs"]
mod checker;
#[path = "storm/clients.rs"]
mod clients;
#[path = "storm/history.rs"]
mod history;
#[path = "storm/plan.rs"]
mod plan;
#[path = "storm/report.rs"]
mod report;
#[path = "storm/samples.rs"]
mod samples;
#[path = "storm/slowness.rs"]
mod slowness;
#[path = "storm/stormer.rs"]
mod stormer;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use clients::Client;
use common::{PATIENCE, Server, until};
use plan::{CLIENTS, Ground, RESOURCES, Settings};
use report::{Counts, Report};
use samples::Samples;
use stormer::Stormer;

/// Longest time until everything is settled after a storm.
const SETTLED: Duration = Duration::from_secs(2);

/// A storm takes the whole machine.
static STORM: Mutex<()> = Mutex::new(());

on_every_backend!(a_storm_breaks_no_response_and_leaves_nothing_behind);
fn a_storm_breaks_no_response_and_leaves_nothing_behind(backend: &str) {
    let _alone = STORM.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let settings = Settings::from_environment();
    println!("storm: {backend}, STORM_SEED={}, {:?}", settings.seed, settings.limit);
    let mut ground = None;
    // The links that come lead to where no link leads at the start.
    let flags = ["--workers", "2", "--read", settings.place.to_str().unwrap()];
    let mut server = Server::start_in_with(&settings.place, backend, &flags, |vhosts| {
        ground = Some(Ground::lay(vhosts));
    });
    let ground = ground.unwrap();
    let mut stormer = Stormer::new(&ground, settings.seed);
    stormer.begin();
    assert_settled(&ground, &server);
    let counts = Counts::default();
    let seed = settings.seed;
    let start = Instant::now();
    let (tally, samples) = thread::scope(|scope| {
        let (ground, server, counts) = (&ground, &server, &counts);
        for number in 0..CLIENTS {
            scope.spawn(move || Client::new(ground, server, counts, seed, number).run());
        }
        scope.spawn(|| ground.slowness.measure(server.pid(), || ground.is_over()));
        let samples = scope.spawn(|| Samples::take(ground, server));
        let tally = scope.spawn(|| stormer.run(&settings)).join();
        ground.stop.store(true, Ordering::Relaxed);
        (tally, samples.join().unwrap())
    });
    let time = start.elapsed();
    let failures = counts.failures(&ground);
    assert!(failures.is_empty(), "seed {}:\n{}", settings.seed, failures.join("\n"));
    let mut latencies: Vec<_> =
        ground.vhosts.iter().flat_map(|vhost| vhost.history.latencies()).collect();
    latencies.sort_unstable();
    let report = Report {
        backend,
        seed: settings.seed,
        time,
        tally: tally.unwrap(),
        counts: &counts,
        latencies,
        overslept: ground.slowness.overslept(),
    };
    println!("{report}");
    for status in [200, 206, 304, 404, 503] {
        assert!(counts.of_status(status) > 0, "a storm without a response of {status} is none");
    }
    assert_settled(&ground, &server);
    assert_only_live_is_open(&ground, &server);
    let log = server.log();
    let bad = log.iter().filter(|line| line.contains("bug") || line.contains("panicked"));
    assert_eq!(bad.collect::<Vec<_>>(), Vec::<&String>::new());
    if settings.is_soak {
        println!("{}", samples.table());
        assert!(samples.are_flat(), "it holds more and more");
    }
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
}

/// Every virtual host answers what was deployed last.
fn assert_settled(ground: &Ground, server: &Server) {
    let start = Instant::now();
    for vhost in &ground.vhosts {
        let last = &vhost.generations[vhost.history.latest()];
        for (at, (path, _)) in RESOURCES.iter().enumerate() {
            let rest = (SETTLED + ground.slowness.overslept()).saturating_sub(start.elapsed());
            until(rest, &format!("{} is settled", vhost.name), || {
                let response = server.get(&vhost.name, path);
                response.status == 200 && response.body == last.resources[at].body
            });
        }
    }
}

/// No file is open or mapped but those that the entries lead to.
fn assert_only_live_is_open(ground: &Ground, server: &Server) {
    let inode = |vhost| fs::metadata(ground.entry(vhost)).unwrap().ino();
    let live: BTreeSet<u64> = ground.vhosts.iter().map(inode).collect();
    let directory = ground.directory.to_str().unwrap();
    until(PATIENCE, "only what is live is mapped", || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
        let ours = maps.lines().filter(|line| line.contains(directory));
        let inodes = ours.map(|line| line.split_whitespace().nth(4).unwrap().parse().unwrap());
        inodes.collect::<BTreeSet<u64>>() == live
    });
    until(PATIENCE, "only what is live is open", || server.descriptors(directory) == live.len());
}
