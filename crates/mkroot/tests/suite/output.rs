//! The file that is written.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mkroot::{Error, ErrorKind, Options};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::site::{Packed, Site, stderr};

fn pack_to(site: &Site, out: &Path) -> Result<(), Error> {
    let options = Options::new(site.dir(), out);
    mkroot::pack(&options, &()).map(|_| ())
}

fn temporary(site: &Site) -> PathBuf {
    site.out().with_file_name(".out.mkroot")
}

#[test]
fn a_webroot_is_replaced_by_a_new_file() {
    let site = Site::new();
    site.file("a.txt", "old");
    let old = site.packed();
    site.file("a.txt", "new");
    let new = site.packed();
    assert_eq!(new.body("/a.txt"), b"new");
    // The old one is mapped still.
    assert_eq!(old.body("/a.txt"), b"old");
    assert_eq!(site.deployed(), ["out"]);
}

#[test]
fn a_webroot_in_the_tree_is_refused() {
    let site = Site::new();
    site.file("d/a.txt", "a");
    for name in ["out", "d/out", ".hidden", "d/../out"] {
        let out = site.path(name);
        let error = pack_to(&site, &out).unwrap_err();
        assert_eq!(error.path, out);
        assert!(matches!(error.kind, ErrorKind::OutInTree(_)), "{error}");
        assert!(!out.exists());
    }
    let through_link = site.temp().join("link");
    std::os::unix::fs::symlink(site.path("d"), &through_link).unwrap();
    let error = pack_to(&site, &through_link.join("out")).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::OutInTree(_)), "{error}");
}

#[test]
fn a_webroot_beside_the_tree_may_share_the_beginning_of_its_name() {
    let site = Site::new();
    pack_to(&site, &site.temp().join("site.webroot")).unwrap();
}

#[test]
fn a_directory_is_not_replaced() {
    let site = Site::new();
    let directory = site.temp().join("deploy");
    for out in [directory.clone(), directory.join(".."), directory.join("out/"), "/".into()] {
        let error = pack_to(&site, &out).unwrap_err();
        assert_eq!(error.path, out);
        assert!(matches!(error.kind, ErrorKind::OutIsDirectory), "{error}");
    }
}

#[test]
fn a_symbolic_link_is_not_replaced() {
    let site = Site::new();
    site.packed();
    for target in ["out", "nowhere"] {
        let link = site.temp().join("deploy/link");
        std::os::unix::fs::symlink(target, &link).unwrap();
        let error = pack_to(&site, &link).unwrap_err();
        assert_eq!(error.path, link);
        assert!(matches!(error.kind, ErrorKind::OutIsLink), "{error}");
        fs::remove_file(link).unwrap();
    }
    assert_eq!(site.deployed(), ["out"]);
}

#[test]
fn a_device_or_a_fifo_is_not_replaced() {
    let site = Site::new();
    let error = pack_to(&site, Path::new("/dev/null")).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::OutIsSpecial("character device")), "{error}");
    mkfifo(&site.out(), Mode::S_IRWXU).unwrap();
    let error = site.refused(&site.out());
    assert!(matches!(error.kind, ErrorKind::OutIsSpecial("FIFO")), "{error}");
}

#[test]
fn a_missing_directory_is_an_error_that_names_it() {
    let site = Site::new();
    let missing = site.temp().join("missing");
    let error = pack_to(&site, &missing.join("out")).unwrap_err();
    assert_eq!(error.path, missing);
}

#[test]
fn a_tree_that_is_no_directory_is_refused() {
    let site = Site::new();
    let file = site.file("a.txt", "a");
    for dir in [file, site.path("missing")] {
        let options = Options::new(&dir, site.out());
        assert_eq!(mkroot::pack(&options, &()).unwrap_err().path, dir);
    }
    assert!(site.deployed().is_empty());
}

#[test]
fn an_error_leaves_the_old_webroot_and_no_temporary() {
    let site = Site::new();
    site.file("a.txt", "a");
    site.pack().unwrap();
    let old = fs::read(site.out()).unwrap();
    let link = site.link("dangling", "nowhere");
    site.refused(&link);
    assert_eq!(fs::read(site.out()).unwrap(), old);
    assert_eq!(site.deployed(), ["out"]);
}

#[test]
fn a_leftover_temporary_is_replaced() {
    let site = Site::new();
    site.file("a.txt", "a");
    fs::write(temporary(&site), vec![b'x'; 1_000_000]).unwrap();
    assert_eq!(site.packed().body("/a.txt"), b"a");
    assert_eq!(site.deployed(), ["out"]);
}

#[test]
fn a_temporary_that_is_a_link_is_not_followed() {
    let site = Site::new();
    let precious = site.temp().join("precious");
    fs::write(&precious, "precious").unwrap();
    std::os::unix::fs::symlink(&precious, temporary(&site)).unwrap();
    assert_eq!(site.pack().unwrap_err().path, temporary(&site));
    assert_eq!(fs::read(precious).unwrap(), b"precious");
}

#[test]
fn a_second_packer_of_one_webroot_is_refused() {
    let site = Site::new();
    site.file("a.txt", "a");
    let first = File::create(temporary(&site)).unwrap();
    first.lock().unwrap();
    let error = site.refused(&site.out());
    assert!(matches!(error.kind, ErrorKind::Busy), "{error}");
    assert!(error.to_string().contains("another mkroot is writing"));
    assert_eq!(site.deployed(), [".out.mkroot"]);
}

#[test]
fn packers_that_compete_leave_one_valid_webroot() {
    let site = Site::new();
    for number in 0..20 {
        site.file(format!("{number}.txt"), format!("{number}"));
    }
    let mut succeeded = 0;
    for _ in 0..8 {
        let start = || site.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let packers: Vec<_> = (0..6).map(|_| start().unwrap()).collect();
        for packer in packers {
            let output = packer.wait_with_output().unwrap();
            if output.status.success() {
                succeeded += 1;
            } else {
                assert!(stderr(&output).contains("another mkroot is writing"), "{output:?}");
            }
        }
        assert_eq!(Packed::open(&site.out()).webroot.len(), 20);
        assert_eq!(site.deployed(), ["out"]);
    }
    assert!(succeeded >= 8);
}

#[test]
fn permissions_are_0644_less_the_umask() {
    for (umask, expected) in [("022", 0o644), ("077", 0o600), ("000", 0o644)] {
        let site = Site::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let command = site.command();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
        assert!(shell.output().unwrap().status.success());
        let mode = fs::metadata(site.out()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, expected, "umask {umask}");
    }
}

#[test]
fn a_disk_that_is_full_leaves_the_old_webroot_and_no_temporary() {
    let site = Site::new();
    site.file("a.txt", "a");
    site.pack().unwrap();
    let old = fs::read(site.out()).unwrap();
    for (number, size) in [(1, 3_000_000), (2, 60_000), (3, 60_000)] {
        site.file(format!("{number}.bin"), vec![number; size]);
    }
    // A limit on the size of files stands in for the disk; blocks have 512 or 1,024 bytes.
    for blocks in [0, 1, 50, 1000, 2900] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let command = site.command();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = stderr(&output);
        assert!(message.contains(site.out().to_str().unwrap()), "{message}");
        assert!(message.contains("File too large"), "{message}");
        assert_eq!(fs::read(site.out()).unwrap(), old);
        assert_eq!(site.deployed(), ["out"]);
    }
}
