//! Bodies that are not in the page cache: what comes is right, and nobody else waits for the disk.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "cold/disk.rs"]
mod disk;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Response, Server, Site, ask, numbered, until};
use disk::{SlowDisk, bytes_read, drop_from_cache};
use nix::sys::signal::Signal;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Size of the large body, no multiple of anything.
const LARGE: usize = 5 * MIB + 777;
/// Bytes a second of a slow disk. At that speed a body takes 5 seconds.
const SLOW: u64 = MIB as u64;

fn large() -> Vec<u8> {
    numbered("large", LARGE)
}

/// A page, and a large body at `/large`.
fn site(path: &Path) {
    Site::create(path)
        .file("/", "text/plain", b"page")
        .file("/large", "application/octet-stream", &large())
        .finish();
}

/// A daemon with one worker whose webroot is not in the page cache, apart from its page.
fn start(backend: &str, flags: &[&str]) -> Server {
    let flags = [&["--workers", "1"], flags].concat();
    let server = Server::start_with(backend, &flags, |vhosts| {
        site(&vhosts.join("__default__"));
        drop_from_cache(&vhosts.join("__default__"));
    });
    assert_eq!(server.get("any", "/").body, b"page");
    server
}

fn webroot(server: &Server) -> std::path::PathBuf {
    server.vhosts().join("__default__")
}

fn get(range: &str) -> Vec<u8> {
    let range = if range.is_empty() { String::new() } else { format!("Range: bytes={range}\r\n") };
    format!("GET /large HTTP/1.1\r\nHost: any\r\n{range}\r\n").into_bytes()
}

on_every_backend!(a_cold_body_arrives_whole_from_the_disk);
fn a_cold_body_arrives_whole_from_the_disk(backend: &str) {
    let server = start(backend, &[]);
    let before = bytes_read(server.pid());
    assert!(server.get("any", "/large").body == large());
    let read = bytes_read(server.pid()) - before;
    assert!(read > LARGE as u64 * 9 / 10, "{read} bytes were read: it was not cold");
    // And again, when it is there.
    assert!(server.get("any", "/large").body == large());
}

on_every_backend!(cold_ranges_arrive_whole);
fn cold_ranges_arrive_whole(backend: &str) {
    let body = large();
    for size in [16 * KIB + 1, 20_000, 128 * KIB, 512 * KIB + 1, 2 * MIB + 3] {
        let server = start(backend, &[]);
        let mut stream = server.connect();
        for first in [1, 4095, 700_001, 3 * MIB - 1] {
            let last = first + size - 1;
            stream.write_all(&get(&format!("{first}-{last}"))).unwrap();
            let response = Response::read(&mut stream, false);
            assert_eq!(response.status, 206, "{}", response.head);
            let expected = &body[first..LARGE.min(last + 1)];
            assert!(response.body == *expected, "bytes={first}-{last}");
        }
    }
}

on_every_backend!(many_peers_get_a_cold_body_at_the_same_time);
fn many_peers_get_a_cold_body_at_the_same_time(backend: &str) {
    let server = start(backend, &[]);
    let body = large();
    thread::scope(|scope| {
        for number in 0..60 {
            let (server, body) = (&server, &body);
            scope.spawn(move || {
                let mut stream = server.connect_narrow(64 * KIB);
                let first = number * 70_001;
                stream.write_all(&get(&format!("{first}-"))).unwrap();
                assert!(Response::read(&mut stream, false).body == body[first..]);
            });
        }
    });
}

on_every_backend!(responses_behind_a_cold_body_come_in_order);
fn responses_behind_a_cold_body_come_in_order(backend: &str) {
    let server = start(backend, &[]);
    let mut stream = server.connect();
    let page = b"GET / HTTP/1.1\r\nHost: any\r\n\r\n";
    stream.write_all(&[&page[..], &get(""), page, &get("5-200000"), page].concat()).unwrap();
    for expected in [b"page", &large()[..], b"page", &large()[5..=200_000], b"page"] {
        assert!(Response::read(&mut stream, false).body == *expected);
    }
}

on_every_backend!(others_do_not_wait_for_a_slow_disk);
fn others_do_not_wait_for_a_slow_disk(backend: &str) {
    let server = start(backend, &[]);
    let Some(_disk) = SlowDisk::under(&server, SLOW) else { return };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            assert!(server.get("any", "/large").body == large());
            assert!(start.elapsed() > Duration::from_secs(3), "{:?}: no disk", start.elapsed());
            is_over.store(true, Ordering::Relaxed);
        });
        let mut stream = server.connect();
        let mut answers = 0;
        while !is_over.load(Ordering::Relaxed) {
            assert_eq!(ask(&mut stream, "any", "/").body, b"page");
            answers += 1;
        }
        // A worker that waits for each piece from the disk finds time for less than a hundred.
        assert!(answers > 500, "{answers} answers while the body was read");
    });
}

on_every_backend!(a_peer_is_not_blamed_for_a_slow_disk);
fn a_peer_is_not_blamed_for_a_slow_disk(backend: &str) {
    // It has to take a lot, but not while the disk has nothing for it.
    let flags = ["--write-timeout", "0.2", "--min-rate", "2000000"];
    let server = start(backend, &flags);
    let Some(_disk) = SlowDisk::under(&server, SLOW) else { return };
    assert!(server.get("any", "/large").body == large());
}

on_every_backend!(a_peer_may_leave_while_its_body_is_read);
fn a_peer_may_leave_while_its_body_is_read(backend: &str) {
    let server = start(backend, &[]);
    let sockets = server.descriptors("socket:");
    let disk = SlowDisk::under(&server, SLOW);
    for _ in 0..20 {
        let mut stream = server.connect();
        stream.write_all(&get("")).unwrap();
        assert_eq!(server.get("any", "/").body, b"page");
    }
    drop(disk);
    until(PATIENCE, "they are closed", || server.descriptors("socket:") == sockets);
    assert!(server.get("any", "/large").body == large());
}

on_every_backend!(a_file_that_is_truncated_while_it_is_read_ends_the_connection);
fn a_file_that_is_truncated_while_it_is_read_ends_the_connection(backend: &str) {
    let server = start(backend, &[]);
    let disk = SlowDisk::under(&server, SLOW);
    let mut stream = server.connect();
    stream.write_all(&get("")).unwrap();
    let mut beginning = [0; 1000];
    stream.read_exact(&mut beginning).unwrap();
    let file = OpenOptions::new().write(true).open(webroot(&server)).unwrap();
    file.set_len(8192).unwrap();
    drop(disk);
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < LARGE, "the whole body came");
    let start = beginning.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let came = [&beginning[start..], &rest].concat();
    let wrong = came.iter().zip(&large()).position(|(came, right)| came != right);
    assert_eq!(wrong, None, "of {} bytes", came.len());
    assert_eq!(server.get("any", "/").status, 503);
}

on_every_backend!(a_daemon_that_stops_finishes_a_body_that_is_read);
fn a_daemon_that_stops_finishes_a_body_that_is_read(backend: &str) {
    let mut server = start(backend, &[]);
    let _disk = SlowDisk::under(&server, 2 * SLOW);
    let mut stream = server.connect();
    stream.write_all(&get("")).unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    server.signal(Signal::SIGTERM);
    let response = Response::read(&mut first.chain(stream), false);
    assert!(response.body == large());
    assert_eq!(server.wait(), Some(0));
}

on_every_backend!(a_deleted_webroot_is_read_to_its_end_and_then_let_go);
fn a_deleted_webroot_is_read_to_its_end_and_then_let_go(backend: &str) {
    let server = start(backend, &[]);
    let _disk = SlowDisk::under(&server, 2 * SLOW);
    let mut stream = server.connect();
    stream.write_all(&get("")).unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    let next = server.dir.path().join("next");
    Site::create(&next).file("/", "text/plain", b"next").finish();
    std::fs::rename(next, webroot(&server)).unwrap();
    until(PATIENCE, "the next is live", || server.get("any", "/").body == b"next");
    assert!(Response::read(&mut first.chain(&stream), false).body == large());
    until(PATIENCE, "the old is closed", || server.descriptors("(deleted)") == 0);
}

/// Without a file to look at the suite would prove nothing.
#[test]
fn what_is_dropped_from_the_page_cache_is_read_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, large()).unwrap();
    drop_from_cache(&path);
    let before = bytes_read(std::process::id());
    File::open(&path).unwrap().read_to_end(&mut Vec::new()).unwrap();
    assert!(bytes_read(std::process::id()) - before >= LARGE as u64, "no disk below {path:?}");
}
