//! How long a connection lasts (RFC 9112 §9.3, §9.6), and requests in a row (§9.3.2).

use webroot::Coding;

use crate::case::{Case, End, case, get, not_allowed, options, plain, request};
use crate::site::{lost, not_modified, ok, part, redirect};

/// `Connection` lines of HTTP/1.1, and whether the connection goes on.
const OF_11: &[(&str, bool)] = &[
    ("Connection: close\r\n", false),
    ("Connection: CLOSE\r\n", false),
    ("connection:close\r\n", false),
    ("Connection: \tclose\t\r\n", false),
    ("Connection: close, x\r\n", false),
    ("Connection: x, close\r\n", false),
    ("Connection: ,,close,\r\n", false),
    ("Connection: x\r\nConnection: close\r\n", false),
    ("Connection: keep-alive, close\r\n", false),
    ("Connection: keep-alive\r\n", true),
    ("Connection:\r\n", true),
    ("Connection: x\r\n", true),
    ("Connection: closed\r\n", true),
    ("Connection: clos\r\n", true),
    ("Connection: not close\r\n", true),
    ("Connection: \"close\"\r\n", true),
    ("Keep-Alive: timeout=0\r\n", true),
    ("Proxy-Connection: close\r\n", true),
];

/// `Connection` lines of HTTP/1.0, and whether the connection goes on.
const OF_10: &[(&str, bool)] = &[
    ("", false),
    ("Connection: close\r\n", false),
    ("Connection: x\r\n", false),
    ("Connection: keep-alive\r\n", true),
    ("Connection: Keep-Alive\r\n", true),
    ("Connection: x, keep-alive\r\n", true),
    ("Connection: x\r\nConnection: keep-alive\r\n", true),
    ("Connection: keep-alive, close\r\n", false),
    ("Connection: close\r\nConnection: keep-alive\r\n", false),
    ("Keep-Alive: timeout=5\r\n", false),
    ("Proxy-Connection: keep-alive\r\n", false),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (fields, stays) in OF_11 {
        let end = if *stays { End::Open } else { End::Close };
        let name = format!("HTTP/1.1 with {fields:?}");
        cases.push(case(name, "RFC 9112 §9.3", get("/a.txt", fields), [ok("/a.txt")], end));
    }
    for (fields, stays) in OF_10 {
        let name = format!("HTTP/1.0 with {fields:?}");
        let input = format!("GET /a.txt HTTP/1.0\r\n{fields}\r\n");
        let (answer, end) = match stays {
            true => (ok("/a.txt").keeping(), End::Open),
            false => (ok("/a.txt"), End::Close),
        };
        cases.push(case(name, "RFC 9112 §9.3", input, [answer], end));
    }
    cases.extend(in_a_row());
    cases.extend(with_close());
    cases
}

fn in_a_row() -> [Case; 6] {
    [
        case(
            "requests in a row are answered in order",
            "RFC 9112 §9.3.2",
            get("/a.txt", "") + &get("/b.txt", "") + &get("/nowhere", "") + &get("/d", ""),
            [ok("/a.txt"), ok("/b.txt"), lost(), redirect(301, "/d/")],
            End::Open,
        ),
        case(
            "every kind of answer in a row",
            "RFC 9112 §9.3.2",
            [
                request("HEAD", "/long.txt", ""),
                get("/long.txt", "Range: bytes=10-19\r\n"),
                get("/a.txt", "If-None-Match: *\r\n"),
                request("POST", "/a.txt", "Content-Length: 2\r\n") + "{}",
                request("OPTIONS", "*", ""),
                request("BREW", "/", ""),
                get("/%zz", ""),
                get("/large.bin", ""),
                get("/empty.txt", ""),
            ]
            .concat(),
            [
                ok("/long.txt").head(),
                part("/long.txt", Coding::Identity, 10, 19),
                not_modified("/a.txt", Coding::Identity),
                not_allowed(),
                options(),
                plain(501),
                plain(400),
                ok("/large.bin"),
                ok("/empty.txt"),
            ],
            End::Open,
        ),
        case(
            "100 requests in a row",
            "RFC 9112 §9.3.2",
            get("/a.txt", "").repeat(100),
            vec![ok("/a.txt"); 100],
            End::Open,
        ),
        case(
            "large bodies in a row",
            "RFC 9112 §9.3.2",
            get("/large.bin", "").repeat(5),
            vec![ok("/large.bin"); 5],
            End::Open,
        ),
        case(
            "more answers in a row than are gathered at a time",
            "RFC 9112 §9.3.2",
            get("/long.txt", "").repeat(200),
            vec![ok("/long.txt"); 200],
            End::Open,
        ),
        case(
            "HTTP/1.0 and HTTP/1.1 in turn",
            "RFC 9112 §9.3",
            "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned()
                + &get("/b.txt", "")
                + "GET /a.txt HTTP/1.0\r\n\r\n",
            [ok("/a.txt").keeping(), ok("/b.txt"), ok("/a.txt")],
            End::Close,
        ),
    ]
}

fn with_close() -> Vec<Case> {
    let close = "Connection: close\r\n";
    vec![
        case(
            "the last of several requests ends the connection",
            "RFC 9112 §9.6",
            get("/a.txt", "") + &get("/b.txt", close),
            [ok("/a.txt"), ok("/b.txt")],
            End::Close,
        ),
        case(
            "requests behind the last are not answered",
            "RFC 9112 §9.6",
            get("/a.txt", close) + &get("/b.txt", ""),
            [ok("/a.txt")],
            End::Close,
        ),
        case(
            "a large body ends the connection",
            "RFC 9112 §9.6",
            get("/large.bin", close),
            [ok("/large.bin")],
            End::Last,
        ),
        case(
            "an error ends the connection that is to be closed",
            "RFC 9112 §9.6",
            get("/nowhere", close),
            [lost()],
            End::Close,
        ),
        case(
            "204 ends the connection that is to be closed",
            "RFC 9112 §9.6",
            request("OPTIONS", "*", close),
            [options()],
            End::Close,
        ),
        case(
            "304 ends the connection that is to be closed",
            "RFC 9112 §9.6",
            get("/a.txt", "Connection: close\r\nIf-None-Match: *\r\n"),
            [not_modified("/a.txt", Coding::Identity)],
            End::Close,
        ),
        case(
            "206 ends the connection that is to be closed",
            "RFC 9112 §9.6",
            get("/large.bin", "Connection: close\r\nRange: bytes=100-\r\n"),
            [part("/large.bin", Coding::Identity, 100, 299_999)],
            End::Last,
        ),
        case(
            "a redirect ends the connection that is to be closed",
            "RFC 9112 §9.6",
            get("/d", close),
            [redirect(301, "/d/")],
            End::Close,
        ),
        case(
            "405 keeps a connection of HTTP/1.0",
            "RFC 9112 §9.3",
            "POST /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
            [not_allowed().keeping()],
            End::Open,
        ),
        case(
            "304 keeps a connection of HTTP/1.0",
            "RFC 9112 §9.3",
            "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: *\r\n\r\n",
            [not_modified("/a.txt", Coding::Identity).keeping()],
            End::Open,
        ),
        case(
            "206 keeps a connection of HTTP/1.0",
            "RFC 9112 §9.3",
            "GET /long.txt HTTP/1.0\r\nConnection: keep-alive\r\nRange: bytes=0-0\r\n\r\n",
            [part("/long.txt", Coding::Identity, 0, 0).keeping()],
            End::Open,
        ),
        case(
            "a malformed request behind others ends the connection",
            "RFC 9112 §9.6",
            get("/a.txt", "") + "GET /b.txt\r\n\r\n" + &get("/b.txt", ""),
            [ok("/a.txt"), plain(400)],
            End::Close,
        ),
    ]
}
