//! `webroot cat`.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::made::{Made, damage_body, large};

#[test]
fn a_body_comes_byte_for_byte() {
    let (made, _) = Made::site();
    let ran = made.run(&["cat", "site", "/large.bin"]);
    assert_eq!(ran.status(), Some(0));
    assert_eq!(ran.0.stdout, large());
    assert_eq!(made.run(&["cat", "site", "/d"]).out(0), "");
}

#[test]
fn a_coding_is_chosen_by_name() {
    let (made, _) = Made::site();
    let cat = |coding: &str| made.run(&["cat", "site", "/", "--coding", coding]).out(0);
    assert_eq!(cat("br"), "(br of hello)");
    assert_eq!(cat("gzip"), "(gzip of hello)");
    assert_eq!(cat("identity"), "<p>hello hello hello</p>");
}

#[test]
fn an_error_page_is_asked_for_by_its_status() {
    let (made, _) = Made::site();
    assert_eq!(made.run(&["cat", "site", "/d/", "--page", "404"]).out(0), "lost in d");
}

#[test]
fn what_is_not_there_has_an_exit_status_of_its_own() {
    let (made, _) = Made::site();
    for (arguments, message) in [
        (&["cat", "site", "/lost"][..], "webroot: site: nothing answers /lost\n"),
        (
            &["cat", "site", "/", "--page", "500"],
            "webroot: site: there is no error page for 500 at /\n",
        ),
        (
            &["cat", "site", "/only.br"],
            "webroot: site: /only.br is stored as br, not as identity\n",
        ),
    ] {
        let ran = made.run(arguments);
        assert_eq!(ran.out(1), "");
        assert_eq!(ran.errors(), message);
    }
}

#[test]
fn a_damaged_body_is_told() {
    let (made, path) = Made::site();
    damage_body(&path, "/d/");
    let ran = made.run(&["cat", "site", "/d/"]);
    assert_eq!(ran.status(), Some(2));
    assert_eq!(ran.errors(), "webroot: site: the body of /d/ does not match its digest\n");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let (_made, path) = Made::site();
    let mut child = Command::new(env!("CARGO_BIN_EXE_webroot"))
        .arg("cat")
        .arg(&path)
        .arg("/large.bin")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn an_output_that_can_not_be_written_is_trouble() {
    let (_made, path) = Made::site();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_webroot"))
        .arg("cat")
        .arg(&path)
        .arg("/d/")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with("webroot: standard output: "), "{errors}");
}
