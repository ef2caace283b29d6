//! Field lines (RFC 9112 §5, RFC 9110 §5).

use crate::case::{Case, End, case, plain};
use crate::site::ok;

/// Field lines that are refused with 400, with the line end where one line is not all.
const MALFORMED: &[(&str, &[u8], &str)] = &[
    ("a space before the colon", b"X : y", "RFC 9112 §5.1"),
    ("a tab before the colon", b"X\t: y", "RFC 9112 §5.1"),
    ("a space before the colon of Host", b"Host : h", "RFC 9112 §5.1"),
    ("a space before the name", b" X: y", "RFC 9112 §5.2"),
    ("a folded value", b"X: y\r\n z", "RFC 9112 §5.2"),
    ("a value folded by a tab", b"X: y\r\n\tz", "RFC 9112 §5.2"),
    ("an empty folded line", b"X: y\r\n ", "RFC 9112 §5.2"),
    ("a folded value that looks like a field", b"X: y\r\n Host: z", "RFC 9112 §5.2"),
    ("no colon", b"X", "RFC 9112 §5"),
    ("no colon but a space", b"X y", "RFC 9112 §5"),
    ("an empty name", b": y", "RFC 9112 §5"),
    ("a space in the name", b"X Y: z", "RFC 9110 §5.1"),
    ("a parenthesis in the name", b"X(: y", "RFC 9110 §5.1"),
    ("a slash in the name", b"X/Y: z", "RFC 9110 §5.1"),
    ("a quote in the name", b"\"X\": y", "RFC 9110 §5.1"),
    ("a brace in the name", b"{X}: y", "RFC 9110 §5.1"),
    ("an at sign in the name", b"@X: y", "RFC 9110 §5.1"),
    ("a semicolon in the name", b"X;Y: z", "RFC 9110 §5.1"),
    ("a backslash in the name", b"X\\Y: z", "RFC 9110 §5.1"),
    ("a name that is not ASCII", b"X\xc3\xa4: y", "RFC 9110 §5.1"),
    ("NUL in the name", b"X\0: y", "RFC 9110 §5.1"),
    ("DEL in the name", b"X\x7f: y", "RFC 9110 §5.1"),
    ("a control byte in the name", b"X\x01: y", "RFC 9110 §5.1"),
    ("a bare CR in the name", b"X\rY: z", "RFC 9112 §2.2"),
    ("a bare CR before the colon", b"X\r: z", "RFC 9112 §2.2"),
    ("NUL in the value", b"X: a\0b", "RFC 9110 §5.5"),
    ("NUL alone as a value", b"X: \0", "RFC 9110 §5.5"),
    ("BEL in the value", b"X: a\x07b", "RFC 9110 §5.5"),
    ("a backspace in the value", b"X: a\x08b", "RFC 9110 §5.5"),
    ("a vertical tab in the value", b"X: a\x0bb", "RFC 9110 §5.5"),
    ("a form feed in the value", b"X: a\x0cb", "RFC 9110 §5.5"),
    ("ESC in the value", b"X: a\x1bb", "RFC 9110 §5.5"),
    ("DEL in the value", b"X: a\x7fb", "RFC 9110 §5.5"),
    ("a bare CR in the value", b"X: a\rb", "RFC 9112 §2.2"),
    ("a bare CR as a line end", b"X: a\rY: b", "RFC 9112 §2.2"),
    ("a bare CR at the end of the value", b"X: a\r", "RFC 9112 §2.2"),
    ("a bare CR at the start of the value", b"X:\ra", "RFC 9112 §2.2"),
    ("a bare LF in the value", b"X: a\nb", "RFC 9112 §2.2"),
    ("a bare LF as a line end", b"X: a\nY: b", "RFC 9112 §2.2"),
    ("a bare LF at the end of the value", b"X: a\n", "RFC 9112 §2.2"),
    ("LF and CR in the wrong order", b"X: a\n\rY: b", "RFC 9112 §2.2"),
    ("a bare CR on a line of its own", b"X: a\r\n\r", "RFC 9112 §2.2"),
    ("an empty line that is a bare LF", b"X: a\r\n\n", "RFC 9112 §2.2"),
];

/// Field lines that change nothing.
const HARMLESS: &[(&str, &[u8], &str)] = &[
    ("an empty value", b"X:", "RFC 9110 §5.5"),
    ("a value of white space", b"X: \t ", "RFC 9110 §5.5"),
    ("no space behind the colon", b"X:y", "RFC 9112 §5"),
    ("a tab behind the colon", b"X:\ty", "RFC 9112 §5"),
    ("a tab in the value", b"X: a\tb", "RFC 9110 §5.5"),
    ("colons in the value", b"X: a:b::c", "RFC 9110 §5.5"),
    ("a value that is not ASCII", b"X: \xc3\xa4", "RFC 9110 §5.5"),
    ("a value that is not UTF-8", b"X: \xff\x80", "RFC 9110 §5.5"),
    ("every byte that a name may have", b"!#$%&'*+-.^_`|~09AZaz: x", "RFC 9110 §5.6.2"),
    ("a field that is repeated", b"X: a\r\nX: b", "RFC 9110 §5.3"),
    ("fields of a proxy", b"Via: 1.1 p\r\nX-Forwarded-Host: other.example", "RFC 9110 §7.6.3"),
    ("a method in a field", b"X-HTTP-Method-Override: DELETE", "RFC 9110 §9.1"),
    ("a path in a field", b"X-Original-URL: /b.txt", "RFC 9110 §7.1"),
    ("Max-Forwards", b"Max-Forwards: 0", "RFC 9110 §7.6.2"),
    ("no-cache from a client", b"Cache-Control: no-cache\r\nPragma: no-cache", "RFC 9111 §5.2.1"),
    ("only-if-cached from a client", b"Cache-Control: only-if-cached", "RFC 9111 §5.2.1.7"),
    ("a media type that is not accepted", b"Accept: image/png;q=1", "RFC 9110 §12.5.1"),
    ("a language that is not accepted", b"Accept-Language: xx, *;q=0", "RFC 9110 §12.5.4"),
    ("a charset that is not accepted", b"Accept-Charset: koi8-r", "RFC 9110 §12.5.2"),
    ("TE", b"TE: trailers, deflate;q=0.5\r\nConnection: TE", "RFC 9110 §10.1.4"),
    ("Trailer", b"Trailer: Expires", "RFC 9110 §6.6.2"),
    ("credentials", b"Authorization: Basic eDp5", "RFC 9110 §11.6.2"),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, line, section) in MALFORMED {
        let input = [b"GET /a.txt HTTP/1.1\r\nHost: h\r\n", *line, b"\r\n\r\n"].concat();
        cases.push(case(*name, section, input, [plain(400)], End::Close));
    }
    for (name, line, section) in HARMLESS {
        let input = [b"GET /a.txt HTTP/1.1\r\nHost: h\r\n", *line, b"\r\n\r\n"].concat();
        cases.push(case(format!("{name} is harmless"), section, input, [ok("/a.txt")], End::Open));
    }
    cases.extend([
        case(
            "a folded line in place of the first field",
            "RFC 9112 §2.2",
            "GET /a.txt HTTP/1.1\r\n Host: h\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a malformed field of HTTP/1.0",
            "RFC 9112 §5.1",
            "GET /a.txt HTTP/1.0\r\nX : y\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "a malformed field of a later request",
            "RFC 9112 §5.1",
            "GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\nGET /b.txt HTTP/1.1\r\nHost : h\r\n\r\n",
            [ok("/a.txt"), plain(400)],
            End::Close,
        ),
    ]);
    cases
}
