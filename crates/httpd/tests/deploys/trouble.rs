//! What goes wrong around a deploy: targets and directories that vanish, more changes than the
//! kernel can tell.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::on_every_backend;
use crate::site::{FOUND, NOTICED, TOLD, id, linked, run, start};
use crate::visitor::visited;

/// Longer than the grace period, and than the time from one look to the next.
const LONG: Duration = Duration::from_millis(1500);
/// A daemon that looks every second, as it does by default.
const LOOKS: [&str; 2] = ["--workers", "2"];
const LINK: &str = "ln -s ../A vhosts/one.example";

on_every_backend!(a_target_that_is_deleted_is_served_on_and_can_be_put_back);
fn a_target_that_is_deleted_is_served_on_and_can_be_put_back(backend: &str) {
    let server = start(backend, &TOLD, "cp A live; ln -s ../live vhosts/one.example");
    visited(&server, "one.example", "A", |deploys| {
        deploys.unchanged(LONG, "rm live");
        let line = server.wait_for_log("stays live");
        assert!(line.contains(&id(&server, "A")), "{line}");
        deploys.deploy("B", NOTICED, "cp B new; mv new live");
        deploys.unchanged(LONG, "rm live");
        deploys.deploy("C", NOTICED, "cp C live");
    });
}

on_every_backend!(the_vhosts_directory_is_renamed_away_and_back);
fn the_vhosts_directory_is_renamed_away_and_back(backend: &str) {
    let server = start(backend, &LOOKS, LINK);
    visited(&server, "one.example", "A", |deploys| {
        deploys.unchanged(LONG, "mv vhosts away");
        server.wait_for_log("the virtual hosts stay as they are");
        deploys.unchanged(LONG, "mv away vhosts");
        deploys.deploy("B", NOTICED, "ln -sfn ../B vhosts/one.example");
        // It takes effect however it was changed while it was away.
        deploys.deploy("C", FOUND, "mv vhosts away; ln -sfn ../C away/one.example; mv away vhosts");
    });
}

on_every_backend!(the_vhosts_directory_is_removed_and_made_anew);
fn the_vhosts_directory_is_removed_and_made_anew(backend: &str) {
    let server = start(backend, &LOOKS, LINK);
    visited(&server, "one.example", "A", |deploys| {
        deploys.unchanged(LONG, "rm -r vhosts");
        let script = "mkdir vhosts; sleep 0.1; ln -s ../B vhosts/one.example";
        deploys.deploy("B", FOUND, script);
        deploys.deploy("C", NOTICED, "ln -sfn ../C vhosts/one.example");
    });
}

on_every_backend!(the_vhosts_directory_is_a_link_that_is_swapped);
fn the_vhosts_directory_is_a_link_that_is_swapped(backend: &str) {
    let script =
        format!("{LINK}; mv vhosts v1; ln -s v1 vhosts; mkdir v2; ln -s ../B v2/one.example");
    let server = start(backend, &LOOKS, &script);
    visited(&server, "one.example", "A", |deploys| {
        deploys.deploy("B", FOUND, "ln -sfn v2 vhosts");
        deploys.deploy("C", NOTICED, "ln -sfn ../C v2/one.example");
        deploys.deploy("A", FOUND, "ln -sfn v1 vhosts");
    });
}

on_every_backend!(more_changes_than_the_queue_of_events_holds);
fn more_changes_than_the_queue_of_events_holds(backend: &str) {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 1_000_000 {
        eprintln!("skipped: {limit} events fit into the queue");
        return;
    }
    let server = linked(backend);
    visited(&server, "one.example", "A", |deploys| {
        deploys.deploy_by("B", NOTICED, |server| {
            server.signal(Signal::SIGSTOP);
            let (one, other) = (server.vhosts().join(".one"), server.vhosts().join(".other"));
            fs::write(&one, "").unwrap();
            // Each rename is two events.
            for _ in 0..limit / 4 + 1 {
                fs::rename(&one, &other).unwrap();
                fs::rename(&other, &one).unwrap();
            }
            run(server, "ln -sfn ../B vhosts/one.example");
            server.signal(Signal::SIGCONT);
        });
        server.wait_for_log("more changes than could be noted");
        deploys.deploy("C", NOTICED, "ln -sfn ../C vhosts/one.example");
    });
}

on_every_backend!(many_changes_at_once_are_no_trouble);
fn many_changes_at_once_are_no_trouble(backend: &str) {
    let server = linked(backend);
    visited(&server, "one.example", "A", |deploys| {
        deploys.allow("B");
        deploys.deploy_by("C", NOTICED, |server| {
            for name in ["B", "A"].into_iter().cycle().take(400) {
                symlink(format!("../{name}"), server.vhosts().join(".next")).unwrap();
                let entry = server.vhosts().join("one.example");
                fs::rename(server.vhosts().join(".next"), entry).unwrap();
            }
            run(server, "ln -sfn ../C vhosts/one.example");
        });
    });
}
