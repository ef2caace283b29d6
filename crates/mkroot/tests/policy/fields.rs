//! Which fields a path gets of several blocks.

use mkroot::policy::{Dialect, FieldChange, Headers, parse_headers};

use crate::show::said;

fn headers(text: &str, dialect: Dialect) -> Headers {
    let parsed = parse_headers(b"_headers", text.as_bytes(), dialect);
    assert_eq!(said(&parsed.findings), "");
    Headers::new(parsed.rules, dialect)
}

fn show(changes: Vec<FieldChange>) -> String {
    let shown = changes.into_iter().map(|change| match change {
        FieldChange::Set(name, value) => format!("{name}: {value}"),
        FieldChange::Unset(name) => format!("-{name}"),
    });
    shown.collect::<Vec<_>>().join(" | ")
}

const LAYERS: &str = "/*\n X-A: 1\n X-B: b\n/a/*\n x-a: 2\n x-a: 3\n/a/b\n X-C: c\n";

#[test]
fn at_netlify_the_later_block_counts() {
    let headers = headers(LAYERS, Dialect::Netlify);
    assert_eq!(show(headers.for_path(b"/z")), "X-A: 1 | X-B: b");
    assert_eq!(show(headers.for_path(b"/a/b")), "x-a: 2, 3 | X-B: b | X-C: c");
    assert_eq!(show(headers.for_path(b"/A/B/")), "x-a: 2, 3 | X-B: b | X-C: c");
    assert_eq!(show(headers.for_path(b"/a")), "x-a: 2, 3 | X-B: b");
}

#[test]
fn at_cloudflare_later_blocks_append() {
    let headers = headers(LAYERS, Dialect::Cloudflare);
    assert_eq!(show(headers.for_path(b"/a/b")), "X-A: 1, 2, 3 | X-B: b | X-C: c");
    assert_eq!(show(headers.for_path(b"/a/b/")), "X-A: 1, 2, 3 | X-B: b");
    assert_eq!(show(headers.for_path(b"/a")), "X-A: 1 | X-B: b");
    assert_eq!(show(headers.for_path(b"/A/b")), "X-A: 1 | X-B: b");
}

#[test]
fn a_block_takes_away_before_it_sets() {
    let text =
        "/*\n X-A: 1\n/a/*\n X-A: 2\n ! X-A\n ! Cache-Control\n/a/b\n X-A: 3\n/a/c\n ! x-a\n";
    let headers = headers(text, Dialect::Cloudflare);
    assert_eq!(show(headers.for_path(b"/a/x")), "X-A: 2 | -Cache-Control");
    assert_eq!(show(headers.for_path(b"/a/b")), "X-A: 2, 3 | -Cache-Control");
    assert_eq!(show(headers.for_path(b"/a/c")), "-x-a | -Cache-Control");
}

#[test]
fn what_is_matched_is_put_in_encoded() {
    let text = "/:lang/*\n Link: <https://x.example/:splat>; hreflang=:lang\n";
    let headers = headers(text, Dialect::Cloudflare);
    let path = "/de/ü\r\nSet-Cookie: a/b%".as_bytes();
    let expected = "Link: <https://x.example/%C3%BC%0D%0ASet-Cookie:%20a/b%25>; hreflang=de";
    assert_eq!(show(headers.for_path(path)), expected);
}

#[test]
fn of_error_pages_count_the_blocks_that_match_all_below() {
    let text = "/*\n X-A: 1\n/a/*\n X-B: :splat\n X-C: c\n/:d/*\n X-D: :d\n/*.html\n X-E: e\n";
    let headers = headers(text, Dialect::Cloudflare);
    assert_eq!(show(headers.covering(b"/")), "X-A: 1");
    assert_eq!(show(headers.covering(b"/a/")), "X-A: 1 | X-C: c | X-D: a");
    assert_eq!(show(headers.covering(b"/b/c/")), "X-A: 1 | X-D: b");

    let headers = self::headers("/a/*\n X-A: 1\n/A*\n X-B: 1\n", Dialect::Netlify);
    assert_eq!(show(headers.covering(b"/A/")), "X-A: 1 | X-B: 1");
    assert_eq!(show(headers.covering(b"/")), "");
}

#[test]
fn many_blocks_are_asked_about_many_paths_at_once() {
    let mut text: String = (0..5000).map(|n| format!("/d{}/p{n}\n X-A: {n}\n", n % 97)).collect();
    text += &(0..500).map(|n| format!("/e{n}/*\n X-B: {n}\n")).collect::<String>();
    text += "/*.css\n X-C: 1\n";
    let headers = headers(&text, Dialect::Strict);
    let begin = std::time::Instant::now();
    let mut changes = 0;
    for n in 0..100_000 {
        let path = format!("/d{}/p{n}", n % 97);
        changes += headers.for_path(path.as_bytes()).len();
        changes += headers.for_path(format!("/e{n}/x.css").as_bytes()).len();
    }
    assert_eq!(changes, 5000 + 500 + 100_000);
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}
