//! The vhosts directory: names, additions, replacements and removals while the daemon runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{PATIENCE, Response, Server, Site, until};

/// Longest that a change of the directory may take to be seen.
const NOTICED: Duration = Duration::from_secs(1);
/// Longest that a change may take which happens elsewhere and is found by looking every second.
const FOUND: Duration = Duration::from_secs(2);

/// Packs a site with one page.
fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

/// A daemon with one name, a link to a webroot beside the vhosts directory.
fn one_linked(backend: &str) -> Server {
    Server::start(backend, |vhosts| {
        site(&vhosts.join("../old"), "old");
        symlink("../old", vhosts.join("one.example")).unwrap();
    })
}

/// Waits until a host answers with a text.
fn assert_served(server: &Server, host: &str, text: &str, limit: Duration) {
    until(limit, &format!("{host} serves {text}; {:#?}", server.log()), || {
        server.get(host, "/").body == text.as_bytes()
    });
}

/// Waits until a host is answered 404: it is served for the grace period of a second first.
fn assert_gone(server: &Server, host: &str) {
    until(NOTICED + FOUND, &format!("{host} is gone"), || server.get(host, "/").status == 404);
}

/// Waits until the daemon has looked at the directory again: a name that was just added is served.
fn assert_looked(server: &Server, name: &str) {
    site(&server.dir.path().join(name), name);
    symlink(server.dir.path().join(name), server.vhosts().join(name)).unwrap();
    assert_served(server, name, name, NOTICED);
}

/// Number of lines of the log that have `text` in them.
fn told(server: &Server, text: &str) -> usize {
    server.log().iter().filter(|line| line.contains(text)).count()
}

on_every_backend!(a_host_is_compared_without_port_case_and_last_dot);
fn a_host_is_compared_without_port_case_and_last_dot(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("../one"), "one");
        symlink("../one", vhosts.join("one.example")).unwrap();
    });
    for host in [
        "one.example",
        "ONE.example",
        "one.example.",
        "one.example:8080",
        "one.example:",
        "One.Example.:80",
    ] {
        assert_eq!(server.get(host, "/").body, b"one", "{host}");
    }
}

on_every_backend!(an_entry_is_compared_without_case_and_last_dot);
fn an_entry_is_compared_without_case_and_last_dot(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("One.Example"), "one");
        site(&vhosts.join("two.example."), "two");
    });
    assert_eq!(server.get("one.example", "/").body, b"one");
    assert_eq!(server.get("two.example", "/").body, b"two");
}

on_every_backend!(a_part_of_a_name_is_another_name);
fn a_part_of_a_name_is_another_name(backend: &str) {
    let server = one_linked(backend);
    for host in ["example", "www.one.example", "one.example..", "one.exampl", "ne.example"] {
        assert_eq!(server.get(host, "/").status, 404, "{host}");
    }
}

on_every_backend!(the_default_answers_every_other_name);
fn the_default_answers_every_other_name(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("one.example"), "one");
        site(&vhosts.join("__default__"), "rest");
    });
    for host in ["two.example", "127.0.0.1:80", "[::1]:80", "localhost"] {
        assert_eq!(server.get(host, "/").body, b"rest", "{host}");
    }
    assert_eq!(server.get("one.example", "/").body, b"one");
}

on_every_backend!(the_default_answers_a_request_without_host);
fn the_default_answers_a_request_without_host(backend: &str) {
    let server = Server::start(backend, |vhosts| site(&vhosts.join("__default__"), "rest"));
    let answer = server.exchange(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(Response::read(&mut answer.as_slice(), false).body, b"rest");
}

on_every_backend!(an_unknown_host_without_default_is_answered_404);
fn an_unknown_host_without_default_is_answered_404(backend: &str) {
    let server = one_linked(backend);
    assert_eq!(server.get("two.example", "/").status, 404);
    assert_eq!(server.get("one.example", "/").status, 200);
}

on_every_backend!(an_empty_directory_is_warned_of_and_answered_404);
fn an_empty_directory_is_warned_of_and_answered_404(backend: &str) {
    let server = Server::start(backend, |_| {});
    assert_eq!(server.get("one.example", "/").status, 404);
    let line = server.wait_for_log("no entry");
    assert!(line.contains("warning") && line.contains("/vhosts"), "{line}");
}

on_every_backend!(the_first_webroot_of_an_empty_directory_is_served);
fn the_first_webroot_of_an_empty_directory_is_served(backend: &str) {
    let server = Server::start(backend, |_| {});
    site(&server.vhosts().join("../one"), "one");
    symlink("../one", server.vhosts().join("one.example")).unwrap();
    assert_served(&server, "one.example", "one", NOTICED);
}

on_every_backend!(a_name_that_is_added_is_served);
fn a_name_that_is_added_is_served(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../two"), "two");
    symlink("../two", server.vhosts().join("two.example")).unwrap();
    assert_served(&server, "two.example", "two", NOTICED);
    assert_eq!(server.get("one.example", "/").body, b"old");
}

on_every_backend!(a_default_that_is_added_answers_every_other_name);
fn a_default_that_is_added_answers_every_other_name(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../rest"), "rest");
    symlink("../rest", server.vhosts().join("__default__")).unwrap();
    assert_served(&server, "two.example", "rest", NOTICED);
}

on_every_backend!(a_link_that_ln_replaces_takes_effect);
fn a_link_that_ln_replaces_takes_effect(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../new"), "new");
    let link = server.vhosts().join("one.example");
    let ln = Command::new("ln").args(["-sfn", "../new"]).arg(link).status().unwrap();
    assert!(ln.success());
    assert_served(&server, "one.example", "new", NOTICED);
}

on_every_backend!(a_link_that_is_renamed_over_a_link_takes_effect);
fn a_link_that_is_renamed_over_a_link_takes_effect(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../new"), "new");
    symlink("../new", server.vhosts().join(".one.example")).unwrap();
    fs::rename(server.vhosts().join(".one.example"), server.vhosts().join("one.example")).unwrap();
    assert_served(&server, "one.example", "new", NOTICED);
}

on_every_backend!(a_file_that_is_renamed_over_a_file_takes_effect);
fn a_file_that_is_renamed_over_a_file_takes_effect(backend: &str) {
    let server = Server::start(backend, |vhosts| site(&vhosts.join("one.example"), "old"));
    assert_eq!(server.get("one.example", "/").body, b"old");
    site(&server.vhosts().join("../new"), "new");
    fs::rename(server.vhosts().join("../new"), server.vhosts().join("one.example")).unwrap();
    assert_served(&server, "one.example", "new", NOTICED);
}

on_every_backend!(a_link_that_is_put_back_takes_effect);
fn a_link_that_is_put_back_takes_effect(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../new"), "new");
    for (target, text) in [("../new", "new"), ("../old", "old"), ("../new", "new")] {
        symlink(target, server.vhosts().join(".link")).unwrap();
        fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
        assert_served(&server, "one.example", text, NOTICED);
    }
}

on_every_backend!(a_replacement_is_told_with_its_target);
fn a_replacement_is_told_with_its_target(backend: &str) {
    let server = one_linked(backend);
    let new = server.dir.path().join("new");
    site(&new, "new");
    symlink("../new", server.vhosts().join(".link")).unwrap();
    fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
    let new = fs::canonicalize(new).unwrap();
    server.wait_for_log(&format!("vhost one.example: {} ", new.display()));
}

on_every_backend!(a_name_that_is_removed_is_answered_404);
fn a_name_that_is_removed_is_answered_404(backend: &str) {
    let server = one_linked(backend);
    assert_eq!(server.get("one.example", "/").status, 200);
    fs::remove_file(server.vhosts().join("one.example")).unwrap();
    assert_gone(&server, "one.example");
    server.wait_for_log("vhost one.example: removed");
}

on_every_backend!(a_name_that_is_removed_falls_to_the_default);
fn a_name_that_is_removed_falls_to_the_default(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("one.example"), "one");
        site(&vhosts.join("__default__"), "rest");
    });
    fs::remove_file(server.vhosts().join("one.example")).unwrap();
    assert_served(&server, "one.example", "rest", FOUND);
}

on_every_backend!(a_name_that_was_removed_can_come_back);
fn a_name_that_was_removed_can_come_back(backend: &str) {
    let server = one_linked(backend);
    fs::remove_file(server.vhosts().join("one.example")).unwrap();
    assert_gone(&server, "one.example");
    symlink("../old", server.vhosts().join("one.example")).unwrap();
    assert_served(&server, "one.example", "old", NOTICED);
}

on_every_backend!(a_default_that_is_removed_leaves_other_names);
fn a_default_that_is_removed_leaves_other_names(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("one.example"), "one");
        site(&vhosts.join("__default__"), "rest");
    });
    fs::remove_file(server.vhosts().join("__default__")).unwrap();
    assert_gone(&server, "two.example");
    assert_eq!(server.get("one.example", "/").body, b"one");
}

on_every_backend!(a_name_that_is_renamed_is_served_under_the_new_one_only);
fn a_name_that_is_renamed_is_served_under_the_new_one_only(backend: &str) {
    let server = one_linked(backend);
    let name = |name| server.vhosts().join(name);
    fs::rename(name("one.example"), name("two.example")).unwrap();
    assert_served(&server, "two.example", "old", NOTICED);
    assert_gone(&server, "one.example");
}

on_every_backend!(a_name_that_begins_with_a_dot_is_ignored);
fn a_name_that_begins_with_a_dot_is_ignored(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join(".hidden"), "hidden");
    assert_looked(&server, "two.example");
    assert_eq!(server.get(".hidden", "/").status, 404);
    assert_eq!(told(&server, ".hidden"), 0, "{:#?}", server.log());
}

on_every_backend!(a_name_that_is_no_host_is_told_once);
fn a_name_that_is_no_host_is_told_once(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("no host"), "");
    let line = server.wait_for_log("no host");
    assert!(line.contains("does not name a host"), "{line}");
    assert_looked(&server, "two.example");
    assert_looked(&server, "three.example");
    assert_eq!(told(&server, "no host"), 1, "{:#?}", server.log());
}

/// Puts a bad file in the place of a live one: the live one stays, the operator is told what is
/// wrong and where, and a good one takes over.
fn assert_refused(backend: &str, spoil: impl FnOnce(&mut Vec<u8>), complaint: &str) {
    let server = one_linked(backend);
    let name = |name| server.vhosts().join(name);
    site(&name("../new"), "new");
    let mut bytes = fs::read(name("../new")).unwrap();
    spoil(&mut bytes);
    fs::write(name(".bad"), bytes).unwrap();
    fs::rename(name(".bad"), name("one.example")).unwrap();

    let line = server.wait_for_log(complaint);
    assert!(line.contains("warning: vhost one.example: "), "{line}");
    assert!(line.contains("stays live"), "{line}");
    assert_eq!(server.get("one.example", "/").body, b"old");

    fs::rename(name("../new"), name("one.example")).unwrap();
    assert_served(&server, "one.example", "new", NOTICED);
    assert_eq!(told(&server, complaint), 1, "{:#?}", server.log());
}

on_every_backend!(a_truncated_copy_is_refused_and_the_old_stays);
fn a_truncated_copy_is_refused_and_the_old_stays(backend: &str) {
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    assert_refused(backend, cut, "the header at offset 16 says");
}

on_every_backend!(a_copy_that_ends_inside_the_header_is_refused_and_the_old_stays);
fn a_copy_that_ends_inside_the_header_is_refused_and_the_old_stays(backend: &str) {
    assert_refused(
        backend,
        |bytes| bytes.truncate(1000),
        "1000 bytes, but the header at offset 16",
    );
}

on_every_backend!(an_empty_file_is_refused_and_the_old_stays);
fn an_empty_file_is_refused_and_the_old_stays(backend: &str) {
    assert_refused(backend, Vec::clear, "not a webroot: wrong magic at offset 0");
}

on_every_backend!(a_text_is_refused_and_the_old_stays);
fn a_text_is_refused_and_the_old_stays(backend: &str) {
    let text = |bytes: &mut Vec<u8>| *bytes = b"<!doctype html>\n".repeat(1000);
    assert_refused(backend, text, "not a webroot: wrong magic at offset 0");
}

on_every_backend!(a_damaged_header_is_refused_and_the_old_stays);
fn a_damaged_header_is_refused_and_the_old_stays(backend: &str) {
    assert_refused(
        backend,
        |bytes| bytes[100] ^= 1,
        "damaged: header does not match its identity at offset 24",
    );
}

on_every_backend!(another_version_is_refused_and_the_old_stays);
fn another_version_is_refused_and_the_old_stays(backend: &str) {
    assert_refused(backend, |bytes| bytes[8] = 9, "webroot of format version 9 at offset 8");
}

on_every_backend!(a_directory_in_the_place_of_a_file_is_refused_and_the_old_stays);
fn a_directory_in_the_place_of_a_file_is_refused_and_the_old_stays(backend: &str) {
    let server = one_linked(backend);
    symlink("..", server.vhosts().join(".link")).unwrap();
    fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
    let line = server.wait_for_log("not a file");
    assert!(line.contains("vhost one.example: ") && line.contains("stays live"), "{line}");
    assert_eq!(server.get("one.example", "/").body, b"old");
}

on_every_backend!(a_link_to_nothing_is_told_once_and_the_old_stays);
fn a_link_to_nothing_is_told_once_and_the_old_stays(backend: &str) {
    let server = one_linked(backend);
    symlink("../nothing", server.vhosts().join(".link")).unwrap();
    fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
    let line = server.wait_for_log("stays live");
    assert!(line.contains("vhost one.example: ") && line.contains("No such file"), "{line}");
    assert_looked(&server, "two.example");
    assert_eq!(server.get("one.example", "/").body, b"old");
    assert_eq!(told(&server, "stays live"), 1, "{:#?}", server.log());
}

on_every_backend!(a_link_whose_target_is_removed_keeps_the_old);
fn a_link_whose_target_is_removed_keeps_the_old(backend: &str) {
    let server = one_linked(backend);
    fs::remove_file(server.vhosts().join("../old")).unwrap();
    server.wait_for_log("stays live");
    assert_eq!(server.get("one.example", "/").body, b"old");
}

on_every_backend!(a_bad_file_at_the_start_leaves_other_names_served);
fn a_bad_file_at_the_start_leaves_other_names_served(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        fs::write(vhosts.join("bad.example"), "bad").unwrap();
        site(&vhosts.join("one.example"), "one");
    });
    let line = server.wait_for_log("vhost bad.example: ");
    assert!(line.contains("wrong magic at offset 0"), "{line}");
    assert!(line.contains("it is answered 503"), "{line}");
    let answer = server.get("bad.example", "/");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.field("Retry-After"), Some("1"));
    assert_eq!(server.get("one.example", "/").body, b"one");
}

on_every_backend!(a_file_that_is_copied_slowly_is_served_in_the_end);
fn a_file_that_is_copied_slowly_is_served_in_the_end(backend: &str) {
    let server = one_linked(backend);
    let body = common::numbered("slow", 100_000);
    Site::create(&server.vhosts().join("../new")).file("/", "text/plain", &body).finish();
    let bytes = fs::read(server.vhosts().join("../new")).unwrap();
    let mut copy = fs::File::create(server.vhosts().join("two.example")).unwrap();
    for piece in bytes.chunks(bytes.len() / 12) {
        copy.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(copy);
    until(NOTICED, "the copy is served", || server.get("two.example", "/").body == body);
}

on_every_backend!(a_target_that_is_replaced_behind_its_link_is_found);
fn a_target_that_is_replaced_behind_its_link_is_found(backend: &str) {
    let server = one_linked(backend);
    site(&server.vhosts().join("../new"), "new");
    fs::rename(server.vhosts().join("../new"), server.vhosts().join("../old")).unwrap();
    assert_served(&server, "one.example", "new", FOUND);
}

on_every_backend!(a_link_to_a_link_is_followed_when_the_second_is_replaced);
fn a_link_to_a_link_is_followed_when_the_second_is_replaced(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        site(&vhosts.join("../old"), "old");
        symlink("old", vhosts.join("../current")).unwrap();
        symlink("../current", vhosts.join("one.example")).unwrap();
    });
    site(&server.vhosts().join("../new"), "new");
    symlink("new", server.vhosts().join("../next")).unwrap();
    fs::rename(server.vhosts().join("../next"), server.vhosts().join("../current")).unwrap();
    assert_served(&server, "one.example", "new", FOUND);
}

on_every_backend!(a_directory_that_is_moved_away_keeps_what_is_live_and_is_told_once);
fn a_directory_that_is_moved_away_keeps_what_is_live_and_is_told_once(backend: &str) {
    let server = one_linked(backend);
    fs::rename(server.vhosts(), server.dir.path().join("away")).unwrap();
    server.wait_for_log("the virtual hosts stay as they are");
    // Long enough for a further look.
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(server.get("one.example", "/").body, b"old");
    assert_eq!(told(&server, "stay as they are"), 1, "{:#?}", server.log());
}

on_every_backend!(a_directory_that_takes_the_place_of_the_first_is_read);
fn a_directory_that_takes_the_place_of_the_first_is_read(backend: &str) {
    let server = one_linked(backend);
    let next = server.dir.path().join("next");
    fs::create_dir(&next).unwrap();
    site(&next.join("two.example"), "two");
    fs::rename(server.vhosts(), server.dir.path().join("away")).unwrap();
    fs::rename(next, server.vhosts()).unwrap();
    assert_served(&server, "two.example", "two", FOUND);
    assert_gone(&server, "one.example");
}

on_every_backend!(a_kept_connection_sees_what_was_replaced);
fn a_kept_connection_sees_what_was_replaced(backend: &str) {
    let server = one_linked(backend);
    let mut kept = server.connect();
    let mut get = || {
        kept.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
        Response::read(&mut kept, false).body
    };
    assert_eq!(get(), b"old");
    site(&server.vhosts().join("../new"), "new");
    symlink("../new", server.vhosts().join(".link")).unwrap();
    fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
    until(NOTICED, "the connection gets the new one", || get() == b"new");
}

on_every_backend!(a_webroot_that_was_replaced_is_let_go_of);
fn a_webroot_that_was_replaced_is_let_go_of(backend: &str) {
    let server = one_linked(backend);
    let mut kept = server.connect();
    kept.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    assert_eq!(Response::read(&mut kept, false).body, b"old");
    site(&server.vhosts().join("../new"), "new");
    symlink("../new", server.vhosts().join(".link")).unwrap();
    fs::rename(server.vhosts().join(".link"), server.vhosts().join("one.example")).unwrap();
    fs::remove_file(server.vhosts().join("../old")).unwrap();
    until(PATIENCE, "the daemon maps no removed file", || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
        !maps.contains("/old (deleted)")
    });
}
