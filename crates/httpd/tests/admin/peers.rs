//! Peers of the admin listener: what they may ask, and those that are slow, hostile, or go away.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::ask::{Admin, Answer, start};
use super::site;
use crate::common::{PATIENCE, Server};
use crate::on_every_backend;

on_every_backend!(what_is_here_is_listed_and_anything_else_is_not);

fn started(backend: &str) -> (Server, Admin) {
    start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "one"))
}

fn what_is_here_is_listed_and_anything_else_is_not(backend: &str) {
    let (_server, admin) = started(backend);
    let list = admin.get("/");
    assert_eq!(list.status, 200);
    for path in ["/metrics", "/healthz", "/readyz", "/vhosts"] {
        assert!(list.body.contains(path), "{}", list.body);
        assert_eq!(admin.get(path).status, 200, "{path}");
        assert_eq!(admin.get(&format!("{path}?query")).status, 200, "{path}");
    }
    for path in ["/metric", "/metrics/", "//metrics", "/%2e/x", "/VHOSTS"] {
        assert_eq!(admin.get(path).status, 404, "{path}");
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let (_server, admin) = started("sync");
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "a".repeat(9000));
    let line = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(2000));
    for (question, status) in [
        (&b"POST /metrics HTTP/1.1\r\nHost: h\r\n\r\n"[..], 405),
        (b"DELETE /vhosts HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"\xff\0\r\n\r\n", 400),
        (long.as_bytes(), 431),
        (line.as_bytes(), 414),
    ] {
        let answer = admin.exchange(question);
        assert_eq!(answer.status, status, "{}", question.escape_ascii());
        let allows = answer.head.contains("\r\nAllow: GET, HEAD");
        assert_eq!(allows, status == 405, "{}", answer.head);
    }
}

#[test]
fn head_is_the_head_alone() {
    let (_server, admin) = started("sync");
    for path in ["/", "/metrics", "/vhosts", "/healthz", "/none"] {
        let question = format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        let answer = admin.exchange(question.as_bytes());
        assert_eq!((answer.status == 200, &*answer.body), (path != "/none", ""), "{path}");
    }
}

#[test]
fn curl_can_ask() {
    let (_server, admin) = started("sync");
    let curl = |path: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--unix-socket"])
            .arg(admin.path())
            .arg(format!("http://localhost{path}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(curl("/metrics").contains("\nashttpd_build_info{"));
    let vhosts: Vec<serde_json::Value> = serde_json::from_str(&curl("/vhosts")).unwrap();
    assert_eq!(vhosts[0]["name"], "one.example");
}

/// Asks, which takes no longer than it takes a machine that is busy.
fn assert_told_soon(admin: &Admin) {
    let start = Instant::now();
    assert_eq!(admin.get("/metrics").status, 200);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn a_head_that_comes_a_byte_at_a_time_is_a_head() {
    let (_server, admin) = started("sync");
    let mut socket = admin.connect();
    for byte in b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(Answer::read(socket).body, "ready\n");
}

#[test]
fn a_peer_that_asks_nothing_is_let_go_and_stops_nobody() {
    let (_server, admin) = started("sync");
    let (mut silent, mut slow) = (admin.connect(), admin.connect());
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    assert_told_soon(&admin);
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    assert_eq!(Answer::read(slow).status, 408);
}

/// More virtual hosts than a socket takes the answer about at once.
fn lay_many(vhosts: &Path) {
    for number in 0..3000 {
        symlink("../nothing", vhosts.join(format!("{number:0200}.example"))).unwrap();
    }
}

#[test]
fn peers_that_take_their_time_stop_nobody() {
    let (_server, admin) = start("sync", &["--max-open", "1"], lay_many);
    let ask = || {
        let mut socket = admin.connect();
        socket.write_all(b"GET /vhosts HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        socket.read_exact(&mut [0; 100]).unwrap();
        socket
    };
    let mut slow: Vec<_> = (0..20).map(|_| ask()).collect();
    assert_told_soon(&admin);
    assert_eq!(admin.vhosts().len(), 3000);
    // And are told to the end.
    let mut rest = String::new();
    slow[7].read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("]\n\r\n0\r\n\r\n"));
}

#[test]
fn of_too_many_peers_the_one_that_was_there_longest_goes() {
    let (_server, admin) = started("sync");
    let first = admin.connect();
    let mut crowd: Vec<UnixStream> = Vec::new();
    let start = Instant::now();
    // None of them asks, and each may wait for five seconds; those that come are let in at once.
    while start.elapsed() < Duration::from_secs(4) && crowd.len() < 100 {
        crowd.push(admin.connect());
    }
    assert_told_soon(&admin);
    let mut rest = Vec::new();
    let start = Instant::now();
    { first }.read_to_end(&mut rest).unwrap();
    assert!(start.elapsed() < PATIENCE && rest.is_empty());
}

#[test]
fn a_peer_that_goes_away_stops_nothing() {
    let (server, admin) = started("sync");
    for question in [&b""[..], b"GET /", b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"] {
        admin.connect().write_all(question).unwrap();
    }
    let question = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    (0..50).for_each(|_| admin.connect().write_all(question).unwrap());
    assert_told_soon(&admin);
    assert_eq!(server.get("one.example", "/").body, b"one");
    assert!(server.log().iter().all(|line| !line.contains("can't accept")), "{:#?}", server.log());
}
