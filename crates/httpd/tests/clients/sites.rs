//! Sites as their generators make them, in a browser: what of `scripts/real-sites` takes seconds.

use std::path::Path;
use std::process::Command;

use crate::tools::{installed, run};

/// Makes a site and looks at it on every backend.
fn look_at(name: &str) {
    if !installed("chromium", &["--version"]) || !installed("npm", &["--version"]) {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/real-sites");
    // The first time this builds a release and installs the generator, and takes its time for it.
    let made = Command::new(&script).args(["--build", name]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    let output = run(Command::new(&script).arg(name)).succeeded();
    assert!(output.ends_with("4 passed, 0 failed\n"), "{output}");
}

#[test]
fn a_site_of_hugo_works_in_a_browser_on_every_backend() {
    if installed("hugo", &["version"]) {
        look_at("hugo");
    }
}

#[test]
fn an_application_of_vite_works_in_a_browser_on_every_backend() {
    look_at("vite");
}
