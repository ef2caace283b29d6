//! Files that are changed in place or damaged: the daemon lives, other hosts do not notice, and
//! nothing wrong goes out under a good entity tag.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, Response, Server, Site, etag, numbered, until};

/// Bytes of a body that no socket buffer holds.
const HUGE: usize = 24 * 1024 * 1024;

/// Packs a site with a small and a huge page.
fn site(path: &Path, name: &str) {
    Site::create(path)
        .file("/huge", "text/plain", &numbered(name, HUGE))
        .file("/", "text/plain", &numbered(name, 4000))
        .file("/other", "text/plain", &numbered(&format!("{name} other"), 4000))
        .finish();
}

/// A daemon with a victim and a host that must not notice.
fn start(backend: &str, flags: &[&str]) -> (Server, PathBuf) {
    let flags: Vec<_> = ["--workers", "2"].iter().chain(flags).copied().collect();
    let server = Server::start_with(backend, &flags, |vhosts| {
        site(&vhosts.join("../victim"), "old");
        site(&vhosts.join("../well"), "well");
        symlink("../victim", vhosts.join("victim.example")).unwrap();
        symlink("../well", vhosts.join("well.example")).unwrap();
    });
    assert_eq!(server.get("victim.example", "/").body, numbered("old", 4000));
    let file = server.dir.path().join("victim");
    (server, file)
}

fn truncate(path: &Path, size: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
}

/// Asks the other host without pause while `attack` runs: it answers as always.
fn unnoticed(server: &Server, attack: impl FnOnce()) {
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let expected = numbered("well", 4000);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(server.get("well.example", "/").body, expected);
                asked.fetch_add(1, Ordering::Relaxed);
            }
        });
        let done = || asked.load(Ordering::Relaxed);
        until(PATIENCE, "the other host is asked", || done() > 0);
        attack();
        let so_far = done();
        until(PATIENCE, "the other host goes on", || done() > so_far + 10);
        stop.store(true, Ordering::Relaxed);
    });
}

/// The victim answers 503, or what is right.
fn assert_never_wrong(server: &Server) {
    for path in ["/", "/other"] {
        let answer = server.get("victim.example", path);
        match answer.status {
            503 => assert_eq!(answer.field("Retry-After"), Some("1")),
            200 => assert_eq!(answer.field("ETag").unwrap(), etag(&answer.body), "wrong bytes"),
            status => panic!("{status}: {}", answer.head),
        }
    }
}

/// A good file takes over.
fn assert_repaired(server: &Server) {
    site(&server.dir.path().join("new"), "new");
    fs::rename(server.dir.path().join("new"), server.dir.path().join("victim")).unwrap();
    until(PATIENCE, "the good file is served", || {
        server.get("victim.example", "/").body == numbered("new", 4000)
    });
    assert_eq!(server.get("victim.example", "/huge").body, numbered("new", HUGE));
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("bug") || line.contains("panic")), "{log:#?}");
}

on_every_backend!(a_live_webroot_that_is_truncated_is_503_until_a_good_file_is_there);
fn a_live_webroot_that_is_truncated_is_503_until_a_good_file_is_there(backend: &str) {
    for left in [0, 4096, HUGE as u64 / 2] {
        let (server, file) = start(backend, &[]);
        unnoticed(&server, || {
            truncate(&file, left);
            // Without any delay: the index is at the end, and gone.
            for _ in 0..20 {
                assert_eq!(server.get("victim.example", "/").status, 503, "{left} bytes are left");
            }
        });
        let line = server.wait_for_log("was changed in place");
        assert!(line.contains("error: vhost victim.example: "), "{line}");
        assert_repaired(&server);
        let told = server.log().iter().filter(|line| line.contains("in place")).count();
        assert_eq!(told, 1, "{:#?}", server.log());
    }
}

on_every_backend!(a_body_in_flight_of_a_webroot_that_is_truncated_ends_with_its_connection);
fn a_body_in_flight_of_a_webroot_that_is_truncated_ends_with_its_connection(backend: &str) {
    let (server, file) = start(backend, &[]);
    let mut stream = server.connect_narrow(64 * 1024);
    stream.write_all(b"GET /huge HTTP/1.1\r\nHost: victim.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    unnoticed(&server, || truncate(&file, 8192));
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < HUGE, "the whole body came: {} bytes", rest.len());
    assert_repaired(&server);
}

on_every_backend!(a_body_that_waits_for_its_peer_is_cut_off_when_its_file_is_changed);
fn a_body_that_waits_for_its_peer_is_cut_off_when_its_file_is_changed(backend: &str) {
    let (server, file) = start(backend, &[]);
    let sockets = server.descriptors("socket:");
    let mut waiting = server.connect_narrow(64 * 1024);
    waiting.write_all(b"GET /huge HTTP/1.1\r\nHost: victim.example\r\n\r\n").unwrap();
    let mut idle = server.connect_narrow(64 * 1024);
    idle.write_all(b"GET /huge HTTP/1.1\r\nHost: well.example\r\n\r\n").unwrap();
    for stream in [&mut waiting, &mut idle] {
        stream.read_exact(&mut [0; 4096]).unwrap();
    }
    truncate(&file, 8192);
    // Nobody reads, so that nothing but the change ends it.
    let limit = Duration::from_secs(5);
    until(limit, "it is cut off", || server.descriptors("socket:") == sockets + 1);
    let mut rest = Vec::new();
    idle.shutdown(std::net::Shutdown::Write).unwrap();
    idle.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&numbered("well", HUGE)[HUGE - 1000..]), "the other is not whole");
}

on_every_backend!(a_webroot_that_is_copied_over_a_live_one_is_served_when_it_is_whole);
fn a_webroot_that_is_copied_over_a_live_one_is_served_when_it_is_whole(backend: &str) {
    let (server, file) = start(backend, &[]);
    let new = server.dir.path().join("new");
    site(&new, "new");
    let bytes = fs::read(&new).unwrap();
    unnoticed(&server, || {
        // As `cp` does: cut off, then written from the start.
        let mut copy = File::create(&file).unwrap();
        for piece in bytes.chunks(bytes.len() / 10) {
            copy.write_all(piece).unwrap();
            assert_never_wrong(&server);
        }
    });
    until(PATIENCE, "the copy is served", || {
        server.get("victim.example", "/").body == numbered("new", 4000)
    });
    assert_eq!(server.get("victim.example", "/huge").body, numbered("new", HUGE));
}

on_every_backend!(a_webroot_that_is_written_over_without_being_cut_off_is_served_when_it_is_whole);
fn a_webroot_that_is_written_over_without_being_cut_off_is_served_when_it_is_whole(backend: &str) {
    let (server, file) = start(backend, &[]);
    let new = server.dir.path().join("new");
    site(&new, "new");
    let bytes = fs::read(&new).unwrap();
    assert_eq!(bytes.len() as u64, fs::metadata(&file).unwrap().len());
    let old = OpenOptions::new().write(true).open(&file).unwrap();
    // As `rsync --inplace` does: its size and header are right at once, the rest is not.
    for (number, piece) in bytes.chunks(bytes.len() / 10).enumerate() {
        old.write_all_at(piece, (number * (bytes.len() / 10)) as u64).unwrap();
        assert_never_wrong(&server);
        thread::sleep(Duration::from_millis(20));
        assert_never_wrong(&server);
    }
    until(PATIENCE, "the copy is served", || {
        server.get("victim.example", "/").body == numbered("new", 4000)
    });
}

on_every_backend!(bytes_that_are_changed_in_the_middle_of_a_live_webroot_are_found);
fn bytes_that_are_changed_in_the_middle_of_a_live_webroot_are_found(backend: &str) {
    let (server, file) = start(backend, &[]);
    let bytes = fs::read(&file).unwrap();
    let place = bytes.windows(9).position(|part| part == b"old other").unwrap();
    OpenOptions::new().write(true).open(&file).unwrap().write_all_at(b"OLD", place as u64).unwrap();
    until(PATIENCE, "it is not served any more", || {
        server.get("victim.example", "/other").status == 503
    });
    let line = server.wait_for_log("damaged: /other: body does not match its digest");
    assert!(line.contains("vhost victim.example: "), "{line}");
    assert_repaired(&server);
}

on_every_backend!(a_webroot_that_is_only_touched_is_served_on);
fn a_webroot_that_is_only_touched_is_served_on(backend: &str) {
    let (server, file) = start(backend, &[]);
    File::options().write(true).open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    for _ in 0..50 {
        assert_eq!(server.get("victim.example", "/").status, 200);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!server.log().iter().any(|line| line.contains("in place")), "{:#?}", server.log());
}

on_every_backend!(a_live_webroot_that_is_deleted_is_served_on_and_then_replaced);
fn a_live_webroot_that_is_deleted_is_served_on_and_then_replaced(backend: &str) {
    let (server, file) = start(backend, &[]);
    fs::remove_file(&file).unwrap();
    server.wait_for_log("stays live");
    assert_eq!(server.get("victim.example", "/").body, numbered("old", 4000));
    assert_repaired(&server);
}

/// Spoils a byte of a body in a webroot.
fn spoil(path: &Path, text: &[u8]) -> u64 {
    let mut bytes = fs::read(path).unwrap();
    let place = bytes.windows(text.len()).position(|part| part == text).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
    place as u64
}

on_every_backend!(with_full_verification_a_damaged_file_does_not_go_live);
fn with_full_verification_a_damaged_file_does_not_go_live(backend: &str) {
    let (server, file) = {
        let (server, file) = started_verified(backend);
        until(PATIENCE, "it is verified", || server.get("victim.example", "/").status == 200);
        (server, file)
    };
    let bad = server.dir.path().join("bad");
    site(&bad, "bad");
    spoil(&bad, b"bad other 00000003");
    fs::rename(bad, &file).unwrap();
    let line = server.wait_for_log("damaged: /other: body does not match its digest at offset ");
    assert!(
        line.contains("warning: vhost victim.example: ") && line.contains("stays live"),
        "{line}"
    );
    assert_eq!(server.get("victim.example", "/").body, numbered("old", 4000));
    assert_repaired(&server);
}

/// As [`start`], but with verification, so that nothing is live at once.
fn started_verified(backend: &str) -> (Server, PathBuf) {
    let flags = ["--workers", "2", "--verify", "full"];
    let server = Server::start_with(backend, &flags, |vhosts| {
        site(&vhosts.join("../victim"), "old");
        site(&vhosts.join("../spoilt"), "spoilt");
        spoil(&vhosts.join("../spoilt"), b"spoilt 00000001");
        symlink("../victim", vhosts.join("victim.example")).unwrap();
        symlink("../spoilt", vhosts.join("spoilt.example")).unwrap();
    });
    let file = server.dir.path().join("victim");
    (server, file)
}

on_every_backend!(with_full_verification_a_name_is_503_until_its_file_is_verified);
fn with_full_verification_a_name_is_503_until_its_file_is_verified(backend: &str) {
    let (server, _) = started_verified(backend);
    until(PATIENCE, "it is verified", || {
        let answer = server.get("victim.example", "/");
        assert!([200, 503].contains(&answer.status), "{}", answer.head);
        answer.status == 200
    });
    let line = server.wait_for_log("vhost spoilt.example: ");
    assert!(line.contains("damaged: ") && line.contains("it is answered 503"), "{line}");
    for _ in 0..10 {
        assert_eq!(server.get("spoilt.example", "/").status, 503);
    }
}

on_every_backend!(a_size_that_contradicts_its_head_is_a_500_and_not_a_broken_answer);
fn a_size_that_contradicts_its_head_is_a_500_and_not_a_broken_answer(backend: &str) {
    let (server, file) = start(backend, &[]);
    let good = fs::read(&file).unwrap();
    let size = 4000u64.to_le_bytes();
    let places = |bytes: &[u8]| -> Vec<usize> {
        (0..bytes.len() - 8).step_by(8).filter(|at| bytes[*at..at + 8] == size).collect()
    };
    let places = places(&good);
    assert!(places.len() >= 2, "{places:?}");
    let mut refused = 0;
    for (number, at) in places.into_iter().enumerate() {
        for value in [0u64, 3999, u64::MAX] {
            let mut bytes = good.clone();
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            let bad = server.dir.path().join(format!("bad-{number}-{value}"));
            fs::write(&bad, bytes).unwrap();
            symlink(&bad, server.vhosts().join(".next")).unwrap();
            fs::rename(server.vhosts().join(".next"), server.vhosts().join("victim.example"))
                .unwrap();
            // Its identity is that of the good one, so the log has no line for it.
            let name = format!("bad-{number}-{value}");
            until(PATIENCE, "it is open", || server.descriptors(&name) == 1);
            for path in ["/", "/other"] {
                let answer = server.get("victim.example", path);
                assert!([200, 500].contains(&answer.status), "{}", answer.head);
                assert!(answer.status != 200 || answer.body.len() == 4000, "{}", answer.head);
                refused += usize::from(answer.status == 500);
            }
        }
    }
    assert!(refused >= 4, "{refused} answers were refused");
}

on_every_backend!(a_kept_connection_survives_the_503_of_its_host);
fn a_kept_connection_survives_the_503_of_its_host(backend: &str) {
    let (server, file) = start(backend, &[]);
    let mut kept = server.connect();
    let mut get = |host: &str| {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        kept.write_all(text.as_bytes()).unwrap();
        Response::read(&mut kept, false).status
    };
    assert_eq!(get("victim.example"), 200);
    truncate(&file, 5000);
    assert_eq!(get("victim.example"), 503);
    assert_eq!(get("well.example"), 200);
    site(&server.dir.path().join("new"), "new");
    fs::rename(server.dir.path().join("new"), file).unwrap();
    until(PATIENCE, "it is repaired", || get("victim.example") == 200);
}
