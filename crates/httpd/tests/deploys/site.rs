//! The sites that are deployed, and the shell that deploys them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::{Server, Site, numbered, until};

/// Longest that a change may take of which the kernel tells the daemon.
pub(crate) const NOTICED: Duration = Duration::from_secs(1);
/// Longest that a change may take which is found by looking every second.
pub(crate) const FOUND: Duration = Duration::from_secs(2);
/// A daemon that is told of changes and does not find them by looking.
pub(crate) const TOLD: [&str; 4] = ["--workers", "2", "--poll-interval", "60"];
/// What a generation answers: a page that is copied out of the mapping, and one that is sent as a
/// part of the file.
pub(crate) const PAGES: [(&str, usize); 2] = [("/", 1000), ("/large", 40_000)];

/// The body of a page. Every line tells generation and path.
pub(crate) fn page(name: &str, path: &str, size: usize) -> Vec<u8> {
    numbered(&format!("{name} {path}"), size)
}

/// Packs a generation.
pub(crate) fn pack(path: &Path, name: &str) {
    let mut site = Site::create(path);
    for (path, size) in PAGES {
        site = site.file(path, "text/plain", &page(name, path, size));
    }
    site.finish();
}

/// Packs generations into files of their names, beside the vhosts directory.
pub(crate) fn pack_beside(vhosts: &Path, names: &[&str]) {
    names.iter().for_each(|name| pack(&vhosts.with_file_name(name), name));
}

/// Runs shell in a directory.
pub(crate) fn shell(directory: &Path, script: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(directory).env("LC_ALL", "C");
    let status = shell.status().unwrap();
    assert!(status.success(), "{script}: {status}");
}

/// Runs shell in the directory that has the vhosts directory in it.
pub(crate) fn run(server: &Server, script: &str) {
    shell(server.dir.path(), script);
}

/// A daemon with generations A, B and C beside its vhosts directory, in which `script` has made the
/// entries.
pub(crate) fn start(backend: &str, flags: &[&str], script: &str) -> Server {
    Server::start_with(backend, flags, |vhosts| {
        pack_beside(vhosts, &["A", "B", "C"]);
        shell(vhosts.parent().unwrap(), script);
    })
}

/// A daemon that is told of changes, whose one.example is a link to generation A.
pub(crate) fn linked(backend: &str) -> Server {
    start(backend, &TOLD, "ln -s ../A vhosts/one.example")
}

/// Whether a program is there; says so if not.
pub(crate) fn has(program: &str) -> bool {
    let script = format!("command -v {program} >/dev/null");
    let found = Command::new("sh").args(["-c", &script]).status().unwrap().success();
    if !found {
        eprintln!("{program} is not installed: what it does is done by hand");
    }
    found
}

/// The generation that answers a host, from its first page; the status where none does.
pub(crate) fn answering(server: &Server, host: &str) -> String {
    let response = server.get(host, "/");
    if response.status != 200 {
        return response.status.to_string();
    }
    let text = String::from_utf8(response.body).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// Waits until a generation, or a status, answers a host.
pub(crate) fn assert_answers(server: &Server, host: &str, name: &str, limit: Duration) {
    let mut seen = String::new();
    until(limit, &format!("{name} answers {host}; {:#?}", server.log()), || {
        seen = answering(server, host);
        seen == name
    });
}

/// The first twelve digits of the identity of a webroot beside the vhosts directory.
pub(crate) fn id(server: &Server, name: &str) -> String {
    identity(&server.dir.path().join(name))[..12].to_owned()
}

/// The identity of a webroot.
pub(crate) fn identity(path: &Path) -> String {
    webroot::Webroot::open(path).unwrap().identity().to_string()
}
