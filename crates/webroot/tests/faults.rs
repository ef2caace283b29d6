//! A webroot whose file changes while it is mapped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use webroot::{Coding, Content, Entry, Error, HeadBuilder, Webroot, Writer, contain_faults};

/// Resources of a webroot here: several pages of entries and of index.
const COUNT: usize = 400;

/// Writes a webroot in which every body has `text` in it.
fn pack(path: &Path, text: &str) {
    let mut writer = Writer::new(File::create(path).unwrap(), path).unwrap();
    for number in 0..COUNT {
        let body = format!("{text} {number:04}\n").repeat(20);
        let head = |_: &webroot::Digest, size| {
            Ok::<_, Error>(HeadBuilder::new().content_type("text/plain").finish(size).unwrap())
        };
        let content = Content::Bytes(body.as_bytes());
        let variant = writer.variant(content, Coding::Identity, head).unwrap();
        let path = format!("/{number:04}");
        let variants = &[variant];
        let entry = Entry { path: path.as_bytes(), status: 200, variants, ..Entry::default() };
        writer.entry(&entry).unwrap();
    }
    writer.finish().unwrap();
}

/// A directory with a webroot in it, open.
fn opened() -> (tempfile::TempDir, PathBuf, Webroot) {
    contain_faults().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.webroot");
    pack(&path, "old");
    let webroot = Webroot::open(&path).unwrap();
    (dir, path, webroot)
}

/// Reads all that there is, whatever it is. How many bodies were found.
fn read_all(webroot: &Webroot) -> usize {
    let mut found = 0;
    for number in 0..COUNT {
        if let Ok(Some(resource)) = webroot.lookup(format!("/{number:04}").as_bytes()) {
            let body = resource.first().body();
            found += webroot.bytes(body).map_or(0, |bytes| {
                // Every byte is looked at.
                usize::from(bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)) != 1)
            });
        }
    }
    let _ = webroot.resources().count();
    found
}

fn truncate(path: &Path, size: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
}

#[test]
fn a_file_that_nobody_touches_stays_intact() {
    let (_dir, _, webroot) = opened();
    assert_eq!(read_all(&webroot), COUNT);
    assert!(webroot.is_intact());
}

#[test]
fn a_file_that_is_deleted_stays_intact() {
    let (_dir, path, webroot) = opened();
    fs::remove_file(path).unwrap();
    assert_eq!(read_all(&webroot), COUNT);
    assert!(webroot.is_intact());
}

#[test]
fn a_file_that_is_replaced_by_rename_stays_intact() {
    let (dir, path, webroot) = opened();
    pack(&dir.path().join("new"), "new");
    fs::rename(dir.path().join("new"), path).unwrap();
    assert_eq!(read_all(&webroot), COUNT);
    assert!(webroot.is_intact());
}

#[test]
fn a_file_that_is_truncated_anywhere_is_not_intact_and_can_be_read_all_the_same() {
    let (_dir, path, _) = opened();
    let all = fs::read(path).unwrap();
    let (size, page) = (all.len(), 4096);
    let cuts =
        [0, 1, 100, page - 1, page, page + 1, size / 2, size - 2 * page, size - 100, size - 1];
    for left in cuts {
        let (_dir, path, webroot) = opened();
        // Some pages are mapped already, some are not.
        webroot.lookup(b"/0007").unwrap().unwrap();
        truncate(&path, left as u64);
        // Zeros that are cut off inside of a page are still there.
        let is_same = all[left..].iter().all(|byte| *byte == 0) && left / page == (size - 1) / page;
        for _ in 0..2 {
            assert_eq!(webroot.is_intact(), is_same, "{left} of {size} bytes are left");
            let found = read_all(&webroot);
            assert!(!is_same || found == COUNT);
        }
    }
}

#[test]
fn a_file_that_grows_again_after_it_was_cut_off_is_not_intact() {
    let (_dir, path, webroot) = opened();
    let bytes = fs::read(&path).unwrap();
    truncate(&path, 0);
    assert!(!webroot.is_intact());
    fs::write(&path, bytes).unwrap();
    // The same bytes, but something else may have been read between.
    assert!(!webroot.is_intact());
}

#[test]
fn a_file_that_is_written_over_is_not_intact() {
    let (dir, path, webroot) = opened();
    let new = dir.path().join("new");
    pack(&new, "new");
    // Of the same size, so that nothing is truncated on the way.
    assert_eq!(fs::metadata(&new).unwrap().len(), webroot.file_size());
    let bytes = fs::read(new).unwrap();
    let file = OpenOptions::new().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    assert!(!webroot.is_intact());
    read_all(&webroot);
}

#[test]
fn other_webroots_do_not_notice() {
    let (_one, path, webroot) = opened();
    let (_two, _, other) = opened();
    truncate(&path, 4096);
    read_all(&webroot);
    assert!(!webroot.is_intact());
    assert_eq!(read_all(&other), COUNT);
    assert!(other.is_intact());
}

#[test]
fn verification_of_a_file_that_was_truncated_finds_something() {
    let (_dir, path, webroot) = opened();
    truncate(&path, 3 * 4096);
    assert!(!webroot.verify().unwrap_err().is_empty());
}

#[test]
fn threads_that_read_while_files_are_truncated_live_on() {
    contain_faults().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    pack(&original, "old");
    let size = fs::metadata(&original).unwrap().len();
    for round in 0..60 {
        let path = dir.path().join(format!("{round}"));
        fs::copy(&original, &path).unwrap();
        let webroot = Webroot::open(&path).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let found = read_all(&webroot);
                        assert!(found == COUNT || !webroot.is_intact());
                    }
                });
            }
            thread::sleep(std::time::Duration::from_millis(2));
            truncate(&path, size * round / 60);
            thread::sleep(std::time::Duration::from_millis(2));
            stop.store(true, Ordering::Relaxed);
        });
        assert!(!webroot.is_intact());
    }
}

/// Tells the process that is started below to do what must end it.
const FOREIGN: &str = "READ_BEHIND_THE_END_OF_A_FOREIGN_MAPPING";

#[test]
fn a_fault_in_the_mapping_of_somebody_else_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    if std::env::var_os(FOREIGN).is_some() {
        let (_dir, _, webroot) = opened();
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        // SAFETY: nothing but this test uses the file, and the fault is what it is about.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
        file.set_len(0).unwrap();
        println!("{} {}", map[4096], webroot.is_intact());
        return;
    }
    let test = "a_fault_in_the_mapping_of_somebody_else_ends_the_process";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let ended = child.args(["--exact", test]).env(FOREIGN, "1").output().unwrap().status;
    assert_eq!(ended.signal(), Some(7), "SIGBUS on Linux: {ended:?}");
}
