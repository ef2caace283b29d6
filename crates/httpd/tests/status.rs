//! The status socket: what is live, for whoever asks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

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
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
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

#[test]
fn a_peer_that_asks_nothing_does_not_stop_others_for_long() {
    let (_server, dir) = start("sync", &[], |_| {});
    let _silent = UnixStream::connect(dir.path().join("status")).unwrap();
    assert_eq!(ask(&dir).0["vhosts"], 0);
}
