//! Content codings (RFC 9110 §12.5.3). The bodies in size: br, zstd, gzip, identity; of what is
//! accepted the smallest is sent.

use webroot::Coding::{self, Br, Gzip, Identity, Zstd};

use crate::case::{Case, End, case, get, request};
use crate::site::{coded, not_acceptable, not_modified, ok};

/// `Accept-Encoding` values and the coding that is sent of all four.
const OF_ALL: &[(&str, Coding)] = &[
    ("", Identity),
    ("gzip", Gzip),
    ("br", Br),
    ("zstd", Zstd),
    ("identity", Identity),
    ("GZip", Gzip),
    ("x-gzip", Gzip),
    ("X-GZIP", Gzip),
    ("gzip, deflate, br, zstd", Br),
    ("gzip, deflate", Gzip),
    ("gzip,zstd", Zstd),
    ("zstd, gzip", Zstd),
    ("deflate", Identity),
    ("compress, x-compress", Identity),
    ("gzipped", Identity),
    ("gzi", Identity),
    ("b", Identity),
    (",, gzip ,,", Gzip),
    (" \tgzip\t ", Gzip),
    ("*", Br),
    ("*;q=1", Br),
    ("*;q=0.001", Br),
    // A weight of zero refuses, in whatever form.
    ("gzip;q=0", Identity),
    ("gzip;q=0.0", Identity),
    ("gzip;q=0.000", Identity),
    ("gzip; q=0", Identity),
    ("gzip ;q=0", Identity),
    ("gzip \t; \tq=0", Identity),
    ("gzip;Q=0", Identity),
    ("gzip;q=0.", Identity),
    ("x-gzip;q=0", Identity),
    ("gzip;q=0.001", Gzip),
    ("gzip;q=1", Gzip),
    ("gzip;q=1.000", Gzip),
    ("gzip; q=0.5", Gzip),
    ("br;q=0, gzip", Gzip),
    ("br;q=0, *", Zstd),
    ("*, br;q=0", Zstd),
    ("br;q=0, zstd;q=0, *", Gzip),
    ("br;q=0, zstd;q=0, gzip;q=0, *", Identity),
    ("*;q=0, gzip", Gzip),
    ("gzip, *;q=0", Gzip),
    ("*;q=0, identity", Identity),
    ("identity;q=1, *;q=0", Identity),
    ("identity;q=0.5, *;q=0", Identity),
    ("identity;q=0, gzip", Gzip),
    ("identity;q=0, *", Br),
    ("identity;q=0, *;q=0.1", Br),
    ("identity;q=0, br;q=0, zstd", Zstd),
];

/// Values that refuse all four.
const REFUSED: &[&str] = &[
    "*;q=0",
    "*;q=0.000",
    "identity;q=0",
    "identity;q=0, *;q=0",
    "identity;q=0, deflate",
    "*;q=0, identity;q=0, gzip;q=0",
    "*;q=0, deflate",
    "gzip;q=0, br;q=0, zstd;q=0, identity;q=0",
];

pub(crate) fn cases() -> Vec<Case> {
    let accept = |path: &str, value: &str| get(path, &format!("Accept-Encoding: {value}\r\n"));
    let section = "RFC 9110 §12.5.3";
    let mut cases = Vec::new();
    for (value, coding) in OF_ALL {
        let name = format!("{value:?} is answered by {}", coding.name());
        let input = accept("/v.css", value);
        cases.push(case(name, section, input, [coded("/v.css", *coding)], End::Open));
    }
    for value in REFUSED {
        let name = format!("{value:?} refuses all");
        let answer = not_acceptable("/v.css");
        cases.push(case(name, "RFC 9110 §15.5.7", accept("/v.css", value), [answer], End::Open));
    }
    let rows = [
        ("no Accept-Encoding is answered by identity", get("/v.css", ""), ok("/v.css")),
        (
            "Accept-Encoding on two lines is one list",
            get("/v.css", "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"),
            coded("/v.css", Br),
        ),
        (
            "a coding that is refused on another line",
            get("/v.css", "Accept-Encoding: *\r\nAccept-Encoding: br;q=0\r\n"),
            coded("/v.css", Zstd),
        ),
        (
            "a coding that is larger than identity",
            accept("/small.css", "gzip"),
            coded("/small.css", Identity),
        ),
        (
            "a coding that is larger than identity, which is refused",
            accept("/small.css", "gzip, identity;q=0"),
            coded("/small.css", Gzip),
        ),
        (
            "a coding that is not stored",
            accept("/small.css", "br, zstd"),
            coded("/small.css", Identity),
        ),
        ("the star where there are two", accept("/small.css", "*"), coded("/small.css", Identity)),
        (
            "two that are refused",
            accept("/small.css", "br, gzip;q=0, identity;q=0"),
            not_acceptable("/small.css"),
        ),
        (
            "without identity any will do if none is asked for",
            get("/coded.css", ""),
            coded("/coded.css", Gzip),
        ),
        (
            "without identity the smallest",
            accept("/coded.css", "gzip, br"),
            coded("/coded.css", Br),
        ),
        (
            "without identity the one that is accepted",
            accept("/coded.css", "gzip"),
            coded("/coded.css", Gzip),
        ),
        (
            "without identity what is not coded can't be had",
            accept("/coded.css", "identity"),
            not_acceptable("/coded.css"),
        ),
        (
            "without identity another coding can't be had",
            accept("/coded.css", "zstd"),
            not_acceptable("/coded.css"),
        ),
        ("without identity an empty list", accept("/coded.css", ""), not_acceptable("/coded.css")),
        ("what has no variants is sent as it is", accept("/a.txt", "gzip, br, zstd"), ok("/a.txt")),
        (
            "what has no variants can be refused",
            accept("/a.txt", "identity;q=0"),
            not_acceptable("/a.txt"),
        ),
        (
            "a page for what is not found is sent even if it is refused",
            accept("/nowhere", "*;q=0"),
            crate::site::lost(),
        ),
        (
            "a redirect is sent even if it is refused",
            accept("/d", "*;q=0"),
            crate::site::redirect(301, "/d/"),
        ),
        (
            "406 goes before a precondition",
            get("/v.css", "Accept-Encoding: *;q=0\r\nIf-None-Match: *\r\n"),
            not_acceptable("/v.css"),
        ),
        (
            "304 of the smallest",
            get("/v.css", "Accept-Encoding: gzip, br\r\nIf-None-Match: *\r\n"),
            not_modified("/v.css", Br),
        ),
        (
            "HEAD of the smallest",
            request("HEAD", "/v.css", "Accept-Encoding: gzip, br\r\n"),
            coded("/v.css", Br).head(),
        ),
    ];
    cases.extend(
        rows.into_iter()
            .map(|(name, input, answer)| case(name, section, input, [answer], End::Open)),
    );
    cases
}
