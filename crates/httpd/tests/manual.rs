//! Manual pages and completions, laid out as a package has them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn a_package_gets_pages_and_completions_of_every_program() {
    let programs = common::program("mkroot").parent().unwrap().to_owned();
    common::program("webroot");
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/manual");
    let output = Command::new(script).arg(dir.path()).arg(programs).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for (file, text) in [
        ("man/man1/mkroot.1", "SH SYNOPSIS"),
        ("man/man1/webroot.1", "SH SUBCOMMANDS"),
        ("man/man1/webroot-explain.1", "SH OPTIONS"),
        ("man/man8/httpd.8", ".TH httpd 8 "),
        ("man/man8/httpd-top.8", "\\-\\-interval"),
        ("bash-completion/completions/httpd", "complete -F"),
        ("zsh/site-functions/_webroot", "#compdef webroot"),
        ("fish/vendor_completions.d/mkroot.fish", "complete -c mkroot"),
    ] {
        let found = fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(found.contains(text), "{file}: {found}");
    }
}

#[test]
fn a_page_is_not_a_start() {
    let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
    let output = httpd.args(["--generate", "man"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("\\-\\-keep\\-alive\\-timeout"), "{page}");
}
