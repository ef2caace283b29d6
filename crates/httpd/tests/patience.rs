//! How long the daemon waits for a peer, and what a slow one gets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Response, Server, Site};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LARGE: usize = 64 << 20;

/// A daemon whose bounds are 400 ms, or 2 s where an idle connection is not what is tested.
fn server(backend: &str, idle: &str) -> Server {
    let flags = ["--workers", "1", "--head-timeout", "0.4", "--keep-alive-timeout", idle];
    let flags = [&flags[..], &["--write-timeout", "0.4", "--min-rate", "1000"]].concat();
    Server::start_with(backend, &flags, |vhosts| {
        let site = Site::create(&vhosts.join("../site")).file("/", "text/plain", b"hello");
        site.file("/large", "application/octet-stream", &vec![b'x'; LARGE]).finish();
        symlink("../site", vhosts.join("__default__")).unwrap();
    })
}

/// Reads to the end of the connection; what came, and after how long the end did.
fn to_the_end(stream: &mut impl Read) -> (Vec<u8>, Duration) {
    let start = Instant::now();
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut all);
    (all, start.elapsed())
}

on_every_backend!(a_connection_on_which_nothing_comes_is_closed_without_a_word);
fn a_connection_on_which_nothing_comes_is_closed_without_a_word(backend: &str) {
    let server = server(backend, "2");
    let (answer, time) = to_the_end(&mut server.connect());
    assert_eq!(answer, b"");
    assert!(time > Duration::from_millis(350) && time < Duration::from_secs(2), "{time:?}");
}

on_every_backend!(a_head_that_does_not_end_is_answered_408_however_it_trickles);
fn a_head_that_does_not_end_is_answered_408_however_it_trickles(backend: &str) {
    let server = server(backend, "2");
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").unwrap();
    let mut writer = stream.try_clone().unwrap();
    let trickle = std::thread::spawn(move || {
        for _ in 0..100 {
            if writer.write_all(b"x").is_err() {
                break;
            }
            sleep(Duration::from_millis(20));
        }
    });
    let response = Response::read(&mut stream, false);
    assert_eq!(response.status, 408);
    assert_eq!(response.field("Connection"), Some("close"));
    drop(stream);
    trickle.join().unwrap();
}

on_every_backend!(an_idle_connection_is_closed_without_a_word);
fn an_idle_connection_is_closed_without_a_word(backend: &str) {
    let server = server(backend, "0.6");
    let mut stream = server.connect();
    for _ in 0..3 {
        // Each answer begins the time anew.
        sleep(Duration::from_millis(300));
        stream.write_all(GET).unwrap();
        assert_eq!(Response::read(&mut stream, false).status, 200);
    }
    let (rest, time) = to_the_end(&mut stream);
    assert_eq!(rest, b"");
    assert!(time > Duration::from_millis(550) && time < Duration::from_secs(2), "{time:?}");
}

on_every_backend!(content_that_comes_too_slowly_ends_the_connection);
fn content_that_comes_too_slowly_ends_the_connection(backend: &str) {
    let server = server(backend, "5");
    let mut stream = server.connect();
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nxx";
    stream.write_all(head).unwrap();
    // The answer does not wait for the content.
    assert_eq!(Response::read(&mut stream, false).status, 200);
    let (rest, time) = to_the_end(&mut stream);
    assert_eq!(rest, b"");
    assert!(time < Duration::from_secs(2), "{time:?}");
}

on_every_backend!(content_that_comes_fast_enough_may_take_long);
fn content_that_comes_fast_enough_may_take_long(backend: &str) {
    let server = server(backend, "5");
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n").unwrap();
    for _ in 0..30 {
        sleep(Duration::from_millis(50));
        stream.write_all(&[b'x'; 1000]).unwrap();
    }
    stream.write_all(GET).unwrap();
    assert_eq!(Response::read(&mut stream, false).status, 200);
    assert_eq!(Response::read(&mut stream, false).status, 200);
}

on_every_backend!(a_peer_that_does_not_read_its_answer_is_cut_off);
fn a_peer_that_does_not_read_its_answer_is_cut_off(backend: &str) {
    let server = server(backend, "5");
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    sleep(Duration::from_millis(2500));
    let (answer, _) = to_the_end(&mut stream);
    assert!(answer.len() < LARGE, "all of {} bytes came", answer.len());
    assert_eq!(server.get("a", "/").status, 200);
}

on_every_backend!(a_peer_that_reads_slowly_but_steadily_gets_all);
fn a_peer_that_reads_slowly_but_steadily_gets_all(backend: &str) {
    let server = server(backend, "5");
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut chunk = vec![0; 128 << 10];
    let mut count = 0;
    let start = Instant::now();
    // Slowly for two seconds, then the rest at once.
    while start.elapsed() < Duration::from_secs(2) {
        count += stream.read(&mut chunk).unwrap();
        sleep(Duration::from_millis(10));
    }
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let (rest, _) = to_the_end(&mut stream);
    assert!(rest.ends_with(b"hello"), "{} of {LARGE} bytes", count + rest.len());
    assert!(count + rest.len() > LARGE);
}
