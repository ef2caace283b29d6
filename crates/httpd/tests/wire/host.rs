//! `Host` and the authority of a target (RFC 9110 §7.2, RFC 9112 §3.2).

use crate::case::{Case, End, case, plain};
use crate::site::{ok, text};

/// `Host` values that are refused with 400.
const MALFORMED: &[(&str, &[u8])] = &[
    ("an empty host", b""),
    ("a port alone", b":80"),
    ("a port that is no number", b"h:port"),
    ("a port above 65535", b"h:65536"),
    ("a port with a sign", b"h:+80"),
    ("two ports", b"h:80:80"),
    ("user information", b"u@h"),
    ("a path", b"h/a.txt"),
    ("a query", b"h?x"),
    ("a fragment", b"h#x"),
    ("a scheme", b"http://h"),
    ("a space inside", b"h h"),
    ("a list with a space", b"h, h"),
    ("an IPv6 address without brackets", b"::1"),
    ("a bracket that is not closed", b"[::1"),
    ("a bracket that is not opened", b"::1]"),
    ("brackets around a name", b"[h]"),
    ("an IPv6 address with a byte behind", b"[::1]h"),
    ("a name that is not ASCII", b"h\xc3\xa4"),
    ("a backslash", b"h\\h"),
    ("a quote", b"\"h\""),
    ("a less-than sign", b"<h>"),
];

/// `Host` values that are valid; no virtual host has these names.
const VALID: &[&str] =
    &["h:", "h:80", "h:65535", "H.", "[::1]", "[::1]:8080", "127.0.0.1", "a_b-c.~d!$&'()*+,;=%41"];

/// `Host` values that name one virtual host.
const OTHER: &[&str] =
    &["other.example", "OTHER.example", "other.example.", "Other.Example.:8080", "other.example:"];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, host) in MALFORMED {
        let input = [b"GET /a.txt HTTP/1.1\r\nHost: ", *host, b"\r\n\r\n"].concat();
        cases.push(case(*name, "RFC 9112 §3.2", input, [plain(400)], End::Close));
    }
    for host in VALID {
        let name = format!("the host {host} is valid");
        let input = format!("GET /a.txt HTTP/1.1\r\nHost: {host}\r\n\r\n");
        cases.push(case(name, "RFC 3986 §3.2.2", input, [ok("/a.txt")], End::Open));
    }
    for host in OTHER {
        let name = format!("the host {host} names a virtual host");
        let input = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        cases.push(case(name, "RFC 9110 §4.2.3", input, [text("other\n")], End::Open));
    }
    let other_alpha = || text("another alpha\n");
    cases.extend([
        case("no host", "RFC 9112 §3.2", "GET /a.txt HTTP/1.1\r\n\r\n", [plain(400)], End::Close),
        case(
            "two hosts",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\nHost: other.example\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "the same host twice",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nhost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "two hosts in HTTP/1.0",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "HTTP/1.0 may do without a host",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.0\r\n\r\n",
            [ok("/a.txt")],
            End::Close,
        ),
        case(
            "HTTP/1.0 may name a host",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.0\r\nHost: other.example\r\n\r\n",
            [other_alpha()],
            End::Close,
        ),
        case(
            "an empty host in HTTP/1.0",
            "RFC 9110 §4.2.1",
            "GET /a.txt HTTP/1.0\r\nHost:\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a host in capitals and without a space",
            "RFC 9110 §5.1",
            "GET /a.txt HTTP/1.1\r\nHOST:other.example\r\n\r\n",
            [other_alpha()],
            End::Open,
        ),
        case(
            "white space around the host",
            "RFC 9112 §5",
            "GET /a.txt HTTP/1.1\r\nHost: \t other.example \t \r\n\r\n",
            [other_alpha()],
            End::Open,
        ),
        case(
            "hosts take turns on a connection",
            "RFC 9110 §7.2",
            "GET /a.txt HTTP/1.1\r\nHost: other.example\r\n\r\n\
             GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [other_alpha(), ok("/a.txt")],
            End::Open,
        ),
        case(
            "the authority of the target wins over the host",
            "RFC 9112 §3.2.2",
            "GET http://other.example/a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            [other_alpha()],
            End::Open,
        ),
        case(
            "a target with an authority and no host",
            "RFC 9112 §3.2",
            "GET http://other.example/a.txt HTTP/1.1\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a target with an authority and two hosts",
            "RFC 9112 §3.2",
            "GET http://h/a.txt HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a target with an authority and a malformed host",
            "RFC 9112 §3.2",
            "GET http://other.example/a.txt HTTP/1.1\r\nHost: u@h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a target with an authority in HTTP/1.0",
            "RFC 9112 §3.2.2",
            "GET http://other.example/a.txt HTTP/1.0\r\n\r\n",
            [other_alpha()],
            End::Close,
        ),
    ]);
    for (name, target) in [
        ("a target with a port", "http://other.example:8080/a.txt"),
        ("a target with an empty port", "http://other.example:/a.txt"),
        ("a target with scheme and host in capitals", "HTTP://OTHER.EXAMPLE/a.txt"),
        ("a target with a secure scheme", "https://other.example/a.txt"),
        ("a target with an authority and a query", "http://other.example/a.txt?x=http://h/"),
        ("a target with an authority and dot segments", "http://other.example/x/../a.txt"),
        ("a target with an authority and an escape", "http://other.example/%61.txt"),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        cases.push(case(name, "RFC 9112 §3.2.2", input, [other_alpha()], End::Open));
    }
    for (name, target) in [
        ("a target with an authority and no path is the root", "http://other.example"),
        ("a target with an authority, no path and a query", "http://other.example?a/b"),
        ("a target with an authority and two slashes", "http://other.example//"),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        cases.push(case(name, "RFC 9110 §4.2.3", input, [text("other\n")], End::Open));
    }
    for (name, target) in [
        ("a target with an empty authority", "http:///a.txt"),
        ("a target with a port alone", "http://:80/a.txt"),
        ("a target with user information", "http://u@h/a.txt"),
        ("a target with a password", "http://u:p@h/a.txt"),
        ("a target with a bad port", "http://h:x/a.txt"),
        ("a target with a fragment", "http://h/a.txt#x"),
        ("a target with a fragment behind the authority", "http://h#x"),
        ("a target with another scheme", "ftp://h/a.txt"),
        ("a target with a scheme alone", "http:"),
        ("a target without slashes behind the scheme", "http:h/a.txt"),
        ("a target with a backslash in its authority", "http://h\\a.txt"),
        ("an authority as a target of GET", "h:80"),
        ("an asterisk as a target of GET", "*"),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        cases.push(case(name, "RFC 9112 §3.2.2", input, [plain(400)], End::Close));
    }
    cases.push(case(
        "two slashes at the start of a path are no authority",
        "RFC 9112 §3.2.1",
        "GET //other.example/a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
        [crate::site::lost()],
        End::Open,
    ));
    cases
}
