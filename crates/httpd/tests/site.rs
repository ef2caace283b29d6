//! Whole sites, from the directory to the bytes on the wire: packed by `mkroot`, served by `httpd`,
//! compared file by file.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::Server;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn pack(dir: &Path, out: &Path) {
    let options = mkroot::Options::new(dir, out);
    mkroot::pack(&options, &()).unwrap();
}

/// Serves a tree and lets `scripts/verify-site` fetch all of it.
fn verify(backend: &str, tree: &Path) {
    let server = Server::start(backend, |vhosts| {
        pack(tree, &vhosts.join("../site.webroot"));
        symlink("../site.webroot", vhosts.join("__default__")).unwrap();
    });
    let output = Command::new(repository().join("scripts/verify-site"))
        .arg(tree)
        .arg(format!("http://{}/", server.address))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.trim_end().ends_with(" 0 differences"), "{text}");
}

/// Copies a sample of a tree: of each kind of file every so many, and the largest files.
fn sample(from: &Path, to: &Path, every: usize, largest: usize) {
    let mut files = Vec::new();
    let mut directories = vec![from.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                files.push((entry.metadata().unwrap().len(), entry.path()));
            }
        }
    }
    files.sort();
    let count = files.len();
    let chosen = files.iter().enumerate();
    for (number, (_, path)) in chosen {
        // Sorted by size, so that every n-th is a sample of all sizes.
        if number % every == 0 || number + largest >= count {
            let target = to.join(path.strip_prefix(from).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(path, target).unwrap();
        }
    }
}

on_every_backend!(a_sample_of_the_rust_documentation_is_served_byte_for_byte);
fn a_sample_of_the_rust_documentation_is_served_byte_for_byte(backend: &str) {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output().unwrap().stdout;
    let docs = Path::new(String::from_utf8(sysroot).unwrap().trim()).join("share/doc/rust/html");
    if !docs.is_dir() {
        eprintln!("skipped: the toolchain has no documentation ({})", docs.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    sample(&docs, dir.path(), 40, 20);
    verify(backend, dir.path());
}

on_every_backend!(names_of_every_kind_are_reached);
fn names_of_every_kind_are_reached(backend: &str) {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let names: [&[u8]; 13] = [
        b"a b.txt",
        b"100%.html",
        b"%41.txt",
        b"what?.txt",
        b"sharp#.txt",
        b"q\"uote'.txt",
        b"new\nline.txt",
        b"\xc3\xa4\xe2\x82\xac.txt",
        b"latin-\xe4.txt",
        b"back\\slash.txt",
        b"semi;colon,comma&amp+plus.txt",
        b".well-known",
        b"\x01control.txt",
    ];
    for name in names {
        let path = dir.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("index.html"), name).unwrap();
        fs::write(path.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    verify(backend, dir.path());
}

on_every_backend!(the_example_sites_are_served_under_their_names);
fn the_example_sites_are_served_under_their_names(backend: &str) {
    let example = repository().join("vhosts.example");
    let server = Server::start(backend, |vhosts| {
        fs::create_dir(vhosts.join("../webroots")).unwrap();
        for site in ["welcome", "hello"] {
            let out = vhosts.join(format!("../webroots/{site}.webroot"));
            pack(&example.join("sites").join(site), &out);
        }
        // The links of the repository, as they are.
        for link in fs::read_dir(example.join("vhosts")).unwrap() {
            let link = link.unwrap();
            let target = fs::read_link(link.path()).unwrap();
            symlink(target, vhosts.join(link.file_name())).unwrap();
        }
    });
    let body = |host: &str, path: &str| {
        let response = server.get(host, path);
        (response.status, String::from_utf8(response.body).unwrap())
    };
    let read = |path: &str| fs::read_to_string(example.join("sites").join(path)).unwrap();
    assert_eq!(body("any.example", "/"), (200, read("welcome/index.html")));
    assert_eq!(body("hello.localhost", "/"), (200, read("hello/index.html")));
    assert_eq!(body("any.example", "/about/"), (200, read("welcome/about/index.html")));
    assert_eq!(body("any.example", "/none"), (404, read("welcome/404.html")));
    assert_eq!(body("hello.localhost", "/no/ne"), (404, read("hello/404.html")));
}

#[test]
fn quickstart_leads_to_a_served_site() {
    let mut child = Command::new(repository().join("scripts/quickstart"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    let address = lines.inspect(|line| seen.push(line.clone())).find_map(|line| {
        let address = line.split("http://").nth(1)?.split('/').next()?.to_owned();
        line.contains("listening on").then_some(address)
    });
    let address = address.unwrap_or_else(|| panic!("no server came: {seen:#?}"));
    let get = |host: &str| {
        let url = format!("http://{address}/");
        let host = format!("Host: {host}");
        let curl = Command::new("curl").args(["-fsS", "-H", &host, &url]).output().unwrap();
        String::from_utf8(curl.stdout).unwrap()
    };
    let (welcome, hello) = (get("localhost"), get("hello.localhost"));
    // The script has become the daemon, so its process is the one to end.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child.id() as i32),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(welcome.contains("</html>") && hello.contains("</html>"));
    assert_ne!(welcome, hello);
}
