//! Request content: measured, and thrown away (RFC 9112 §6, §7).

use crate::case::{Case, End, case, not_allowed, plain, request};
use crate::site::ok;

/// Field lines and content that end where they say; the method is not allowed, and the next
/// request is read from the right byte.
const MEASURED: &[(&str, &str, &str, &str)] = &[
    ("no content", "", "", "RFC 9112 §6.3"),
    ("a length", "Content-Length: 5\r\n", "hello", "RFC 9112 §6.2"),
    ("a length of zero", "Content-Length: 0\r\n", "", "RFC 9112 §6.2"),
    ("a length with leading zeros", "Content-Length: 0005\r\n", "hello", "RFC 9110 §8.6"),
    ("a length with white space around", "Content-Length: \t 5\t \r\n", "hello", "RFC 9112 §5"),
    ("a length in capitals", "CONTENT-LENGTH:5\r\n", "hello", "RFC 9110 §5.1"),
    ("content of line ends", "Content-Length: 8\r\n", "\r\n\r\n\r\n\r\n", "RFC 9112 §6.2"),
    ("content of NUL bytes", "Content-Length: 3\r\n", "\0\0\0", "RFC 9112 §6.2"),
    (
        "content that is a request",
        "Content-Length: 39\r\n",
        "GET /b.txt HTTP/1.1\r\nHost: evil.com\r\n\r\n",
        "RFC 9112 §11.2",
    ),
    ("no chunks", CHUNKED, "0\r\n\r\n", "RFC 9112 §7.1"),
    ("a chunk", CHUNKED, "5\r\nhello\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("chunks", CHUNKED, "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("a size of two digits", CHUNKED, "10\r\n0123456789abcdef\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("a size in small letters", CHUNKED, "a\r\n0123456789\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("a size in capitals", CHUNKED, "A\r\n0123456789\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("a size with leading zeros", CHUNKED, "0005\r\nhello\r\n0000\r\n\r\n", "RFC 9112 §7.1"),
    ("a chunk of line ends", CHUNKED, "4\r\n\r\n\r\n\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("a chunk that looks like the end", CHUNKED, "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "RFC 9112 §7.1"),
    ("an extension", CHUNKED, "5;x\r\nhello\r\n0\r\n\r\n", "RFC 9112 §7.1.1"),
    ("an extension with a value", CHUNKED, "5;x=y\r\nhello\r\n0;z\r\n\r\n", "RFC 9112 §7.1.1"),
    (
        "an extension with a quoted value",
        CHUNKED,
        "5;x=\"a;b \\\" c\";y=z\r\nhello\r\n0\r\n\r\n",
        "RFC 9112 §7.1.1",
    ),
    ("a trailer field", CHUNKED, "5\r\nhello\r\n0\r\nX: y\r\n\r\n", "RFC 9112 §7.1.2"),
    (
        "trailer fields that frame nothing",
        CHUNKED,
        "5\r\nhello\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n",
        "RFC 9110 §6.5.1",
    ),
    (
        "a chunk that is a request",
        CHUNKED,
        "25\r\nGET /b.txt HTTP/1.1\r\nHost: evil.c\r\n\r\n\r\n0\r\n\r\n",
        "RFC 9112 §11.2",
    ),
    (
        "a coding in capitals",
        "Transfer-Encoding: CHUNKED\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "RFC 9112 §7",
    ),
    (
        "empty members beside the coding",
        "Transfer-Encoding: , chunked ,\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "RFC 9110 §5.6.1.2",
    ),
    (
        "a coding behind a tab",
        "Transfer-Encoding:\tchunked\t\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "RFC 9112 §5",
    ),
    ("an empty line behind the content", "Content-Length: 5\r\n", "hello\r\n", "RFC 9112 §2.2"),
];

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// Chunked content that breaks its framing: the answer is out, and the connection ends.
const BROKEN: &[(&str, &[u8])] = &[
    ("an empty size", b"\r\nhello\r\n0\r\n\r\n"),
    ("an extension without size", b";x\r\nhello\r\n0\r\n\r\n"),
    ("a size that is no number", b"g\r\n"),
    ("a size with a sign", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("a negative size", b"-1\r\nhello\r\n0\r\n\r\n"),
    ("a size with a prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("a size with a space before", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("a size with an underscore", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("a size that ends in a bare LF", b"5\nhello\r\n0\r\n\r\n"),
    ("a size that ends in a bare CR", b"5\rhello\r\n0\r\n\r\n"),
    ("a size behind NUL", b"\x005\r\nhello\r\n0\r\n\r\n"),
    ("a size of 17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a size that 64 bits do not hold", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("an extension that ends in a bare LF", b"5;x\nhello\r\n0\r\n\r\n"),
    ("a bare CR in an extension", b"5;x\ry\r\nhello\r\n0\r\n\r\n"),
    ("NUL in an extension", b"5;\0\r\nhello\r\n0\r\n\r\n"),
    ("a chunk longer than its size", b"5\r\nhello!\r\n0\r\n\r\n"),
    ("a chunk shorter than its size", b"5\r\nhell\r\n0\r\n\r\n"),
    ("a chunk that ends in a bare LF", b"5\r\nhello\n0\r\n\r\n"),
    ("a chunk without line end", b"5\r\nhello0\r\n\r\n"),
    ("a last chunk that ends in a bare LF", b"0\n\r\n"),
    ("an end that is a bare LF", b"0\r\n\n"),
    ("an end that is a bare CR", b"0\r\n\rX"),
    ("a trailer field that ends in a bare LF", b"0\r\nX: y\n\r\n"),
    ("a trailer field that is folded", b"0\r\nX: y\r\n z\r\n\r\n"),
    ("NUL in a trailer field", b"0\r\nX: \0\r\n\r\n"),
];

/// `Content-Length` values that are refused with 400.
const BAD_LENGTHS: &[(&str, &str)] = &[
    ("an empty length", ""),
    ("a length that is no number", "five"),
    ("a negative length", "-5"),
    ("a length with a sign", "+5"),
    ("a length with a point", "5.0"),
    ("a length with an exponent", "5e0"),
    ("a hexadecimal length", "0x5"),
    ("a list of lengths", "5, 6"),
    ("a list of equal lengths", "5, 5"),
    ("a length with a comma", "5,"),
    ("two numbers as a length", "5 5"),
    ("a length with a letter behind", "5 bytes"),
    ("a quoted length", "\"5\""),
    ("a length that 64 bits do not hold", "18446744073709551621"),
    ("a length of 50 digits", concat!("0000000000", "1111111111111111111111111111111111111111")),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, fields, content, section) in MEASURED {
        let input = request("POST", "/a.txt", fields) + content;
        cases.push(case(*name, section, input, [not_allowed()], End::Open));
        if !fields.is_empty() {
            let input = request("GET", "/a.txt", fields) + content;
            let name = format!("{name}, of GET");
            cases.push(case(name, "RFC 9110 §9.3.1", input, [ok("/a.txt")], End::Open));
        }
    }
    for (name, content) in BROKEN {
        let input = [request("POST", "/a.txt", CHUNKED).as_bytes(), content].concat();
        cases.push(case(*name, "RFC 9112 §7.1", input, [not_allowed()], End::Cut));
    }
    for (name, value) in BAD_LENGTHS {
        let input = request("POST", "/a.txt", &format!("Content-Length: {value}\r\n")) + "hello";
        cases.push(case(*name, "RFC 9112 §6.3", input, [plain(400)], End::Close));
    }
    cases.extend(unfinished());
    cases.extend(expectations());
    cases
}

fn unfinished() -> [Case; 4] {
    [
        case(
            "content that is not complete",
            "RFC 9112 §8",
            request("POST", "/a.txt", "Content-Length: 6\r\n") + "hello",
            [not_allowed()],
            End::Waits,
        ),
        case(
            "a chunk that is not complete",
            "RFC 9112 §8",
            request("POST", "/a.txt", CHUNKED) + "6\r\nhello",
            [not_allowed()],
            End::Waits,
        ),
        case(
            "chunks without an end",
            "RFC 9112 §8",
            request("POST", "/a.txt", CHUNKED) + "5\r\nhello\r\n0\r\n",
            [not_allowed()],
            End::Waits,
        ),
        case(
            "content behind Connection: close is not waited for",
            "RFC 9112 §9.6",
            request("POST", "/a.txt", "Connection: close\r\nContent-Length: 6\r\n") + "hello",
            [not_allowed()],
            End::Close,
        ),
    ]
}

fn expectations() -> [Case; 10] {
    let waits = "Expect: 100-continue\r\n";
    [
        case(
            "content that waits for 100 is answered at once, and not wanted",
            "RFC 9110 §10.1.1",
            request("POST", "/a.txt", &format!("{waits}Content-Length: 5\r\n")),
            [not_allowed()],
            End::Close,
        ),
        case(
            "content that comes without waiting for 100 is no request",
            "RFC 9110 §10.1.1",
            request("GET", "/a.txt", &format!("{waits}Content-Length: 39\r\n"))
                + "GET /b.txt HTTP/1.1\r\nHost: evil.com\r\n\r\n",
            [ok("/a.txt")],
            End::Close,
        ),
        case(
            "chunks that wait for 100",
            "RFC 9110 §10.1.1",
            request("POST", "/a.txt", &format!("{waits}{CHUNKED}")),
            [not_allowed()],
            End::Close,
        ),
        case(
            "an expectation in capitals",
            "RFC 9110 §10.1.1",
            request("POST", "/a.txt", "Expect: 100-CONTINUE\r\nContent-Length: 5\r\n"),
            [not_allowed()],
            End::Close,
        ),
        case(
            "100 is not waited for without content",
            "RFC 9110 §10.1.1",
            request("GET", "/a.txt", waits),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "100 is not waited for with content of length zero",
            "RFC 9110 §10.1.1",
            request("GET", "/a.txt", &format!("{waits}Content-Length: 0\r\n")),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "another expectation",
            "RFC 9110 §15.5.18",
            request("GET", "/a.txt", "Expect: 200-ok\r\n"),
            [plain(417)],
            End::Close,
        ),
        case(
            "an expectation with a parameter",
            "RFC 9110 §15.5.18",
            request("GET", "/a.txt", "Expect: 100-continue;x=y\r\n"),
            [plain(417)],
            End::Close,
        ),
        case(
            "another expectation beside 100-continue",
            "RFC 9110 §15.5.18",
            request("GET", "/a.txt", "Expect: 100-continue, x\r\n"),
            [plain(417)],
            End::Close,
        ),
        case(
            "HTTP/1.0 can't wait for 100",
            "RFC 9110 §10.1.1",
            "POST /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\
             Content-Length: 5\r\n\r\nhello",
            [not_allowed().keeping()],
            End::Open,
        ),
    ]
}
