//! `webroot explain` and `httpd` answer alike, byte for byte.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use common::{Response, Server, Site, etag, numbered, program};
use webroot::{
    Coding, Pattern, PatternPiece, RuleKind, RuleSpec, Template, TemplatePiece, layout::MAX_PATH,
};

fn lay(vhosts: &Path) {
    let path = vhosts.join("../site.webroot");
    let html = "text/html; charset=utf-8";
    let coded: [(Coding, &[u8]); 3] = [
        (Coding::Identity, b"<p>as it was written</p>"),
        (Coding::Gzip, b"(gzip of it)"),
        (Coding::Br, b"(br of it)"),
    ];
    let from = [PatternPiece::Literal(b"/old/"), PatternPiece::Splat];
    let to = [TemplatePiece::Literal(b"/new/"), TemplatePiece::Capture(1)];
    Site::create(&path)
        .variants("/", html, &coded)
        .variants("/only", html, &[(Coding::Gzip, b"(gzip)")])
        .file("/small.txt", "text/plain", &numbered("small", 1000))
        .file("/large.bin", "application/octet-stream", &numbered("large", 300_000))
        .file("/empty", "text/plain", b"")
        .redirect("/d", 301, "/d/#top")
        .error_page("/", 404, b"lost")
        .error_page("/", 405, b"not so")
        .navigation_page("/app/", html, b"the application")
        .rule(&RuleSpec {
            line: Some(1),
            kind: RuleKind::Redirect,
            status: 308,
            normalise: false,
            forced: false,
            keep_query: true,
            from: &Pattern::new(&from).unwrap(),
            to: &Template::new(&to).unwrap(),
            fragment: &Template::default(),
            conditions: &[],
        })
        .finish();
    symlink("../site.webroot", vhosts.join("__default__")).unwrap();
}

/// An answer without the field that changes from second to second.
fn undated(answer: &[u8]) -> String {
    let text = answer.escape_ascii().to_string();
    let (before, rest) = text.split_once("\\r\\nDate: ").expect("no Date");
    let (date, after) = rest.split_once("\\r\\n").unwrap();
    assert_eq!(date.len(), "Tue, 14 Nov 2023 22:13:20 GMT".len());
    format!("{before}\\r\\n{after}")
}

fn served(server: &Server, line: &str, fields: &[String]) -> Vec<u8> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let mut stream = server.connect();
    stream.write_all(format!("{line}\r\nHost: localhost\r\n{fields}\r\n").as_bytes()).unwrap();
    let Response { head, body, .. } = Response::read(&mut stream, line.starts_with("HEAD "));
    [head.into_bytes(), body].concat()
}

fn explained(server: &Server, line: &str, fields: &[String]) -> Vec<u8> {
    let mut command = Command::new(program("webroot"));
    command.arg("explain").arg(server.dir.path().join("site.webroot")).arg(line).arg("--body");
    command.args(fields.iter().flat_map(|field| ["-H", field.as_str()]));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    assert!(output.stderr.is_empty(), "{line}: {output:?}");
    output.stdout
}

on_every_backend!(what_is_explained_is_what_is_served);
fn what_is_explained_is_what_is_served(backend: &str) {
    let server = Server::start(backend, lay);
    let small = etag(&numbered("small", 1000));
    let long = format!("GET /{} HTTP/1.1", "x".repeat(MAX_PATH));
    let cases: &[(&str, &[&str])] = &[
        ("GET / HTTP/1.1", &[]),
        ("GET / HTTP/1.1", &["Accept-Encoding: gzip, br"]),
        ("GET / HTTP/1.1", &["Accept-Encoding: gzip"]),
        ("GET / HTTP/1.1", &["Accept-Encoding: identity;q=0, *;q=0"]),
        ("HEAD / HTTP/1.1", &["Accept-Encoding: br"]),
        ("GET / HTTP/1.0", &["Connection: keep-alive"]),
        ("GET / HTTP/1.0", &[]),
        ("GET /only HTTP/1.1", &["Accept-Encoding: br"]),
        ("GET /empty HTTP/1.1", &["Connection: close"]),
        ("GET /small.txt HTTP/1.1", &["If-None-Match: SMALL"]),
        ("GET /small.txt HTTP/1.1", &["If-None-Match: \"other\", W/SMALL"]),
        ("GET /small.txt HTTP/1.1", &["If-Match: \"other\""]),
        ("GET /small.txt HTTP/1.1", &["If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT"]),
        ("GET /small.txt HTTP/1.1", &["Range: bytes=10-19"]),
        ("GET /small.txt HTTP/1.1", &["Range: bytes=0-9,500-509,-1"]),
        ("GET /small.txt HTTP/1.1", &["Range: bytes=5000-"]),
        ("GET /small.txt HTTP/1.1", &["Range: bytes=0-9", "If-Range: SMALL"]),
        ("GET /small.txt HTTP/1.1", &["Range: bytes=0-9", "If-Range: \"other\""]),
        ("GET /large.bin HTTP/1.1", &[]),
        ("GET /large.bin HTTP/1.1", &["Range: bytes=100-250000"]),
        ("HEAD /large.bin HTTP/1.1", &[]),
        ("GET /d?a=b HTTP/1.1", &[]),
        ("GET /nothing HTTP/1.1", &[]),
        ("HEAD /nothing HTTP/1.1", &[]),
        ("GET /old/x%20y?q HTTP/1.1", &[]),
        ("GET /app/inbox HTTP/1.1", &["Accept: text/html"]),
        ("GET /app/inbox HTTP/1.1", &["Accept: */*"]),
        ("GET http://other.example/small.txt HTTP/1.1", &[]),
        ("OPTIONS * HTTP/1.1", &[]),
        ("POST / HTTP/1.1", &["Content-Length: 0"]),
        ("BREW / HTTP/1.1", &[]),
        ("GET /../x HTTP/1.1", &[]),
        ("GET /%zz HTTP/1.1", &[]),
        ("GET / HTTP/1.1", &["Host: twice"]),
        ("GET / HTTP/1.1", &["Bad : x"]),
        ("GET / HTTP/2.0", &[]),
        (&long, &[]),
    ];
    for (line, fields) in cases {
        let named = |field: &str| field.replace("SMALL", &small);
        let fields: Vec<_> = fields.iter().map(|field| named(field)).collect();
        // With a field of that name in the command, the default would be left out.
        let hosted = match fields.iter().any(|field| field.starts_with("Host:")) {
            true => [vec!["Host: localhost".to_owned()], fields.clone()].concat(),
            false => fields.clone(),
        };
        let served = served(&server, line, &fields);
        let explained = explained(&server, line, &hosted);
        assert_eq!(undated(&explained), undated(&served), "{line} {fields:?}");
    }
}
