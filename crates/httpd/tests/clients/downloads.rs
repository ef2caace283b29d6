//! Programs that download files and sites: wget and aria2.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::common::numbered;
use crate::on_every_backend;
use crate::site::Tree;
use crate::tools::{Outcome, installed, run};

/// Every file below a directory with its content.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn wget_is_installed() -> bool {
    installed("wget", &["--version"])
}

fn wget(dir: &Path, arguments: &[&str]) -> Outcome {
    let bounds = ["--no-config", "--no-proxy", "--no-hsts", "--tries=1", "--timeout=20"];
    run(Command::new("wget").args(bounds).args(arguments).current_dir(dir).env("LC_ALL", "C.UTF-8"))
}

/// How often an answer of a status stands in the log of wget.
fn answers(outcome: &Outcome, status: &str) -> usize {
    outcome.errors.matches(&format!("\n  HTTP/1.1 {status}")).count()
}

on_every_backend!(wget_mirrors_a_site_and_then_finds_it_unchanged);
fn wget_mirrors_a_site_and_then_finds_it_unchanged(backend: &str) {
    if !wget_is_installed() {
        return;
    }
    let tree = Tree::serve(backend);
    let dir = tempfile::tempdir().unwrap();
    let url = tree.url("");
    let names = ["--restrict-file-names=nocontrol", "--no-iri"];
    let mirror = [&["-S", "-r", "-l", "inf", "-N", "-nH"][..], &names, &[url.as_str()]].concat();
    let first = wget(dir.path(), &mirror);
    let (mirrored, original) = (files(dir.path()), files(tree.root()));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&mirrored), names(&original), "{}", first.errors);
    assert!(mirrored == original, "{}", first.errors);
    // It does not go on behind a page that is answered by 304, so it is told to compare the times
    // in answers to HEAD.
    let again = wget(dir.path(), &[&["--no-if-modified-since"], &mirror[..]].concat());
    let current = again.errors.matches("no newer than local file").count();
    assert!(current >= original.len(), "{current} of {}: {}", original.len(), again.errors);
    assert!(!again.errors.contains(" saved ["), "{}", again.errors);
    assert!(files(dir.path()) == original);
}

on_every_backend!(wget_fetches_again_only_what_is_newer);
fn wget_fetches_again_only_what_is_newer(backend: &str) {
    if !wget_is_installed() {
        return;
    }
    let tree = Tree::serve(backend);
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("style.css");
    let url = tree.url("css/style.css");
    let fetch = || wget(dir.path(), &["-S", "-N", &url]);
    fetch().succeeded();
    assert_eq!(fs::read(&copy).unwrap(), tree.read("css/style.css"));
    assert_eq!(answers(&fetch(), "304 Not Modified"), 1);
    fs::write(&copy, "outdated").unwrap();
    let past = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options().write(true).open(&copy).unwrap().set_modified(past).unwrap();
    assert_eq!(answers(&fetch(), "200 OK"), 1);
    assert_eq!(fs::read(&copy).unwrap(), tree.read("css/style.css"));
}

on_every_backend!(wget_resumes_a_download);
fn wget_resumes_a_download(backend: &str) {
    if !wget_is_installed() {
        return;
    }
    let tree = Tree::serve(backend);
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("megabyte.bin");
    let (url, whole) = (tree.url("megabyte.bin"), tree.read("megabyte.bin"));
    fs::write(&copy, &whole[..345_678]).unwrap();
    let resumed = wget(dir.path(), &["-S", "-c", &url]);
    assert_eq!(answers(&resumed, "206 Partial Content"), 1, "{}", resumed.errors);
    assert_eq!(fs::read(&copy).unwrap(), whole);
    // What is complete is left as it is.
    let again = wget(dir.path(), &["-S", "-c", &url]);
    assert_eq!(answers(&again, "416 Range Not Satisfiable"), 1, "{}", again.errors);
    again.succeeded();
    assert_eq!(fs::read(&copy).unwrap(), whole);
}

on_every_backend!(aria2_fetches_a_file_over_eight_connections);
fn aria2_fetches_a_file_over_eight_connections(backend: &str) {
    if !installed("aria2c", &["--version"]) {
        return;
    }
    let large = numbered("large", 32 << 20);
    let tree = Tree::serve_with(backend, |root| fs::write(root.join("large.bin"), &large).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let many = ["-x", "8", "-s", "8", "-k", "1M", "--no-conf", "--file-allocation=none", "--quiet"];
    let mut command = Command::new("aria2c");
    command.args(many).args(["--log-level=info", "-l"]).arg(&log).arg(tree.url("large.bin"));
    run(command.current_dir(&dir)).succeeded();
    assert!(fs::read(dir.path().join("large.bin")).unwrap() == large);
    let ranges = fs::read_to_string(log).unwrap().matches("\nRange: bytes=").count();
    assert!(ranges >= 7, "{ranges} requests for ranges");
}
