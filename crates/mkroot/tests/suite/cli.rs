//! The program.

use std::cell::Cell;
use std::process::Command;

use mkroot::{Options, Progress};

use crate::site::{Site, stderr, stdout};

#[test]
fn one_line_sums_up() {
    let site = Site::new();
    site.file("a.txt", "abc");
    site.file("b.txt", "abc");
    let output = site.command().output().unwrap();
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
    let report = site.pack().unwrap().webroot;
    let line = stdout(&output);
    let beginning = format!(
        "{}: 2 files, 6 bytes in, {} bytes out, 1 distinct bodies, ",
        site.out().display(),
        report.file_size
    );
    assert!(line.starts_with(&beginning), "{line}");
    let end = format!(" seconds, identity {}\n", &report.identity.to_string()[..12]);
    assert!(line.ends_with(&end), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn quiet_prints_nothing() {
    let site = Site::new();
    site.file("a.txt", "abc");
    let output = site.command().arg("--quiet").output().unwrap();
    assert!(output.status.success());
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
}

#[test]
fn quiet_prints_errors() {
    let site = Site::new();
    let link = site.link("dangling", "nowhere");
    let output = site.command().arg("--quiet").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let expected = format!(
        "mkroot: {}: links to nowhere, which does not exist; correct or remove the link\n",
        link.display()
    );
    assert_eq!(stderr(&output), expected);
}

#[test]
fn wrong_usage_has_an_exit_status_of_its_own() {
    let site = Site::new();
    for arguments in [&[][..], &["only-one"], &["a", "b", "c"], &["a", "b", "--loud"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mkroot"));
        let output = command.args(arguments).current_dir(site.temp()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("Usage: mkroot"));
    }
}

#[test]
fn relative_names_are_those_of_the_working_directory() {
    let site = Site::new();
    site.file("a.txt", "a");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mkroot"));
    let output = command.args([".", "../out"]).current_dir(site.dir()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_mkroot"))
        .args(["site", "out"])
        .current_dir(site.temp())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).starts_with("out: 1 files, "));
}

/// Adds up what it is told.
#[derive(Default)]
struct Sum {
    begun: Cell<(usize, u64)>,
    advanced: Cell<(usize, u64)>,
}

impl Progress for Sum {
    fn begin(&self, files: usize, bytes: u64) {
        self.begun.set((files, bytes));
    }

    fn advance(&self, bytes: u64) {
        let (files, sum) = self.advanced.get();
        self.advanced.set((files + 1, sum + bytes));
    }
}

#[test]
fn progress_ends_where_it_was_said_to_end() {
    let site = Site::new();
    site.file("a.txt", "abc");
    site.file("404.html", "lost");
    site.file("d/b.bin", vec![0; 100_000]);
    let options = Options::new(site.dir(), site.out());
    let sum = Sum::default();
    mkroot::pack(&options, &sum).unwrap();
    assert_eq!(sum.begun.get(), (3, 100_007));
    assert_eq!(sum.advanced.get(), sum.begun.get());
}
