//! Bodies that are not in the page cache: what comes is right, and nobody else waits for the disk.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "admin/ask.rs"]
#[allow(dead_code, reason = "each suite uses its own part")]
mod ask;
#[path = "cold/disk.rs"]
mod disk;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ask::Admin;
use common::{PATIENCE, Response, Server, Site, ask, numbered, until};
use disk::{SlowDisk, bytes_read, drop_from_cache};
use nix::sys::signal::Signal;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Size of the large body, no multiple of anything.
const LARGE: usize = 5 * MIB + 777;
/// Bytes a second of a slow disk. At that speed a body takes 5 seconds.
const SLOW: u64 = MIB as u64;

/// Makes a test of one function for each backend, and one for io_uring past the page cache.
macro_rules! on_every_way {
    ($name:ident) => {
        mod $name {
            #[test]
            fn sync() {
                super::$name("sync")
            }
            #[test]
            fn sendfile() {
                super::$name("sendfile")
            }
            #[test]
            fn io_uring() {
                super::$name("io_uring")
            }
            #[test]
            fn direct() {
                super::$name("direct")
            }
        }
    };
}

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
fn start(way: &str, flags: &[&str]) -> Server {
    let (backend, direct) = match way {
        "direct" => ("io_uring", Some("--direct=20000")),
        backend => (backend, None),
    };
    let direct: Vec<_> = direct.into_iter().collect();
    let flags = [&["--workers", "1"], flags, &direct].concat();
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

/// Gets the large body, however long the disk takes for it: where others keep it busy, a bound on
/// what one may read of it is not all that is waited for.
fn get_slowly(server: &Server) -> Vec<u8> {
    let mut stream = server.connect();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    stream.write_all(&get("")).unwrap();
    Response::read(&mut stream, false).body
}

on_every_way!(a_cold_body_arrives_whole_from_the_disk);
fn a_cold_body_arrives_whole_from_the_disk(way: &str) {
    let admin = Admin::new();
    let server = start(way, &["--admin", admin.path().to_str().unwrap()]);
    let before = bytes_read(server.pid());
    assert_eq!(admin.metrics().sum("ashttpd_disk_reads_total"), 0.0);
    assert!(server.get("any", "/large").body == large());
    assert!(admin.metrics().sum("ashttpd_disk_reads_total") >= 1.0);
    let read = bytes_read(server.pid()) - before;
    assert!(read > LARGE as u64 * 9 / 10, "{read} bytes were read: it was not cold");
    // And again, when it is there.
    assert!(server.get("any", "/large").body == large());
}

on_every_way!(cold_ranges_arrive_whole);
fn cold_ranges_arrive_whole(way: &str) {
    let body = large();
    for size in [16 * KIB + 1, 20_000, 128 * KIB, 512 * KIB + 1, 2 * MIB + 3] {
        let server = start(way, &[]);
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

on_every_way!(many_peers_get_a_cold_body_at_the_same_time);
fn many_peers_get_a_cold_body_at_the_same_time(way: &str) {
    let server = start(way, &[]);
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

on_every_way!(responses_behind_a_cold_body_come_in_order);
fn responses_behind_a_cold_body_come_in_order(way: &str) {
    let server = start(way, &[]);
    let mut stream = server.connect();
    let page = b"GET / HTTP/1.1\r\nHost: any\r\n\r\n";
    stream.write_all(&[&page[..], &get(""), page, &get("5-200000"), page].concat()).unwrap();
    for expected in [b"page", &large()[..], b"page", &large()[5..=200_000], b"page"] {
        assert!(Response::read(&mut stream, false).body == *expected);
    }
}

on_every_way!(others_do_not_wait_for_a_slow_disk);
fn others_do_not_wait_for_a_slow_disk(way: &str) {
    let server = start(way, &[]);
    let Some(_disk) = SlowDisk::under(&server, SLOW) else { return };
    thread::scope(|scope| {
        let body = scope.spawn(|| {
            let start = Instant::now();
            assert!(get_slowly(&server) == large());
            assert!(start.elapsed() > Duration::from_secs(3), "{:?}: no disk", start.elapsed());
        });
        let mut stream = server.connect();
        let mut answers = 0;
        while !body.is_finished() {
            assert_eq!(ask(&mut stream, "any", "/").body, b"page");
            answers += 1;
        }
        // A worker that waits for each piece from the disk finds time for less than a hundred.
        assert!(answers > 500, "{answers} answers while the body was read");
    });
}

on_every_way!(a_peer_is_not_blamed_for_a_slow_disk);
fn a_peer_is_not_blamed_for_a_slow_disk(way: &str) {
    // It has to take a lot, but not while the disk has nothing for it.
    let flags = ["--write-timeout", "0.2", "--min-rate", "2000000"];
    let server = start(way, &flags);
    let Some(_disk) = SlowDisk::under(&server, SLOW) else { return };
    assert!(get_slowly(&server) == large());
}

on_every_way!(a_peer_may_leave_while_its_body_is_read);
fn a_peer_may_leave_while_its_body_is_read(way: &str) {
    let server = start(way, &[]);
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

on_every_way!(a_file_that_is_truncated_while_it_is_read_ends_the_connection);
fn a_file_that_is_truncated_while_it_is_read_ends_the_connection(way: &str) {
    let server = start(way, &[]);
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

on_every_way!(a_daemon_that_stops_finishes_a_body_that_is_read);
fn a_daemon_that_stops_finishes_a_body_that_is_read(way: &str) {
    let mut server = start(way, &[]);
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

on_every_way!(a_deleted_webroot_is_read_to_its_end_and_then_let_go);
fn a_deleted_webroot_is_read_to_its_end_and_then_let_go(way: &str) {
    let server = start(way, &[]);
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

/// Bytes that a daemon reads from the disk for `/large`.
fn read_for_large(server: &Server) -> u64 {
    let before = bytes_read(server.pid());
    assert!(server.get("any", "/large").body == large());
    bytes_read(server.pid()) - before
}

#[test]
fn a_body_above_the_bound_does_not_come_into_the_page_cache() {
    let bound = format!("--direct={}", LARGE - 1);
    let server = start("io_uring", &[&bound]);
    for _ in 0..2 {
        let read = read_for_large(&server);
        assert!(read >= LARGE as u64, "only {read} bytes were read");
    }
    // Nor does it come from there.
    std::io::copy(&mut File::open(webroot(&server)).unwrap(), &mut std::io::sink()).unwrap();
    let read = read_for_large(&server);
    assert!(read >= LARGE as u64, "only {read} bytes were read");
}

#[test]
fn a_body_up_to_the_bound_does() {
    let bound = format!("--direct={LARGE}");
    let server = start("io_uring", &[&bound]);
    read_for_large(&server);
    let read = read_for_large(&server);
    assert!(read < LARGE as u64 / 10, "{read} bytes were read again");
}

#[test]
fn without_a_number_the_bound_is_a_mebibyte() {
    let server = start("io_uring", &["--direct"]);
    let mut stream = server.connect();
    let range = |size: usize| get(&format!("4000000-{}", 4_000_000 + size - 1));
    for (size, is_read_again) in [(MIB, false), (MIB + 1, true)] {
        let mut read = 0;
        for _ in 0..2 {
            let before = bytes_read(server.pid());
            stream.write_all(&range(size)).unwrap();
            let body = Response::read(&mut stream, false).body;
            assert!(body == large()[4_000_000..4_000_000 + size]);
            read = bytes_read(server.pid()) - before;
        }
        assert_eq!(read >= size as u64, is_read_again, "{read} bytes of {size}");
    }
}

#[test]
fn ranges_of_every_alignment_come_past_the_page_cache() {
    let server = start("direct", &[]);
    let body = large();
    let mut stream = server.connect();
    let firsts = [0, 1, 511, 512, 4095, 4096, 4097, 256 * KIB - 1, 256 * KIB, LARGE - 30_000];
    for first in firsts {
        for size in [20_001, 65_536, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 3 * MIB] {
            let last = first + size - 1;
            stream.write_all(&get(&format!("{first}-{last}"))).unwrap();
            let came = Response::read(&mut stream, false).body;
            assert!(came == body[first..LARGE.min(last + 1)], "bytes={first}-{last}");
        }
    }
}

#[test]
fn slow_peers_do_not_keep_buffers_from_others() {
    let server = start("direct", &[]);
    // More than there are buffers, and none of them reads.
    let mut slow: Vec<_> = (0..100).map(|_| server.connect_narrow(1)).collect();
    for peer in &mut slow {
        peer.write_all(&get("")).unwrap();
    }
    assert!(server.get("any", "/large").body == large());
    for peer in slow.iter_mut().take(3) {
        assert!(Response::read(peer, false).body == large());
    }
}

#[test]
fn where_memory_can_not_be_locked_buffers_are_not_registered() {
    // In a namespace even root is held to the limit.
    let server = Server::start_in_namespace("ulimit -l 1024", "io_uring", |vhosts| {
        site(&vhosts.join("__default__"));
        drop_from_cache(&vhosts.join("__default__"));
    });
    let read = read_for_large(&server);
    assert!(read > LARGE as u64 * 9 / 10, "{read} bytes were read: it was not cold");
}

#[test]
fn a_file_system_in_memory_is_served_past_no_cache() {
    let place = Path::new("/dev/shm");
    let flags = ["--workers", "1", "--direct=20000"];
    let server = Server::start_in_with(place, "io_uring", &flags, |vhosts| {
        site(&vhosts.join("__default__"));
    });
    for _ in 0..2 {
        assert!(server.get("any", "/large").body == large());
    }
    let told = server.log().iter().filter(|line| line.contains("past the page cache")).count();
    // New kernels take O_DIRECT there for what it is.
    assert!(told <= 1, "{:#?}", server.log());
}

#[test]
fn backends_without_a_ring_refuse_to_read_past_the_page_cache() {
    for backend in ["sync", "sendfile"] {
        let dir = tempfile::tempdir().unwrap();
        let mut daemon = std::process::Command::new(env!("CARGO_BIN_EXE_httpd"));
        let output = daemon.arg(dir.path()).args([backend, "--direct"]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("choose io_uring"), "{error}");
    }
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
