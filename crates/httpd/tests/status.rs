//! The status socket: what is live, for whoever asks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Server, Site, until};
use serde_json::Value;

fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

/// A daemon with a status socket beside its vhosts directory.
fn start(backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> (Server, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("status");
    let mut all = vec!["--workers", "2", "--status", socket.to_str().unwrap()];
    all.extend(flags);
    (Server::start_with(backend, &all, lay), dir)
}

/// The line of the daemon, and those of the virtual hosts.
fn ask(dir: &tempfile::TempDir) -> (Value, Vec<Value>) {
    let mut socket = UnixStream::connect(dir.path().join("status")).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    told(socket)
}

/// What comes at the socket.
fn told(mut socket: UnixStream) -> (Value, Vec<Value>) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    let length = format!("\r\nContent-Length: {}\r\n", body.len());
    assert!(head.contains(&length), "{head}, but {} bytes", body.len());
    let mut lines = body.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

on_every_backend!(what_is_live_is_told_with_where_it_is_and_what_was_asked_of_it);
fn what_is_live_is_told_with_where_it_is_and_what_was_asked_of_it(backend: &str) {
    let (server, dir) = start(backend, &[], |vhosts| {
        site(&vhosts.join("../one"), "one");
        symlink("../one", vhosts.join("one.example")).unwrap();
        site(&vhosts.join("__default__"), "rest");
        fs::write(vhosts.join("bad.example"), "bad").unwrap();
        fs::write(vhosts.join("old.example.redirect"), "https://one.example 308").unwrap();
    });
    for _ in 0..5 {
        assert_eq!(server.get("one.example", "/").body, b"one");
    }
    assert_eq!(server.get("old.example", "/").status, 308);
    let (daemon, vhosts) = ask(&dir);
    assert_eq!((&daemon["vhosts"], &daemon["open"]), (&4.into(), &2.into()), "{daemon}");
    let named = |name: &str| vhosts.iter().find(|vhost| vhost["vhost"] == name).unwrap();
    let one = named("one.example");
    let file = fs::canonicalize(server.dir.path().join("one")).unwrap();
    let webroot = webroot::Webroot::open(&file).unwrap();
    assert_eq!(one["state"], "live");
    assert_eq!(one["id"], webroot.identity().to_string());
    assert_eq!(one["path"], file.to_str().unwrap());
    assert_eq!(one["requests"], 5);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(now.as_secs() - one["since"].as_u64().unwrap() < 60, "{one}");
    assert_eq!(
        (&named("__default__")["requests"], &named("__default__")["state"]),
        (&0.into(), &"live".into())
    );
    let bad = named("bad.example");
    assert_eq!(bad["state"], "failed");
    assert!(bad["complaint"].as_str().unwrap().contains("not a webroot"), "{bad}");
    let redirect = named("old.example");
    assert_eq!(
        (&redirect["state"], &redirect["to"]),
        (&"redirect".into(), &"https://one.example".into())
    );
    assert_eq!(redirect["requests"], 1);
}

on_every_backend!(a_swap_is_told_with_the_new_identity);
fn a_swap_is_told_with_the_new_identity(backend: &str) {
    let (server, dir) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    let id = |dir: &tempfile::TempDir| ask(dir).1[0]["id"].clone();
    let old = id(&dir);
    site(&server.dir.path().join("new"), "new");
    fs::rename(server.dir.path().join("new"), server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "the new one is told", || id(&dir) != old);
    assert_eq!(server.get("one.example", "/").body, b"new");
}

on_every_backend!(a_webroot_that_was_changed_in_place_is_told);
fn a_webroot_that_was_changed_in_place_is_told(backend: &str) {
    let (server, dir) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    fs::File::options()
        .write(true)
        .open(server.vhosts().join("one.example"))
        .unwrap()
        .set_len(5000)
        .unwrap();
    until(PATIENCE, "it is told", || ask(&dir).1[0]["state"] == "changed in place");
    let complaint = ask(&dir).1[0]["complaint"].clone();
    assert!(complaint.as_str().unwrap().contains("5000 bytes"), "{complaint}");
}

#[test]
fn the_socket_of_a_daemon_that_runs_no_more_is_replaced_and_that_of_another_is_not() {
    let (server, dir) = start("sync", &[], |_| {});
    let path = dir.path().join("status");
    let second = Command::new(env!("CARGO_BIN_EXE_httpd"))
        .arg(server.vhosts())
        .args(["sync", "--listen", "127.0.0.1:0", "--status"])
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && told.contains("another daemon answers there"), "{told}");
    // Dropping it kills it, so that its socket stays.
    drop(server);
    assert!(path.exists());
    let flags = ["--status", path.to_str().unwrap()];
    let _server = Server::start_with("sync", &flags, |_| {});
    assert_eq!(ask(&dir).0["vhosts"], 0);
}

/// Starts a daemon that can't, because of its status socket; what it says.
fn refused(path: &Path) -> String {
    let vhosts = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_httpd")])
        .arg(vhosts.path())
        .args(["sync", "--listen", "127.0.0.1:0", "--status"])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("status");
    fs::write(&path, "precious").unwrap();
    let told = refused(&path);
    assert!(told.contains("/status: ") && told.contains("it is no socket"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let told = refused(&dir.path().join("nothing/status"));
    assert!(told.contains("can't listen on ") && told.contains("/nothing/status: "), "{told}");
}

on_every_backend!(what_stays_live_is_told_with_what_is_wrong_with_its_entry);
fn what_stays_live_is_told_with_what_is_wrong_with_its_entry(backend: &str) {
    let (server, dir) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    let old = ask(&dir).1[0].clone();
    assert_eq!((&old["state"], &old["complaint"]), (&"live".into(), &Value::Null));
    let file = server.dir.path().join("next");
    fs::write(&file, "bad").unwrap();
    fs::rename(&file, server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "it is told", || ask(&dir).1[0]["complaint"].is_string());
    let one = &ask(&dir).1[0];
    assert_eq!((&one["state"], &one["id"]), (&"live".into(), &old["id"]));
    assert!(one["complaint"].as_str().unwrap().contains("not a webroot"), "{one}");
    site(&file, "new");
    fs::rename(&file, server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "the new one is told", || ask(&dir).1[0]["id"] != old["id"]);
    assert_eq!(ask(&dir).1[0]["complaint"], Value::Null);
}

on_every_backend!(what_is_dormant_is_told_and_is_not_opened_for_that);
fn what_is_dormant_is_told_and_is_not_opened_for_that(backend: &str) {
    let names = ["a.example", "b.example", "c.example"];
    let (server, dir) = start(backend, &["--max-open", "1"], |vhosts| {
        for name in names {
            site(&vhosts.join("..").join(name), name);
            symlink(format!("../{name}"), vhosts.join(name)).unwrap();
        }
    });
    let states = || ask(&dir).1.iter().map(|vhost| vhost["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states(), ["dormant", "dormant", "dormant"]);
    assert_eq!(ask(&dir).0["open"], 0);
    assert_eq!(server.get("b.example", "/").body, b"b.example");
    assert_eq!(states(), ["dormant", "live", "dormant"]);
    assert_eq!(server.get("c.example", "/").body, b"c.example");
    until(PATIENCE, "the first is evicted", || states() == ["dormant", "dormant", "live"]);
    let (daemon, vhosts) = ask(&dir);
    assert_eq!((&daemon["vhosts"], &daemon["open"]), (&3.into(), &1.into()));
    let requests: Vec<_> = vhosts.iter().map(|vhost| &vhost["requests"]).collect();
    assert_eq!(requests, [0, 1, 1], "what was asked is kept");
}

on_every_backend!(what_verification_found_is_counted);
fn what_verification_found_is_counted(backend: &str) {
    let (server, dir) = start(backend, &["--verify", "full"], |vhosts| {
        site(&vhosts.join("good.example"), "good");
        site(&vhosts.join("spoilt.example"), "spoilt");
        let mut bytes = fs::read(vhosts.join("spoilt.example")).unwrap();
        let at = bytes.windows(6).rposition(|text| text == b"spoilt").unwrap();
        bytes[at] ^= 1;
        fs::write(vhosts.join("spoilt.example"), bytes).unwrap();
    });
    let counts = || {
        let daemon = ask(&dir).0;
        ["verifying", "verified", "damaged"].map(|name| daemon[name].as_u64().unwrap())
    };
    until(PATIENCE, "both are verified", || counts() == [0, 1, 1]);
    until(PATIENCE, "the good one is live", || server.get("good.example", "/").body == b"good");
    until(PATIENCE, "what is wrong is told", || ask(&dir).1[1]["complaint"].is_string());
    let vhosts = ask(&dir).1;
    assert_eq!((&vhosts[0]["state"], &vhosts[1]["state"]), (&"live".into(), &"failed".into()));
    assert!(vhosts[1]["complaint"].as_str().unwrap().contains("damaged: "), "{}", vhosts[1]);
}

on_every_backend!(names_of_all_kinds_are_told_in_order_and_previews_behind_them);
fn names_of_all_kinds_are_told_in_order_and_previews_behind_them(backend: &str) {
    let previews = tempfile::tempdir().unwrap();
    site(&previews.path().join("build-7"), "preview");
    let flags = ["--previews", previews.path().to_str().unwrap()];
    let (server, dir) = start(backend, &flags, |vhosts| {
        for name in
            ["__default__", "*.example.com", "b.example", "A.example.", "b\u{fc}cher.example"]
        {
            site(&vhosts.join(name), name);
        }
        fs::write(vhosts.join("*.old.example.redirect"), "https://b.example 302").unwrap();
    });
    let webroot = webroot::Webroot::open(previews.path().join("build-7")).unwrap();
    let id = webroot.identity().to_string();
    let preview = format!("{}.preview.example", &id[..7]);
    until(PATIENCE, "the preview is served", || server.get(&preview, "/").body == b"preview");
    let (daemon, vhosts) = ask(&dir);
    assert_eq!(daemon["vhosts"], 6, "previews are not counted among the names: {daemon}");
    let names: Vec<_> = vhosts.iter().map(|vhost| vhost["vhost"].as_str().unwrap()).collect();
    let expected = ["a.example", "b.example", "xn--bcher-kva.example", "*.example.com"];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..6], ["*.old.example", "__default__"]);
    assert_eq!(names[6..], [format!("{}.preview", &id[..12])]);
    assert_eq!((&vhosts[6]["id"], &vhosts[6]["state"]), (&id.into(), &"live".into()));
}

#[test]
fn a_path_with_any_bytes_stays_on_its_line() {
    let (_server, dir) = start("sync", &[], |vhosts| {
        let strange = OsStr::from_bytes(b"quote\" line\nreturn\r escape\x1b raw\xff");
        site(&vhosts.join("..").join(strange), "one");
        symlink(Path::new("..").join(strange), vhosts.join("one.example")).unwrap();
    });
    let (_, vhosts) = ask(&dir);
    assert_eq!(vhosts.len(), 1);
    let path = vhosts[0]["path"].as_str().unwrap();
    assert!(path.ends_with("quote\" line\nreturn\r escape\u{1b} raw\u{fffd}"), "{path:?}");
}

#[test]
fn whatever_is_asked_is_told_the_same() {
    let (_server, dir) = start("sync", &[], |vhosts| site(&vhosts.join("one.example"), "one"));
    let expected = ask(&dir);
    for question in [
        &b"HEAD /any?thing HTTP/1.1\r\nHost: h\r\n\r\n"[..],
        b"POST / HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\xff\0\r\n\r\n",
        b"no end of a head",
        b"",
    ] {
        let mut socket = UnixStream::connect(dir.path().join("status")).unwrap();
        socket.write_all(question).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(told(socket), expected, "{}", question.escape_ascii());
    }
}

#[test]
fn curl_can_ask() {
    let (_server, dir) = start("sync", &[], |vhosts| site(&vhosts.join("one.example"), "one"));
    let curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--unix-socket"])
        .arg(dir.path().join("status"))
        .arg("http://localhost/")
        .output()
        .unwrap();
    assert!(curl.status.success(), "{}", String::from_utf8_lossy(&curl.stderr));
    let (daemon, vhosts) = ask(&dir);
    let lines = String::from_utf8(curl.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [daemon, vhosts[0].clone()]);
}

/// Asks while another peer is connected, which takes a `turn` again and again: that waits for no
/// longer than a peer may take to ask and to be told.
fn assert_told_beside(dir: &tempfile::TempDir, mut turn: impl FnMut(&mut UnixStream) + Send) {
    let mut socket = UnixStream::connect(dir.path().join("status")).unwrap();
    let is_told = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_told.load(Ordering::Relaxed) {
                turn(&mut socket);
                thread::sleep(Duration::from_millis(200));
            }
        });
        let start = Instant::now();
        let told = catch_unwind(AssertUnwindSafe(|| ask(dir)));
        is_told.store(true, Ordering::Relaxed);
        assert!(told.is_ok() && start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    });
}

#[test]
fn a_peer_that_asks_nothing_does_not_stop_others_for_long() {
    let (_server, dir) = start("sync", &[], |_| {});
    assert_told_beside(&dir, |_| {});
}

#[test]
fn a_peer_that_asks_a_byte_at_a_time_does_not_stop_others_for_long() {
    let (_server, dir) = start("sync", &[], |_| {});
    assert_told_beside(&dir, |socket| drop(socket.write(b"a")));
}

#[test]
fn a_peer_that_takes_the_answer_a_bit_at_a_time_does_not_stop_others_for_long() {
    let (_server, dir) = start("sync", &["--max-open", "1"], |vhosts| {
        for number in 0..2000 {
            // A long name, for more than a socket takes at once.
            symlink("../nothing", vhosts.join(format!("{number:0200}.example"))).unwrap();
        }
    });
    assert_eq!(ask(&dir).1.len(), 2000);
    let mut has_asked = false;
    assert_told_beside(&dir, |socket| {
        if !std::mem::replace(&mut has_asked, true) {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        }
        drop(socket.read(&mut [0; 4096]));
    });
}

#[test]
fn a_peer_that_goes_away_stops_nothing() {
    let (server, dir) = start("sync", &[], |vhosts| site(&vhosts.join("one.example"), "one"));
    for question in [&b""[..], b"GET /", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut socket = UnixStream::connect(dir.path().join("status")).unwrap();
        socket.write_all(question).unwrap();
    }
    assert_eq!(ask(&dir).1.len(), 1);
    assert_eq!(server.get("one.example", "/").body, b"one");
    assert!(server.log().iter().all(|line| !line.contains("status: ")), "{:#?}", server.log());
}
