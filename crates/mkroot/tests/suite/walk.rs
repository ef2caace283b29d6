//! What of a tree is packed.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use mkroot::ErrorKind;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Uid, mkfifo};

use crate::site::{Packed, Site, stderr};

#[test]
fn an_empty_tree_is_a_webroot_without_entries() {
    let site = Site::new();
    assert_eq!(site.pack().unwrap().totals.files, 0);
    assert!(Packed::open(&site.out()).webroot.is_empty());
}

#[test]
fn every_file_at_any_depth_answers_its_path() {
    let site = Site::new();
    site.file("a.txt", "a");
    site.file("d/b.txt", "b");
    site.file("d/e/c.txt", "");
    fs::create_dir(site.path("empty")).unwrap();
    let packed = site.packed();
    assert_eq!(packed.paths(), ["/a.txt", "/d/b.txt", "/d/e/c.txt"]);
    assert_eq!(packed.body("/d/b.txt"), b"b");
    assert_eq!(packed.body("/d/e/c.txt"), b"");
}

#[test]
fn hidden_names_are_left_out_except_well_known() {
    let site = Site::new();
    for name in [".env", ".git/config", "d/.hidden/a", ".well-knownish", "..a", "..."] {
        site.file(name, "secret");
    }
    site.file(".well-known/security.txt", "a");
    site.file("d/.well-known", "b");
    site.file(".well-known/.hidden", "secret");
    assert_eq!(site.packed().paths(), ["/.well-known/security.txt", "/d/.well-known"]);
}

#[test]
fn a_large_file_is_stored_byte_by_byte() {
    let site = Site::new();
    let content: Vec<u8> = (0..3_000_001_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    site.file("a.bin", &content);
    for size in [65_535, 65_536, 65_537] {
        site.file(format!("{size}.bin"), &content[..size]);
    }
    let packed = site.packed();
    assert_eq!(packed.body("/a.bin"), content);
    for size in [65_535, 65_536, 65_537] {
        assert_eq!(packed.body(format!("/{size}.bin")), &content[..size]);
    }
}

#[test]
fn one_body_serves_all_files_of_one_content() {
    let site = Site::new();
    let large = vec![7; 200_000];
    for name in ["a", "b", "c"] {
        site.file(format!("{name}.txt"), "same");
        site.file(format!("{name}.bin"), &large);
    }
    let report = site.pack().unwrap();
    assert_eq!(report.totals.files, 6);
    assert_eq!(report.totals.bytes, 3 * 4 + 3 * 200_000);
    // The zeros have a variant of each coding, too.
    assert_eq!(report.webroot.bodies, 2 + 3);
    let packed = Packed::open(&site.out());
    assert_eq!(packed.get("/a.bin").first().body(), packed.get("/c.bin").first().body());
}

#[test]
fn a_hundred_thousand_files_in_a_directory_are_packed() {
    let site = Site::new();
    // Links of one inode, because making files takes longer than packing them.
    for number in 0..100_000 {
        let inode = site.path(format!("{}.txt", number / 50_000 * 50_000));
        if number % 50_000 == 0 {
            site.file(format!("{number}.txt"), format!("{number}"));
        } else {
            fs::hard_link(inode, site.path(format!("{number}.txt"))).unwrap();
        }
    }
    assert_eq!(site.pack().unwrap().totals.files, 100_000);
    let packed = Packed::open(&site.out());
    assert_eq!(packed.body("/49999.txt"), b"0");
    assert_eq!(packed.body("/99999.txt"), b"50000");
}

#[test]
fn a_fifo_is_refused_without_being_opened() {
    let site = Site::new();
    let path = site.path("pipe");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let error = site.refused(&path);
    assert!(matches!(error.kind, ErrorKind::Special("FIFO")), "{error}");
}

#[test]
fn a_socket_is_refused() {
    let site = Site::new();
    let path = site.path("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = site.refused(&path);
    assert!(matches!(error.kind, ErrorKind::Special("socket")), "{error}");
}

#[test]
fn a_hidden_fifo_does_not_matter() {
    let site = Site::new();
    mkfifo(&site.path(".pipe"), Mode::S_IRWXU).unwrap();
    assert!(site.packed().webroot.is_empty());
}

/// Runs the program as somebody who may not read everything, which root may.
fn refused_as_nobody(site: &Site, path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = site.command();
    if Uid::effective().is_root() {
        // The directory of the program may be closed to nobody.
        let program = site.temp().join("mkroot");
        fs::copy(env!("CARGO_BIN_EXE_mkroot"), &program).unwrap();
        fs::set_permissions(site.temp(), fs::Permissions::from_mode(0o755)).unwrap();
        chown(site.out().parent().unwrap(), Some(65534), Some(65534)).unwrap();
        command = Command::new(program);
        command.uid(65534).gid(65534).arg(site.dir()).arg(site.out());
    }
    let output = command.current_dir("/").output().unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains(&format!("{}: can't ", path.display())), "{message}");
    assert!(message.contains("Permission denied"), "{message}");
    assert!(site.deployed().is_empty());
}

#[test]
fn an_unreadable_file_is_an_error_that_names_it() {
    let site = Site::new();
    site.file("a.txt", "a");
    refused_as_nobody(&site, &site.file("b.txt", "b"));
}

#[test]
fn an_unreadable_directory_is_an_error_that_names_it() {
    let site = Site::new();
    site.file("d/e/a.txt", "a");
    refused_as_nobody(&site, &site.path("d/e"));
}

/// A chain of directories of any length below `site`, with an empty file `name` in the last.
fn nest(site: &Site, segment: &str, depth: usize, name: &str) {
    let mut directory = OwnedFd::from(File::open(site.dir()).unwrap());
    for _ in 0..depth {
        mkdirat(&directory, segment, Mode::S_IRWXU).unwrap();
        directory = openat(&directory, segment, OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    }
    openat(&directory, name, OFlag::O_CREAT | OFlag::O_WRONLY, Mode::S_IRWXU).unwrap();
}

/// Removes a tree that is too deep for the standard library.
fn remove(site: &Site) {
    assert!(Command::new("rm").arg("-r").arg(site.dir()).status().unwrap().success());
}

#[test]
fn a_thousand_levels_are_packed() {
    let site = Site::new();
    nest(&site, "d", 1000, "a.txt");
    assert_eq!(site.packed().paths(), [format!("{}/a.txt", "/d".repeat(1000))]);
    remove(&site);
}

#[test]
fn a_path_may_be_longer_than_the_system_takes_in_one_piece() {
    let site = Site::new();
    let segment = "n".repeat(203);
    nest(&site, &segment, 40, &"f".repeat(31));
    let expected = format!("{}/{}", format!("/{segment}").repeat(40), "f".repeat(31));
    assert_eq!(expected.len(), webroot::layout::MAX_PATH);
    assert_eq!(site.packed().paths(), [expected]);
    remove(&site);
}

#[test]
fn a_path_longer_than_a_webroot_holds_is_an_error_that_names_it() {
    let site = Site::new();
    let segment = "n".repeat(203);
    nest(&site, &segment, 40, &"f".repeat(32));
    let place = format!("{}{}", format!("{segment}/").repeat(40), "f".repeat(32));
    let error = site.refused(&site.path(place));
    assert!(matches!(error.kind, ErrorKind::PathTooLong(8193)), "{error}");
    remove(&site);
}
