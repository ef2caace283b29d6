//! The repository holds to its own rules: the map is complete, rooms are small, unsafe code stays
//! where it is argued for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a source file, its unit tests included, and of a file of tests.
const MOST_LINES: usize = 450;
const MOST_LINES_OF_TESTS: usize = 600;
/// The only files with unsafe code. Each block says why it is sound; clippy asks for that.
const UNSAFE: [&str; 11] = [
    "crates/httpd/src/io/socket.rs",
    "crates/httpd/src/io/uring/buffers.rs",
    "crates/httpd/src/io/uring/disk.rs",
    "crates/httpd/src/io/uring/peer.rs",
    "crates/httpd/src/io/uring/pool.rs",
    "crates/httpd/src/io/uring/ring.rs",
    "crates/httpd/src/launcher/child.rs",
    "crates/httpd/src/listen/inherit.rs",
    "crates/mkroot/src/allocator.rs",
    "crates/webroot/src/fault.rs",
    "crates/webroot/src/map.rs",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Rust files below `crates`, relative to the repository.
fn sources() -> Vec<String> {
    let root = repository();
    let mut found = Vec::new();
    let mut directories = vec![root.join("crates")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

#[test]
fn every_source_file_is_on_the_map() {
    let map = read("docs/ARCHITECTURE.md");
    for path in sources() {
        let Some((_, inside)) = path.split_once("/src/") else { continue };
        let name = Path::new(inside).file_stem().unwrap().to_str().unwrap();
        let known = map.contains(&format!("{name}.rs")) || map.contains(&format!("`{name}`"));
        let is_root = matches!(name, "lib" | "main" | "mod");
        assert!(known || is_root, "{path} is not in docs/ARCHITECTURE.md");
    }
}

#[test]
fn every_room_is_small() {
    for path in sources() {
        let lines = read(&path).lines().count();
        let most = if path.contains("/src/") { MOST_LINES } else { MOST_LINES_OF_TESTS };
        assert!(lines <= most, "{path} has {lines} lines: look for the seam");
    }
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    for path in sources() {
        let allows = read(&path).lines().any(|line| line == "#![allow(unsafe_code)]");
        assert_eq!(allows, UNSAFE.contains(&path.as_str()), "{path}");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = ["TODO", "FIXME", "XXX"].map(|mark| format!("{mark}:"));
    for path in sources() {
        let text = read(&path);
        assert!(!marks.iter().any(|mark| text.contains(mark)), "{path} has an unfinished mark");
        assert!(!text.contains(concat!("#[", "ignore")), "{path} skips a test without a reason");
    }
}

#[test]
fn the_pages_that_the_readme_names_are_there() {
    let readme = read("README.md");
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(repository().join(link).exists(), "README.md links to {link}");
    }
}
