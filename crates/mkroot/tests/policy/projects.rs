//! The kind of files that projects publish.

use mkroot::policy::{Dialect, Headers, check_redirects, parse_headers, parse_redirects};

use crate::show::{redirect, said};

const MOVED_DOCS: &str = "\
# The handbook moved in 2024.
/docs/install            /handbook/start/install/          301
/docs/install.html       /handbook/start/install/          301
/docs/faq                /handbook/help/faq/#top           301

# API reference, by version
/api/v1/*                /reference/1.x/:splat             301
/api/latest/*            /reference/2.x/:splat             302   # changes with each release
/blog/:year/:month/:day/:slug  /articles/:year-:month-:day-:slug/  308

# Elsewhere
/chat                    https://chat.example.org/#general 302
/source                  https://git.example.org:8443/site 302
";

const SINGLE_PAGE: &str = "\
/old-dashboard   /dashboard   301!
/login  next=:next  /signin?return=:next  302
/   /de/   302   Language=de,de-AT,de-CH
/   /en/   302
/*  /index.html  200
";

const SECURITY: &str = "\
/*
  Strict-Transport-Security: max-age=63072000; includeSubDomains; preload
  X-Frame-Options: DENY
  X-Content-Type-Options: nosniff
  Referrer-Policy: strict-origin-when-cross-origin
  Permissions-Policy: camera=(), microphone=(), geolocation=()
  Content-Security-Policy: default-src 'self'; img-src 'self' data: https:; connect-src wss://live.example.org:9443

# Fingerprinted by the bundler
/assets/*
  Cache-Control: public, max-age=31536000, immutable
/fonts/*
  Cache-Control: public, max-age=31536000, immutable
  Access-Control-Allow-Origin: *
/sw.js
  Cache-Control: no-cache
/
  Link: </assets/app.css>; rel=preload; as=style
  Link: </assets/app.js>; rel=modulepreload
";

fn never(_: &[u8]) -> bool {
    false
}

#[test]
fn a_documentation_with_moved_pages_is_read_alike_by_all() {
    for dialect in [Dialect::Strict, Dialect::Netlify, Dialect::Cloudflare] {
        let parsed = parse_redirects(b"_redirects", MOVED_DOCS.as_bytes(), dialect);
        assert_eq!(said(&parsed.findings), "");
        assert_eq!(parsed.rules.len(), 8);
        let findings = check_redirects(&parsed.rules, dialect, b"_redirects", &never);
        assert_eq!(said(&findings), "");
    }
    let parsed = parse_redirects(b"_redirects", MOVED_DOCS.as_bytes(), Dialect::Strict);
    assert_eq!(
        redirect(&parsed.rules[5]),
        "/blog/{year}/{month}/{day}/{slug} → /articles/{0}-{1}-{2}-{3}/ 308"
    );
}

#[test]
fn a_single_page_application_needs_the_dialect_that_it_is_written_in() {
    let parsed = parse_redirects(b"_redirects", SINGLE_PAGE.as_bytes(), Dialect::Netlify);
    assert_eq!(said(&parsed.findings), "");
    let findings = check_redirects(&parsed.rules, Dialect::Netlify, b"_redirects", &|path| {
        path == b"/index.html"
    });
    assert_eq!(said(&findings), "");
    assert_eq!(redirect(&parsed.rules[1]), "/login → /signin?return={0} 302 ?next={next}");

    let parsed = parse_redirects(b"_redirects", SINGLE_PAGE.as_bytes(), Dialect::Strict);
    let lines: Vec<_> = parsed.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [1, 2, 3, 5], "{}", said(&parsed.findings));
    assert!(parsed.findings.iter().all(|finding| finding.message.contains("--dialect")));
}

#[test]
fn security_and_cache_fields_reach_the_paths_that_they_are_for() {
    for dialect in [Dialect::Strict, Dialect::Netlify, Dialect::Cloudflare] {
        let parsed = parse_headers(b"_headers", SECURITY.as_bytes(), dialect);
        assert_eq!(said(&parsed.findings), "");
        let headers = Headers::new(parsed.rules, dialect);
        assert_eq!(headers.for_path(b"/about.html").len(), 6);
        assert_eq!(headers.for_path(b"/assets/app.3f2a9c1b.js").len(), 7);
        assert_eq!(headers.for_path(b"/fonts/a/b.woff2").len(), 8);
        let root = format!("{:?}", headers.for_path(b"/"));
        let list = "</assets/app.css>; rel=preload; as=style, </assets/app.js>; rel=modulepreload";
        assert!(root.contains(list), "{root}");
        assert_eq!(headers.covering(b"/").len(), 6);
        assert_eq!(headers.covering(b"/assets/").len(), 7);
    }
}
