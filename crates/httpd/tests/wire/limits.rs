//! The bounds of a request and the answers when they are hit (`protocol::Limits`).

use protocol::Limits;

use crate::case::{Case, End, case, not_allowed, plain, request};
use crate::site::{lost, ok};

/// A GET whose request line with its CR has just so many bytes.
fn line_of(size: usize) -> String {
    let rest = "GET / HTTP/1.1\r".len();
    format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(size - rest))
}

/// A GET whose head has just so many bytes.
fn head_of(size: usize) -> String {
    let rest = "GET /a.txt HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".len();
    format!("GET /a.txt HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(size - rest))
}

/// A GET with so many fields.
fn fields_of(count: usize) -> String {
    format!("GET /a.txt HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(count - 1))
}

pub(crate) fn cases() -> Vec<Case> {
    let limits = Limits::default();
    let (line, head, body) = (limits.request_line, limits.head, limits.body as usize);
    let chunked = "Transfer-Encoding: chunked\r\n";
    // Framing counts: the size, two line ends and the last chunk.
    let chunk = body - "100000\r\n\r\n0\r\n\r\n".len();
    let chunk_of = |size: usize| {
        let content = format!("{size:06x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
        request("POST", "/a.txt", chunked) + &content
    };
    vec![
        case("the longest request line", "RFC 9112 §3", line_of(line), [lost()], End::Open),
        case(
            "a request line one byte too long",
            "RFC 9110 §15.5.15",
            line_of(line + 1),
            [plain(414)],
            End::Close,
        ),
        case(
            "a long query",
            "RFC 9110 §15.5.15",
            request("GET", &format!("/a.txt?{}", "x".repeat(8000)), ""),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "a query too long",
            "RFC 9110 §15.5.15",
            request("GET", &format!("/a.txt?{}", "x".repeat(9000)), ""),
            [plain(414)],
            End::Close,
        ),
        case(
            "a path too long with dot segments",
            "RFC 9110 §15.5.15",
            request("GET", &format!("{}/a.txt", "/..".repeat(3000)), ""),
            [plain(414)],
            End::Close,
        ),
        case(
            "many dot segments",
            "RFC 3986 §5.2.4",
            request("GET", &format!("{}/a.txt", "/x/..".repeat(1600)), ""),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "a request line without end",
            "RFC 9110 §15.5.15",
            format!("GET /{}", "a".repeat(20_000)),
            [plain(414)],
            End::Close,
        ),
        case("the longest head", "RFC 9112 §5.4", head_of(head), [ok("/a.txt")], End::Open),
        case(
            "a head one byte too long",
            "RFC 6585 §5",
            head_of(head + 1),
            [plain(431)],
            End::Close,
        ),
        case(
            "the longest heads in a row",
            "RFC 9112 §5.4",
            head_of(head).repeat(3),
            [ok("/a.txt"), ok("/a.txt"), ok("/a.txt")],
            End::Open,
        ),
        case(
            "the longest head behind empty lines",
            "RFC 9112 §2.2",
            format!("\r\n\r\n{}", head_of(head)),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "a head without end",
            "RFC 6585 §5",
            format!("GET /a.txt HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(40_000)),
            [plain(431)],
            End::Close,
        ),
        case(
            "a name too long",
            "RFC 6585 §5",
            format!("GET /a.txt HTTP/1.1\r\nHost: h\r\n{}: y\r\n\r\n", "x".repeat(20_000)),
            [plain(431)],
            End::Close,
        ),
        case(
            "the most fields",
            "RFC 9112 §5.4",
            fields_of(limits.fields),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "one field too many",
            "RFC 6585 §5",
            fields_of(limits.fields + 1),
            [plain(431)],
            End::Close,
        ),
        case(
            "the longest host",
            "RFC 9110 §7.2",
            format!("GET /a.txt HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(255)),
            [ok("/a.txt")],
            End::Open,
        ),
        case(
            "a host too long",
            "RFC 9110 §7.2",
            format!("GET /a.txt HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(256)),
            [plain(400)],
            End::Close,
        ),
        case(
            "the longest content",
            "RFC 9110 §15.5.14",
            request("POST", "/a.txt", &format!("Content-Length: {body}\r\n")) + &"x".repeat(body),
            [not_allowed()],
            End::Open,
        ),
        case(
            "content one byte too long",
            "RFC 9110 §15.5.14",
            request("POST", "/a.txt", &format!("Content-Length: {}\r\n", body + 1)),
            [plain(413)],
            End::Close,
        ),
        case(
            "content too long that is sent",
            "RFC 9110 §15.5.14",
            request("POST", "/a.txt", &format!("Content-Length: {}\r\n", body + 1))
                + &"x".repeat(body + 1),
            [plain(413)],
            End::Close,
        ),
        case(
            "content too long of GET",
            "RFC 9110 §15.5.14",
            request("GET", "/a.txt", "Content-Length: 10000000000\r\n"),
            [plain(413)],
            End::Close,
        ),
        case(
            "content of the greatest length",
            "RFC 9110 §15.5.14",
            request("POST", "/a.txt", "Content-Length: 18446744073709551615\r\n"),
            [plain(413)],
            End::Close,
        ),
        case(
            "content too long that waits for 100",
            "RFC 9110 §10.1.1",
            request("POST", "/a.txt", "Expect: 100-continue\r\nContent-Length: 10000000000\r\n"),
            [plain(413)],
            End::Close,
        ),
        case("the longest chunk", "RFC 9112 §7.1", chunk_of(chunk), [not_allowed()], End::Open),
        case(
            "a chunk one byte too long",
            "RFC 9112 §7.1",
            chunk_of(chunk + 1),
            [not_allowed()],
            End::Cut,
        ),
        case(
            "a chunk of the greatest size",
            "RFC 9112 §7.1",
            request("POST", "/a.txt", chunked) + "ffffffffffffffff\r\n" + &"x".repeat(body),
            [not_allowed()],
            End::Cut,
        ),
        case(
            "an extension without end",
            "RFC 9112 §7.1.1",
            request("POST", "/a.txt", chunked) + "1;" + &"x".repeat(body),
            [not_allowed()],
            End::Cut,
        ),
        case(
            "trailer fields without end",
            "RFC 9112 §7.1.2",
            request("POST", "/a.txt", chunked) + "0\r\n" + &"X: y\r\n".repeat(body / 6 + 1),
            [not_allowed()],
            End::Cut,
        ),
    ]
}
