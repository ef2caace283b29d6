//! `webroot ls`.

use serde_json::json;
use webroot::Coding;

use crate::made::Made;

#[test]
fn paths_are_listed_with_targets_and_error_pages_marked() {
    let (made, _) = Made::site();
    let expected = "/\n/d -> /d/\n/d/\n/index.html\n/large.bin\n/only.br\n\
                    / [error page for 404]\n/d/ [error page for 404]\n";
    assert_eq!(made.run(&["ls", "site"]).out(0), expected);
}

#[test]
fn a_prefix_leaves_out_the_rest() {
    let (made, _) = Made::site();
    let expected = "/d -> /d/\n/d/\n/d/ [error page for 404]\n";
    assert_eq!(made.run(&["ls", "site", "/d"]).out(0), expected);
    assert_eq!(made.run(&["ls", "site", "/nothing"]).out(0), "");
}

#[test]
fn the_long_form_has_status_sizes_codings_and_type() {
    let (made, _) = Made::site();
    let text = made.run(&["ls", "-l", "site"]).out(0);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = text.lines().map(words).collect();
    assert_eq!(lines[0], "200 24 gzip 15, br 13 text/html; charset=utf-8 /");
    assert_eq!(lines[1], "301 0 - - /d -> /d/");
    assert_eq!(lines[5], "200 - br 4 text/plain /only.br");
    assert_eq!(lines[6], "404 4 - text/html / [error page for 404]");
}

#[test]
fn json_says_the_same() {
    let (made, _) = Made::site();
    let document = made.run(&["ls", "site", "/d", "--format", "json"]).json(0);
    let entries = document["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    let redirect = json!({
        "path": "/d", "page_for": null, "status": 301, "content_type": null, "location": "/d/",
        "modified": null, "rule_line": 7,
        "variants": [{"coding": "identity", "size": 0, "etag": null}],
    });
    assert_eq!(entries[0], redirect);
    assert_eq!(entries[1]["variants"][0]["size"], 4);
    assert_eq!(entries[1]["modified"], 1_700_000_000);
    assert_eq!(entries[2]["page_for"], 404);
}

#[test]
fn a_path_does_nothing_to_a_terminal_and_can_be_read_back() {
    let made = Made::new();
    made.make("odd", |maker| {
        let body: [(Coding, &[u8]); 1] = [(Coding::Identity, b"x")];
        maker.page_at(b"/\x1b[31m\xff\\\n", "text/plain", &body);
    });
    assert_eq!(made.run(&["ls", "odd"]).out(0), "/\\x1b[31m\\xff\\\\\\x0a\n");
    let document = made.run(&["ls", "odd", "--format", "json"]).json(0);
    assert_eq!(document["entries"][0]["path"], "/\u{1b}[31m\\xff\\\\\n");
}

#[test]
fn what_is_no_webroot_is_trouble() {
    let made = Made::new();
    std::fs::write(made.path("text"), "x".repeat(10_000)).unwrap();
    let ran = made.run(&["ls", "text"]);
    assert_eq!(ran.out(2), "");
    assert!(ran.errors().starts_with("webroot: text: not a webroot: "), "{}", ran.errors());
    let ran = made.run(&["ls", "missing\x1b"]);
    assert_eq!(ran.status(), Some(2));
    assert!(ran.errors().starts_with("webroot: missing\\x1b: open: "), "{}", ran.errors());
}
