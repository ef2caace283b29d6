//! Requests that two recipients could read in two ways (RFC 9112 §6.1, §6.3, §11.2): none of them
//! is answered as anything else but a bad request.

use crate::case::{Case, End, case, get, not_allowed, plain, request};
use crate::site::ok;

/// Field lines of a POST that is refused with 400; what follows is not read as a request.
const REFUSED: &[(&str, &[u8])] = &[
    ("a length, then chunked", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked, then a length", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ("a length of zero and chunked", b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
    ("a length and an unknown coding", b"Content-Length: 5\r\nTransfer-Encoding: x\r\n"),
    ("a length and no coding", b"Content-Length: 5\r\nTransfer-Encoding:\r\n"),
    ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n"),
    ("the same length twice", b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    ("two lengths in two cases", b"Content-Length: 5\r\ncontent-length: 0\r\n"),
    ("two lengths with a field between", b"Content-Length: 0\r\nX: y\r\nContent-Length: 5\r\n"),
    ("a length and an empty one", b"Content-Length: 5\r\nContent-Length:\r\n"),
    ("an empty coding", b"Transfer-Encoding:\r\n"),
    ("a list of empty codings", b"Transfer-Encoding: ,,\r\n"),
    ("an unknown coding", b"Transfer-Encoding: xchunked\r\n"),
    ("identity as a coding", b"Transfer-Encoding: identity\r\n"),
    ("gzip as a coding", b"Transfer-Encoding: gzip\r\n"),
    ("gzip, then chunked", b"Transfer-Encoding: gzip, chunked\r\n"),
    ("chunked, then gzip", b"Transfer-Encoding: chunked, gzip\r\n"),
    ("chunked, then identity", b"Transfer-Encoding: chunked, identity\r\n"),
    ("chunked twice", b"Transfer-Encoding: chunked, chunked\r\n"),
    ("chunked on two lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked and a cow", b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"),
    ("a cow and chunked", b"Transfer-Encoding: cow\r\nTransfer-encoding: chunked\r\n"),
    ("an unknown coding, then chunked", b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked with a parameter", b"Transfer-Encoding: chunked;q=1\r\n"),
    ("chunked in quotes", b"Transfer-Encoding: \"chunked\"\r\n"),
    ("chunked with a space inside", b"Transfer-Encoding: chun ked\r\n"),
    ("chunked with a word behind", b"Transfer-Encoding: chunked x\r\n"),
    ("chunked behind a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n"),
    ("chunked behind a form feed", b"Transfer-Encoding:\x0cchunked\r\n"),
    ("chunked before NUL", b"Transfer-Encoding: chunked\0\r\n"),
    ("chunked before a bare CR", b"Transfer-Encoding: chunked\r\r\n"),
    ("chunked before a byte that is not ASCII", b"Transfer-Encoding: chunked\xa0\r\n"),
    ("a coding behind a space before the colon", b"Transfer-Encoding : chunked\r\n"),
    ("a coding behind a bare LF", b"X: y\nTransfer-Encoding: chunked\r\n"),
    ("a coding behind a bare CR", b"X: y\rTransfer-Encoding: chunked\r\n"),
    ("a coding on a folded line", b"X: y\r\n Transfer-Encoding: chunked\r\n"),
    ("a coding folded", b"Transfer-Encoding:\r\n chunked\r\n"),
    ("a length folded", b"Content-Length:\r\n 5\r\n"),
    ("a length behind NUL in its name", b"Content-Length\0: 5\r\n"),
    ("a length before a vertical tab", b"Content-Length: 5\x0b\r\n"),
    ("a length behind a space before the colon", b"Content-Length : 5\r\n"),
];

pub(crate) fn cases() -> Vec<Case> {
    let evil = get("/b.txt", "");
    let mut cases = Vec::new();
    for (name, fields) in REFUSED {
        let start = b"POST /a.txt HTTP/1.1\r\nHost: h\r\n";
        let input = [start, *fields, b"\r\n0\r\n\r\n", evil.as_bytes()].concat();
        cases.push(case(*name, "RFC 9112 §6.3", input, [plain(400)], End::Close));
    }
    cases.extend([
        case(
            "chunked in HTTP/1.0",
            "RFC 9112 §6.1",
            format!("POST /a.txt HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{evil}"),
            [plain(400)],
            End::Close,
        ),
        case(
            "chunked in HTTP/1.0 that would be kept",
            "RFC 9112 §6.1",
            format!(
                "POST /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\
                 Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{evil}"
            ),
            [plain(400)],
            End::Close,
        ),
        case(
            "a field that only looks like a length frames nothing",
            "RFC 9112 §6.3",
            request("POST", "/a.txt", &format!("Content_Length: {}\r\n", evil.len())) + &evil,
            [not_allowed(), ok("/b.txt")],
            End::Open,
        ),
        case(
            "a field that only looks like a coding frames nothing",
            "RFC 9112 §6.3",
            request("POST", "/a.txt", "X-Transfer-Encoding: chunked\r\n") + &evil,
            [not_allowed(), ok("/b.txt")],
            End::Open,
        ),
        case(
            "a length that is named as an option of the connection still counts",
            "RFC 9110 §7.6.1",
            request(
                "POST",
                "/a.txt",
                &format!("Connection: Content-Length\r\nContent-Length: {}\r\n", evil.len()),
            ) + &evil,
            [not_allowed()],
            End::Open,
        ),
        case(
            "content of a method that is not known",
            "RFC 9112 §6.3",
            request("BREW", "/a.txt", &format!("Content-Length: {}\r\n", evil.len())) + &evil,
            [plain(501)],
            End::Open,
        ),
        case(
            "content of OPTIONS",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "*", &format!("Content-Length: {}\r\n", evil.len())) + &evil,
            [crate::case::options()],
            End::Open,
        ),
        case(
            "content of HEAD",
            "RFC 9110 §9.3.2",
            request("HEAD", "/a.txt", &format!("Content-Length: {}\r\n", evil.len())) + &evil,
            [ok("/a.txt").head()],
            End::Open,
        ),
        case(
            "content of a request for what is not there",
            "RFC 9112 §6.3",
            request("GET", "/nowhere", &format!("Content-Length: {}\r\n", evil.len())) + &evil,
            [crate::site::lost()],
            End::Open,
        ),
        case(
            "content of a request with an invalid target",
            "RFC 9112 §6.3",
            request("GET", "/%zz", &format!("Content-Length: {}\r\n", evil.len())) + &evil,
            [plain(400)],
            End::Open,
        ),
        case(
            "chunks behind chunks",
            "RFC 9112 §9.3.2",
            ["5\r\nhello\r\n0\r\n\r\n", "1;x\r\n!\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\n"]
                .map(|content| request("GET", "/a.txt", "Transfer-Encoding: chunked\r\n") + content)
                .concat(),
            [ok("/a.txt"), ok("/a.txt"), ok("/a.txt")],
            End::Open,
        ),
    ]);
    cases
}
