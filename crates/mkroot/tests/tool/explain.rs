//! `webroot explain`. That its bytes are those of `httpd` is tested beside `httpd`.

use std::fs;
use std::os::unix::fs::FileExt;

use serde_json::json;
use webroot::{Coding, Webroot};

use crate::made::{Made, large};

/// The lines in front of the head, and the head.
fn parts(text: &str) -> (Vec<&str>, &str) {
    let (lines, head) = text.split_once("\n\n").unwrap();
    (lines.lines().collect(), head)
}

fn explain(made: &Made, request: &str, fields: &[&str]) -> String {
    let mut arguments = vec!["explain", "site", request];
    arguments.extend(fields.iter().flat_map(|field| ["-H", field]));
    made.run(&arguments).out(0)
}

#[test]
fn the_variant_and_why_it_was_chosen() {
    let (made, _) = Made::site();
    let text = explain(&made, "GET /", &["Accept-Encoding: gzip, br;q=0"]);
    let (lines, head) = parts(&text);
    let expected = [
        "path       /",
        "entry      /",
        "variant    identity, 24 bytes, accepted",
        "variant    gzip, 15 bytes, accepted, chosen: it is the smallest that Accept-Encoding allows",
        "variant    br, 13 bytes, not accepted",
    ];
    assert_eq!(lines[..5], expected);
    let size = head.len();
    let answer =
        format!("answer     head of {size} bytes, body of 15 bytes; the connection is kept");
    assert_eq!(lines[5..], [answer.as_str()]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{head}");
    assert!(head.ends_with("\r\nContent-Length: 15\r\n\r\n"), "{head}");
}

#[test]
fn without_accept_encoding_the_file_as_it_is() {
    let (made, _) = Made::site();
    let text = explain(&made, "/", &[]);
    assert!(
        text.contains("identity, 24 bytes, accepted, chosen: without Accept-Encoding"),
        "{text}"
    );
}

#[test]
fn the_error_page_of_the_nearest_directory() {
    let (made, _) = Made::site();
    let text = explain(&made, "GET /d/nothing%20here", &[]);
    let (lines, head) = parts(&text);
    assert_eq!(lines[..2], ["path       /d/nothing here", "entry      /d/ [error page for 404]"]);
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
}

#[test]
fn the_rule_that_decided() {
    let (made, _) = Made::site();
    let text = explain(&made, "GET /old/x?y=z", &[]);
    let (lines, head) = parts(&text);
    let rule = "rule       line 3: /old/* /new/:1 301 (takes the query)";
    assert_eq!(lines[..3], ["path       /old/x", rule, "entry      none"]);
    assert!(head.contains("\r\nLocation: /new/x?y=z\r\n"), "{head}");
}

#[test]
fn a_redirect_that_is_stored_names_its_target_and_rule() {
    let (made, _) = Made::site();
    let text = explain(&made, "GET /d", &[]);
    assert!(text.contains("entry      /d -> /d/, made by line 7 of the rules\n"), "{text}");
}

#[test]
fn conditions_and_what_they_came_to() {
    let (made, _) = Made::site();
    let tag = blake3::hash(b"in d").to_hex()[..32].to_owned();
    for (tag, outcome, status) in [
        (tag.as_str(), "not modified", "304 Not Modified"),
        ("other", "nothing stands against it", "200 OK"),
    ] {
        let field = format!("If-None-Match: \"{tag}\"");
        let text = explain(&made, "GET /d/", &[&field]);
        let (lines, head) = parts(&text);
        assert!(lines.contains(&format!("condition  {field}").as_str()), "{text}");
        assert!(lines.contains(&format!("outcome    {outcome}").as_str()), "{text}");
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{text}");
    }
}

#[test]
fn ranges_and_what_became_of_them() {
    let (made, _) = Made::site();
    for (range, line) in [
        ("bytes=0-9", "range      bytes=0-9: satisfied, 0 to 9 of 200000"),
        (
            "bytes=0-9,-1",
            "range      bytes=0-9,-1: satisfied, 0 to 9 of 200000, 199999 to 199999 of 200000",
        ),
        ("bytes=200000-", "range      bytes=200000-: not satisfiable"),
        ("lines=1-2", "range      lines=1-2: ignored"),
    ] {
        let text = explain(&made, "GET /large.bin", &[&format!("Range: {range}")]);
        assert!(parts(&text).0.contains(&line), "{text}");
    }
}

#[test]
fn the_body_is_the_answer_as_it_goes_over_the_wire() {
    let (made, _) = Made::site();
    let ran = made.run(&["explain", "site", "/large.bin", "--body"]);
    assert_eq!(ran.status(), Some(0));
    let end = ran.0.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    assert!(ran.0.stdout.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(ran.0.stdout[end..], large());
    let ran = made.run(&["explain", "site", "HEAD /large.bin", "--body"]);
    assert!(ran.out(0).ends_with("\r\nContent-Length: 200000\r\n\r\n"));
}

#[test]
fn json_says_the_same() {
    let (made, _) = Made::site();
    let arguments = ["explain", "site", "GET / HTTP/1.0", "--format", "json", "--host", "x.org"];
    let document = made.run(&arguments).json(0);
    assert_eq!(document["request"], "GET / HTTP/1.0\r\nHost: x.org\r\n\r\n");
    assert_eq!(document["status"], 200);
    assert_eq!(document["close"], true);
    assert_eq!(document["body_size"], 24);
    let head = document["head"].as_str().unwrap();
    assert_eq!(document["head_size"], head.len());
    assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
    let reason = &document["reason"];
    assert_eq!(reason["entry"]["path"], "/");
    let gzip = json!({"coding": "gzip", "size": 15, "accepted": true, "sent": false});
    assert_eq!(reason["codings"][1], gzip);
    assert_eq!(reason["range"], json!(null));
    assert_eq!(reason["outcome"], "none");
}

#[test]
fn the_codings_that_are_there_when_none_is_accepted() {
    let (made, _) = Made::site();
    let text = explain(&made, "GET /only.br", &["Accept-Encoding: gzip"]);
    let (lines, head) = parts(&text);
    assert_eq!(lines[1..3], ["entry      none", "variant    br, 4 bytes, not accepted"]);
    assert!(head.starts_with("HTTP/1.1 406 Not Acceptable\r\n"), "{head}");
}

#[test]
fn a_damaged_entry_is_answered_500_and_told() {
    let (made, path) = Made::site();
    let webroot = Webroot::open(&path).unwrap();
    let entries = webroot.sections().find(|part| part.name == "entries").unwrap();
    // The coding of the first variant of `/`.
    let at = entries.span.offset + 24 + 8 + 37;
    fs::OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&[9], at).unwrap();
    let ran = made.run(&["explain", "site", "/"]);
    assert!(ran.out(2).contains("\n\nHTTP/1.1 500 Internal Server Error\r\n"));
    assert!(ran.errors().starts_with("webroot: site: damaged: unknown coding at offset "));
}

#[test]
fn what_the_parser_refuses_is_answered_as_httpd_would() {
    let (made, _) = Made::site();
    for (request, field) in [("GET /a b", "A: b"), ("GET /", "Host : x"), ("GET /", "Host: a b")] {
        let text = explain(&made, request, &[field]);
        let (lines, head) = parts(&text);
        assert!(lines[0].starts_with("request    refused"), "{text}");
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    }
}

#[test]
fn what_can_not_be_one_request_is_trouble() {
    let (made, _) = Made::site();
    for arguments in [
        &["explain", "site", ""][..],
        &["explain", "site", "GET /\r\n"],
        &["explain", "site", "/", "-H", "A: b\r\n\r\nGET /"],
        &["explain", "site", "/", "--host", "a\r\nb"],
    ] {
        assert_eq!(made.run(arguments).out(2), "");
    }
}

#[test]
fn a_head_does_nothing_to_a_terminal() {
    let made = Made::new();
    let path = made.make("site", |maker| {
        maker.page("/", "text/plain", &[(Coding::Identity, b"x")]);
    });
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(10).position(|bytes| bytes == b"text/plain").unwrap();
    bytes[at..at + 4].copy_from_slice(b"\x1b]0;");
    fs::write(&path, bytes).unwrap();
    let text = explain(&made, "/", &[]);
    assert!(text.contains("Content-Type: \\x1b]0;/plain\r\n"), "{text}");
}
