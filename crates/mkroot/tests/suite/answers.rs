//! Entries and heads of a webroot.

use crate::site::{Packed, Site, head};

/// What caches are told unless the site says something else.
const CACHE: &str = "Cache-Control: public, max-age=0, must-revalidate\r\n";

#[test]
fn the_head_of_a_file_has_all_its_fields() {
    let site = Site::new();
    site.file("a.css", "a{}");
    let packed = site.packed();
    let tag = &blake3::hash(b"a{}").to_hex()[..32];
    assert_eq!(
        packed.head("/a.css"),
        format!(
            "ETag: \"{tag}\"\r\n\
             {CACHE}\
             X-Content-Type-Options: nosniff\r\n\
             Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\
             Accept-Ranges: bytes\r\n\
             Content-Type: text/css; charset=utf-8\r\n\
             Content-Length: 3\r\n\r\n"
        )
    );
    let resource = packed.get("/a.css");
    assert_eq!((resource.status(), resource.modified()), (200, Some(1_700_000_000)));
    assert!(!resource.keeps_query());
    // A 304 repeats no more.
    let validators = packed.webroot.bytes(resource.first().validators()).unwrap();
    assert_eq!(validators, format!("ETag: \"{tag}\"\r\n{CACHE}").as_bytes());
}

#[test]
fn an_index_is_the_answer_of_its_directory() {
    let site = Site::new();
    site.file("index.html", "root");
    site.file("d/index.html", "<p>d</p>");
    let packed = site.packed();
    assert_eq!(packed.paths(), ["/", "/d", "/d/", "/d/index.html", "/index.html"]);
    assert_eq!(packed.body("/"), b"root");
    assert_eq!(packed.head("/d/"), packed.head("/d/index.html"));
    let (directory, file) = (packed.get("/d/"), packed.get("/d/index.html"));
    assert_eq!(directory.first().head(), file.first().head());
    assert_eq!(directory.first().body(), file.first().body());
    assert_eq!((directory.status(), directory.modified()), (200, file.modified()));
}

#[test]
fn a_directory_without_slash_redirects_and_keeps_the_query() {
    let site = Site::new();
    site.file("d/e/index.html", "e");
    let packed = site.packed();
    let redirect = packed.get("/d/e");
    assert_eq!(redirect.status(), 301);
    assert!(redirect.keeps_query());
    assert_eq!(redirect.modified(), None);
    assert_eq!(head(&redirect), "Location: /d/e/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(packed.body("/d/e"), b"");
}

#[test]
fn a_directory_without_an_index_has_no_answer() {
    let site = Site::new();
    site.file("d/a.txt", "a");
    let packed = site.packed();
    assert!(packed.webroot.lookup(b"/d/").unwrap().is_none());
    assert!(packed.webroot.lookup(b"/d").unwrap().is_none());
    assert!(packed.webroot.lookup(b"/").unwrap().is_none());
}

#[test]
fn names_of_directories_have_no_meaning() {
    let site = Site::new();
    site.file("index.html/a.txt", "a");
    site.file("404.html/b.txt", "b");
    let packed = site.packed();
    assert_eq!(packed.webroot.len(), 2);
    assert_eq!(packed.paths(), ["/404.html/b.txt", "/index.html/a.txt"]);
}

fn assert_not_found_page(packed: &Packed, path: &[u8], directory: &[u8], body: &[u8]) {
    let page = packed.webroot.error_page(404, path).unwrap().unwrap();
    assert_eq!(page.path(), directory);
    assert_eq!((page.scope(), page.status(), page.modified()), (Some(404), 404, None));
    assert_eq!(packed.body_of(&page), body);
    assert_eq!(
        head(&page),
        format!(
            "{CACHE}{}X-Content-Type-Options: nosniff\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n",
            if page.variants().len() > 1 { "Vary: Accept-Encoding\r\n" } else { "" },
            body.len()
        )
    );
    assert_eq!(page.first().etag(), None);
}

#[test]
fn a_404_page_answers_for_what_is_not_found_below_its_directory() {
    let site = Site::new();
    site.file("404.html", "lost");
    site.file("d/404.html", "lost in d");
    site.file("d/e/a.txt", "a");
    let packed = site.packed();
    assert_not_found_page(&packed, b"/nowhere", b"/", b"lost");
    assert_not_found_page(&packed, b"/d", b"/", b"lost");
    assert_not_found_page(&packed, b"/d/nowhere", b"/d/", b"lost in d");
    assert_not_found_page(&packed, b"/d/e/nowhere", b"/d/", b"lost in d");
}

#[test]
fn a_404_page_is_a_file_as_well() {
    let site = Site::new();
    site.file("404.html", "lost");
    let packed = site.packed();
    assert_eq!(packed.get("/404.html").status(), 200);
    assert!(packed.head("/404.html").starts_with("ETag: "));
    assert!(packed.webroot.lookup(b"/").unwrap().is_none());
    assert_eq!(packed.webroot.body_count(), 1);
}

#[test]
fn a_404_page_may_be_large() {
    let site = Site::new();
    let large = "é".repeat(100_000);
    site.file("404.html", &large);
    let packed = site.packed();
    assert_not_found_page(&packed, b"/nowhere", b"/", large.as_bytes());
    assert_eq!(packed.webroot.body_count(), 1 + 3);
}

#[test]
fn the_charset_of_a_large_file_depends_on_all_of_it() {
    let site = Site::new();
    // One byte before, so that characters straddle the buffers.
    let mut text = format!("a{}", "é€😀".repeat(300_000)).into_bytes();
    site.file("valid.txt", &text);
    site.file("valid", &text);
    text.push(b'\xe9');
    site.file("invalid.txt", &text);
    site.file("invalid", &text);
    let packed = site.packed();
    let field = |path| {
        let head = packed.head(path);
        let line = head.lines().find(|line| line.starts_with("Content-Type"));
        line.unwrap().to_owned()
    };
    assert_eq!(field("/valid.txt"), "Content-Type: text/plain; charset=utf-8");
    assert_eq!(field("/valid"), "Content-Type: text/plain; charset=utf-8");
    assert_eq!(field("/invalid.txt"), "Content-Type: text/plain");
    assert_eq!(field("/invalid"), "Content-Type: application/octet-stream");
}

#[test]
fn a_large_file_without_extension_is_told_by_its_beginning() {
    let site = Site::new();
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 100_000]].concat();
    site.file("logo", &png);
    assert!(site.packed().head("/logo").contains("Content-Type: image/png\r\n"));
}
