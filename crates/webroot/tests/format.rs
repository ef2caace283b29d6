//! The format as its users see it: what is written is what is read, and the bytes never change.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::os::unix::fs::FileExt;

use common::{large, write_site};
use webroot::{Coding, ErrorKind, Span, Webroot};

fn site() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.webroot");
    write_site(&path);
    (dir, path)
}

#[test]
fn every_entry_is_found_with_its_head_and_body() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    let page = webroot.lookup(b"/").unwrap().unwrap();
    assert_eq!((page.status(), page.modified()), (200, Some(1_700_000_000)));
    let codings: Vec<_> = page.variants().map(|variant| variant.coding()).collect();
    assert_eq!(codings, [Coding::Identity, Coding::Gzip]);
    let first = page.first();
    assert_eq!(webroot.bytes(first.body()).unwrap(), b"<p>hello</p>");
    assert!(first.head_bytes().ends_with(b"\r\nContent-Length: 12\r\n\r\n"));
    let digest = blake3::hash(b"<p>hello</p>").to_hex();
    assert_eq!(first.etag().unwrap(), format!("\"{}\"", &digest[..32]).as_bytes());
    assert!(webroot.lookup(b"/missing").unwrap().is_none());
    assert!(webroot.lookup(b"").unwrap().is_none());
}

#[test]
fn a_small_body_lies_behind_its_head_and_a_large_one_on_a_page() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    let small = webroot.lookup(b"/").unwrap().unwrap().first();
    assert_eq!(small.head().end(), small.body().offset);
    let big = webroot.lookup(b"/large.bin").unwrap().unwrap().first();
    assert_eq!(big.body().offset % 4096, 0);
    assert_eq!(webroot.bytes(big.body()).unwrap(), large());
}

#[test]
fn equal_content_is_stored_once_under_heads_of_its_own() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    let page = webroot.lookup(b"/index.html").unwrap().unwrap().first();
    let copy = webroot.lookup(b"/copy.txt").unwrap().unwrap().first();
    assert_eq!(page.body(), copy.body());
    assert_ne!(page.head(), copy.head());
    // "<p>hello</p>", "(gzip)", the large one, "lost", the empty one.
    assert_eq!(webroot.body_count(), 5);
}

#[test]
fn an_error_page_answers_for_its_directory_and_below() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    let page = |path: &str| {
        let found = webroot.error_page(404, path.as_bytes()).unwrap().unwrap();
        (found.path(), found.scope())
    };
    assert_eq!(page("/x"), (&b"/"[..], Some(404)));
    assert_eq!(page("/d/x"), (&b"/"[..], Some(404)));
    assert_eq!(page("/d/e/x"), (&b"/d/e/"[..], Some(404)));
    assert_eq!(page("/d/e/f/g/h"), (&b"/d/e/"[..], Some(404)));
    assert_eq!(page(&"/deep".repeat(2000)), (&b"/"[..], Some(404)));
    assert!(webroot.error_page(500, b"/x").unwrap().is_none());
}

#[test]
fn entries_come_in_order_and_verify_reads_every_byte() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    let keys: Vec<_> =
        webroot.resources().map(Result::unwrap).map(|r| (r.scope(), r.path())).collect();
    assert!(keys.is_sorted());
    assert_eq!(keys.len(), 8);
    let verified = webroot.verify().unwrap();
    assert_eq!((verified.entries, verified.bodies), (8, 5));
    assert_eq!(verified.bytes, fs::metadata(&path).unwrap().len());
}

#[test]
fn verify_notices_any_changed_byte_and_names_who_is_hit() {
    let (_dir, path) = site();
    let size = fs::metadata(&path).unwrap().len();
    let file = fs::OpenOptions::new().write(true).read(true).open(&path).unwrap();
    let webroot = Webroot::open(&path).unwrap();
    // All of the header and the small parts, a sample of the large body.
    let large = webroot.lookup(b"/large.bin").unwrap().unwrap().first().body();
    let places = (0..size).filter(|at| !(large.offset..large.end()).contains(at) || at % 997 == 0);
    for at in places {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
        let findings = webroot.verify().expect_err(&format!("byte {at}"));
        if at == large.offset {
            assert_eq!(findings[0].path.as_deref(), Some(&b"/large.bin"[..]));
        }
        file.write_all_at(&byte, at).unwrap();
    }
    webroot.verify().unwrap();
}

#[test]
fn what_is_not_a_whole_webroot_is_refused_with_the_reason() {
    let (dir, path) = site();
    let bytes = fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        let path = dir.path().join("changed");
        fs::write(&path, bytes).unwrap();
        Webroot::open(&path).expect_err("opened").kind
    };
    assert!(matches!(open(b""), ErrorKind::NotAWebroot));
    assert!(matches!(open(b"<!doctype html>"), ErrorKind::NotAWebroot));
    assert!(matches!(open(&bytes[..bytes.len() - 1]), ErrorKind::Size { .. }));
    assert!(matches!(open(&bytes[..100]), ErrorKind::Size { .. }));
    let mut later = bytes.clone();
    later[8] = 9;
    assert!(matches!(open(&later), ErrorKind::Version(9)));
    let mut damaged = bytes;
    damaged[70] ^= 1;
    assert!(matches!(open(&damaged), ErrorKind::Damaged(_)));
    let missing = Webroot::open(dir.path().join("none")).unwrap_err();
    assert!(missing.to_string().contains("none: open: "));
    let directory = Webroot::open(dir.path()).unwrap_err();
    assert!(directory.to_string().contains("not a regular file"), "{directory}");
}

#[test]
fn a_span_that_leaves_the_file_has_no_bytes() {
    let (_dir, path) = site();
    let webroot = Webroot::open(&path).unwrap();
    assert!(webroot.bytes(Span { offset: u64::MAX, size: 2 }).is_none());
    assert!(webroot.bytes(Span { offset: 0, size: webroot.file_size() + 1 }).is_none());
}

#[test]
fn two_entries_for_one_path_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twice");
    let mut writer = webroot::Writer::new(fs::File::create(&path).unwrap(), &path).unwrap();
    let head = webroot::HeadBuilder::new().finish(0).unwrap();
    let variant = writer
        .variant(webroot::Content::Bytes(b""), Coding::Identity, |_, _| {
            Ok::<_, webroot::Error>(head)
        })
        .unwrap();
    let entry = webroot::Entry {
        path: b"/a",
        status: 200,
        variants: &[variant],
        ..webroot::Entry::default()
    };
    writer.entry(&entry).unwrap();
    writer.entry(&entry).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(error.to_string().contains("two entries for /a"), "{error}");
}

/// The golden file was made by this very site. To change the format: raise its version, then
/// remove the file and run this test to make the new one.
#[test]
fn the_bytes_of_the_format_are_pinned() {
    let (_dir, path) = site();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/site-v1.golden");
    let written = fs::read(&path).unwrap();
    if !fs::exists(golden).unwrap() {
        fs::write(golden, &written).unwrap();
        panic!("{golden} was missing and is made anew: look at it and commit it");
    }
    assert!(fs::read(golden).unwrap() == written, "the format changed, see {golden}");
    Webroot::open(golden).unwrap().verify().unwrap();
}
