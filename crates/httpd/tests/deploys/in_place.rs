//! Files that are written to where they are: what nobody should do, and what comes of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use crate::common::{Response, until};
use crate::on_every_backend;
use crate::site::{
    FOUND, NOTICED, TOLD, answering, assert_answers, has, id, pack, page, run, start,
};
use crate::visitor::visited;

/// An entry that is a link to a copy of A, beside one that nobody touches.
const ENTRIES: &str = "cp A live; ln -s ../live vhosts/one.example; ln -s ../A vhosts/two.example";

/// Deploys B, then C, by a line of shell that writes NEXT over the live file. Each answer is the
/// old one, the new one or 503; another virtual host sees nothing of it.
fn overwrite_each(backend: &str, line: &str) {
    let server = start(backend, &TOLD, ENTRIES);
    visited(&server, "two.example", "A", |_| {
        visited(&server, "one.example", "A", |deploys| {
            for name in ["B", "C"] {
                deploys.deploy_in_place(name, FOUND, &line.replace("NEXT", name));
            }
        });
    });
    let line = server.wait_for_log("was changed in place");
    assert!(line.contains("error: vhost one.example: "), "{line}");
}

on_every_backend!(cp_over_the_live_file);
fn cp_over_the_live_file(backend: &str) {
    overwrite_each(backend, "cp NEXT live");
}

on_every_backend!(cp_over_the_live_file_with_a_pause);
fn cp_over_the_live_file_with_a_pause(backend: &str) {
    let line = "{ head -c 20000 NEXT; sleep 0.2; tail -c +20001 NEXT; } > live";
    overwrite_each(backend, line);
}

on_every_backend!(rsync_in_place);
fn rsync_in_place(backend: &str) {
    // As rsync does it where it is not installed: from the start, and cut at the end.
    let line = if has("rsync") {
        "rsync --inplace --archive --ignore-times NEXT live"
    } else {
        "dd if=NEXT of=live bs=32k conv=notrunc status=none; truncate -r NEXT live; \
         touch -r NEXT live"
    };
    overwrite_each(backend, line);
}

on_every_backend!(rsync_in_place_with_a_pause_between_blocks);
fn rsync_in_place_with_a_pause_between_blocks(backend: &str) {
    let blocks = "dd if=NEXT of=live bs=8k conv=notrunc status=none";
    let line =
        format!("{blocks} count=2; sleep 0.2; {blocks} skip=2 seek=2; truncate -r NEXT live");
    overwrite_each(backend, &line);
}

/// Spoils the live file by a line of shell: 503 until a good one takes its place.
fn spoil(backend: &str, line: &str) {
    let server = start(backend, &TOLD, ENTRIES);
    visited(&server, "two.example", "A", |_| {
        visited(&server, "one.example", "A", |deploys| {
            deploys.spoil(NOTICED, line);
            deploys.unchanged(Duration::from_millis(200), "true");
            deploys.deploy("B", NOTICED, "cp B new; mv new live");
        });
    });
    let told = server.wait_for_log("was changed in place");
    assert!(told.contains("503 until a good file is there"), "{told}");
    assert!(told.contains(&id(&server, "A")), "{told}");
}

on_every_backend!(dd_over_the_header);
fn dd_over_the_header(backend: &str) {
    spoil(backend, "dd if=/dev/zero of=live bs=512 count=1 conv=notrunc status=none");
}

on_every_backend!(dd_over_the_end);
fn dd_over_the_end(backend: &str) {
    let line = "printf spoilt.. | dd of=live bs=8 seek=$(($(stat -c %s live) / 8 - 1)) \
                conv=notrunc status=none";
    spoil(backend, line);
}

on_every_backend!(truncation_to_nothing);
fn truncation_to_nothing(backend: &str) {
    spoil(backend, ": > live");
}

on_every_backend!(truncation_by_a_byte);
fn truncation_by_a_byte(backend: &str) {
    spoil(backend, "truncate -s -1 live");
}

on_every_backend!(a_spoilt_file_is_answered_again_when_it_is_mended_in_place);
fn a_spoilt_file_is_answered_again_when_it_is_mended_in_place(backend: &str) {
    let server = start(backend, &TOLD, ENTRIES);
    visited(&server, "one.example", "A", |deploys| {
        deploys.spoil(NOTICED, ": > live");
        deploys.deploy("A", FOUND, "cat A > live");
    });
}

on_every_backend!(sed_puts_a_damaged_file_there_and_the_old_stays);
fn sed_puts_a_damaged_file_there_and_the_old_stays(backend: &str) {
    let server = start(backend, &TOLD, ENTRIES);
    visited(&server, "one.example", "A", |deploys| {
        run(&server, "sed -i 's/large/larger/' live");
        let line = server.wait_for_log("stays live");
        assert!(line.contains(&id(&server, "A")), "{line}");
        deploys.deploy("B", NOTICED, "cp B new; mv new live");
    });
}

on_every_backend!(sed_changes_a_page_behind_the_header_and_verification_finds_it);
fn sed_changes_a_page_behind_the_header_and_verification_finds_it(backend: &str) {
    let flags = [&TOLD[..], &["--verify", "full"]].concat();
    let server = start(backend, &flags, ENTRIES);
    assert_answers(&server, "one.example", "A", FOUND);
    visited(&server, "one.example", "A", |deploys| {
        run(&server, "sed -i 's/^A /Z /' live");
        let line = server.wait_for_log("damaged");
        assert!(line.contains("stays live"), "{line}");
        deploys.deploy("B", FOUND, "cp B new; mv new live");
    });
}

on_every_backend!(a_copy_under_a_new_name_is_answered_once_it_is_whole);
fn a_copy_under_a_new_name_is_answered_once_it_is_whole(backend: &str) {
    let server = start(backend, &TOLD, "ln -s ../A vhosts/__default__");
    let bytes = fs::read(server.dir.path().join("B")).unwrap();
    let mut seen = Vec::new();
    let mut look = || {
        let now = answering(&server, "one.example");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    };
    look();
    let mut file = fs::File::create(server.vhosts().join("one.example")).unwrap();
    for piece in bytes.chunks(bytes.len() / 9) {
        file.write_all(piece).unwrap();
        for _ in 0..10 {
            look();
            thread::sleep(Duration::from_millis(3));
        }
    }
    drop(file);
    let whole = || server.get("one.example", "/large").body == page("B", "/large", 40_000);
    until(NOTICED, "the copy is served", || {
        look();
        whole()
    });
    // Until the name was noticed, the default answered for it.
    assert_eq!(seen, ["A", "503", "B"]);
}

on_every_backend!(a_copy_that_has_its_size_before_its_bytes_is_verified);
fn a_copy_that_has_its_size_before_its_bytes_is_verified(backend: &str) {
    let flags = [&TOLD[..], &["--verify", "full"]].concat();
    let server = start(backend, &flags, "true");
    let (path, entry) = (server.dir.path().join("new"), server.vhosts().join("one.example"));
    pack(&path, "new");
    let bytes = fs::read(path).unwrap();
    let file = fs::File::create(entry).unwrap();
    // As rsync --preallocate and downloads in several parts do it.
    file.set_len(bytes.len() as u64).unwrap();
    for (number, piece) in bytes.chunks(8192).enumerate() {
        let answer: Response = server.get("one.example", "/large");
        assert!(matches!(answer.status, 404 | 503), "{}", answer.head);
        file.write_all_at(piece, number as u64 * 8192).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    drop(file);
    assert_answers(&server, "one.example", "new", FOUND);
    assert!(server.get("one.example", "/large").body == page("new", "/large", 40_000));
}
