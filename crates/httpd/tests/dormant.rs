//! Many virtual hosts, few of them open: opening when asked, eviction, and what is kept open.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use common::{PATIENCE, Response, Server, Site, numbered, until};

/// Names in the directory, more than may be open.
const NAMES: usize = 60;
/// Webroots that may be open.
const OPEN: usize = 8;

fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

fn host(number: usize) -> String {
    format!("site-{number}.example")
}

/// A daemon with more names than it may have open, each a link to its own webroot in `webroots`.
fn many(backend: &str) -> Server {
    let open = OPEN.to_string();
    Server::start_with(backend, &["--workers", "2", "--max-open", &open], |vhosts| {
        fs::create_dir(vhosts.join("../webroots")).unwrap();
        for number in 0..NAMES {
            let host = host(number);
            site(&vhosts.join("../webroots").join(&host), &host);
            symlink(format!("../webroots/{host}"), vhosts.join(&host)).unwrap();
        }
    })
}

/// Webroots that the daemon has open.
fn open(server: &Server) -> usize {
    server.descriptors("/webroots/")
}

fn assert_served(server: &Server, host: &str, text: &str) {
    assert_eq!(String::from_utf8_lossy(&server.get(host, "/").body), text, "{host}");
}

on_every_backend!(nothing_is_open_until_it_is_asked_for);
fn nothing_is_open_until_it_is_asked_for(backend: &str) {
    let server = many(backend);
    assert_eq!(open(&server), 0);
    assert_served(&server, &host(7), &host(7));
    assert_eq!(open(&server), 1);
    assert_served(&server, &host(7), &host(7));
    assert_eq!(open(&server), 1);
}

on_every_backend!(all_names_are_served_and_no_more_than_the_bound_stays_open);
fn all_names_are_served_and_no_more_than_the_bound_stays_open(backend: &str) {
    let server = many(backend);
    for round in 0..3 {
        for number in 0..NAMES {
            let host = host(number);
            assert_served(&server, &host, &host);
        }
        until(PATIENCE, &format!("round {round}: the rest is closed"), || open(&server) <= OPEN);
    }
    let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
    assert!(maps.lines().filter(|line| line.contains("/webroots/")).count() <= OPEN);
}

on_every_backend!(many_clients_that_ask_for_a_dormant_name_at_once_are_all_answered);
fn many_clients_that_ask_for_a_dormant_name_at_once_are_all_answered(backend: &str) {
    let server = many(backend);
    thread::scope(|scope| {
        for client in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for turn in 0..200 {
                    let host = host((turn * 7 + client % 2) % NAMES);
                    assert_served(server, &host, &host);
                }
            });
        }
    });
    until(PATIENCE, "the rest is closed", || open(&server) <= OPEN);
}

on_every_backend!(a_response_in_flight_outlives_the_eviction_of_its_webroot);
fn a_response_in_flight_outlives_the_eviction_of_its_webroot(backend: &str) {
    let body = numbered("large", 24 * 1024 * 1024);
    let server = many(backend);
    let large = server.dir.path().join("webroots/large");
    Site::create(&large).file("/", "text/plain", &body).finish();
    symlink("../webroots/large", server.vhosts().join("large.example")).unwrap();
    until(PATIENCE, "it is there", || {
        server.get("large.example", "/none").status == 404 && {
            let answer = server
                .exchange(b"HEAD / HTTP/1.1\r\nHost: large.example\r\nConnection: close\r\n\r\n");
            answer.starts_with(b"HTTP/1.1 200")
        }
    });
    let mut stream = server.connect_narrow(64 * 1024);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: large.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    for _ in 0..3 {
        for number in 0..NAMES {
            let host = host(number);
            assert_served(&server, &host, &host);
        }
    }
    let response = Response::read(&mut beginning.as_slice().chain(stream), false);
    assert!(response.body == body, "the body is not whole");
    until(PATIENCE, "the rest is closed", || open(&server) <= OPEN);
}

on_every_backend!(a_dormant_name_that_is_swapped_serves_the_new);
fn a_dormant_name_that_is_swapped_serves_the_new(backend: &str) {
    let server = many(backend);
    site(&server.dir.path().join("webroots/new"), "new");
    // Once while it was never open, once after it was evicted.
    for number in [3, 4] {
        let host = host(number);
        if number == 4 {
            assert_served(&server, &host, &host);
            (10..NAMES).for_each(|number| {
                assert_served(&server, &self::host(number), &self::host(number))
            });
        }
        symlink("../webroots/new", server.vhosts().join(".next")).unwrap();
        fs::rename(server.vhosts().join(".next"), server.vhosts().join(&host)).unwrap();
        until(PATIENCE, "the new one is served", || server.get(&host, "/").body == b"new");
    }
}

on_every_backend!(a_name_that_was_evicted_follows_its_target);
fn a_name_that_was_evicted_follows_its_target(backend: &str) {
    let server = many(backend);
    let host = host(5);
    assert_served(&server, &host, &host);
    (10..NAMES).for_each(|number| assert_served(&server, &self::host(number), &self::host(number)));
    let file = server.dir.path().join("webroots").join(&host);
    site(&server.dir.path().join("webroots/new"), "new");
    fs::rename(server.dir.path().join("webroots/new"), file).unwrap();
    until(PATIENCE, "the new one is served", || server.get(&host, "/").body == b"new");
}

on_every_backend!(a_dormant_name_with_a_bad_file_is_503_and_told_once_and_recovers);
fn a_dormant_name_with_a_bad_file_is_503_and_told_once_and_recovers(backend: &str) {
    let server = many(backend);
    let (host, file) = (host(9), server.dir.path().join("webroots").join(host(9)));
    fs::write(&file, "bad").unwrap();
    for _ in 0..10 {
        assert_eq!(server.get(&host, "/").status, 503);
        thread::sleep(Duration::from_millis(100));
    }
    let told = server.log().iter().filter(|line| line.contains("not a webroot")).count();
    assert_eq!(told, 1, "{:#?}", server.log());
    site(&file, &host);
    until(PATIENCE, "it is served", || server.get(&host, "/").status == 200);
}

on_every_backend!(names_that_lead_to_one_file_have_it_open_once);
fn names_that_lead_to_one_file_have_it_open_once(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        fs::create_dir(vhosts.join("../webroots")).unwrap();
        site(&vhosts.join("../webroots/one"), "one");
        symlink("../webroots/one", vhosts.join("one.example")).unwrap();
        symlink("one.example", vhosts.join("www.one.example")).unwrap();
        symlink("../webroots/one", vhosts.join("*.one.example")).unwrap();
    });
    for host in ["one.example", "www.one.example", "x.one.example"] {
        assert_served(&server, host, "one");
    }
    assert_eq!(open(&server), 1);
}

on_every_backend!(a_rollback_takes_up_the_generation_that_is_still_open);
fn a_rollback_takes_up_the_generation_that_is_still_open(backend: &str) {
    let body = numbered("old", 24 * 1024 * 1024);
    let server = Server::start(backend, |vhosts| {
        fs::create_dir(vhosts.join("../webroots")).unwrap();
        Site::create(&vhosts.join("../webroots/old")).file("/", "text/plain", &body).finish();
        site(&vhosts.join("../webroots/new"), "new");
        symlink("../webroots/old", vhosts.join("one.example")).unwrap();
    });
    let swap = |target: &str| {
        symlink(format!("../webroots/{target}"), server.vhosts().join(".next")).unwrap();
        fs::rename(server.vhosts().join(".next"), server.vhosts().join("one.example")).unwrap();
    };
    let mut stream = server.connect_narrow(64 * 1024);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    swap("new");
    until(PATIENCE, "the new one is live", || server.get("one.example", "/").body == b"new");
    assert_eq!(server.descriptors("/webroots/old"), 1);
    swap("old");
    until(PATIENCE, "the old one is live", || server.get("one.example", "/").body == body);
    assert_eq!(server.descriptors("/webroots/old"), 1, "it was opened a second time");
    let response = Response::read(&mut beginning.as_slice().chain(stream), false);
    assert!(response.body == body, "the body is not whole");
    until(PATIENCE, "the new one is let go of", || open(&server) == 1);
}
