//! No bytes make a panic, and every answer is well formed. [`crate::common::Response::of`] checks
//! the form.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use webroot::{Coding, Webroot};

use crate::common::{Site, answer};
use crate::grammar::{request, stream};

static WEBROOT: LazyLock<Webroot> = LazyLock::new(|| {
    let (text, gzip, br) = (b"text ".repeat(200), b"gzip ".repeat(60), b"br ".repeat(50));
    Site::new()
        .resource("/", &[(Coding::Identity, b"root\n")])
        .resource("/a", &[(Coding::Identity, b"")])
        .resource("/v", &[(Coding::Identity, &text), (Coding::Gzip, &gzip), (Coding::Br, &br)])
        .redirect("/d", "/d/")
        .error_page("/", 404, b"lost\n")
        .error_page("/p/", 404, b"lost in p\n")
        .error_page("/", 405, b"not allowed\n")
        .open()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_and_what_is_like_them_are_answered_in_good_form(bytes in request()) {
        answer(&bytes, &WEBROOT);
    }

    #[test]
    fn arbitrary_bytes_are_answered_in_good_form(bytes in vec(any::<u8>(), 0..200)) {
        answer(&bytes, &WEBROOT);
    }

    #[test]
    fn any_bytes_of_a_head_are_answered_in_good_form(
        line in "[ -~]{0,20}",
        name in "(Range|If-Range|If-Match|If-None-Match|If-Modified-Since|Accept-Encoding|Host)",
        value in "[ -~\u{80}-\u{ff}]{0,40}",
    ) {
        answer(format!("GET /{line} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), &WEBROOT);
        let fields = format!("Host: h\r\n{name}: {value}\r\n");
        answer(format!("GET /v HTTP/1.1\r\n{fields}\r\n").as_bytes(), &WEBROOT);
    }

    #[test]
    fn a_stream_is_answered_in_good_form(bytes in stream()) {
        answer(&bytes, &WEBROOT);
    }
}
