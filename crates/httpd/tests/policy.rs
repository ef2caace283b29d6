//! What the author of a site wrote in `webroot.toml`, `_headers` and `_redirects`, from there to the
//! bytes on the wire.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{Response, Server};
use mkroot::policy::Dialect;

fn put(root: &Path, name: &str, content: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Packs the files for a dialect and serves what comes of it.
fn serve(backend: &str, dialect: Dialect, files: &[(&str, &str)]) -> Server {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, content)| put(dir.path(), name, content));
    Server::start(backend, |vhosts| {
        let mut options = mkroot::Options::new(dir.path(), vhosts.join("../site.webroot"));
        options.dialect = dialect;
        mkroot::pack(&options, &()).unwrap_or_else(|error| panic!("{error}: {:?}", error.kind));
        symlink("../site.webroot", vhosts.join("__default__")).unwrap();
    })
}

/// The answer to a GET with more fields.
fn get(server: &Server, target: &str, fields: &str) -> Response {
    let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{fields}\r\n");
    Response::read(&mut server.exchange(request.as_bytes()).as_slice(), false)
}

#[track_caller]
fn assert_moved(server: &Server, target: &str, status: u16, location: &str) {
    let answer = get(server, target, "");
    assert_eq!((answer.status, answer.field("Location")), (status, Some(location)), "{target}");
}

#[track_caller]
fn assert_shows(server: &Server, target: &str, fields: &str, status: u16, body: &str) {
    let answer = get(server, target, fields);
    let shown = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!((answer.status, shown.as_str()), (status, body), "{target}");
}

on_every_backend!(redirects_lead_where_the_file_says);
fn redirects_lead_where_the_file_says(backend: &str) {
    let redirects = "/old /new?from=old 301\n\
                     /moved/* /docs/:splat 302\n\
                     /post/:year/:name https://blog.example/:name#y:year 308\n";
    let files = [
        ("index.html", "hello"),
        ("docs/a.html", "a"),
        ("404.html", "lost"),
        ("_redirects", redirects),
    ];
    let server = serve(backend, Dialect::Strict, &files);
    assert_moved(&server, "/old?x=y", 301, "/new?from=old");
    assert_moved(&server, "/moved/a/b%20c?x=y", 302, "/docs/a/b%20c?x=y");
    assert_moved(&server, "/moved/", 302, "/docs/");
    assert_moved(&server, "/post/2024/hi", 308, "https://blog.example/hi#y2024");
    assert_shows(&server, "/moved", "", 404, "lost");
    assert_shows(&server, "/post/2024/", "", 404, "lost");
    assert_shows(&server, "/docs/a.html", "", 200, "a");
}

on_every_backend!(an_application_of_one_page_works_as_at_netlify);
fn an_application_of_one_page_works_as_at_netlify(backend: &str) {
    let files = [
        ("index.html", "the app"),
        ("assets/app.js", "script"),
        ("_redirects", "/api/* /gone.html 410\n/* /index.html 200\n"),
        ("gone.html", "no longer here"),
    ];
    let server = serve(backend, Dialect::Netlify, &files);
    assert_shows(&server, "/some/route", "", 200, "the app");
    assert_shows(&server, "/assets/app.js", "", 200, "script");
    assert_shows(&server, "/api/users", "", 410, "no longer here");
    let tag = get(&server, "/some/route", "").field("ETag").unwrap().to_owned();
    let again = get(&server, "/other/route", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!(again.status, 304);
}

on_every_backend!(a_fallback_is_for_navigations_alone);
fn a_fallback_is_for_navigations_alone(backend: &str) {
    let files =
        [("index.html", "the app"), ("webroot.toml", "[urls]\nfallback = \"/index.html\"\n")];
    let server = serve(backend, Dialect::Strict, &files);
    let browser =
        "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\n";
    let answer = get(&server, "/some/route?x=y", browser);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"the app"[..]));
    assert_eq!(answer.field("Vary"), Some("Accept, Sec-Fetch-Mode"));
    // What pages load is not there whoever asks.
    assert_eq!(get(&server, "/missing.js", browser).status, 404);
    for (target, fields) in [
        ("/missing", "Accept: */*\r\nSec-Fetch-Mode: no-cors\r\n"),
        ("/missing", "Accept: */*\r\n"),
        ("/missing", ""),
    ] {
        let answer = get(&server, target, fields);
        assert_eq!(answer.status, 404, "{target} {fields}");
        assert_eq!(answer.field("Vary"), Some("Accept, Sec-Fetch-Mode"));
    }
}

on_every_backend!(fields_and_caching_are_those_of_the_policy);
fn fields_and_caching_are_those_of_the_policy(backend: &str) {
    let files = [
        ("index.html", "hello"),
        ("404.html", "lost"),
        ("assets/index-BqX3v9aK.js", "script"),
        ("_headers", "/*\n  X-Frame-Options: DENY\n  Referrer-Policy: no-referrer\n"),
    ];
    let server = serve(backend, Dialect::Strict, &files);
    for target in ["/", "/index.html", "/nowhere"] {
        let answer = get(&server, target, "");
        assert_eq!(answer.field("X-Frame-Options"), Some("DENY"), "{target}");
        assert_eq!(answer.field("Referrer-Policy"), Some("no-referrer"), "{target}");
        let default = Some("public, max-age=0, must-revalidate");
        assert_eq!(answer.field("Cache-Control"), default, "{target}");
    }
    let asset = get(&server, "/assets/index-BqX3v9aK.js", "");
    assert_eq!(asset.field("Cache-Control"), Some("public, max-age=31536000, immutable"));
}

on_every_backend!(the_smallest_variant_that_is_accepted_is_sent);
fn the_smallest_variant_that_is_accepted_is_sent(backend: &str) {
    let page = "<p>the quick brown fox jumps over the lazy dog</p>\n".repeat(100);
    let server = serve(backend, Dialect::Strict, &[("index.html", &page)]);
    let mut tags = Vec::new();
    for (accepted, coding) in [
        ("", None),
        ("Accept-Encoding: gzip, deflate, br, zstd\r\n", Some("br")),
        ("Accept-Encoding: gzip\r\n", Some("gzip")),
        ("Accept-Encoding: zstd\r\n", Some("zstd")),
        ("Accept-Encoding: deflate\r\n", None),
    ] {
        let answer = get(&server, "/", accepted);
        assert_eq!(answer.field("Content-Encoding"), coding, "{accepted}");
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        tags.push(answer.field("ETag").unwrap().to_owned());
        let again =
            get(&server, "/", &format!("{accepted}If-None-Match: {}\r\n", tags.last().unwrap()));
        assert_eq!((again.status, again.field("Vary")), (304, Some("Accept-Encoding")));
    }
    assert_eq!(tags[0], tags[4]);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
}

on_every_backend!(a_language_decides_where_the_file_says_so);
fn a_language_decides_where_the_file_says_so(backend: &str) {
    let files = [
        ("index.html", "hello"),
        ("de/index.html", "hallo"),
        ("_redirects", "/ /de/ 302! Language=de\n"),
    ];
    let server = serve(backend, Dialect::Netlify, &files);
    let german = get(&server, "/", "Accept-Language: de-CH, en;q=0.5\r\n");
    assert_eq!((german.status, german.field("Location")), (302, Some("/de/")));
    assert_eq!(german.field("Vary"), Some("Accept-Language"));
    let english = get(&server, "/", "Accept-Language: en, de;q=0.5\r\n");
    assert_eq!((english.status, english.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(english.field("Vary"), Some("Accept-Language"));
}
