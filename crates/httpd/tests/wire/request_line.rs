//! Request lines (RFC 9112 §3) and what stands before them.

use crate::case::{Case, End, case, plain};
use crate::site::{ok, redirect};

/// Lines that are refused with 400.
const MALFORMED: &[(&str, &[u8], &str)] = &[
    ("two spaces behind the method", b"GET  / HTTP/1.1", "RFC 9112 §3"),
    ("two spaces before the version", b"GET /  HTTP/1.1", "RFC 9112 §3"),
    ("a space before the method", b" GET / HTTP/1.1", "RFC 9112 §3"),
    ("a space behind the version", b"GET / HTTP/1.1 ", "RFC 9112 §3"),
    ("tabs for spaces", b"GET\t/\tHTTP/1.1", "RFC 9112 §3"),
    ("vertical tabs for spaces", b"GET\x0b/\x0bHTTP/1.1", "RFC 9112 §3"),
    ("form feeds for spaces", b"GET\x0c/\x0cHTTP/1.1", "RFC 9112 §3"),
    ("a word behind the version", b"GET / HTTP/1.1 x", "RFC 9112 §3"),
    ("a space in the target", b"GET /a b.txt HTTP/1.1", "RFC 9112 §3.2"),
    ("no version", b"GET /", "RFC 9112 §3"),
    ("an empty version", b"GET / ", "RFC 9112 §3"),
    ("no target", b"GET HTTP/1.1", "RFC 9112 §3"),
    ("an empty target", b"GET  HTTP/1.1", "RFC 9112 §3.2"),
    ("no method", b"/ HTTP/1.1", "RFC 9112 §3"),
    ("an empty method", b" / HTTP/1.1", "RFC 9112 §3.1"),
    ("a method alone", b"GET", "RFC 9112 §3"),
    ("a method with an at sign", b"G@T / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method with a colon", b"GET: / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method in quotes", b"\"GET\" / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method with a comma", b"GET,HEAD / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method with a slash", b"GET/ / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method with a parenthesis", b"GE(T / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("a method that is not ASCII", b"G\xc3\x84T / HTTP/1.1", "RFC 9110 §5.6.2"),
    ("NUL in the method", b"G\0T / HTTP/1.1", "RFC 9112 §2.2"),
    ("NUL in the target", b"GET /\0 HTTP/1.1", "RFC 9112 §2.2"),
    ("NUL in the version", b"GET / HTTP/1.1\0", "RFC 9112 §2.2"),
    ("a control byte in the target", b"GET /a\x1b.txt HTTP/1.1", "RFC 3986 §2"),
    ("DEL in the target", b"GET /a\x7f.txt HTTP/1.1", "RFC 3986 §2"),
    ("a tab in the target", b"GET /a\t.txt HTTP/1.1", "RFC 3986 §2"),
    ("a bare CR in the method", b"GE\rT / HTTP/1.1", "RFC 9112 §2.2"),
    ("a bare CR in the target", b"GET /\r HTTP/1.1", "RFC 9112 §2.2"),
    ("a bare CR for a space", b"GET\r/ HTTP/1.1", "RFC 9112 §2.2"),
    ("a bare CR behind the version", b"GET / HTTP/1.1\r", "RFC 9112 §2.2"),
    ("a bare CR before the method", b"\rGET / HTTP/1.1", "RFC 9112 §2.2"),
    ("a byte order mark", b"\xef\xbb\xbfGET / HTTP/1.1", "RFC 9112 §3.1"),
    ("a fragment", b"GET /a.txt#x HTTP/1.1", "RFC 9112 §3.2.1"),
    ("a relative path", b"GET a.txt HTTP/1.1", "RFC 9112 §3.2.1"),
    ("a query alone", b"GET ?x HTTP/1.1", "RFC 9112 §3.2.1"),
    ("a version in lower case", b"GET / http/1.1", "RFC 9112 §2.3"),
    ("a version without minor", b"GET / HTTP/1", "RFC 9112 §2.3"),
    ("a version with an empty minor", b"GET / HTTP/1.", "RFC 9112 §2.3"),
    ("a version with an empty major", b"GET / HTTP/.1", "RFC 9112 §2.3"),
    ("a minor of two digits", b"GET / HTTP/1.10", "RFC 9112 §2.3"),
    ("a major of two digits", b"GET / HTTP/11.1", "RFC 9112 §2.3"),
    ("a leading zero in the version", b"GET / HTTP/01.1", "RFC 9112 §2.3"),
    ("three numbers in the version", b"GET / HTTP/1.1.1", "RFC 9112 §2.3"),
    ("a sign in the version", b"GET / HTTP/+1.1", "RFC 9112 §2.3"),
    ("a comma in the version", b"GET / HTTP/1,1", "RFC 9112 §2.3"),
    ("a hexadecimal version", b"GET / HTTP/1.a", "RFC 9112 §2.3"),
    ("the name of another protocol", b"GET / HTTPS/1.1", "RFC 9112 §2.3"),
    ("a space in the version", b"GET / HTTP /1.1", "RFC 9112 §2.3"),
    ("no slash in the version", b"GET / HTTP1.1", "RFC 9112 §2.3"),
];

/// Versions with another major number.
const UNKNOWN_VERSIONS: &[&str] = &["HTTP/0.9", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9"];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, line, section) in MALFORMED {
        let input = [line, &b"\r\nHost: h\r\n\r\n"[..]].concat();
        cases.push(case(*name, section, input, [plain(400)], End::Close));
    }
    for version in UNKNOWN_VERSIONS {
        let input = format!("GET / {version}\r\nHost: h\r\n\r\n");
        let name = format!("the version {version}");
        cases.push(case(name, "RFC 9110 §15.6.6", input, [plain(505)], End::Close));
    }
    for version in ["HTTP/1.2", "HTTP/1.9"] {
        let input = format!("GET / {version}\r\nHost: h\r\n\r\n");
        let name = format!("the version {version} is answered as HTTP/1.1");
        cases.push(case(name, "RFC 9110 §2.5", input, [ok("/")], End::Open));
    }
    cases.extend([
        case(
            "the preface of HTTP/2",
            "RFC 9113 §3.4",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            [plain(505)],
            End::Close,
        ),
        case("a request of HTTP/0.9", "RFC 9112 §3", "GET /\r\n\r\n", [plain(400)], End::Close),
        case(
            "the start of TLS",
            "RFC 9112 §3",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            [plain(400)],
            End::Close,
        ),
        case(
            "an upgrade that is not understood is ignored",
            "RFC 9110 §7.8",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n\
             Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "an upgrade to a later protocol in a list is ignored",
            "RFC 9110 §7.8",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\
             Upgrade: websocket, TLS/1.2\r\n\r\n",
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "an empty line before the request",
            "RFC 9112 §2.2",
            "\r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "four empty lines before the request",
            "RFC 9112 §2.2",
            "\r\n\r\n\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "five empty lines before the request",
            "RFC 9112 §2.2",
            "\r\n\r\n\r\n\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "an empty line between requests",
            "RFC 9112 §2.2",
            "GET /d HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n\r\n",
            [redirect(301, "/d/"), ok("/a.txt")],
            End::Open,
        ),
        case(
            "an empty line that is a bare LF before the request",
            "RFC 9112 §2.2",
            "\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a line of white space before the request",
            "RFC 9112 §2.2",
            " \r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a request line that ends in a bare LF",
            "RFC 9112 §2.2",
            "GET /a.txt HTTP/1.1\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "all lines end in a bare LF",
            "RFC 9112 §2.2",
            "GET /a.txt HTTP/1.1\nHost: h\n\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "white space between the request line and the first field",
            "RFC 9112 §2.2",
            "GET /a.txt HTTP/1.1\r\n \r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a request line that is not complete",
            "RFC 9112 §3",
            "GET /a.txt HTTP/1.1\r",
            [],
            End::Waits,
        ),
        case(
            "a head that is not complete",
            "RFC 9112 §2.1",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\n\r",
            [],
            End::Waits,
        ),
        case("a connection without a request", "RFC 9112 §9.5", "", [], End::Waits),
    ]);
    cases
}
