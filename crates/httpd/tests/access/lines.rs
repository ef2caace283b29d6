//! What a line says of each kind of answer.

use std::io::{Read, Write};

use serde_json::{Value, json};

use super::Logged;
use crate::common::{PATIENCE, Response, etag, numbered, until};
use crate::on_every_backend;

on_every_backend!(
    an_answer_is_logged_with_its_status_and_size,
    what_is_no_request_is_logged_as_it_came,
    a_head_that_does_not_end_is_logged_as_far_as_it_came,
    json_tells_all_that_is_known,
    the_log_rests_with_the_daemon,
);

/// Sends a request, and says the size of the body that came for it.
fn ask(logged: &Logged, request: &str) -> usize {
    let mut stream = logged.server.connect();
    stream.write_all(request.as_bytes()).unwrap();
    Response::read(&mut stream, request.starts_with("HEAD")).body.len()
}

fn an_answer_is_logged_with_its_status_and_size(backend: &str) {
    let logged = Logged::start(backend, "combined");
    let tag = etag(&numbered("small", 1024));
    let cases = [
        ("GET /small HTTP/1.1", "one.example", String::new(), 200),
        ("GET /large HTTP/1.1", "one.example", String::new(), 200),
        ("GET http://one.example/small HTTP/1.0", "one.example", String::new(), 200),
        ("HEAD /small HTTP/1.1", "one.example", String::new(), 200),
        ("GET /small HTTP/1.1", "one.example", format!("If-None-Match: {tag}\r\n"), 304),
        ("GET /small HTTP/1.1", "one.example", "Range: bytes=10-19\r\n".into(), 206),
        ("GET /small HTTP/1.1", "one.example", "Range: bytes=1-2, 10-19\r\n".into(), 206),
        ("GET /small HTTP/1.1", "one.example", "Range: bytes=5000-\r\n".into(), 416),
        ("GET /none HTTP/1.1", "one.example", String::new(), 404),
        ("HEAD /none HTTP/1.1", "one.example", String::new(), 404),
        ("GET /moved?a=b HTTP/1.1", "one.example", String::new(), 301),
        ("GET /a?b HTTP/1.1", "old.example", String::new(), 308),
        ("GET / HTTP/1.1", "nobody.example", String::new(), 404),
        ("POST /small HTTP/1.1", "one.example", "Content-Length: 0\r\n".into(), 405),
        ("BREW /small HTTP/1.1", "one.example", String::new(), 501),
        ("OPTIONS * HTTP/1.1", "one.example", String::new(), 204),
    ];
    for (number, (line, host, more, status)) in cases.iter().enumerate() {
        let agent = "User-Agent: a \"b\" \\ \u{e4}";
        let fields = format!("Host: {host}\r\n{more}Referer: http://r/{number}\r\n{agent}\r\n\r\n");
        let size = ask(&logged, &format!("{line}\r\n{fields}"));
        let found = logged.lines(number + 1).pop().unwrap();
        let (start, rest) = found.split_once(" - - [").unwrap();
        let (time, rest) = rest.split_once("] ").unwrap();
        assert_eq!(start, "127.0.0.1");
        assert!(time.ends_with(" +0000") && time.len() == 26, "{time}");
        let agent = "a \\x22b\\x22 \\x5C \\xC3\\xA4";
        let expected = format!("\"{line}\" {status} {size} \"http://r/{number}\" \"{agent}\"");
        assert_eq!(rest, expected);
    }
}

fn what_is_no_request_is_logged_as_it_came(backend: &str) {
    let logged = Logged::start(backend, "common");
    let long = format!("GET /{} HTTP/1.1\r\nHost: one.example\r\n\r\n", "a".repeat(5000));
    let cases = [
        ("\x16\x03\x01\r\n\r\n", "\\x16\\x03\\x01", 400),
        ("\r\nGET  /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET  /a HTTP/1.1", 400),
        ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1", 400),
        ("HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n", "HEAD / HTTP/1.1", 400),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", "GET / HTTP/3.0", 505),
        (&long, &format!("GET /{}... HTTP/1.1", "a".repeat(2043)), 404),
    ];
    for (number, (request, line, status)) in cases.into_iter().enumerate() {
        let size = ask(&logged, request);
        let found = logged.lines(number + 1).pop().unwrap();
        let rest = found.split_once("] ").unwrap().1;
        assert_eq!(rest, format!("\"{line}\" {status} {size}"));
    }
    // A connection on which nothing was asked leaves no line.
    drop(logged.server.connect());
    ask(&logged, "GET /small HTTP/1.1\r\nHost: one.example\r\n\r\n");
    logged.lines(7);
}

fn a_head_that_does_not_end_is_logged_as_far_as_it_came(backend: &str) {
    let logged = Logged::start_with(backend, &["--head-timeout", "0.2"]);
    for (number, (begun, line)) in
        [("GET /a HTTP/1.1\r\nHost: x\r\nReferer: y", "GET /a HTTP/1.1"), ("HEAD /b", "HEAD /b")]
            .into_iter()
            .enumerate()
    {
        let size = ask(&logged, begun);
        let found = logged.lines(number + 1).pop().unwrap();
        let expected = format!("\"{line}\" 408 {size} \"-\" \"-\"");
        assert_eq!(found.split_once("] ").unwrap().1, expected);
    }
}

fn json_tells_all_that_is_known(backend: &str) {
    let logged = Logged::start(backend, "json");
    let mut stream = logged.server.connect();
    let port = stream.local_addr().unwrap().port();
    let get = "GET / HTTP/1.1\r\nHost: A.wild.example:80\r\nAccept-Encoding: br\r\n\r\n";
    let post = "POST /x HTTP/1.1\r\nHost: one.example\r\nContent-Length: 3\r\n\r\nabc";
    let bad = "nonsense \u{e4}\r\n\r\n";
    // Pipelined.
    stream.write_all([get, post, get, bad].concat().as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let lines = logged.lines(4);
    let mut objects: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for object in &mut objects {
        let object = object.as_object_mut().unwrap();
        let time = object.remove("time").unwrap();
        let time = time.as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    }
    let got = json!({
        "peer": "127.0.0.1", "port": port, "method": "GET", "target": "/", "version": "HTTP/1.1",
        "status": 200, "bytes": 2, "coding": "br", "host": "A.wild.example",
        "vhost": "*.wild.example", "referer": null, "user_agent": null,
    });
    let posted = json!({
        "peer": "127.0.0.1", "port": port, "method": "POST", "target": "/x", "version": "HTTP/1.1",
        "status": 405, "bytes": objects[1]["bytes"], "coding": null, "host": "one.example",
        "vhost": "one.example", "referer": null, "user_agent": null,
    });
    let refused = json!({
        "peer": "127.0.0.1", "port": port, "line": "nonsense \u{e4}", "status": 400,
        "bytes": objects[3]["bytes"], "coding": null, "host": null, "vhost": null,
        "referer": null, "user_agent": null,
    });
    assert_eq!(objects, [got.clone(), posted, got, refused]);
}

fn the_log_rests_with_the_daemon(backend: &str) {
    let logged = Logged::start(backend, "combined");
    let pid = logged.server.pid();
    let wakes = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let status =
            |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status")).unwrap();
        let all = tasks.map(|task| status(task.unwrap()));
        let found = all.filter(|status| status.contains("access-log")).collect::<String>();
        let line = found.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    super::ask_for(&logged.server, 0, 0..1);
    logged.lines(1);
    // Its last round finds nothing, and then it stays asleep.
    let mut before = wakes();
    until(PATIENCE, "the writer rests", || {
        std::thread::sleep(std::time::Duration::from_millis(1000));
        std::mem::replace(&mut before, wakes()) == before
    });
    super::ask_for(&logged.server, 0, 1..2);
    logged.lines(2);
}
