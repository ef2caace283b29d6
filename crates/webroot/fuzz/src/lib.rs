//! What the fuzz target does with its input. The suite does the same with the seed corpus.

use std::io::Write;

use webroot::{Captures, Webroot};

/// Bytes of the header page that the fuzzer would need luck to get right: magic and version, the
/// size of the file, the identity.
const HEADER: usize = 4096;

/// A file that claims to be a webroot. Its size and identity are made right first, as whoever means
/// harm would; all the rest is as it came.
pub fn reader(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    if let Ok(webroot) = Webroot::from_file(file) {
        exercise(&webroot);
    }
}

/// Makes what is checked at once right, if there is a whole header page.
pub fn seal(bytes: &mut [u8]) {
    let size = bytes.len() as u64;
    let Some(page) = bytes.get_mut(..HEADER) else { return };
    page[..12].copy_from_slice(b"\x89WROOT\n\x1a\x01\0\0\0");
    page[12..16].copy_from_slice(&(HEADER as u32).to_le_bytes());
    page[16..24].copy_from_slice(&size.to_le_bytes());
    page[24..56].fill(0);
    let identity = *blake3::hash(page).as_bytes();
    page[24..56].copy_from_slice(&identity);
}

/// Uses everything that a reader offers: errors are welcome, a panic or a span that leaves the file
/// is not.
pub fn exercise(webroot: &Webroot) {
    let inside = |span| assert!(webroot.bytes(span).is_some(), "a checked span left the file");
    let mut paths: Vec<Vec<u8>> = vec![b"/".to_vec(), b"/d".to_vec(), b"/d/e/none".to_vec()];
    for resource in webroot.resources().flatten() {
        paths.push(resource.path().to_vec());
        let _ = (resource.status(), resource.modified(), resource.rule(), resource.scope());
    }
    for path in paths.iter().take(1000) {
        let pages = [200, 404, 500].map(|status| webroot.error_page(status, path));
        let found = [webroot.lookup(path), webroot.lookup_for(404, path)];
        for resource in found.into_iter().chain(pages).flatten().flatten() {
            for variant in resource.variants() {
                inside(variant.head());
                inside(variant.validators());
                inside(variant.common());
                inside(variant.fields());
                inside(variant.content_type());
                inside(variant.after_validators());
                inside(variant.body());
                let _ = (variant.etag(), variant.coding(), variant.body_number());
            }
        }
    }
    for file in webroot.files().into_iter().flatten().flatten() {
        let _ = (file.path(), file.kind(), file.age(), webroot.bytes(file.body()));
    }
    for coding in webroot.codings().flatten() {
        let _ = coding.coded.map(|(span, _)| webroot.bytes(span));
    }
    let mut captures = Captures::default();
    for path in paths.iter().take(20) {
        for rule in webroot.rules_for(path).flatten() {
            let _ = (rule.number(), rule.matches(path, &mut captures));
        }
    }
    for rule in webroot.rules().flatten() {
        for path in paths.iter().take(20) {
            let _ = rule.matches(path, &mut captures);
        }
        let _ = (rule.pattern(), rule.to(), rule.fragment());
        let _ = rule.conditions().count();
    }
    let _ = webroot.verify();
}
