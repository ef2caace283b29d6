//! Damaged webroots: every subcommand ends with a message, none with a panic or a signal.

use std::fs::{self, OpenOptions};

use webroot::Coding;

use crate::made::{Made, Ran};

/// Bytes of the header page; what is changed there is noticed when the file is opened.
const HEADER: usize = 4096;

fn run_all(made: &Made, round: usize) {
    let target = format!("extracted-{round}");
    let runs: [&[&str]; 12] = [
        &["ls", "-l", "bad"],
        &["ls", "bad", "--format", "json"],
        &["cat", "bad", "/large.bin"],
        &["cat", "bad", "/", "--coding", "br"],
        &["explain", "bad", "GET /lost", "-H", "Accept-Encoding: br"],
        &["explain", "bad", "GET /old/x", "--format", "json"],
        &["explain", "bad", "/large.bin", "--body", "-H", "Range: bytes=1-4,300-999"],
        &["verify", "bad"],
        &["diff", "site", "bad"],
        &["diff", "bad", "site", "--format", "json"],
        &["stat", "bad"],
        &["extract", "bad", &target],
    ];
    for arguments in runs {
        let ran = made.run(arguments);
        assert!(matches!(ran.status(), Some(0..=2)), "{arguments:?}: {:?}", ran.0);
        if ran.status() == Some(2) {
            let errors = ran.errors();
            assert!(errors.starts_with("webroot: "), "{arguments:?}: {errors}");
            assert!(errors.contains("bad") || errors.contains(&target), "{errors}");
        }
    }
    // Nothing but what was made here, and nothing outside of it.
    let allowed = |name: &str| ["site", "bad"].contains(&name) || name.starts_with("extracted-");
    for entry in fs::read_dir(made.path("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(allowed(&name), "{name} was written");
    }
}

fn verified(made: &Made) -> Ran {
    made.run(&["verify", "bad"])
}

#[test]
fn changed_bytes_of_tables_panic_nothing() {
    let (made, path) = Made::site();
    let good = fs::read(path).unwrap();
    // The tables are the last part of the file.
    let tables = 3000;
    let step = 41;
    for (round, at) in (good.len() - tables..good.len()).step_by(step).enumerate() {
        let mut bad = good.clone();
        bad[at] ^= [0x01, 0x80, 0xff][round % 3];
        fs::write(made.path("bad"), &bad).unwrap();
        run_all(&made, round);
        assert_eq!(verified(&made).status(), Some(1), "byte {at}");
    }
}

#[test]
fn changed_bytes_of_heads_and_bodies_panic_nothing() {
    let (made, path) = Made::site();
    let good = fs::read(path).unwrap();
    for (round, at) in (HEADER..HEADER + 800).step_by(97).enumerate() {
        let mut bad = good.clone();
        bad[at] = b'\n';
        fs::write(made.path("bad"), &bad).unwrap();
        run_all(&made, round);
    }
}

#[test]
fn a_damaged_header_is_trouble_to_all() {
    let (made, path) = Made::site();
    let good = fs::read(path).unwrap();
    for (round, size) in [0, 7, 64, 100, HEADER, HEADER + 10, good.len() - 1].iter().enumerate() {
        fs::write(made.path("bad"), &good[..*size]).unwrap();
        run_all(&made, round);
        assert_eq!(made.run(&["stat", "bad"]).status(), Some(2), "{size} bytes");
    }
    let mut bad = good.clone();
    bad[100] ^= 1;
    fs::write(made.path("bad"), &bad).unwrap();
    run_all(&made, 99);
}

/// A webroot of which `ls` prints more than a megabyte, and `cat /large` two.
fn long(made: &Made, name: &str, text: &str) {
    made.make(name, |maker| {
        let large = text.repeat(2 << 20);
        maker.page("/large", "text/plain", &[(Coding::Identity, large.as_bytes())]);
        for number in 0..4000 {
            maker.text(&format!("/{number:04}-{}", "long".repeat(60)), text);
        }
    });
}

#[test]
fn a_file_that_is_truncated_or_written_over_while_it_is_read_is_trouble() {
    let changes: [fn(&Made); 3] = [
        |made| OpenOptions::new().write(true).open(made.path("bad")).unwrap().set_len(0).unwrap(),
        |made| {
            let file = OpenOptions::new().write(true).open(made.path("bad")).unwrap();
            file.set_len(file.metadata().unwrap().len() - 64).unwrap();
        },
        |made| {
            fs::copy(made.path("other"), made.path("bad")).unwrap();
        },
    ];
    for change in changes {
        for arguments in [["ls", "bad", "-l"].as_slice(), &["cat", "bad", "/large"]] {
            let made = Made::new();
            long(&made, "bad", "a");
            long(&made, "other", "b");
            let ran = made.run_and(arguments, || change(&made));
            assert_eq!(ran.status(), Some(2), "{arguments:?}: {:?}", ran.0.status);
            let expected = "webroot: bad: was truncated or written over while it was read";
            assert!(ran.errors().starts_with(expected), "{arguments:?}: {}", ran.errors());
        }
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_listed_to_its_end() {
    let made = Made::new();
    long(&made, "bad", "a");
    long(&made, "other", "b");
    let expected = made.run(&["ls", "bad"]).out(0);
    let replace = || fs::rename(made.path("other"), made.path("bad")).unwrap();
    let ran = made.run_and(&["ls", "bad"], replace);
    assert_eq!(ran.out(0), expected[1..]);
}
