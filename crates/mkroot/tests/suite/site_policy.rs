//! What `webroot.toml`, `_headers` and `_redirects` make of a site.

use std::fs;

use mkroot::policy::Dialect;
use mkroot::{Error, ErrorKind, Finding, Options, Report};

use crate::site::{Packed, Site};

fn try_pack(site: &Site, dialect: Dialect) -> Result<Report, Error> {
    mkroot::pack(&Options { dialect, ..Options::new(site.dir(), site.out()) }, &())
}

fn packed(site: &Site, dialect: Dialect) -> Packed {
    try_pack(site, dialect).unwrap_or_else(|error| panic!("{error}: {:?}", error.kind));
    Packed::open(&site.out())
}

/// The findings that stop the packer, as they are printed.
fn refused(site: &Site, dialect: Dialect) -> Vec<String> {
    let error = try_pack(site, dialect).unwrap_err();
    assert!(site.deployed().is_empty());
    match error.kind {
        ErrorKind::Findings(findings) => findings.iter().map(Finding::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_refused(site: &Site, dialect: Dialect, place: &str, about: &str) {
    let findings = refused(site, dialect);
    let found = findings.iter().any(|line| line.starts_with(place) && line.contains(about));
    assert!(found, "{findings:#?}");
}

/// Status and `Location` of what is stored for a path.
fn redirect(packed: &Packed, path: &str) -> (u16, String) {
    let head = packed.head(path);
    let location = head.strip_prefix("Location: ").and_then(|rest| rest.lines().next());
    (packed.get(path).status(), location.unwrap_or_default().to_owned())
}

#[test]
fn policy_files_are_never_served() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("webroot.toml", "[urls]\nhtml = \"off\"\n");
    site.file("_headers", "/*\n  X-Frame-Options: DENY\n");
    site.file("_redirects", "/old /new 301\n");
    site.file("sub/_headers", "a file like any other");
    let packed = packed(&site, Dialect::Strict);
    assert_eq!(packed.paths(), ["/", "/index.html", "/old", "/sub/_headers"]);
}

#[test]
fn fields_of_headers_stand_in_the_stored_heads() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("404.html", "lost");
    site.file("a/b.css", "b{}");
    site.file(
        "_headers",
        "/*\n  X-Frame-Options: DENY\n/a/b.css\n  Cache-Control: public, max-age=60\n",
    );
    let packed = packed(&site, Dialect::Strict);
    assert!(packed.head("/").contains("X-Frame-Options: DENY\r\n"));
    let head = packed.head("/a/b.css");
    assert!(head.contains("X-Frame-Options: DENY\r\n"), "{head}");
    assert!(head.contains("Cache-Control: public, max-age=60\r\n"), "{head}");
    assert!(!head.contains("must-revalidate"), "{head}");
    let page = packed.webroot.error_page(404, b"/nowhere").unwrap().unwrap();
    assert!(crate::site::head(&page).contains("X-Frame-Options: DENY\r\n"));
    // What a 304 repeats has the new value as well.
    let validators = packed.webroot.bytes(packed.get("/a/b.css").first().validators()).unwrap();
    assert!(String::from_utf8_lossy(validators).contains("max-age=60"));
}

#[test]
fn a_path_has_the_fields_of_the_path_that_was_asked_for() {
    let site = Site::new();
    site.file("d/index.html", "hello");
    site.file("_headers", "/d/\n  X-A: slash\n/d/index.html\n  X-A: file\n");
    let packed = packed(&site, Dialect::Strict);
    assert!(packed.head("/d/").contains("X-A: slash\r\n"));
    assert!(packed.head("/d/index.html").contains("X-A: file\r\n"));
    assert_eq!(packed.get("/d/").first().body(), packed.get("/d/index.html").first().body());
}

#[test]
fn static_redirects_are_entries_of_the_index() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file(
        "_redirects",
        "/a /b 301\n/c%20d https://example.org/x?y=z 302\n/f /g#part 308\n# a comment\n",
    );
    let packed = packed(&site, Dialect::Strict);
    assert_eq!(redirect(&packed, "/a"), (301, "/b".into()));
    assert!(packed.get("/a").keeps_query());
    assert_eq!(packed.get("/a").rule(), Some(1));
    assert_eq!(redirect(&packed, "/c d"), (302, "https://example.org/x?y=z".into()));
    assert!(!packed.get("/c d").keeps_query(), "the target has a query of its own");
    assert_eq!(redirect(&packed, "/f"), (308, "/g#part".into()));
    assert_eq!(packed.webroot.rules().count(), 0);
}

#[test]
fn rules_with_captures_are_matched_at_run_time() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("_redirects", "/blog/:year/:name /posts/:name 301\n/old/* /new/:splat 302\n");
    let packed = packed(&site, Dialect::Strict);
    let rules: Vec<_> = packed.webroot.rules().map(Result::unwrap).collect();
    assert_eq!(rules.len(), 2);
    assert_eq!((rules[0].line(), rules[0].status()), (Some(1), 301));
    assert_eq!((rules[1].line(), rules[1].status()), (Some(2), 302));
}

#[test]
fn in_strict_a_rule_over_a_file_is_an_error() {
    let site = Site::new();
    site.file("a/b.html", "b");
    site.file("_redirects", "/a/* /new/:splat 301\n");
    assert_refused(&site, Dialect::Strict, "_redirects:1", "/a/b.html");
}

#[test]
fn at_netlify_a_file_comes_before_a_rule_that_is_not_forced() {
    let site = Site::new();
    site.file("a/b.html", "b");
    site.file("c.html", "c");
    site.file("_redirects", "/a/* /new/:splat\n/c.html /d 302!\n");
    let packed = packed(&site, Dialect::Netlify);
    assert_eq!(packed.body("/a/b.html"), b"b");
    assert_eq!(packed.webroot.rules().count(), 1);
    assert_eq!(redirect(&packed, "/c.html"), (302, "/d".into()));
}

#[test]
fn at_cloudflare_a_rule_comes_before_a_file() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("404.html", "lost");
    site.file("a/b.css", "b");
    site.file("_redirects", "/a/* /new/:splat 301\n");
    let packed = packed(&site, Dialect::Cloudflare);
    assert_eq!(redirect(&packed, "/a/b.css"), (301, "/new/b.css".into()));
    assert_eq!(packed.webroot.rules().count(), 1, "for paths that no file has");
}

#[test]
fn a_slash_at_the_end_does_not_matter_at_netlify() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("_redirects", "/old /new\n");
    let packed = packed(&site, Dialect::Netlify);
    assert_eq!(redirect(&packed, "/old"), (301, "/new".into()));
    assert_eq!(redirect(&packed, "/old/"), (301, "/new".into()));
}

#[test]
fn a_rewrite_answers_with_what_it_names() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("app.html", "the app");
    site.file("_redirects", "/start /app.html 200\n");
    let packed = packed(&site, Dialect::Strict);
    assert_eq!(packed.get("/start").status(), 200);
    assert_eq!(packed.body("/start"), b"the app");
    assert_eq!(packed.get("/start").first().etag(), packed.get("/app.html").first().etag());
}

#[test]
fn a_rewrite_to_what_is_not_there_is_an_error() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("_redirects", "/x /y 301\n/start /nowhere.html 200\n");
    assert_refused(&site, Dialect::Strict, "_redirects:2", "/nowhere.html is no file");
}

#[test]
fn a_conditional_rule_that_is_forced_is_tried_before_the_file() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("de/index.html", "hallo");
    site.file("_redirects", "/ /de/ 302! Language=de\n");
    let packed = packed(&site, Dialect::Netlify);
    assert_eq!(packed.body("/"), b"hello");
    assert!(packed.get("/").rules_first());
    assert!(!packed.get("/de/").rules_first());
    assert_eq!(packed.webroot.rules().count(), 1);
}

#[test]
fn the_first_rule_that_matches_counts_whether_static_or_not() {
    let site = Site::new();
    site.file("index.html", "hello");
    // The first depends on the language, so the second can't be settled now.
    site.file("_redirects", "/a /de/a 302 Language=de\n/a /en/a 302\n");
    let packed = packed(&site, Dialect::Netlify);
    assert!(packed.webroot.lookup(b"/a").unwrap().is_none());
    assert_eq!(packed.webroot.rules().count(), 2);
}

#[test]
fn faults_in_all_files_are_told_at_once_with_line_and_column() {
    let site = Site::new();
    site.file("webroot.toml", "[urls]\nhtml = \"maybe\"\n");
    site.file("_headers", "/*\n  Content-Length: 5\n");
    site.file("_redirects", "/a\n");
    let findings = refused(&site, Dialect::Strict);
    for place in ["webroot.toml:2:8: error: ", "_headers:2:3: error: ", "_redirects:1:"] {
        assert!(findings.iter().any(|line| line.starts_with(place)), "{place}: {findings:#?}");
    }
}

#[test]
fn redirects_that_lead_in_a_circle_are_an_error() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("_redirects", "/a /b 301\n/b /a 301\n");
    assert_refused(&site, Dialect::Strict, "_redirects:", "[redirect-loop]");
}

#[test]
fn what_is_ignored_is_not_even_looked_at() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("drafts/a.html", "a");
    site.file("logo.psd", "psd");
    site.link("node_modules/.bin/x", "/usr/bin/env");
    site.link("node_modules/dangling", "nowhere");
    site.file("webroot.toml", "[files]\nignore = [\"*.psd\", \"/drafts/**\", \"node_modules/\"]\n");
    assert_eq!(packed(&site, Dialect::Strict).paths(), ["/", "/index.html"]);
}

#[test]
fn types_and_cache_rules_are_those_of_the_configuration() {
    let site = Site::new();
    site.file("a.foo", "text");
    site.file("img/b.png", "png");
    site.file(
        "webroot.toml",
        "[types]\n\"*.foo\" = \"text/x-foo\"\n[cache]\ndefault = \"no-cache\"\n\
         rules = [{ match = \"/img/**\", value = \"public, max-age=3600\" }]\n",
    );
    let packed = packed(&site, Dialect::Strict);
    let head = packed.head("/a.foo");
    assert!(head.contains("Content-Type: text/x-foo; charset=utf-8\r\n"), "{head}");
    assert!(head.contains("Cache-Control: no-cache\r\n"), "{head}");
    assert!(packed.head("/img/b.png").contains("Cache-Control: public, max-age=3600\r\n"));
}

#[test]
fn limits_name_what_exceeds_them() {
    for (limit, about) in [
        ("file = 5", "index.html: 6 bytes, limits.file is 5"),
        ("site = 8", "site: 9 bytes, limits.site is 8"),
        ("files = 1", "site: 2 files, limits.files is 1"),
    ] {
        let site = Site::new();
        site.file("index.html", "hello!");
        site.file("a.txt", "abc");
        site.file("webroot.toml", format!("[limits]\n{limit}\n"));
        let error = try_pack(&site, Dialect::Strict).unwrap_err().to_string();
        assert!(error.ends_with(about), "{error}");
    }
}

#[test]
fn content_over_the_limit_is_stored_as_it_is() {
    let site = Site::new();
    let text = "hello, hello, hello\n".repeat(100_000);
    site.file("large.txt", &text);
    site.file("small.txt", "hello, hello, hello\n".repeat(100));
    site.file("webroot.toml", "[limits]\ncompress = 10000\n");
    let packed = packed(&site, Dialect::Strict);
    assert_eq!(packed.get("/large.txt").variants().len(), 1);
    assert_eq!(packed.body("/large.txt"), text.as_bytes());
    assert!(packed.head("/large.txt").contains("Content-Type: text/plain; charset=utf-8\r\n"));
    assert_eq!(packed.get("/small.txt").variants().len(), 4);
}

#[test]
fn error_pages_are_found_by_name_or_by_configuration() {
    let site = Site::new();
    site.file("50x.html", "broken");
    site.file("errors/gone.html", "not here");
    site.file("webroot.toml", "[errors]\n404 = \"/errors/gone.html\"\n");
    let packed = packed(&site, Dialect::Strict);
    for (status, body) in [(404, &b"not here"[..]), (500, b"broken"), (503, b"broken")] {
        let page = packed.webroot.error_page(status, b"/x/y").unwrap().unwrap();
        assert_eq!((page.status(), packed.body_of(&page)), (status, body));
        assert_eq!(page.first().etag(), None);
    }
}

#[test]
fn a_page_that_the_configuration_names_has_to_be_there() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file(
        "webroot.toml",
        "[errors]\n404 = \"/nowhere.html\"\n[urls]\nfallback = \"/x.html\"\n",
    );
    assert_refused(&site, Dialect::Strict, "webroot.toml:2:", "/nowhere.html");
    assert_refused(&site, Dialect::Strict, "webroot.toml:4:", "/x.html");
}

#[test]
fn a_fallback_is_the_page_for_navigations() {
    let site = Site::new();
    site.file("index.html", "the app");
    site.file("webroot.toml", "[urls]\nfallback = \"/index.html\"\n");
    let packed = packed(&site, Dialect::Strict);
    let page = packed.webroot.navigation_page(b"/some/route").unwrap().unwrap();
    assert_eq!((page.status(), packed.body_of(&page)), (200, &b"the app"[..]));
    assert!(crate::site::head(&page).contains("Vary: Accept, Sec-Fetch-Mode\r\n"));
    assert!(!packed.head("/").contains("Vary"));
}

#[test]
fn at_cloudflare_a_site_without_an_error_page_is_one_page() {
    let site = Site::new();
    site.file("index.html", "the app");
    let one = packed(&site, Dialect::Cloudflare);
    assert!(one.webroot.navigation_page(b"/some/route").unwrap().is_some());
    site.file("404.html", "lost");
    let many = packed(&site, Dialect::Cloudflare);
    assert!(many.webroot.navigation_page(b"/some/route").unwrap().is_none());
}

#[test]
fn pages_have_the_urls_that_their_platform_gives_them() {
    let site = Site::new();
    site.file("404.html", "lost");
    site.file("about.html", "about");
    let strict = packed(&site, Dialect::Strict);
    assert!(strict.webroot.lookup(b"/about").unwrap().is_none());
    let netlify = packed(&site, Dialect::Netlify);
    assert_eq!(netlify.body("/about"), netlify.body("/about.html"));
    let cloudflare = packed(&site, Dialect::Cloudflare);
    assert_eq!(cloudflare.body("/about"), b"about");
    assert_eq!(redirect(&cloudflare, "/about.html"), (301, "/about".into()));
}

#[test]
fn inline_code_is_allowed_by_its_hash() {
    let site = Site::new();
    site.file("index.html", "<!doctype html><title>x</title><script>alert(1)</script>");
    site.file("webroot.toml", "[security]\ncsp = \"hash\"\n");
    let packed = packed(&site, Dialect::Strict);
    let head = packed.head("/");
    // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
    let hash = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
    assert!(head.contains("Content-Security-Policy: ") && head.contains(hash), "{head}");
}

#[test]
fn a_directory_may_be_listed() {
    let site = Site::new();
    site.file("files/a.txt", "a");
    site.file("files/deep/b.txt", "b");
    site.file("other/c.txt", "c");
    site.file("webroot.toml", "[urls]\nautoindex = [\"/files/**\"]\n");
    let packed = packed(&site, Dialect::Strict);
    let page = String::from_utf8(packed.body("/files/").to_vec()).unwrap();
    assert!(page.contains("a.txt") && page.contains("deep/"), "{page}");
    assert!(packed.head("/files/").contains("Content-Type: text/html; charset=utf-8\r\n"));
    assert_eq!(redirect(&packed, "/files"), (301, "/files/".into()));
    assert!(packed.webroot.lookup(b"/files/deep/").unwrap().is_some());
    assert!(packed.webroot.lookup(b"/other/").unwrap().is_none());
    assert!(packed.webroot.files().unwrap().all(|file| file.unwrap().path() != b"files/"));
}

#[test]
fn a_configuration_may_come_from_elsewhere() {
    let site = Site::new();
    site.file("index.html", "hello");
    site.file("webroot.toml", "[cache]\ndefault = \"no-cache\"\n");
    let config = site.temp().join("other.toml");
    fs::write(&config, "[cache]\ndefault = \"no-store\"\n").unwrap();
    let mut options = Options::new(site.dir(), site.out());
    options.config = Some(config);
    mkroot::pack(&options, &()).unwrap();
    let packed = Packed::open(&site.out());
    assert!(packed.head("/").contains("Cache-Control: no-store\r\n"));
    assert_eq!(packed.paths(), ["/", "/index.html"]);
}

#[test]
fn warnings_count_as_errors_if_that_is_asked_for() {
    let site = Site::new();
    site.file("index.html", "<a href=/nowhere>x</a>");
    let mut options = Options::new(site.dir(), site.out());
    let report = mkroot::pack(&options, &()).unwrap();
    assert_eq!(report.findings.len(), 1);
    let shown = report.findings[0].to_string();
    assert!(shown.starts_with("index.html:1:"), "{shown}");
    assert!(shown.ends_with("[broken-link]"), "{shown}");
    fs::remove_file(site.out()).unwrap();
    options.strict = true;
    let error = mkroot::pack(&options, &()).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Findings(_)), "{error}");
    assert!(site.deployed().is_empty());
}

#[test]
fn what_was_checked_is_checked_again_when_a_path_goes() {
    let site = Site::new();
    site.file("index.html", "<a href=/other.html>x</a>");
    let other = site.file("other.html", "other");
    assert!(site.pack().unwrap().findings.is_empty());
    assert!(site.pack().unwrap().findings.is_empty());
    fs::remove_file(other).unwrap();
    assert_eq!(site.pack().unwrap().findings.len(), 1);
    // What was found wrong is found again, though nothing changed.
    assert_eq!(site.pack().unwrap().findings.len(), 1);
}

#[test]
fn an_empty_policy_is_none() {
    let site = Site::new();
    site.file("index.html", "hello");
    let identity = site.pack().unwrap().webroot.identity;
    for name in ["webroot.toml", "_headers", "_redirects"] {
        site.file(name, "# nothing\n");
    }
    // The files are part of the tree, so the identity differs; the answers don't.
    assert_ne!(site.pack().unwrap().webroot.identity, identity);
    assert_eq!(Packed::open(&site.out()).paths(), ["/", "/index.html"]);
}

#[test]
fn tens_of_thousands_of_rules_are_no_matter() {
    let site = Site::new();
    site.file("index.html", "hello");
    let rules: String = (0..20_000)
        .map(|number| {
            format!("/old/{number}/* /new/{number}/:splat 301\n/a/{number} /b/{number} 302\n")
        })
        .collect();
    site.file("_redirects", rules);
    let packed = packed(&site, Dialect::Strict);
    assert_eq!(packed.webroot.rules().count(), 20_000);
    assert_eq!(redirect(&packed, "/a/19999"), (302, "/b/19999".into()));
}
