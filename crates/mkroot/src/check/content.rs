//! Files that are not what their name says: a saved error page called `logo.png`, a pointer where
//! a large file should be.

use super::links::shown;
use crate::text::has_control_byte;
use crate::{Finding, Severity};

/// Bytes from the beginning of a file that [`check_type`] can make use of.
pub const BEGINNING: usize = 4096;

/// What a file in the care of Git LFS is without it.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Compares the media type that a file has by its name with the first bytes of its content, the
/// first [`BEGINNING`] or all: `type-mismatch`. `file` is what the finding names; parameters of
/// the media type do not matter.
///
/// Only what is certain is found: content of one of the formats that begin the same way always, or
/// a name that promises such a format. An empty file is none.
pub fn check_type(file: &[u8], media_type: &str, beginning: &[u8]) -> Option<Finding> {
    let media_type = media_type.split(';').next().unwrap_or_default().trim_ascii();
    if beginning.is_empty() || agrees(media_type, beginning)? {
        return None;
    }
    let content = if is_html(beginning) {
        "an HTML document; a saved error page?".to_owned()
    } else if beginning.starts_with(LFS_POINTER) {
        "a pointer of Git LFS; fetch the file with git lfs pull".to_owned()
    } else if let Some(kind) = binary(beginning) {
        kind.to_owned()
    } else {
        format!(
            "something else, and begins with \"{}\"",
            shown(beginning.get(..16).unwrap_or(beginning))
        )
    };
    Some(Finding {
        severity: Severity::Warning,
        kind: "type-mismatch",
        file: file.to_vec(),
        line: 0,
        column: 0,
        message: format!("by its name this is {media_type}, but its content is {content}"),
    })
}

/// Whether content may be of a media type; `None` if that can't be told of this type.
fn agrees(media_type: &str, content: &[u8]) -> Option<bool> {
    let is_pointer = content.starts_with(LFS_POINTER);
    let is = |magic: &[u8]| Some(content.starts_with(magic));
    let at = |place: usize, magic: &[u8]| {
        content.get(place..).is_some_and(|rest| rest.starts_with(magic))
    };
    match media_type {
        "image/png" => is(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => is(b"\xff\xd8\xff"),
        "image/gif" => Some(at(0, b"GIF87a") || at(0, b"GIF89a")),
        "image/webp" => Some(at(0, b"RIFF") && at(8, b"WEBP")),
        "image/avif" => Some(at(4, b"ftyp")),
        "font/woff" => is(b"wOFF"),
        "font/woff2" => is(b"wOF2"),
        "application/wasm" => is(b"\0asm"),
        // Browsers take any image for an icon, and any sfnt for any.
        "image/x-icon" | "font/otf" | "font/ttf" => Some(!is_pointer && !is_html(content)),
        "image/svg+xml"
        | "text/css"
        | "text/javascript"
        | "application/json"
        | "application/manifest+json" => {
            Some(!is_pointer && !is_html(content) && binary(content).is_none())
        }
        "text/html" => Some(!is_pointer && binary(content).is_none()),
        _ => {
            let group = media_type.split('/').next().unwrap_or_default();
            let is_media = matches!(group, "audio" | "font" | "image" | "video");
            let is_archive = matches!(
                media_type,
                "application/pdf" | "application/zip" | "application/gzip" | "application/epub+zip"
            );
            (is_media || is_archive).then(|| !is_pointer && !is_html(content))
        }
    }
}

/// Whether content is an HTML document by its first tag.
fn is_html(content: &[u8]) -> bool {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"].iter().any(|tag| {
        let (begins, next) = (text.get(..tag.len()), text.get(tag.len()));
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(tag))
            && next.is_none_or(|next| *next == b'>' || next.is_ascii_whitespace())
    })
}

/// The name of a binary format that content is of by its magic number. Text that happens to begin
/// like one is none, and neither is UTF-16.
fn binary(content: &[u8]) -> Option<&'static str> {
    let is_utf16 = content.starts_with(b"\xfe\xff") || content.starts_with(b"\xff\xfe");
    if is_utf16 || !has_control_byte(content) {
        return None;
    }
    let kind = infer::get(content)?;
    let certain = [
        infer::MatcherType::Archive,
        infer::MatcherType::Audio,
        infer::MatcherType::Font,
        infer::MatcherType::Image,
        infer::MatcherType::Video,
    ];
    let is_certain =
        certain.contains(&kind.matcher_type()) || kind.mime_type() == "application/wasm";
    is_certain.then(|| kind.mime_type())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    const HTML: &[u8] = b"\xef\xbb\xbf\r\n<!DOCTYPE HTML>\n<title>404</title>";

    #[test]
    fn content_of_another_format_is_found() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
        for (media_type, content, expected) in [
            ("image/png", JPEG, "image/jpeg"),
            ("image/png", HTML, "an HTML document"),
            ("image/png", b"not found", "something else, and begins with \"not found\""),
            ("image/png", pointer, "a pointer of Git LFS"),
            ("image/jpeg", PNG, "image/png"),
            ("image/gif", PNG, "image/png"),
            ("image/webp", b"RIFF\x10\0\0\0WAVEfmt ", "audio/x-wav"),
            ("image/avif", JPEG, "image/jpeg"),
            ("image/x-icon", HTML, "an HTML document"),
            ("image/svg+xml", PNG, "image/png"),
            ("image/tiff", HTML, "an HTML document"),
            ("font/woff2", b"wOFF\0\x01\0\0\0\0", "application/font-woff"),
            ("font/woff2", HTML, "an HTML document"),
            ("font/ttf", pointer, "a pointer of Git LFS"),
            ("video/mp4", pointer, "a pointer of Git LFS"),
            ("application/pdf", HTML, "an HTML document"),
            ("text/javascript; charset=utf-8", HTML, "an HTML document"),
            ("text/css", HTML, "an HTML document"),
            ("text/css", PNG, "image/png"),
            ("application/json", b"<html lang=en>", "an HTML document"),
            ("text/html", PNG, "image/png"),
            ("text/html", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "application/gzip"),
            ("application/wasm", b"(module)", "something else"),
        ] {
            let found = check_type(b"a", media_type, content).map(|found| found.to_string());
            let found = found.unwrap_or_else(|| panic!("{media_type} {}", content.escape_ascii()));
            let essence = media_type.split(';').next().unwrap();
            let beginning =
                format!("a: warning: by its name this is {essence}, but its content is {expected}");
            assert!(found.starts_with(&beginning), "{found}");
        }
    }

    #[test]
    fn content_that_works_is_not_found() {
        for (media_type, content) in [
            ("image/png", PNG),
            ("image/png", b""),
            ("image/jpeg", JPEG),
            ("image/x-icon", PNG),
            ("image/x-icon", b"\0\0\x01\0\x01\0"),
            ("image/svg+xml", b"<?xml version=\"1.0\"?>\n<!-- x --><svg/>"),
            ("image/svg+xml", b"\xef\xbb\xbf<svg/>"),
            ("image/svg+xml", b"<!DOCTYPE svg PUBLIC \"\"><svg/>"),
            ("image/avif", b"\0\0\0\x1cftypmif1\0\0\0\0avif"),
            ("font/ttf", b"OTTO\0"),
            ("text/javascript", b"BM = 1; // <!DOCTYPE html>"),
            ("text/javascript", b"<!-- old\nPK\n//-->"),
            ("text/javascript", b"II* = 0"),
            ("text/html", b"<p>no doctype"),
            ("text/html", b"BM is no bitmap"),
            ("text/html", b"\xff\xfe<\0h\0t\0m\0l\0>\0"),
            ("text/html", b"ID3 tags\n"),
            ("text/plain", HTML),
            ("text/markdown", HTML),
            ("application/xml", HTML),
            ("application/octet-stream", HTML),
            ("application/json", b"{\"a\": \"<!DOCTYPE html>\"}"),
            ("application/json", b"<htmlx>"),
            ("video/mp2t", b"export const a = 1;\n"),
        ] {
            let found = check_type(b"a", media_type, content);
            assert_eq!(found, None, "{media_type} {}", content.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_content_is_looked_at(
            media_type in prop::sample::select(vec![
                "image/png", "image/avif", "image/webp", "image/svg+xml", "text/html", "", ";", "font/ttf",
            ]),
            magic in prop::sample::select(vec![
                &b""[..], b"PK\x03\x04", b"\0\0\0\x18ftyp", b"RIFF", b"\x1aE\xdf\xa3", b"OggS", b"<html",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            if let Some(found) = check_type(b"a", media_type, &[magic, &rest].concat()) {
                prop_assert!(!found.to_string().contains('\n'));
            }
        }
    }
}
