//! The second stage: the media type of a file (RFC 9110 §8.3).
//!
//! The extension decides. Content decides where the extension is unknown or missing: text is told
//! by its bytes, all else by the magic numbers that `infer` knows.

use std::borrow::Cow;

use crate::extension;
use crate::text::{Utf8, has_control_byte};

/// Bytes from the beginning of a file in which magic numbers are looked for.
const MAGIC_WINDOW: usize = 32 * 1024;

/// What content is when nothing is known about it.
const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file, as far as its name tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// This, whatever the content.
    Fixed(Cow<'static, str>),
    /// This, with a charset if the content is UTF-8.
    Text(Cow<'static, str>),
    /// What the content says.
    ByContent,
}

/// Decides by the extension of the last segment of `path`.
pub(crate) fn by_name(path: &[u8]) -> MediaType {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0);
    let extension = dot.and_then(|dot| name.get(dot + 1..));
    let extension = extension.and_then(|extension| std::str::from_utf8(extension).ok());
    match extension.and_then(extension::media_type) {
        Some(known) if is_text(known) => MediaType::Text(Cow::Borrowed(known)),
        Some(known) => MediaType::Fixed(Cow::Borrowed(known)),
        None => MediaType::ByContent,
    }
}

impl MediaType {
    /// A media type that the author of the site gave. Text gets a charset unless it has parameters.
    pub(crate) fn given(media_type: &str) -> Self {
        let owned = Cow::Owned(media_type.to_owned());
        if is_text(media_type) && !media_type.contains(';') {
            Self::Text(owned)
        } else {
            Self::Fixed(owned)
        }
    }

    /// Begins to look at content.
    pub(crate) fn inspect(self) -> Inspector {
        Inspector {
            media_type: self,
            utf8: Utf8::default(),
            control_byte: false,
            beginning: Vec::new(),
        }
    }
}

/// Looks at content in chunks, at as much of it as the name left open.
#[derive(Debug)]
pub(crate) struct Inspector {
    media_type: MediaType,
    utf8: Utf8,
    control_byte: bool,
    /// Up to [`MAGIC_WINDOW`] bytes.
    beginning: Vec<u8>,
}

impl Inspector {
    /// Looks at the next chunk.
    pub(crate) fn update(&mut self, chunk: &[u8]) {
        match self.media_type {
            MediaType::Fixed(_) => {}
            MediaType::Text(_) => self.utf8.update(chunk),
            MediaType::ByContent => {
                let missing = MAGIC_WINDOW - self.beginning.len();
                self.beginning.extend_from_slice(chunk.get(..missing).unwrap_or(chunk));
                self.control_byte = self.control_byte || has_control_byte(chunk);
                self.utf8.update(chunk);
            }
        }
    }

    /// The value of `Content-Type` for the chunks seen.
    pub(crate) fn content_type(&self) -> Cow<'static, str> {
        let utf8 = self.utf8.is_valid();
        let media_type = match &self.media_type {
            MediaType::Fixed(known) => return known.clone(),
            MediaType::Text(known) => known,
            MediaType::ByContent if utf8 && !self.control_byte => {
                infer(&self.beginning).filter(|guess| is_text(guess)).unwrap_or("text/plain")
            }
            MediaType::ByContent => infer(&self.beginning).unwrap_or(UNKNOWN),
        };
        if is_text(media_type) && utf8 {
            Cow::Owned(format!("{media_type}; charset=utf-8"))
        } else {
            Cow::Owned(media_type.to_owned())
        }
    }
}

/// The media type of magic numbers. Names that `infer` has wrong or outdated are put right.
fn infer(beginning: &[u8]) -> Option<&'static str> {
    let guess = infer::get(beginning)?.mime_type();
    Some(match guess {
        "application/font-sfnt" if beginning.starts_with(b"OTTO") => "font/otf",
        "application/font-sfnt" => "font/ttf",
        "application/font-woff" if beginning.starts_with(b"wOF2") => "font/woff2",
        "application/font-woff" => "font/woff",
        // Any compound file is called a Word document: an Excel sheet or an installer, too.
        "application/msword" => "application/x-ole-storage",
        "audio/m4a" => "audio/mp4",
        "audio/opus" => "audio/ogg",
        "audio/x-flac" => "audio/flac",
        "audio/x-wav" => "audio/wav",
        guess => guess,
    })
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn content_type(path: &str, content: &[u8]) -> String {
        let mut inspector = by_name(path.as_bytes()).inspect();
        content.chunks(7).for_each(|chunk| inspector.update(chunk));
        inspector.content_type().into_owned()
    }

    #[test]
    fn the_extension_decides() {
        let cases = [
            ("/a.js", "text/javascript; charset=utf-8"),
            ("/a.mjs", "text/javascript; charset=utf-8"),
            ("/a.cjs", "text/javascript; charset=utf-8"),
            ("/a.css", "text/css; charset=utf-8"),
            ("/a.html", "text/html; charset=utf-8"),
            ("/a.md", "text/markdown; charset=utf-8"),
            ("/a.txt", "text/plain; charset=utf-8"),
            ("/a.vtt", "text/vtt; charset=utf-8"),
            ("/a.json", "application/json"),
            ("/a.js.map", "application/json"),
            ("/a.webmanifest", "application/manifest+json"),
            ("/a.wasm", "application/wasm"),
            ("/a.xml", "application/xml"),
            ("/a.xhtml", "application/xhtml+xml"),
            ("/a.pdf", "application/pdf"),
            ("/a.epub", "application/epub+zip"),
            ("/a.tar.gz", "application/gzip"),
            ("/a.svg", "image/svg+xml"),
            ("/a.ico", "image/x-icon"),
            ("/a.avif", "image/avif"),
            ("/a.jxl", "image/jxl"),
            ("/a.webp", "image/webp"),
            ("/a.woff", "font/woff"),
            ("/a.woff2", "font/woff2"),
            ("/a.ttf", "font/ttf"),
            ("/a.otf", "font/otf"),
            ("/a.mp4", "video/mp4"),
            ("/a.webm", "video/webm"),
            ("/a.opus", "audio/ogg"),
            ("/a.ts", "video/mp2t"),
        ];
        for (path, expected) in cases {
            assert_eq!(content_type(path, b"content"), expected, "{path}");
        }
    }

    #[test]
    fn the_case_of_an_extension_does_not_matter() {
        assert_eq!(content_type("/A.CSS", b"a{}"), "text/css; charset=utf-8");
        assert_eq!(content_type("/A.WoFF2", b""), "font/woff2");
        assert_eq!(content_type("/A.JpEg", b""), "image/jpeg");
    }

    #[test]
    fn only_what_follows_the_last_dot_of_the_name_is_an_extension() {
        assert_eq!(by_name(b"/v1.css/file"), MediaType::ByContent);
        assert_eq!(by_name(b"/file."), MediaType::ByContent);
        assert_eq!(by_name(b"/.well-known"), MediaType::ByContent);
        assert_eq!(by_name(b"/.css"), MediaType::ByContent);
        assert_eq!(by_name(b"/file.\xff"), MediaType::ByContent);
        assert_eq!(by_name(b"/a\xff.css"), MediaType::Text("text/css".into()));
    }

    #[test]
    fn the_extension_wins_over_magic_numbers() {
        assert_eq!(content_type("/a.css", b"\x89PNG\r\n\x1a\n"), "text/css");
        let xml = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        assert_eq!(content_type("/a.svg", xml), "image/svg+xml");
        assert_eq!(content_type("/a.woff2", b"wOF2\0\x01\0\0 rest"), "font/woff2");
        assert_eq!(content_type("/a.txt", b"BM is a prefix"), "text/plain; charset=utf-8");
    }

    #[test]
    fn text_that_is_not_utf8_has_no_charset() {
        assert_eq!(content_type("/a.html", b"<p>caf\xe9"), "text/html");
        assert_eq!(content_type("/a.html", b"<p>caf\xc3"), "text/html");
        assert_eq!(content_type("/a.html", "<p>café".as_bytes()), "text/html; charset=utf-8");
    }

    #[test]
    fn text_without_an_extension_is_text_whatever_its_first_letters() {
        for text in ["BM starts a bitmap, too", "dear reader", "", "II*", "MZ", "\u{feff}BM"] {
            assert_eq!(content_type("/file", text.as_bytes()), "text/plain; charset=utf-8");
        }
        assert_eq!(content_type("/LICENSE", "©".as_bytes()), "text/plain; charset=utf-8");
        assert_eq!(content_type("/a.unknown", b"color: red"), "text/plain; charset=utf-8");
        let pem = b"-----BEGIN CERTIFICATE-----\n";
        assert_eq!(content_type("/pem", pem), "text/plain; charset=utf-8");
    }

    #[test]
    fn text_without_an_extension_may_be_a_kind_of_text() {
        let html = b"<!DOCTYPE html><title>x</title>";
        assert_eq!(content_type("/page", html), "text/html; charset=utf-8");
        assert_eq!(content_type("/feed", b"<?xml version=\"1.0\"?>"), "text/xml; charset=utf-8");
        assert_eq!(content_type("/page", b"<!DOCTYPE html><p>caf\xe9"), "text/html");
    }

    #[test]
    fn binary_content_without_an_extension_is_told_by_its_magic_number() {
        assert_eq!(content_type("/logo", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png");
        assert_eq!(content_type("/font", b"wOF2\0\x01\0\0 rest"), "font/woff2");
        assert_eq!(content_type("/font", b"wOFF\0\x01\0\0 rest"), "font/woff");
        assert_eq!(content_type("/font", b"OTTO\0 rest"), "font/otf");
        assert_eq!(content_type("/font", b"\0\x01\0\0\0 rest"), "font/ttf");
        let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 rest";
        assert_eq!(content_type("/sheet", ole), "application/x-ole-storage");
        assert_eq!(content_type("/bitmap", b"BM\0\0\0\0"), "image/bmp");
    }

    #[test]
    fn other_content_is_a_stream_of_bytes() {
        assert_eq!(content_type("/data", b"\x01\x02\x03\x04"), "application/octet-stream");
        assert_eq!(content_type("/latin1", b"caf\xe9"), "application/octet-stream");
        assert_eq!(content_type("/nul", b"text\0text"), "application/octet-stream");
    }

    #[test]
    fn a_control_byte_far_into_the_content_counts() {
        let mut content = vec![b'a'; 3 * MAGIC_WINDOW];
        assert_eq!(content_type("/file", &content), "text/plain; charset=utf-8");
        content.push(0);
        assert_eq!(content_type("/file", &content), "application/octet-stream");
    }

    proptest! {
        #[test]
        fn no_content_upsets_the_magic_numbers(
            magic in prop::sample::select(vec![
                &b""[..], b"PK\x03\x04", b"\0\0\0\x18ftyp", b"ftyp", b"\xd0\xcf\x11\xe0",
                b"RIFF", b"\x1aE\xdf\xa3", b"OggS", b"II*\0", b"\x7fELF", b"PK\x03\x04[Content",
            ]),
            zeros in 0_usize..40,
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let content = [magic, &vec![0; zeros], b"[Content_Types].xml", &rest].concat();
            content_type("/file", &content);
            content_type("/file", &[magic, &rest].concat());
        }
    }
}
