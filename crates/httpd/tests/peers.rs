//! The same requests to `httpd` and to nginx, over the same directory. Where the two differ, it is
//! declared, with the reason, and stands in docs/HTTP.md.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "peers/cases.rs"]
mod cases;
#[path = "peers/differences.rs"]
mod differences;
#[path = "peers/nginx.rs"]
mod nginx;
#[path = "peers/site.rs"]
mod site;
#[path = "peers/talk.rs"]
mod talk;

use std::collections::HashSet;
use std::path::Path;

use cases::Case;
use differences::{DIFFERENCES, Difference};
use nginx::Nginx;
use talk::{Talk, Validators, talk};

/// The difference that is declared for a case.
fn declared(case: &Case) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.cases.contains(&case.name))
}

on_every_backend!(every_request_means_the_same_to_nginx_but_for_what_is_declared);
fn every_request_means_the_same_to_nginx_but_for_what_is_declared(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    site::lay(dir.path());
    let Some(nginx) = Nginx::start(dir.path()) else { return };
    let httpd = site::serve(backend, dir.path());
    let (of_ours, of_nginx) = (Validators::of(httpd.address), Validators::of(nginx.address));
    let mut failures = Vec::new();
    for case in cases::all() {
        let ours = talk(httpd.address, &of_ours.fill(&case.text));
        let theirs = talk(nginx.address, &of_nginx.fill(&case.text));
        if let Err(failure) = compare(&case, ours, theirs) {
            failures.push(format!("{}: {failure}\n  sent {:.1000?}", case.name, case.text));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn compare(case: &Case, mut ours: Talk, mut nginx: Talk) -> Result<(), String> {
    let told = format!("httpd {ours}; nginx {nginx}");
    if !ours.take_fields().iter().all(|found| *found) {
        return Err(format!("httpd gives no `Allow` or no `Accept-Ranges`: {told}"));
    }
    if nginx.take_fields().iter().any(|found| *found) {
        return Err(format!("nginx gives `Allow` or `Accept-Ranges`: {told}"));
    }
    match declared(case) {
        None if ours == nginx => Ok(()),
        None => Err(format!("not declared: {told}\n  httpd {ours:.2000?}\n  nginx {nginx:.2000?}")),
        Some(_) if ours == nginx => Err(format!("declared and no difference: {told}")),
        Some(difference) => {
            says(difference.ours, &ours).map_err(|what| format!("ours: {what}: {told}"))?;
            says(difference.nginx, &nginx).map_err(|what| format!("nginx: {what}: {told}"))
        }
    }
}

/// Whether what is declared in words names the statuses and the end of the connection.
fn says(words: &str, talk: &Talk) -> Result<(), String> {
    for status in talk.statuses().filter(|status| *status > 0) {
        if !words.contains(&status.to_string()) {
            return Err(format!("{status} is not in {words:?}"));
        }
    }
    match talk.persistent || words.contains("close") {
        true => Ok(()),
        false => Err(format!("the end of the connection is not in {words:?}")),
    }
}

#[test]
fn what_is_declared_is_of_cases_that_are_there() {
    let cases = cases::all();
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
    let mut seen = HashSet::new();
    for name in DIFFERENCES.iter().flat_map(|difference| difference.cases) {
        assert!(names.contains(name), "no case {name:?}");
        assert!(seen.insert(name), "{name:?} is declared twice");
    }
}

#[test]
fn the_documentation_lists_the_declared_differences_and_no_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/HTTP.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Differences from nginx\n").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.skip(1).map(str::to_owned).collect();
    let declared: Vec<_> = DIFFERENCES.iter().map(Difference::row).collect();
    for row in &declared {
        assert!(rows.contains(row), "not in docs/HTTP.md: {row}");
    }
    for row in &rows {
        assert!(declared.contains(row), "in docs/HTTP.md alone: {row}");
    }
}
