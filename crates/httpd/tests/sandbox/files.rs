//! Which files are served within, and what is told of those that are not.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{PATIENCE, Server, until};
use crate::{of_threads, on_every_backend, pack, shows};

on_every_backend!(each_layer_is_told_at_the_start);
fn each_layer_is_told_at_the_start(backend: &str) {
    let server = Server::start_with(backend, &["--workers", "2", "--sandbox=require"], |vhosts| {
        pack(&vhosts.join("one.example"), "page");
    });
    let line = server.wait_for_log("sandbox: ");
    for layer in ["no new privileges", " capabilities", "Landlock (ABI ", "read /", "seccomp ("] {
        assert!(line.contains(layer), "{layer}: {line}");
    }
    assert_eq!(line.contains("ring restricted"), backend == "io_uring", "{line}");
    assert!(of_threads(&server, "NoNewPrivs").iter().all(|value| value == "1"));
    assert!(of_threads(&server, "Seccomp").iter().all(|value| value == "2"));
    assert!(shows(&server, "one.example", "page"));
}

#[test]
fn off_leaves_the_process_as_it_is() {
    let server = Server::start_with("sync", &["--sandbox=off"], |vhosts| {
        pack(&vhosts.join("one.example"), "page");
    });
    server.wait_for_log("sandbox: none");
    assert!(of_threads(&server, "NoNewPrivs").iter().all(|value| value == "0"));
    assert!(of_threads(&server, "Seccomp").iter().all(|value| value == "0"));
}

#[test]
fn a_link_that_leads_outside_is_refused_and_it_is_told_what_to_do() {
    let (sites, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    pack(&sites.path().join("first"), "first");
    pack(&sites.path().join("second"), "second");
    pack(&outside.path().join("third"), "third");
    fs::write(outside.path().join("redirect"), "https://other.example").unwrap();
    let read = sites.path().to_str().unwrap();
    let server = Server::start_with("sendfile", &["--read", read], |vhosts| {
        symlink(sites.path().join("first"), vhosts.join("one.example")).unwrap();
    });
    assert!(shows(&server, "one.example", "first"));

    let deploy = |target: &std::path::Path, name: &str| {
        let new = server.vhosts().join(".new");
        symlink(target, &new).unwrap();
        fs::rename(&new, server.vhosts().join(name)).unwrap();
    };
    deploy(&outside.path().join("third"), "one.example");
    let line = server.wait_for_log("the sandbox does not let httpd read there");
    assert!(line.contains("one.example: Permission denied"), "{line}");
    assert!(line.contains("--read") && line.contains("stays live"), "{line}");
    assert!(shows(&server, "one.example", "first"));
    deploy(&sites.path().join("second"), "one.example");
    until(PATIENCE, "the second is served", || shows(&server, "one.example", "second"));

    deploy(&outside.path().join("redirect"), "two.example.redirect");
    let line = server.wait_for_log("vhost two.example");
    assert!(line.contains("the sandbox does not let httpd read there"), "{line}");
}

#[test]
fn a_file_that_may_not_be_read_at_all_is_not_blamed_on_the_sandbox() {
    let server = Server::start_with("sync", &["--user", "65534:65534"], |vhosts| {
        fs::set_permissions(vhosts.parent().unwrap(), crate::user::open()).unwrap();
        pack(&vhosts.join("one.example"), "page");
        fs::set_permissions(vhosts.join("one.example"), crate::user::closed()).unwrap();
    });
    let line = server.wait_for_log("Permission denied");
    assert!(!line.contains("sandbox"), "{line}");
}

#[test]
fn a_directory_to_read_that_is_not_there_is_an_error() {
    let vhosts = tempfile::tempdir().unwrap();
    let mut httpd = std::process::Command::new(env!("CARGO_BIN_EXE_httpd"));
    let output = httpd.arg(vhosts.path()).args(["--read", "/nowhere"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("/nowhere is not a directory"), "{text}");
}
