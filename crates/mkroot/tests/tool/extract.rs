//! `webroot extract`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;
use webroot::{FileKind, Webroot};

use crate::made::{MODIFIED, Made, large};

/// Paths of all files below a directory, in order.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![dir.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    let mut found: Vec<_> =
        found.iter().map(|path| path.strip_prefix(dir).unwrap().to_owned()).collect();
    found.sort();
    found
}

#[test]
fn the_tree_comes_back_with_its_times() {
    let (made, _) = Made::site();
    let text = made.run(&["extract", "site", "tree"]).out(0);
    assert_eq!(text, "tree: 4 files, 200047 bytes; 1 kept from earlier generations left out\n");
    let tree = made.path("tree");
    let names = ["_redirects", "d/index.html", "index.html", "large.bin"];
    assert_eq!(files(&tree), names.map(PathBuf::from));
    assert_eq!(fs::read(tree.join("large.bin")).unwrap(), large());
    assert_eq!(fs::read(tree.join("d/index.html")).unwrap(), b"in d");
    for name in names {
        assert_eq!(fs::metadata(tree.join(name)).unwrap().mtime(), MODIFIED, "{name}");
    }
}

#[test]
fn names_are_bytes_and_times_may_be_before_1970() {
    let made = Made::new();
    made.make("odd", |maker| {
        maker.file_of(b"\xff\n \x1b", FileKind::Content, b"", -5);
    });
    let document = made.run(&["extract", "odd", "tree", "--format", "json"]).json(0);
    assert_eq!(document, json!({"files": 1, "bytes": 0, "left_out": 0}));
    let file = made.path("tree").join(OsStr::from_bytes(b"\xff\n \x1b"));
    assert_eq!(fs::metadata(file).unwrap().mtime(), -5);
}

#[test]
fn a_directory_may_be_there_if_it_is_empty() {
    let (made, _) = Made::site();
    fs::create_dir(made.path("tree")).unwrap();
    assert_eq!(made.run(&["extract", "site", "tree"]).status(), Some(0));
    let ran = made.run(&["extract", "site", "tree"]);
    assert_eq!(ran.out(2), "");
    let expected = "webroot: tree: is not empty; name a directory that is, or a new one\n";
    assert_eq!(ran.errors(), expected);
    assert_eq!(made.run(&["extract", "site", "site"]).status(), Some(2));
}

#[test]
fn a_webroot_that_does_not_name_its_files_says_so() {
    let made = Made::new();
    made.make("old", |maker| {
        maker.text("/a", "a");
    });
    let ran = made.run(&["extract", "old", "tree"]);
    assert_eq!(ran.out(2), "");
    assert!(ran.errors().contains("does not say which files"), "{}", ran.errors());
    assert!(!made.path("tree").exists());
}

#[test]
fn a_hostile_path_writes_nothing_outside() {
    for path in ["../out", "/out", "a/../../out", "a//b", "", ".", "..", "a/", "a\0b"] {
        let made = Made::new();
        made.make("bad", |maker| {
            maker.file(path.as_bytes(), FileKind::Content, b"bad");
        });
        let ran = made.run(&["extract", "bad", "tree"]);
        assert_eq!(ran.out(2), "", "{path:?}");
        assert!(ran.errors().contains("can't write '"), "{path:?}: {}", ran.errors());
        assert!(files(&made.path("tree")).is_empty(), "{path:?}");
        assert_eq!(fs::read_dir(made.path("")).unwrap().count(), 2, "{path:?}");
    }
}

#[test]
fn a_file_stays_what_it_is_where_a_directory_or_another_file_should_be() {
    for paths in [["a", "a/b"], ["a", "a"]] {
        let made = Made::new();
        made.make("bad", |maker| {
            for (path, body) in paths.iter().zip(["first", "second"]) {
                maker.file(path.as_bytes(), FileKind::Content, body.as_bytes());
            }
        });
        assert_eq!(made.run(&["extract", "bad", "tree"]).out(2), "");
        assert_eq!(files(&made.path("tree")), [PathBuf::from("a")]);
        assert!(fs::metadata(made.path("tree").join("a")).unwrap().is_file());
    }
}

#[test]
fn a_target_that_is_no_directory_is_refused() {
    let (made, path) = Made::site();
    let before = fs::read(&path).unwrap();
    symlink("nowhere", made.path("link")).unwrap();
    for target in ["site", "link", "missing/tree"] {
        assert_eq!(made.run(&["extract", "site", target]).out(2), "", "{target}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!made.path("nowhere").exists());
}

#[test]
fn a_damaged_body_is_an_error_that_names_it_and_is_not_left_there() {
    let (made, path) = Made::site();
    let webroot = Webroot::open(&path).unwrap();
    let mut stored = webroot.files().unwrap().map(Result::unwrap);
    let file = stored.find(|file| file.path() == b"large.bin").unwrap();
    let at = file.body().offset + 100_000;
    fs::OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"!", at).unwrap();
    let ran = made.run(&["extract", "site", "tree"]);
    assert_eq!(ran.out(2), "");
    let errors = ran.errors();
    let expected = "webroot: site: damaged: the content of 'large.bin' does not match its digest; ";
    assert!(errors.starts_with(expected), "{errors}");
    assert!(!made.path("tree").join("large.bin").exists());
}
