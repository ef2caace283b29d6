//! Large files take time in proportion to their size.

use std::time::{Duration, Instant};

use mkroot::policy::{Dialect, check_redirects, parse_headers, parse_redirects};

use crate::show::said;

/// A bound for a loaded machine and a build that is not optimised in full.
const BOUND: Duration = Duration::from_secs(5);

/// Reads and checks rules, and says how many findings there are.
fn check(text: &str, dialect: Dialect) -> usize {
    let begin = Instant::now();
    let parsed = parse_redirects(b"_redirects", text.as_bytes(), dialect);
    assert_eq!(said(&parsed.findings), "");
    let findings = check_redirects(&parsed.rules, dialect, b"_redirects", &|_| false);
    assert!(begin.elapsed() < BOUND, "{:?}", begin.elapsed());
    findings.len()
}

fn lines(line: impl Fn(u32) -> String) -> String {
    (0..20_000).map(|number| line(number) + "\n").collect()
}

#[test]
fn twenty_thousand_rules_are_read_and_checked() {
    let moved = lines(|n| format!("/old/{}/page-{n} /new/page-{n} 301", n % 100));
    assert_eq!(check(&moved, Dialect::Strict), 0);
    let below = lines(|n| format!("/:lang/section-{n}/* /:lang/part-{n}/:splat 301"));
    assert_eq!(check(&below, Dialect::Strict), 0);
    let chain = lines(|n| format!("/p{n} /p{} 301", n + 1));
    assert!(check(&chain, Dialect::Strict) > 1000);
    let circle = lines(|n| format!("/p{n} /p{} 301", (n + 1) % 20_000));
    assert_eq!(check(&circle, Dialect::Strict), 1);
    let same = lines(|n| format!("/a/* /b{n} 301"));
    assert!(check(&same, Dialect::Netlify) > 1000);
}

#[test]
fn conflicts_among_thousands_of_blocks_are_found() {
    let mut text = lines(|n| format!("/d{}/:x/p{n}\n X-A: {n}", n % 10));
    text += "/d3/y/p3\n X-A: no\n";
    let begin = Instant::now();
    let parsed = parse_headers(b"_headers", text.as_bytes(), Dialect::Strict);
    assert!(begin.elapsed() < BOUND, "{:?}", begin.elapsed());
    assert_eq!(parsed.findings.len(), 1, "{}", said(&parsed.findings));
    assert!(parsed.findings[0].message.contains("line 7 too"));
}
