//! HEAD is GET without the body (RFC 9110 §9.3.2), whatever the path and the fields.

use std::io::{Read, Write};

use webroot::Coding;

use crate::case::request;
use crate::common::Server;
use crate::site::{MODIFIED, serve, tag};

const PATHS: &[&str] = &[
    "/",
    "/a.txt",
    "/a.txt?x",
    "/empty.txt",
    "/long.txt",
    "/large.bin",
    "/d",
    "/d?x",
    "/d/",
    "/found",
    "/permanent",
    "/v.css",
    "/small.css",
    "/coded.css",
    "/nowhere",
    "/d/nowhere",
    "/%zz",
    "/..",
    "/%2e",
    "http://other.example/",
    "http://other.example/nowhere",
    "http://pages.example/nowhere",
    "http://rules.example/",
    "http://rules.example/old/x?y",
    "http://rules.example/alias/x",
    "http://rules.example/gone/x",
    "http://rules.example/app/x",
    "http://broken.example/",
    "http://old.example/x?y",
    "http://www.old.example/%zz",
];

/// What a response is apart from its date: head, and the bytes behind it.
struct Answered {
    head: String,
    body: Vec<u8>,
}

fn ask(server: &Server, method: &str, path: &str, fields: &str) -> Answered {
    let mut stream = server.connect();
    let request = request(method, path, &format!("{fields}Connection: close\r\n"));
    stream.write_all(request.as_bytes()).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    let end = got.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let body = got.split_off(end);
    let head = String::from_utf8(got).unwrap();
    let lines: Vec<_> = head.lines().filter(|line| !line.starts_with("Date: ")).collect();
    Answered { head: lines.join("\n"), body }
}

pub(crate) fn compare(backend: &str) {
    let server = serve(backend);
    let [plain, gzip] = [Coding::Identity, Coding::Gzip].map(|coding| tag("/v.css", coding));
    let selecting = ["", "Accept-Encoding: gzip\r\n", "Accept-Encoding: *;q=0\r\n"];
    let conditions = [
        String::new(),
        "If-None-Match: *\r\n".to_owned(),
        "If-Match: \"x\"\r\n".to_owned(),
        format!("If-None-Match: {gzip}\r\nIf-Match: {plain}, {gzip}\r\n"),
        format!("If-Modified-Since: {MODIFIED}\r\n"),
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(),
    ];
    for path in PATHS {
        for selection in selecting {
            for condition in &conditions {
                let fields = format!("{selection}{condition}");
                let what = format!("[{backend}] {path} with {fields:?}");
                let get = ask(&server, "GET", path, &fields);
                // Ranges are GET's alone (RFC 9110 §14.2).
                let with_range = format!("{fields}Range: bytes=0-1\r\nIf-Range: {plain}\r\n");
                for fields in [&fields, &with_range] {
                    let head = ask(&server, "HEAD", path, fields);
                    assert_eq!(head.head, get.head, "{what}");
                    assert!(head.body.is_empty(), "{what}: {}", head.body.escape_ascii());
                }
                let length =
                    get.head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                let without = get.head.starts_with("HTTP/1.1 304");
                assert_eq!(length.is_none(), without, "{what}");
                let length = length.map_or(0, |length| length.parse().unwrap());
                assert_eq!(get.body.len(), length, "{what}");
            }
        }
    }
}
