//! `_headers` files: what strict, Netlify and Cloudflare Pages make of each.

use mkroot::policy::{Dialect, parse_headers};

use crate::show::{Cell, block, check, said};

fn reads(rules: &'static str) -> Cell {
    Cell::Reads(rules)
}

/// Refused at this line and column.
fn no(line: u32, column: u32, message: &'static str) -> Cell {
    Cell::Refuses(line, column, message)
}

fn table(rows: &[(&str, [Cell; 3])]) {
    for (text, row) in rows {
        check(text, *row, |text, dialect| parse_headers(b"_headers", text, dialect), block);
    }
}

#[test]
fn a_block_is_a_path_and_fields_below_it() {
    table(&[
        ("/a\n  X-A: b", [reads("/a | X-A: b"); 3]),
        (
            "# all\r\n/*\r\n\tX-A:b : c \r\n\r\n  # no\r\nX-B:\td\r\n",
            [
                reads("/{*} | X-A: b : c | X-B: d"),
                reads("/{*} | X-A: b : c | X-B: d"),
                reads("/{*} | X-A: b : c | X-B: d"),
            ],
        ),
        ("/a\n X-A: 1\n/b\n X-A: 2", [reads("/a | X-A: 1\n/b | X-A: 2"); 3]),
        ("/a\n Link: </a>; rel=x\n link: </b>", [reads("/a | Link: </a>; rel=x | link: </b>"); 3]),
        ("/a%20b/%C3%A9\n X-A: 1", [reads("/a b/é | X-A: 1"); 3]),
        ("/a\n X-A: b # no comment", [reads("/a | X-A: b # no comment"); 3]),
        ("", [reads(""); 3]),
    ]);
}

#[test]
fn lines_that_say_nothing_are_refused() {
    table(&[
        ("X-A: b\n/a\n X-B: c", [no(1, 1, "a field without a path"); 3]),
        ("/a", [no(1, 1, "without fields"); 3]),
        ("/a\n/b\n X-A: 1", [no(1, 1, "without fields"); 3]),
        ("/a\n X-A", [no(2, 2, "neither a path"); 3]),
        ("/a\n : b", [no(2, 2, "no field name"); 3]),
        ("/a\n X-A:", [no(2, 6, "no value"); 3]),
        ("/a\n X A: b", [no(2, 3, "not of a field name"); 3]),
        ("/a\n X-Ä: b", [no(2, 4, "not of a field name"); 3]),
        ("/a\n X-A: ü", [no(2, 7, "printable ASCII"); 3]),
        ("/a\n X-A: b\u{1}", [no(2, 8, "control"); 3]),
    ]);
}

#[test]
fn wildcards_differ() {
    table(&[
        ("/*.css\n X-A: 1", [reads("/{*}.css | X-A: 1"); 3]),
        ("/a*\n X-A: 1", [reads("/a{*} | X-A: 1"); 3]),
        (
            "/:y/:m/\n X-A: 1",
            [reads("/{y}/{m}/ | X-A: 1"), reads("/{y}/{m} | X-A: 1"), reads("/{y}/{m}/ | X-A: 1")],
        ),
        (
            "/a/*/b\n X-A: 1",
            [
                no(1, 4, "Netlify takes none"),
                reads("/a/{*}/b | X-A: 1"),
                reads("/a/{*}/b | X-A: 1"),
            ],
        ),
        (
            "/*/b-*\n X-A: 1",
            [no(1, 2, "whole segment"), reads("/{*}/b-{*} | X-A: 1"), no(1, 6, "a second `*`")],
        ),
        (
            "/b-*/*\n X-A: 1",
            [
                no(1, 6, "Cloudflare Pages refuses"),
                reads("/b-{*}/{*} | X-A: 1"),
                no(1, 6, "a second `*`"),
            ],
        ),
        (
            "/p-:id\n X-A: 1",
            [no(1, 4, "not a whole segment"), reads("/p-:id | X-A: 1"), reads("/p-{id} | X-A: 1")],
        ),
        (
            "/Docs/A\n X-A: 1",
            [reads("/Docs/A | X-A: 1"), reads("/docs/a | X-A: 1"), reads("/Docs/A | X-A: 1")],
        ),
        (
            "/:splat/*\n X-A: 1",
            [no(1, 1, "choose another"), no(1, 1, "choose another"), no(1, 1, "choose another")],
        ),
    ]);
}

#[test]
fn what_is_no_path_is_refused_with_all_that_is_below_it() {
    table(&[
        ("/a b\n X-A: 1\n X-Ä: 1", [no(1, 3, "%20"); 3]),
        ("/a # not a comment\n X-A: 1", [no(1, 3, "a line of its own"); 3]),
        ("/a?b\n X-A: 1", [no(1, 3, "a query"); 3]),
        ("/a//b\n X-A: 1", [no(1, 4, "one slash"); 3]),
        ("https://a.example/*\n X-A: 1", [no(1, 1, "under which host"); 3]),
        ("/b\n X-B: 1\nhttps://a.example/*\n X-A: 1", [no(3, 1, "the path alone"); 3]),
    ]);
}

#[test]
fn a_value_holds_what_was_matched_only_at_cloudflare() {
    table(&[
        (
            "/:id/*\n X-A: <:id>:splat:id2",
            [
                no(2, 8, "Cloudflare Pages puts in"),
                reads("/{id}/{*} | X-A: <:id>:splat:id2"),
                reads("/{id}/{*} | X-A: <{0}>{1}:id2"),
            ],
        ),
        (
            "/:id\n X-A: https://b.example:8080/:other",
            [reads("/{id} | X-A: https://b.example:8080/:other"); 3],
        ),
        // Without the space it would be a URL to Cloudflare Pages.
        (
            "/a\n X-A:https://b.example/",
            [
                no(2, 2, "a space behind the colon"),
                reads("/a | X-A: https://b.example/"),
                no(2, 2, "a space behind the colon"),
            ],
        ),
    ]);
}

#[test]
fn taking_a_field_away_is_only_cloudflares() {
    table(&[
        (
            "/a\n ! X-A",
            [
                no(2, 2, "only Cloudflare Pages"),
                no(2, 2, "can't take a field away"),
                reads("/a | -X-A"),
            ],
        ),
        (
            "/a\n ! ETag",
            [
                no(2, 2, "only Cloudflare Pages"),
                no(2, 2, "can't take"),
                no(2, 4, "computed from the file"),
            ],
        ),
        ("/a\n !X-A", [no(2, 2, "neither a path"); 3]),
    ]);
}

#[test]
fn some_fields_are_not_the_authors() {
    for name in [
        "Accept-Ranges",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Range",
        "Date",
        "ETag",
        "Keep-Alive",
        "Last-Modified",
        "Location",
        "Trailer",
        "transfer-encoding",
        "Upgrade",
    ] {
        table(&[(&format!("/a\n {name}: x"), [no(2, 2, "can't be set"); 3])]);
    }
    for name in ["Age", "Allow", "Alt-Svc", "server", "Set-Cookie"] {
        let text = format!("/a\n {name}: x");
        for dialect in [Dialect::Strict, Dialect::Netlify] {
            let parsed = parse_headers(b"_headers", text.as_bytes(), dialect);
            assert!(said(&parsed.findings).contains("does not let a site set"), "{name}");
        }
        assert_eq!(parse_headers(b"_headers", text.as_bytes(), Dialect::Cloudflare).rules.len(), 1);
    }
    table(&[("/a\n Basic-Auth: u:p", [no(2, 2, "no access control"); 3])]);
}

#[test]
fn a_path_has_one_block_but_for_netlify() {
    let both = "/a | X-A: 1\n/a | X-B: 2";
    table(&[(
        "/a\n X-A: 1\n/a\n X-B: 2",
        [no(3, 1, "line 1 begins a block"), reads(both), no(3, 1, "forgets")],
    )]);
}

#[test]
fn in_strict_no_path_has_a_field_from_two_blocks() {
    let conflicts = [
        ("/*\n X-A: 1\n/a\n x-a: 2", 4, 1),
        ("/a/*\n X-A: 1\n/:x/b\n X-B: 0\n X-A: 2", 5, 1),
        ("/*.css\n X-A: 1\n\n/assets/*\n X-A: 2", 5, 1),
        ("/x\n X-A: 0\n/:x/b\n X-A: 1\n/a/:y\n X-A: 2", 6, 3),
    ];
    for (text, line, first) in conflicts {
        let parsed = parse_headers(b"_headers", text.as_bytes(), Dialect::Strict);
        let [finding] = parsed.findings.as_slice() else { panic!("{}", said(&parsed.findings)) };
        assert_eq!((finding.line, finding.kind), (line, "header-conflict"), "{text}");
        assert!(finding.message.contains(&format!("block of line {first} too")), "{finding}");
        for dialect in [Dialect::Netlify, Dialect::Cloudflare] {
            let parsed = parse_headers(b"_headers", text.as_bytes(), dialect);
            assert!(parsed.findings.is_empty());
        }
    }
    for text in [
        "/*\n X-A: 1\n/a\n X-B: 2",
        "/a/*\n X-A: 1\n/b/*\n X-A: 2",
        "/*.css\n X-A: 1\n/*.js\n X-A: 2",
        "/a/*\n X-A: 1\n/a\n X-A: 2",
        "/:x\n X-A: 1\n/:x/y\n X-A: 2\n/\n X-A: 3",
    ] {
        let parsed = parse_headers(b"_headers", text.as_bytes(), Dialect::Strict);
        assert_eq!(said(&parsed.findings), "", "{text}");
    }
}
