//! Webroots under their identity, and responses that name theirs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::common::{Response, Server};
use crate::on_every_backend;
use crate::site::{NOTICED, TOLD, answering, assert_answers, id, identity, run, shell, start};
use crate::visitor::visited;

/// A daemon with a directory of previews, in which B is.
struct Previewing {
    server: Server,
    dir: tempfile::TempDir,
    /// Identity of B.
    identity: String,
}

impl Previewing {
    fn start(backend: &str, entries: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let flags = [&TOLD[..], &["--previews", dir.path().to_str().unwrap()]].concat();
        let copy = format!("cp B {}/b.webroot", dir.path().display());
        let server = start(backend, &flags, &format!("{entries}; {copy}"));
        let identity = identity(&dir.path().join("b.webroot"));
        Self { server, dir, identity }
    }

    /// Runs shell in the directory of previews; generations are in `$sites`.
    fn run(&self, script: &str) {
        let sites = self.server.dir.path().display();
        shell(self.dir.path(), &format!("sites='{sites}'; {script}"));
    }

    /// Host of a preview by the first digits of an identity.
    fn host(identity: &str, digits: usize) -> String {
        format!("{}.preview.one.example", &identity[..digits])
    }
}

on_every_backend!(a_webroot_is_previewed_by_the_first_digits_of_its_identity);
fn a_webroot_is_previewed_by_the_first_digits_of_its_identity(backend: &str) {
    let Previewing { server, dir: _dir, identity } =
        Previewing::start(backend, "ln -s ../A vhosts/__default__");
    for digits in [7, 12, 63] {
        assert_eq!(answering(&server, &Previewing::host(&identity, digits)), "B", "{digits}");
    }
    for host in [
        // No label of a name in the DNS is that long, but nobody looked it up there.
        Previewing::host(&identity, 64),
        Previewing::host(&identity, 12).to_uppercase(),
        format!("{}.preview.localhost:8080", &identity[..9]),
        format!("{}.preview.a.b.c.", &identity[..7]),
    ] {
        assert_eq!(answering(&server, &host), "B", "{host}");
    }
    // Too few digits, no suffix, another label: names like any other.
    for host in [
        Previewing::host(&identity, 6),
        format!("{}.preview", &identity[..12]),
        format!("{}.previews.one.example", &identity[..12]),
        format!("x.{}.preview.one.example", &identity[..12]),
    ] {
        assert_eq!(answering(&server, &host), "A", "{host}");
    }
    let other = if identity.starts_with('0') { "1" } else { "0" };
    for digits in [7, 12, 64] {
        let host = format!("{}.preview.one.example", other.repeat(digits));
        assert_eq!(answering(&server, &host), "404", "{host}");
    }
}

on_every_backend!(without_a_directory_of_previews_their_hosts_are_like_any_other);
fn without_a_directory_of_previews_their_hosts_are_like_any_other(backend: &str) {
    let server = start(backend, &TOLD, "ln -s ../A vhosts/__default__");
    let host = Previewing::host(&identity(&server.dir.path().join("A")), 12);
    assert_eq!(answering(&server, &host), "A");
    run(&server, &format!("ln -s ../B vhosts/{host}"));
    assert_answers(&server, &host, "B", NOTICED);
}

on_every_backend!(an_entry_of_that_name_goes_before_a_preview);
fn an_entry_of_that_name_goes_before_a_preview(backend: &str) {
    let Previewing { server, dir: _dir, identity } = Previewing::start(backend, "true");
    let host = Previewing::host(&identity, 12);
    visited(&server, &host, "B", |deploys| {
        deploys.deploy("C", NOTICED, &format!("ln -s ../C vhosts/{host}"));
        deploys.deploy("B", 2 * NOTICED, &format!("rm vhosts/{host}"));
    });
}

on_every_backend!(a_preview_comes_and_goes_with_its_file);
fn a_preview_comes_and_goes_with_its_file(backend: &str) {
    let previewing = Previewing::start(backend, "true");
    let server = &previewing.server;
    let [a, b, c] =
        ["A", "B", "C"].map(|name| Previewing::host(&identity(&server.dir.path().join(name)), 12));
    assert_eq!(answering(server, &c), "404");
    visited(server, &b, "B", |_| {
        previewing.run("cp $sites/C .c; mv .c c.webroot");
        assert_answers(server, &c, "C", NOTICED);
        // One after the other, as a copy that is not done is.
        previewing.run("head -c 20000 $sites/A > a; sleep 0.1; tail -c +20001 $sites/A >> a");
        assert_answers(server, &a, "A", NOTICED);
        // Another webroot under the same file name has another identity.
        previewing.run("mv a c.webroot");
        assert_answers(server, &c, "404", NOTICED);
        assert_answers(server, &a, "A", NOTICED);
        previewing.run("rm c.webroot; echo text > notes.txt; mkdir directory");
        assert_answers(server, &a, "404", NOTICED);
    });
}

on_every_backend!(a_preview_is_deployed_by_a_link_to_it);
fn a_preview_is_deployed_by_a_link_to_it(backend: &str) {
    let previewing = Previewing::start(backend, "ln -s ../A vhosts/one.example");
    let server = &previewing.server;
    visited(server, "one.example", "A", |deploys| {
        let target = previewing.dir.path().join("b.webroot");
        let script = format!("ln -sfn {} vhosts/one.example", target.display());
        deploys.deploy("B", NOTICED, &script);
    });
    assert_eq!(answering(server, &Previewing::host(&previewing.identity, 7)), "B");
    assert_eq!(server.descriptors("b.webroot"), 1, "it is opened twice");
}

/// Writes copies of a webroot whose identities begin with the same seven digits, and are its in
/// all that they answer: bytes behind the section table count, and mean nothing (docs/FORMAT.md).
fn twins(webroot: &Path, copies: [&Path; 2]) -> [String; 2] {
    let bytes = fs::read(webroot).unwrap();
    let (header, rest) = bytes.split_at(4096);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&header[..24]).update(&[0; 32]).update(&header[56..4088]);
    let mut seen: HashMap<u32, u64> = HashMap::new();
    for number in 0_u64.. {
        let identity_of = |number: u64| hasher.clone().update(&number.to_le_bytes()).finalize();
        let digits =
            u32::from_be_bytes(*identity_of(number).as_bytes().first_chunk().unwrap()) >> 4;
        if let Some(other) = seen.insert(digits, number) {
            let write = |path: &Path, number: u64| {
                let identity = identity_of(number);
                let mut header = header.to_vec();
                header[24..56].copy_from_slice(identity.as_bytes());
                header[4088..].copy_from_slice(&number.to_le_bytes());
                fs::write(path, [&header, rest].concat()).unwrap();
                identity.to_hex().to_string()
            };
            return [write(copies[0], other), write(copies[1], number)];
        }
    }
    unreachable!("there are only so many beginnings");
}

on_every_backend!(digits_that_two_webroots_begin_with_are_answered_by_neither);
fn digits_that_two_webroots_begin_with_are_answered_by_neither(backend: &str) {
    let previewing = Previewing::start(backend, "ln -s ../A vhosts/__default__");
    let server = &previewing.server;
    let at = |name: &str| server.dir.path().join(name);
    let identities = twins(&at("C"), [&at("one"), &at("other")]);
    let [one, other] = identities.each_ref().map(|identity| Previewing::host(identity, 64));
    let both = Previewing::host(&identities[0], 7);
    assert_eq!(both, Previewing::host(&identities[1], 7));
    previewing.run("cp $sites/one .one; mv .one one");
    assert_answers(server, &both, "C", NOTICED);
    previewing.run("cp $sites/other .other; mv .other other");
    assert_answers(server, &other, "C", NOTICED);
    assert_eq!(answering(server, &one), "C");
    assert_eq!(answering(server, &both), "404");
    previewing.run("rm one");
    assert_answers(server, &both, "C", NOTICED);
}

/// The `Server-Timing` fields of a response to these lines of a request.
fn timings(server: &Server, request: &str) -> (u16, Vec<String>) {
    let text = format!("{request}Host: one.example\r\nConnection: close\r\n\r\n");
    let response = Response::read(&mut server.exchange(text.as_bytes()).as_slice(), false);
    let lines = response.head.lines().filter_map(|line| line.strip_prefix("Server-Timing: "));
    (response.status, lines.map(str::to_owned).collect())
}

on_every_backend!(responses_name_their_webroot_where_that_is_asked_for);
fn responses_name_their_webroot_where_that_is_asked_for(backend: &str) {
    let flags = [&TOLD[..], &["--server-timing"]].concat();
    let server = start(backend, &flags, "ln -s ../A vhosts/one.example");
    let tag = server.get("one.example", "/").field("ETag").unwrap().to_owned();
    let timing = |name: &str| vec![format!("webroot;desc=\"{}\"", id(&server, name))];
    for (request, status) in [
        ("GET / HTTP/1.1\r\n".to_owned(), 200),
        ("GET /large HTTP/1.1\r\n".to_owned(), 200),
        ("GET / HTTP/1.1\r\nRange: bytes=0-1\r\n".to_owned(), 206),
        (format!("GET / HTTP/1.1\r\nIf-None-Match: {tag}\r\n"), 304),
        ("GET /none HTTP/1.1\r\n".to_owned(), 404),
    ] {
        assert_eq!(timings(&server, &request), (status, timing("A")), "{request}");
    }
    run(&server, "ln -sfn ../B vhosts/one.example");
    assert_answers(&server, "one.example", "B", NOTICED);
    assert_eq!(timings(&server, "GET / HTTP/1.1\r\n").1, timing("B"));
}

on_every_backend!(responses_name_no_webroot_by_default);
fn responses_name_no_webroot_by_default(backend: &str) {
    let server = start(backend, &TOLD, "ln -s ../A vhosts/one.example");
    assert_eq!(timings(&server, "GET / HTTP/1.1\r\n"), (200, Vec::new()));
}
