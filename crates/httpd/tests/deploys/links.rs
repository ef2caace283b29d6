//! Links that are replaced, files that are renamed or made anew, by the tools that people use.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::common::{PATIENCE, Response, Site, numbered, until};
use crate::on_every_backend;
use crate::site::{NOTICED, TOLD, answering, assert_answers, has, id, run, start};
use crate::visitor::visited;

/// Deploys B, A, C and B to one.example by a line of shell in which NEXT is the file. The entry is
/// made by another.
fn deploy_each(backend: &str, entry: &str, line: &str) {
    let server = start(backend, &TOLD, entry);
    visited(&server, "one.example", "A", |deploys| {
        for name in ["B", "A", "C", "B"] {
            deploys.deploy(name, NOTICED, &line.replace("NEXT", name));
        }
    });
    server.wait_for_log(&format!("id {})", id(&server, "C")));
}

/// An entry that is a link to A, one that is a link to a copy of A, and one that is a copy.
const LINK: &str = "ln -s ../A vhosts/one.example";
const LINK_TO_LIVE: &str = "cp A live; ln -s ../live vhosts/one.example";
const FILE: &str = "cp A vhosts/one.example";

on_every_backend!(ln_replaces_the_link);
fn ln_replaces_the_link(backend: &str) {
    deploy_each(backend, LINK, "ln -sfn ../NEXT vhosts/one.example");
}

on_every_backend!(ln_of_an_old_system_removes_the_link_and_makes_it_again);
fn ln_of_an_old_system_removes_the_link_and_makes_it_again(backend: &str) {
    let line = "rm vhosts/one.example; sleep 0.1; ln -s ../NEXT vhosts/one.example";
    deploy_each(backend, LINK, line);
}

on_every_backend!(mv_renames_a_new_link_over_the_link);
fn mv_renames_a_new_link_over_the_link(backend: &str) {
    let line = "ln -s ../NEXT vhosts/.next; mv -T vhosts/.next vhosts/one.example";
    deploy_each(backend, LINK, line);
}

on_every_backend!(mv_renames_a_file_over_the_target);
fn mv_renames_a_file_over_the_target(backend: &str) {
    deploy_each(backend, LINK_TO_LIVE, "cp NEXT new; mv new live");
}

on_every_backend!(mv_renames_a_file_over_a_file);
fn mv_renames_a_file_over_a_file(backend: &str) {
    let line = "cp NEXT vhosts/.next; mv vhosts/.next vhosts/one.example";
    deploy_each(backend, FILE, line);
}

/// What rsync does where it is not installed: a temporary file with a dotted name in the directory
/// of the destination, times and mode of the source, a rename.
fn rsync(to: &str) -> String {
    if has("rsync") {
        return format!("rsync --archive --ignore-times NEXT {to}");
    }
    let (directory, name) = to.rsplit_once('/').unwrap_or((".", to));
    let temporary = format!("{directory}/.{name}.Xu2r6K");
    format!(
        "(umask 077; cp NEXT {temporary}); touch -r NEXT {temporary}; chmod 644 {temporary}; \
         mv {temporary} {to}"
    )
}

on_every_backend!(rsync_replaces_the_target);
fn rsync_replaces_the_target(backend: &str) {
    deploy_each(backend, LINK_TO_LIVE, &rsync("live"));
}

on_every_backend!(rsync_replaces_a_file);
fn rsync_replaces_a_file(backend: &str) {
    deploy_each(backend, FILE, &rsync("vhosts/one.example"));
}

on_every_backend!(install_removes_the_target_and_copies);
fn install_removes_the_target_and_copies(backend: &str) {
    deploy_each(backend, LINK_TO_LIVE, "install -m 644 NEXT live");
}

on_every_backend!(install_removes_the_entry_and_copies);
fn install_removes_the_entry_and_copies(backend: &str) {
    deploy_each(backend, FILE, "install -m 644 NEXT vhosts/one.example");
}

on_every_backend!(tar_removes_the_target_and_unpacks);
fn tar_removes_the_target_and_unpacks(backend: &str) {
    let line = "mkdir t; cp NEXT t/live; tar -C t -cf t.tar live; rm -r t; tar -xf t.tar";
    deploy_each(backend, LINK_TO_LIVE, line);
}

on_every_backend!(a_new_file_grows_in_the_place_of_the_target);
fn a_new_file_grows_in_the_place_of_the_target(backend: &str) {
    let line = "rm live; { head -c 20000 NEXT; sleep 0.1; tail -c +20001 NEXT; } > live";
    deploy_each(backend, LINK_TO_LIVE, line);
}

on_every_backend!(an_alias_follows_the_name_that_it_leads_to);
fn an_alias_follows_the_name_that_it_leads_to(backend: &str) {
    let entries = format!("{LINK}; ln -s one.example vhosts/www.one.example");
    let server = start(backend, &TOLD, &entries);
    visited(&server, "www.one.example", "A", |deploys| {
        for name in ["B", "C", "A"] {
            deploys.deploy(name, NOTICED, &format!("ln -sfn ../{name} vhosts/one.example"));
            assert_answers(&server, "one.example", name, NOTICED);
        }
        // Both lead to one file.
        let directory = server.dir.path().to_str().unwrap();
        until(PATIENCE, "one file is open", || server.descriptors(directory) == 1);
        // An alias of its own from now on.
        deploys.deploy("B", NOTICED, "ln -sfn ../B vhosts/www.one.example");
        assert_eq!(answering(&server, "one.example"), "A");
    });
}

on_every_backend!(what_changes_no_content_is_no_deploy);
fn what_changes_no_content_is_no_deploy(backend: &str) {
    let server = start(backend, &TOLD, LINK_TO_LIVE);
    visited(&server, "one.example", "A", |deploys| {
        let quiet = Duration::from_millis(100);
        for line in [
            "touch live",
            "chmod 600 live",
            "ln live backup; rm backup",
            "mv live elsewhere; mv elsewhere live",
            "ln -sfn ../live vhosts/one.example",
            "cp live new; mv new live",
        ] {
            deploys.unchanged(quiet, line);
        }
    });
    // On a machine that is busy the name that `ln` makes first may be there for long enough to be
    // taken up.
    let told = |line: &String| line.contains("vhost one.example: ") && line.contains("id ");
    let lines = server.log().iter().filter(|line| told(line)).count();
    assert_eq!(lines, 1, "{:#?}", server.log());
}

on_every_backend!(a_roll_back_reuses_what_a_response_still_has_open);
fn a_roll_back_reuses_what_a_response_still_has_open(backend: &str) {
    let body = numbered("huge", 24 * 1024 * 1024);
    let server = start(backend, &TOLD, LINK);
    let huge = server.dir.path().join("huge");
    Site::create(&huge).file("/", "text/plain", &body).finish();
    let inode = fs::metadata(&huge).unwrap().ino().to_string();
    let opened = || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
        maps.lines().filter(|line| line.split_whitespace().nth(4) == Some(&*inode)).count()
    };
    let link = |name: &str| {
        run(&server, &format!("ln -sfn ../{name} vhosts/one.example"));
    };
    link("huge");
    assert_answers(&server, "one.example", "huge", NOTICED);

    let mut stream = server.connect_narrow(64 * 1024);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    link("B");
    assert_answers(&server, "one.example", "B", NOTICED);
    link("huge");
    assert_answers(&server, "one.example", "huge", NOTICED);
    let directory = server.dir.path().to_str().unwrap();
    until(PATIENCE, "B is let go of", || server.descriptors(directory) == 1);
    assert_eq!(opened(), 1, "it was opened twice");

    let response = Response::read(&mut beginning.as_slice().chain(stream), false);
    assert!(response.body == body, "the body is not what it was");
}
