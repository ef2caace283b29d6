//! Descriptors, memory or watches that run out: the daemon serves what it has, says so, and goes on
//! by itself when there are some again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{PATIENCE, Server, Site, numbered, until};

fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

/// Sets a limit of a process that runs.
fn limit(server: &Server, limit: &str) {
    let pid = server.pid().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, limit]).status().unwrap();
    assert!(set.success(), "prlimit {limit}");
}

/// A daemon with one name, a link to `old`; `new` is beside it.
fn start(backend: &str) -> Server {
    Server::start(backend, |vhosts| {
        site(&vhosts.join("../old"), "old");
        site(&vhosts.join("../new"), "new");
        symlink("../old", vhosts.join("one.example")).unwrap();
    })
}

fn swap(server: &Server, target: &str) {
    symlink(format!("../{target}"), server.vhosts().join(".next")).unwrap();
    fs::rename(server.vhosts().join(".next"), server.vhosts().join("one.example")).unwrap();
}

on_every_backend!(without_descriptors_what_is_live_stays_and_the_swap_follows);
fn without_descriptors_what_is_live_stays_and_the_swap_follows(backend: &str) {
    let server = start(backend);
    // Connected first: there will be no descriptor to accept another with.
    let mut kept = server.connect();
    let mut get = || common::ask(&mut kept, "one.example", "/").body;
    assert_eq!(get(), b"old");
    let used = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    limit(&server, &format!("--nofile={}:", used - 2));
    swap(&server, "new");
    let line = server.wait_for_log("stays live");
    assert!(line.contains("vhost one.example: ") && line.contains("Too many open files"), "{line}");
    assert_eq!(get(), b"old");
    limit(&server, "--nofile=1000:");
    until(PATIENCE, "the swap follows", || get() == b"new");
}

on_every_backend!(without_memory_for_a_mapping_what_is_live_stays_and_the_swap_follows);
fn without_memory_for_a_mapping_what_is_live_stays_and_the_swap_follows(backend: &str) {
    let server = start(backend);
    let big = numbered("big", 128 * 1024 * 1024);
    Site::create(&server.dir.path().join("big")).file("/", "text/plain", &big).finish();
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap().trim();
    let size: u64 = size.strip_suffix(" kB").unwrap().parse().unwrap();
    limit(&server, &format!("--as={}:", (size + 64 * 1024) * 1024));
    swap(&server, "big");
    let line = server.wait_for_log("stays live");
    assert!(line.contains("map: Cannot allocate memory"), "{line}");
    assert_eq!(server.get("one.example", "/").body, b"old");
    limit(&server, "--as=unlimited:");
    until(PATIENCE, "the swap follows", || {
        let head = b"HEAD / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
        let length = format!("Content-Length: {}\r\n", big.len());
        String::from_utf8(server.exchange(head)).unwrap().contains(&length)
    });
}

on_every_backend!(without_watches_changes_are_found_by_polling_and_watched_again);
fn without_watches_changes_are_found_by_polling_and_watched_again(backend: &str) {
    if !Command::new("unshare").args(["-Ur", "true"]).status().is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no user namespace can be made here to limit watches in");
        return;
    }
    let few = "echo 1 > /proc/sys/user/max_inotify_watches";
    let server = Server::start_in_namespace(few, backend, |vhosts| {
        fs::create_dir(vhosts.join("../webroots")).unwrap();
        site(&vhosts.join("../webroots/old"), "old");
        symlink("../webroots/old", vhosts.join("one.example")).unwrap();
    });
    let line = server.wait_for_log("can't be watched");
    assert!(line.contains("fs.inotify.max_user_watches"), "{line}");
    let webroots = server.dir.path().join("webroots");
    site(&webroots.join("new"), "new");
    fs::rename(webroots.join("new"), webroots.join("old")).unwrap();
    until(Duration::from_secs(4), "polling finds it", || {
        server.get("one.example", "/").body == b"new"
    });
    let pid = server.pid().to_string();
    let raise = "echo 1000 > /proc/sys/user/max_inotify_watches";
    let raised = Command::new("nsenter")
        .args(["-t", &pid, "-U", "--preserve-credentials", "bash", "-c", raise])
        .status();
    assert!(raised.unwrap().success());
    server.wait_for_log("watched again");
}
