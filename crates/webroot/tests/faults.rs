//! A webroot whose file changes while it is mapped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use webroot::{
    Coding, Content, Entry, Error, FileKind, HeadBuilder, TreeFile, Webroot, Writer, contain_faults,
};

/// Resources of a webroot here: several pages of entries and of index.
const COUNT: usize = 400;
/// Bytes of a page.
const PAGE: usize = 4096;

fn body(text: &str, number: usize) -> Vec<u8> {
    format!("{text} {number:04}\n").repeat(20).into_bytes()
}

/// Writes a webroot in which every body has `text` in it.
fn pack(path: &Path, text: &str) {
    let mut writer = Writer::new(File::create(path).unwrap(), path).unwrap();
    for number in 0..COUNT {
        let head = |_: &webroot::Digest, size| {
            Ok::<_, Error>(HeadBuilder::new().content_type("text/plain").finish(size).unwrap())
        };
        let body = body(text, number);
        let variant = writer.variant(Content::Bytes(&body), Coding::Identity, head).unwrap();
        let path = format!("/{number:04}");
        let variants = &[variant];
        let entry = Entry { path: path.as_bytes(), status: 200, variants, ..Entry::default() };
        writer.entry(&entry).unwrap();
        // Eight bytes, so that no padding stands at the end of the file.
        let name = format!("page{number:04}");
        let file = TreeFile {
            path: name.as_bytes(),
            kind: FileKind::Content,
            age: 0,
            checked: true,
            modified: 1_700_000_000,
            body: variant.body_number(),
        };
        writer.file(&file).unwrap();
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

/// Copies a body out of the mapping, if it is found.
fn copied(webroot: &Webroot, number: usize) -> Option<Vec<u8>> {
    let resource = webroot.lookup(format!("/{number:04}").as_bytes()).ok()??;
    webroot.bytes(resource.first().body()).map(<[u8]>::to_vec)
}

/// Looks at all that there is, in every way that there is, whatever comes of it.
fn look_at_all(webroot: &Webroot) {
    for resource in webroot.resources().flatten() {
        for variant in resource.variants() {
            let spans = [variant.head(), variant.body(), variant.after_validators()];
            assert!(spans.iter().filter_map(|span| webroot.bytes(*span)).count() <= spans.len());
            assert!(variant.etag().is_none_or(|tag| tag.len() < 256));
        }
    }
    webroot.lookup(b"/").ok();
    webroot.error_page(404, b"/a/b/c").ok();
    assert!(webroot.files().is_none_or(|files| files.count() <= COUNT));
    assert!(webroot.rules().count() <= COUNT && webroot.rules_for(b"/a").count() <= COUNT);
    assert!(webroot.codings().count() <= COUNT);
}

/// Asserts that everything is there and as it was packed.
fn assert_whole(webroot: &Webroot) {
    for number in 0..COUNT {
        assert_eq!(copied(webroot, number), Some(body("old", number)));
    }
    assert!(webroot.is_intact());
}

/// Asserts that nothing can be told of it but that it changed, now and whatever is looked at.
fn assert_changed(webroot: &Webroot, how: &str) {
    assert!(!webroot.is_intact(), "{how}");
    look_at_all(webroot);
    for number in 0..COUNT {
        copied(webroot, number);
    }
    assert!(!webroot.is_intact(), "{how}");
}

fn truncate(path: &Path, size: usize) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size as u64).unwrap();
}

#[test]
fn a_file_that_nobody_touches_stays_intact() {
    let (_dir, _, webroot) = opened();
    look_at_all(&webroot);
    assert_whole(&webroot);
}

#[test]
fn a_file_that_is_deleted_stays_intact() {
    let (_dir, path, webroot) = opened();
    fs::remove_file(path).unwrap();
    assert_whole(&webroot);
}

#[test]
fn a_file_that_is_replaced_by_rename_stays_intact() {
    let (dir, path, webroot) = opened();
    pack(&dir.path().join("new"), "new");
    fs::rename(dir.path().join("new"), path).unwrap();
    assert_whole(&webroot);
}

#[test]
fn a_file_that_is_longer_than_it_was_stays_intact() {
    let (_dir, path, webroot) = opened();
    truncate(&path, webroot.file_size() as usize + 3 * PAGE);
    assert_whole(&webroot);
}

#[test]
fn a_file_that_is_truncated_anywhere_is_not_intact_and_can_be_read_all_the_same() {
    let (_dir, path, _) = opened();
    let size = fs::metadata(path).unwrap().len() as usize;
    assert!(size > 20 * PAGE && size % PAGE > 200, "the cuts below mean something");
    let ends = [size - 1, size - 4, size - 8, size - 100, size / PAGE * PAGE];
    let pages = [0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, size / 2, size - 2 * PAGE];
    for left in ends.into_iter().chain(pages) {
        let (_dir, path, webroot) = opened();
        // Some pages are mapped already, some are not.
        assert!(copied(&webroot, 7).is_some());
        truncate(&path, left);
        assert_changed(&webroot, &format!("{left} of {size} bytes are left"));
    }
}

#[test]
fn zeros_that_are_cut_off_at_the_end_do_not_matter() {
    contain_faults().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.webroot");
    // The header, and an index of two empty slots.
    Writer::new(File::create(&path).unwrap(), &path).unwrap().finish().unwrap();
    let webroot = Webroot::open(&path).unwrap();
    assert_eq!(webroot.file_size() as usize, PAGE + 16);
    truncate(&path, PAGE + 1);
    assert!(matches!(webroot.lookup(b"/"), Ok(None)) && webroot.is_intact());
    truncate(&path, PAGE);
    assert!(matches!(webroot.lookup(b"/"), Ok(None)) && !webroot.is_intact());
}

#[test]
fn a_file_that_grows_again_after_it_was_cut_off_is_not_intact() {
    let (_dir, path, webroot) = opened();
    let bytes = fs::read(&path).unwrap();
    truncate(&path, 0);
    copied(&webroot, 0);
    fs::write(&path, bytes).unwrap();
    // The same bytes, but something else was read between.
    assert_changed(&webroot, "written again");
}

#[test]
fn a_file_that_another_is_copied_over_is_not_intact() {
    let (dir, path, webroot) = opened();
    let new = dir.path().join("new");
    pack(&new, "newer");
    fs::copy(&new, &path).unwrap();
    assert_changed(&webroot, "copied over");
}

#[test]
fn a_file_that_is_written_over_is_not_intact_from_its_first_page_on() {
    let (dir, path, webroot) = opened();
    let new = dir.path().join("new");
    pack(&new, "new");
    let bytes = fs::read(new).unwrap();
    // Of the same size, so that nothing is truncated on the way.
    assert_eq!(bytes.len() as u64, webroot.file_size());
    let file = OpenOptions::new().write(true).open(path).unwrap();
    for (number, page) in bytes.chunks(PAGE).enumerate() {
        file.write_all_at(page, (number * PAGE) as u64).unwrap();
        assert!(!webroot.is_intact(), "page {number} is written");
    }
    assert_changed(&webroot, "written over");
}

#[test]
fn room_that_was_made_for_a_file_before_it_is_written_again_is_not_intact() {
    let (_dir, path, webroot) = opened();
    let bytes = fs::read(&path).unwrap();
    // Zeros, nothing that faults; then the same bytes, but not all of them.
    truncate(&path, 0);
    truncate(&path, bytes.len());
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&bytes[..bytes.len() - PAGE], 0).unwrap();
    assert_changed(&webroot, "not written to its end");
}

#[test]
fn other_webroots_do_not_notice() {
    let (_one, path, webroot) = opened();
    let (_two, _, other) = opened();
    truncate(&path, PAGE);
    assert_changed(&webroot, "truncated");
    assert_whole(&other);
}

#[test]
fn a_webroot_that_takes_the_place_of_one_that_faulted_is_intact() {
    let (_dir, path, webroot) = opened();
    truncate(&path, 0);
    assert_changed(&webroot, "truncated");
    drop(webroot);
    pack(&path, "old");
    // Each takes what the one before has given back.
    for _ in 0..10 {
        assert_whole(&Webroot::open(&path).unwrap());
    }
}

#[test]
fn verification_tells_first_that_the_file_changed() {
    for left in [0, 3 * PAGE] {
        let (_dir, path, webroot) = opened();
        assert!(webroot.verify().is_ok());
        truncate(&path, left);
        let findings = webroot.verify().unwrap_err();
        assert!(findings[0].damage.what.contains("truncated or written over"), "{findings:?}");
        assert!(findings.len() <= 100, "{}", findings.len());
    }
}

/// Readers that copy bodies and ask afterwards, while something is done to the file, again and
/// again to a fresh copy. Nothing but the right bytes passes for intact.
fn read_while(rounds: usize, change: impl Fn(&Path, usize)) {
    contain_faults().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    pack(&original, "old");
    let bystander = Webroot::open(&original).unwrap();
    let (right, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..rounds {
        let path = dir.path().join("copy");
        fs::remove_file(&path).ok();
        fs::copy(&original, &path).unwrap();
        let webroot = Webroot::open(&path).unwrap();
        let stop = AtomicBool::new(false);
        let (right, wrong) = (&right, &wrong);
        thread::scope(|scope| {
            for reader in 0..4 {
                let (webroot, stop) = (&webroot, &stop);
                scope.spawn(move || {
                    // From all ends at once.
                    for number in (0..COUNT).cycle().skip(reader * COUNT / 4) {
                        let found = copied(webroot, number);
                        if webroot.is_intact() {
                            assert_eq!(found, Some(body("old", number)));
                            right.fetch_add(1, Ordering::Relaxed);
                        } else {
                            wrong.fetch_add(1, Ordering::Relaxed);
                        }
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(1));
            change(&path, round);
            thread::sleep(Duration::from_millis(1));
            stop.store(true, Ordering::Relaxed);
        });
        assert_changed(&webroot, &format!("round {round}"));
        assert!(bystander.is_intact());
    }
    assert_whole(&bystander);
    assert!(right.into_inner() > 0 && wrong.into_inner() > 0, "it was read before and behind");
}

#[test]
fn readers_never_take_bytes_of_a_truncated_file_for_good_ones() {
    let (_dir, path, _) = opened();
    let size = fs::metadata(path).unwrap().len() as usize;
    read_while(100, |path, round| truncate(path, size * round / 100));
}

#[test]
fn readers_never_take_bytes_of_another_file_for_good_ones() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("new");
    pack(&new, "new");
    read_while(100, |path, _| {
        fs::copy(&new, path).unwrap();
    });
}

/// Tells the process that is started below in which directory to do what must end it.
const PLACE: &str = "DIRECTORY_OF_THE_PROCESS_THAT_ENDS";
/// Runs a test of this file once more in a process of its own, there with a directory; how that
/// ends.
fn ended_by(test: &str) -> Option<i32> {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test]).env(PLACE, dir.path()).output().unwrap();
    output.status.signal()
}

#[test]
fn a_fault_in_the_mapping_of_somebody_else_ends_the_process() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else {
        let test = "a_fault_in_the_mapping_of_somebody_else_ends_the_process";
        assert_eq!(ended_by(test), Some(Signal::SIGBUS as i32));
        return;
    };
    contain_faults().unwrap();
    let (ours, foreign) = (place.join("ours"), place.join("foreign"));
    pack(&ours, "old");
    let webroot = Webroot::open(&ours).unwrap();
    fs::write(&foreign, vec![1; 2 * PAGE]).unwrap();
    // SAFETY: nothing but this test uses the file, and the fault is what it is about.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&File::open(&foreign).unwrap()) }.unwrap();
    // What is ours is contained, before and though the other is not.
    truncate(&ours, 0);
    assert_changed(&webroot, "truncated");
    truncate(&foreign, 0);
    println!("{}", map[PAGE]);
}

#[test]
fn a_signal_that_somebody_sends_ends_the_process() {
    if std::env::var_os(PLACE).is_none() {
        let test = "a_signal_that_somebody_sends_ends_the_process";
        assert_eq!(ended_by(test), Some(Signal::SIGBUS as i32));
        return;
    }
    contain_faults().unwrap();
    kill(Pid::this(), Signal::SIGBUS).unwrap();
    thread::sleep(Duration::from_secs(10));
}
