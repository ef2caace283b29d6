//! Connections by what they are doing, and what workers do.

use std::fs;
use std::io::{Read, Write};

use super::ask::{Admin, start};
use super::lay;
use crate::common::{PATIENCE, Server, ask, until};
use crate::on_every_backend;

on_every_backend!(
    connections_are_counted_by_what_they_are_doing,
    what_workers_do_is_counted_for_each,
    a_proxy_that_does_not_say_whom_it_is_from_is_refused,
    a_client_with_too_many_connections_is_counted,
    accepting_that_rests_is_counted,
);

/// Waits until so many connections are reading, sending, idle and lingering.
fn until_there_are(admin: &Admin, expected: [f64; 4]) {
    let states = ["reading", "sending", "idle", "lingering"];
    let mut last = [0.0; 4];
    let what = format!("connections by {states:?} are {expected:?}");
    until(PATIENCE, &what, || {
        last = states.map(|state| admin.metrics().connections(state));
        last == expected
    });
}

fn connections_are_counted_by_what_they_are_doing(backend: &str) {
    // However slow the machine is, none ends by itself.
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "[timeouts]\nhead = 600\nwrite = 600\nlinger = 600\n").unwrap();
    let (server, admin) = start(backend, &["--config", config.to_str().unwrap()], lay);
    until_there_are(&admin, [0.0; 4]);
    let new = server.connect();
    let mut begun = server.connect();
    begun.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    until_there_are(&admin, [2.0, 0.0, 0.0, 0.0]);
    let mut kept = server.connect();
    assert_eq!(ask(&mut kept, "one.example", "/small").status, 200);
    until_there_are(&admin, [2.0, 0.0, 1.0, 0.0]);
    let mut slow = server.connect_narrow(4096);
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    until_there_are(&admin, [2.0, 1.0, 1.0, 0.0]);
    // The daemon does not read on, and waits for the peer to close.
    let mut refused = server.connect();
    refused.write_all(b"bad\r\n\r\n").unwrap();
    until_there_are(&admin, [2.0, 1.0, 1.0, 1.0]);
    drop((new, begun, kept, slow, refused));
    until_there_are(&admin, [0.0; 4]);
    assert_eq!(admin.metrics().get("ashttpd_connections_accepted_total"), 5.0);
}

fn what_workers_do_is_counted_for_each(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let mut stream = server.connect();
    for _ in 0..20 {
        assert_eq!(ask(&mut stream, "one.example", "/small").status, 200);
    }
    let metrics = admin.metrics();
    for name in ["loops", "events", "restarts"] {
        let family = metrics.family(&format!("ashttpd_worker_{name}_total"));
        assert_eq!(family.len(), 2, "{family:?}");
    }
    // The first request may be there when its connection is accepted.
    assert!(metrics.sum("ashttpd_worker_loops_total") >= 19.0, "{metrics:#?}");
    assert!(metrics.sum("ashttpd_worker_events_total") >= 19.0, "{metrics:#?}");
    assert_eq!(metrics.sum("ashttpd_worker_restarts_total"), 0.0);
    let of_ring = metrics.family("ashttpd_ring_submissions_total");
    let is_ring = backend == "io_uring";
    assert_eq!(of_ring.len(), if is_ring { 2 } else { 0 });
    assert!(!is_ring || metrics.sum("ashttpd_ring_submissions_total") >= 20.0, "{of_ring:?}");
}

/// Connections that were refused for a reason.
fn refused(admin: &Admin, reason: &str) -> f64 {
    admin.metrics().get(&format!("ashttpd_connections_refused_total{{reason=\"{reason}\"}}"))
}

fn a_proxy_that_does_not_say_whom_it_is_from_is_refused(backend: &str) {
    let (server, admin) = start(backend, &["--proxy-from", "127.0.0.0/8"], lay);
    assert_eq!(server.exchange(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n"), b"");
    until(PATIENCE, "it is counted", || refused(&admin, "proxy") == 1.0);
    assert_eq!(refused(&admin, "address"), 0.0);
    assert_eq!(admin.metrics().sum("ashttpd_requests_total"), 0.0);
}

fn a_client_with_too_many_connections_is_counted(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "[limits]\nconnections_per_address = 1\n").unwrap();
    let (server, admin) = start(backend, &["--config", config.to_str().unwrap()], lay);
    let mut kept = server.connect();
    assert_eq!(ask(&mut kept, "one.example", "/small").status, 200);
    assert_eq!(server.connect().read(&mut [0; 1]).unwrap(), 0);
    assert_eq!((refused(&admin, "address"), refused(&admin, "proxy")), (1.0, 0.0));
}

fn accepting_that_rests_is_counted(backend: &str) {
    let admin = Admin::new();
    let (path, config) = (admin.path(), admin.path().with_file_name("httpd.toml"));
    fs::write(&config, "workers = 1\n[limits]\nconnections = 1000\n").unwrap();
    let flags = ["--admin", path.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let server = Server::start_after("ulimit -n 60", backend, &flags, lay);
    assert_eq!(admin.metrics().sum("ashttpd_accept_rests_total"), 0.0);
    let all: Vec<_> = (0..60).map(|_| server.connect()).collect();
    server.wait_for_log("can't accept connections");
    // The listener that is asked needs descriptors as well.
    drop(all);
    until(PATIENCE, "it is counted", || admin.metrics().sum("ashttpd_accept_rests_total") >= 1.0);
}
