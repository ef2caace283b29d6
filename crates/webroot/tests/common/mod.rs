//! A small site that has one of each: shared and large bodies, codings, a redirect, error pages.

use std::path::Path;

use webroot::{Coding, Content, Entry, Error, Head, HeadBuilder, StoredVariant, Summary, Writer};

pub(crate) const LARGE: usize = 70_000;

pub(crate) fn large() -> Vec<u8> {
    (0..LARGE).map(|n| (n % 251) as u8).collect()
}

fn head(kind: &str, digest: &webroot::Digest, size: u64) -> Result<Head, Error> {
    let tag = format!("\"{}\"", &digest.to_hex()[..32]);
    let builder = HeadBuilder::new().etag(&tag).validator("Vary", "Accept-Encoding");
    Ok(builder.common("Accept-Ranges", "bytes").content_type(kind).finish(size).unwrap())
}

fn put(writer: &mut Writer, bytes: &[u8], coding: Coding, kind: &str) -> StoredVariant {
    let content = Content::Bytes(bytes);
    writer.variant(content, coding, |digest, size| head(kind, digest, size)).unwrap()
}

pub(crate) fn write_site(path: &Path) -> Summary {
    let mut writer = Writer::new(std::fs::File::create(path).unwrap(), path).unwrap();
    let page = put(&mut writer, b"<p>hello</p>", Coding::Identity, "text/html");
    let coded = put(&mut writer, b"(gzip)", Coding::Gzip, "text/html");
    let text = put(&mut writer, b"<p>hello</p>", Coding::Identity, "text/plain");
    let large = put(&mut writer, &large(), Coding::Identity, "application/octet-stream");
    let lost = put(&mut writer, b"lost", Coding::Identity, "text/plain");
    let empty = put(&mut writer, b"", Coding::Identity, "text/plain");
    let target = HeadBuilder::new().location("/d/").finish(0).unwrap();
    let moved = writer
        .variant(Content::Bytes(b""), Coding::Identity, |_, _| Ok::<_, Error>(target))
        .unwrap();
    let plain = |path: &'static [u8]| Entry {
        path,
        scope: None,
        status: 200,
        modified: Some(1_700_000_000),
        ..Entry::default()
    };
    let entries = [
        Entry { variants: &[page, coded], ..plain(b"/") },
        Entry { variants: &[page, coded], ..plain(b"/index.html") },
        Entry { variants: &[text], ..plain(b"/copy.txt") },
        Entry { variants: &[large], ..plain(b"/large.bin") },
        Entry { variants: &[empty], ..plain(b"/d/") },
        Entry {
            variants: &[moved],
            status: 301,
            keeps_query: true,
            modified: None,
            ..plain(b"/d")
        },
        Entry { variants: &[lost], scope: Some(404), status: 404, ..plain(b"/") },
        Entry { variants: &[text], scope: Some(404), status: 404, ..plain(b"/d/e/") },
    ];
    for entry in entries {
        writer.entry(&entry).unwrap();
    }
    writer.finish().unwrap().1
}
