//! What a webroot says of the tree that it was packed from: its files, and what encoders made.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::path::Path;

use proptest::prelude::*;
use webroot::{
    Coding, Content, Encoded, Entry, Error, FileKind, HeadBuilder, TreeFile, Webroot, Writer,
};

const PAGE: &[u8] = b"<p>hello</p>";
const ENCODER: [u8; 8] = *b"encoder1";

fn write_site(path: &Path) {
    let mut writer = Writer::new(File::create(path).unwrap(), path).unwrap();
    let head = |_: &webroot::Digest, size| Ok::<_, Error>(HeadBuilder::new().finish(size).unwrap());
    let page = writer.variant(Content::Bytes(PAGE), Coding::Identity, head).unwrap();
    let coded = writer.variant(Content::Bytes(b"(gzip)"), Coding::Gzip, head).unwrap();
    let policy = writer.body(Content::Bytes(b"[cache]\n")).unwrap();
    let again = writer.body(Content::Hashed(PAGE, blake3::hash(PAGE))).unwrap();
    assert_eq!(again, page.body_number(), "a body without a head is stored once, too");
    let entry = Entry { path: b"/", status: 200, variants: &[page, coded], ..Entry::default() };
    writer.entry(&entry).unwrap();
    let file = |path, kind, body| TreeFile {
        path,
        kind,
        age: u8::from(kind == FileKind::Kept) * 3,
        checked: kind == FileKind::Content,
        modified: 1_700_000_000,
        body,
    };
    writer.file(&file(b"webroot.toml", FileKind::Policy, policy)).unwrap();
    writer.file(&file(b"index.html", FileKind::Content, page.body_number())).unwrap();
    writer.file(&file(b"assets/old.js", FileKind::Kept, page.body_number())).unwrap();
    let encoded =
        |coding, coded| Encoded { source: page.body_number(), coding, encoder: ENCODER, coded };
    writer.encoded(encoded(Coding::Br, None));
    writer.encoded(encoded(Coding::Gzip, Some(coded.body_number())));
    writer.encoded(encoded(Coding::Gzip, Some(coded.body_number())));
    writer.finish().unwrap();
}

fn packed() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.webroot");
    write_site(&path);
    (dir, path)
}

#[test]
fn files_of_the_tree_come_back_in_order_of_path() {
    let (_dir, path) = packed();
    let webroot = Webroot::open(&path).unwrap();
    webroot.verify().unwrap();
    let files: Vec<_> = webroot.files().unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = files.iter().map(|file| (file.path(), file.kind(), file.age())).collect();
    let expected = [
        (&b"assets/old.js"[..], FileKind::Kept, 3),
        (b"index.html", FileKind::Content, 0),
        (b"webroot.toml", FileKind::Policy, 0),
    ];
    assert_eq!(names, expected);
    assert_eq!(webroot.bytes(files[2].body()).unwrap(), b"[cache]\n");
    assert_eq!(files[1].digest(), blake3::hash(PAGE).as_bytes());
    assert_eq!(files[1].modified(), 1_700_000_000);
    assert!(files[1].is_checked() && !files[2].is_checked());
}

#[test]
fn what_encoders_made_is_found_by_the_digest_of_its_source() {
    let (_dir, path) = packed();
    let webroot = Webroot::open(&path).unwrap();
    let codings: Vec<_> = webroot.codings().map(Result::unwrap).collect();
    assert_eq!(codings.len(), 2, "a double is noted once");
    assert!(codings.iter().all(|coding| coding.source == blake3::hash(PAGE).as_bytes()));
    assert!(codings.iter().all(|coding| coding.encoder == ENCODER));
    assert_eq!((codings[0].coding, codings[1].coding), (Coding::Gzip, Coding::Br));
    let (span, digest) = codings[0].coded.unwrap();
    assert_eq!(webroot.bytes(span).unwrap(), b"(gzip)");
    assert_eq!(digest, blake3::hash(b"(gzip)").as_bytes());
    assert_eq!(codings[1].coded, None);
}

#[test]
fn verify_notices_a_change_in_either_table() {
    let (_dir, path) = packed();
    let bytes = fs::read(&path).unwrap();
    let start = 4096 + 1;
    let damaged = path.with_extension("damaged");
    for at in start..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x20;
        fs::write(&damaged, &bytes).unwrap();
        assert!(Webroot::open(&damaged).unwrap().verify().is_err(), "byte {at}");
    }
}

#[test]
fn a_webroot_without_the_tables_names_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bare");
    Writer::new(File::create(&path).unwrap(), &path).unwrap().finish().unwrap();
    let webroot = Webroot::open(&path).unwrap();
    assert!(webroot.files().is_none());
    assert_eq!(webroot.codings().count(), 0);
}

proptest! {
    #[test]
    fn changed_tables_never_panic(
        changes in prop::collection::vec((0usize..400, any::<u8>()), 1..6),
    ) {
        let (_dir, path) = packed();
        let written = fs::read(&path).unwrap();
        let mut bytes = written.clone();
        for (back, value) in changes {
            let at = bytes.len() - 1 - back;
            bytes[at] = value;
        }
        fs::write(&path, &bytes).unwrap();
        let webroot = Webroot::open(&path).unwrap();
        for file in webroot.files().unwrap().flatten() {
            let _ = (file.path(), file.kind(), file.digest(), webroot.bytes(file.body()));
        }
        let _ = webroot.codings().filter_map(Result::ok).filter_map(|one| one.coded).count();
        prop_assert!(webroot.verify().is_err() || bytes == written);
    }
}

/// As for the golden file of `format.rs`: a change here is a change of the format.
#[test]
fn the_bytes_of_both_tables_are_pinned() {
    let (_dir, path) = packed();
    let identity = Webroot::open(&path).unwrap().identity().to_string();
    assert_eq!(identity, "86b8a6286af25eb71a26904033a0fc831ff050808592341d2e1defcc4fa054fe");
}
