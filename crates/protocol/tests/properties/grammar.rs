//! Requests and what is like requests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const METHODS: &[&str] =
    &["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "CONNECT", "BREW", "get", "", "G T"];

const TARGETS: &[&str] = &[
    "/",
    "/a",
    "/a?x=y",
    "/v",
    "/d",
    "/d?q\"",
    "/x/../a",
    "//a",
    "/%61",
    "/%",
    "/%00",
    "/%2f",
    "*",
    "/nowhere",
    "/p/nowhere",
    "http://h/a",
    "http://h",
    "https://H:80?x",
    "http://u@h/",
    "h:80",
    "/\u{e4}",
    "/a#b",
    "",
];

const VERSIONS: &[&str] =
    &["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1", "http/1.1"];

const NAMES: &[&str] = &[
    "Host",
    "Connection",
    "Content-Length",
    "Transfer-Encoding",
    "Expect",
    "Accept-Encoding",
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "X",
    "x y",
    "",
];

const VALUES: &[&str] = &[
    "h",
    "h:80",
    "[::1]",
    "close",
    "keep-alive",
    "0",
    "5",
    "00",
    "-1",
    "5, 5",
    "chunked",
    "gzip, chunked",
    "100-continue",
    "gzip, br;q=0",
    "*;q=0",
    "identity;q=0, *",
    "bytes=0-1",
    "bytes=0-0,200-,-1",
    "bytes=900-",
    "bytes=-0",
    "items=0-1",
    "*",
    "\"x\", W/\"y\"",
    "\"",
    "",
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tuesday, 14-Nov-23 22:13:20 GMT",
    "Tue Nov 14 22:13:20 2023",
    "Tue, 00 Nov 0000 99:99:99 GMT",
    "\u{e4}",
    "a\tb",
    "a\0b",
    "a\rb",
    " ",
];

const CONTENTS: &[&[u8]] = &[
    b"",
    b"",
    b"hello",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;x=\"y\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"a\r\n",
    b"g\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\r\n",
    b"\n",
];

/// A valid request with content that ends where it says.
fn valid() -> impl Strategy<Value = Vec<u8>> {
    let framed: &[&[u8]] = &[
        b"\r\n",
        b"Content-Length: 5\r\n\r\nhello",
        b"Content-Length: 0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1;x\r\n!\r\n0\r\nA: b\r\n\r\n",
        b"Connection: keep-alive\r\n\r\n",
        b"If-None-Match: *\r\nAccept-Encoding: gzip\r\nRange: bytes=0-1\r\n\r\n",
    ];
    (select(&["GET", "HEAD", "POST"][..]), select(&["/", "/a", "/v?x"][..]), select(framed))
        .prop_map(|(method, target, rest)| {
            let start = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n");
            [start.as_bytes(), rest].concat()
        })
}

/// What has the form of a request, valid or not.
fn like() -> impl Strategy<Value = Vec<u8>> {
    let host = prop::bool::weighted(0.8);
    let fields = vec((select(NAMES), select(VALUES)), 0..5);
    (select(METHODS), select(TARGETS), select(VERSIONS), host, fields, select(CONTENTS)).prop_map(
        |(method, target, version, host, fields, content)| {
            let mut text = format!("{method} {target} {version}\r\n");
            if host {
                text.push_str("Host: h\r\n");
            }
            for (name, value) in fields {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("\r\n");
            [text.as_bytes(), content].concat()
        },
    )
}

/// A change of some bytes: where, as a part of the whole, and how.
fn mutated(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), select(&b"\r\n\0 \t:,;\"=%/-0"[..])];
    let change = (any::<prop::sample::Index>(), 0..5u8, byte);
    (bytes, vec(change, 0..4)).prop_map(|(mut bytes, changes)| {
        for (place, kind, byte) in changes {
            let at = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => {
                    bytes.remove(at);
                }
                3 => bytes.truncate(at),
                _ => {
                    let copy = bytes[at..].iter().take(40).copied().collect::<Vec<_>>();
                    bytes.splice(at..at, copy);
                }
            }
        }
        bytes
    })
}

/// One request, or something like it.
pub(crate) fn request() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => valid(), 3 => like(), 3 => mutated(valid()), 3 => mutated(like())]
}

/// What a connection may receive.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    // Mostly what goes on, so that what comes later is seen too.
    let part = prop_oneof![4 => valid(), 1 => request(), 1 => Just(b"\r\n".to_vec())];
    vec(part, 1..6).prop_map(|parts| parts.concat())
}
