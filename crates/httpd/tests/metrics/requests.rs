//! Requests, their bytes, and how long they take.

use std::io::{Read, Write};

use super::ask::start;
use super::lay;
use crate::common::{PATIENCE, Response, ask, etag, numbered, until};
use crate::on_every_backend;

on_every_backend!(
    requests_are_counted_by_vhost_method_and_code,
    the_bytes_of_responses_are_counted_to_the_last,
    every_response_that_was_sent_has_its_time,
    a_response_that_the_peer_does_not_take_is_aborted_and_has_no_time,
);

fn requests_are_counted_by_vhost_method_and_code(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let tag = etag(&numbered("small", 1024));
    let ask = |method: &str, host: &str, path: &str, more: &str| {
        let text =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
        server.exchange(text.as_bytes())
    };
    // So often that answers are remembered.
    (0..10).for_each(|_| drop(ask("GET", "one.example", "/small", "")));
    (0..3).for_each(|_| drop(ask("HEAD", "one.example", "/small", "")));
    ask("GET", "one.example", "/none", "");
    ask("GET", "ONE.example:80", "/small", &format!("If-None-Match: {tag}\r\n"));
    ask("GET", "one.example", "/small", "Range: bytes=1-2\r\n");
    ask("GET", "one.example", "/small", "Range: bytes=5000-\r\n");
    ask("POST", "one.example", "/small", "");
    ask("BREW", "one.example", "/small", "");
    ask("OPTIONS", "two.example", "/", "");
    ask("GET", "old.example", "/a", "");
    ask("GET", "three.example", "/", "");
    server.exchange(b"GET / HTTP/1.1\r\nHost: one.example\r\nbad field\r\n\r\n");
    let metrics = admin.metrics();
    let expected = [
        ("one.example", "GET", "200", 10.0),
        ("one.example", "HEAD", "200", 3.0),
        ("one.example", "GET", "404", 1.0),
        ("one.example", "GET", "304", 1.0),
        ("one.example", "GET", "206", 1.0),
        ("one.example", "GET", "416", 1.0),
        ("one.example", "other", "405", 1.0),
        ("one.example", "other", "501", 1.0),
        ("two.example", "other", "204", 1.0),
        ("old.example", "GET", "308", 1.0),
        ("none", "GET", "404", 1.0),
        ("none", "other", "400", 1.0),
    ];
    for (vhost, method, code, count) in expected {
        assert_eq!(metrics.requests(vhost, method, code), count, "{vhost} {method} {code}");
    }
    let all = metrics.family("ashttpd_requests_total");
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    let vhosts = admin.vhosts();
    let requests: Vec<_> = vhosts.iter().map(|vhost| vhost["requests"].as_u64()).collect();
    assert_eq!(requests, [Some(1), Some(19), Some(1)], "old, one, two");
}

fn the_bytes_of_responses_are_counted_to_the_last(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let mut received = 0;
    for path in ["/small", "/large", "/none"] {
        for method in ["GET", "HEAD"] {
            let text = format!("{method} {path} HTTP/1.1\r\nHost: one.example\r\n");
            received +=
                server.exchange(format!("{text}Connection: close\r\n\r\n").as_bytes()).len();
        }
    }
    let counted = || admin.metrics().get("ashttpd_response_bytes_total") as usize;
    // The end of a send is seen a moment after the peer sees it.
    until(PATIENCE, "all is counted", || counted() >= received);
    assert_eq!(counted(), received);
}

fn every_response_that_was_sent_has_its_time(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let mut stream = server.connect();
    for _ in 0..20 {
        assert_eq!(ask(&mut stream, "one.example", "/small").status, 200);
    }
    let request = "GET /small HTTP/1.1\r\nHost: one.example\r\n\r\n";
    stream.write_all(request.repeat(100).as_bytes()).unwrap();
    for _ in 0..100 {
        assert_eq!(Response::read(&mut stream, false).status, 200);
    }
    assert_eq!(ask(&mut stream, "one.example", "/large").status, 200);
    let name = "ashttpd_request_duration_seconds";
    let count = || admin.metrics().get(&format!("{name}_count"));
    until(PATIENCE, "all have their time", || count() >= 121.0);
    let metrics = admin.metrics();
    assert_eq!(count(), 121.0);
    assert_eq!(metrics.get(&format!("{name}_bucket{{le=\"+Inf\"}}")), 121.0);
    let mut buckets: Vec<(f64, f64)> = metrics
        .family(&format!("{name}_bucket"))
        .iter()
        .map(|(sample, count)| {
            let bound = sample.split('"').nth(1).unwrap();
            (if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() }, *count)
        })
        .collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(buckets.len(), 20);
    assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{buckets:?}");
    assert_eq!((buckets[0].0, buckets[18].0), (0.000_01, 10.0));
    // The sum is between what the bounds of the buckets allow.
    let sum = metrics.get(&format!("{name}_sum"));
    let mut most = 0.0;
    let mut below = 0.0;
    for (bound, count) in &buckets {
        most += (count - below) * bound.min(1000.0);
        below = *count;
    }
    assert!(sum > 0.0 && sum <= most, "{sum} {buckets:?}");
}

fn a_response_that_the_peer_does_not_take_is_aborted_and_has_no_time(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let mut stream = server.connect_narrow(4096);
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    until(PATIENCE, "it is counted", || admin.metrics().sum("ashttpd_requests_total") == 1.0);
    assert_eq!(admin.metrics().get("ashttpd_responses_aborted_total"), 0.0);
    drop(stream);
    until(PATIENCE, "it is aborted", || {
        admin.metrics().get("ashttpd_responses_aborted_total") == 1.0
    });
    assert_eq!(admin.metrics().get("ashttpd_request_duration_seconds_count"), 0.0);
}
