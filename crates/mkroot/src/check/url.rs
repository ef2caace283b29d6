//! Where a reference leads: the path that a webroot is asked for (WHATWG URL Standard §4.4, as far
//! as it goes without a host).

use std::borrow::Cow;

use protocol::Target;

use crate::heads::percent_encoded;

/// What relative references are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// A directory of this site, encoded; begins and ends with a slash.
    Directory(Vec<u8>),
    /// Another site, or a scheme without paths.
    Elsewhere,
}

/// Where a reference leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead<'r> {
    /// To a path of this site, in the form that a webroot knows.
    Path(&'r [u8]),
    /// To the document itself, to another site, or it can't be known.
    Away,
    /// To nothing: a percent sign begins no escape, or one for NUL.
    Invalid,
}

impl Base {
    /// The base of a document by the path of its URL, in the form that a webroot knows.
    pub(super) fn of(url_path: &[u8]) -> Self {
        let directory = memchr::memrchr(b'/', url_path).and_then(|slash| url_path.get(..slash + 1));
        Self::Directory(percent_encoded(directory.unwrap_or(b"/")).into_bytes())
    }

    /// The base that `<base href>` makes of this one.
    pub(super) fn join(&self, href: &[u8]) -> Self {
        match Resolver::default().follow(self, &clean(href)) {
            Lead::Path(path) => Self::of(path),
            Lead::Away | Lead::Invalid => Self::Elsewhere,
        }
    }
}

/// Resolves references. Its buffers are used again and again.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    encoded: Vec<u8>,
    decoded: Vec<u8>,
}

impl Resolver {
    /// Resolves a reference as it stands in a document.
    pub(super) fn resolve(&mut self, base: &Base, reference: &[u8]) -> Lead<'_> {
        let reference = clean(reference);
        if matches!(reference.first(), None | Some(b'?' | b'#')) {
            return Lead::Away;
        }
        self.follow(base, &reference)
    }

    /// As [`Self::resolve`], for a clean reference; one without a path leads to the directory.
    fn follow(&mut self, base: &Base, reference: &[u8]) -> Lead<'_> {
        let (Base::Directory(directory), Some(path)) = (base, path_of(reference)) else {
            return Lead::Away;
        };
        // The browser would encode it from the document's encoding to UTF-8.
        if std::str::from_utf8(path).is_err() {
            return Lead::Away;
        }
        self.encoded.clear();
        if !matches!(path, [b'/' | b'\\', ..]) {
            self.encoded.extend_from_slice(directory);
        }
        // A backslash is a slash.
        self.encoded.extend(path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }));
        let target = Target { path: &self.encoded, query: None };
        target.decoded(&mut self.decoded).map_or(Lead::Invalid, Lead::Path)
    }
}

/// A reference without what a URL parser ignores: white space and control bytes around it, tabs and
/// line ends inside.
fn clean(reference: &[u8]) -> Cow<'_, [u8]> {
    let mut inner = reference;
    while let [0..=b' ', rest @ ..] | [rest @ .., 0..=b' '] = inner {
        inner = rest;
    }
    let ignored = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r');
    if inner.iter().any(ignored) {
        Cow::Owned(inner.iter().copied().filter(|byte| !ignored(byte)).collect())
    } else {
        Cow::Borrowed(inner)
    }
}

/// The path of a reference, without query and fragment; `None` if it has a scheme or a host.
fn path_of(reference: &[u8]) -> Option<&[u8]> {
    let end = reference.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let path = reference.get(..end.unwrap_or(reference.len()))?;
    let has_host = matches!(path, [b'/' | b'\\', b'/' | b'\\', ..]);
    (!has_host && !has_scheme(path)).then_some(path)
}

fn has_scheme(path: &[u8]) -> bool {
    let Some(colon) = path.iter().position(|byte| *byte == b':') else { return false };
    let scheme = path.get(..colon).unwrap_or_default();
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(in_scheme)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lead(base: &Base, reference: &str) -> Option<String> {
        match Resolver::default().resolve(base, reference.as_bytes()) {
            Lead::Path(path) => Some(String::from_utf8(path.to_vec()).unwrap()),
            Lead::Away => None,
            Lead::Invalid => Some("invalid".to_owned()),
        }
    }

    #[test]
    fn references_lead_to_decoded_paths() {
        let base = Base::of("/a%/ä b/c.html".as_bytes());
        for (reference, expected) in [
            ("d.html", "/a%/ä b/d.html"),
            ("./d.html?x#y", "/a%/ä b/d.html"),
            ("../d", "/a%/d"),
            ("..", "/a%/"),
            (".", "/a%/ä b/"),
            ("../../../d", "/d"),
            ("/d", "/d"),
            ("/d//e/./", "/d/e/"),
            ("%64%20%25.html", "/a%/ä b/d %.html"),
            ("d%2fe", "/a%/ä b/d\0e"),
            ("%2e%2E/d", "/a%/d"),
            ("é", "/a%/ä b/é"),
            (" \n d\t.ht\r\nml ", "/a%/ä b/d.html"),
            ("d e", "/a%/ä b/d e"),
            ("\\d\\e", "/d/e"),
            ("./d:e", "/a%/ä b/d:e"),
            ("1:2", "/a%/ä b/1:2"),
            ("d?a:b", "/a%/ä b/d"),
            ("100%", "invalid"),
            ("%zz", "invalid"),
            ("%00", "invalid"),
        ] {
            assert_eq!(lead(&base, reference).as_deref(), Some(expected), "{reference:?}");
        }
    }

    #[test]
    fn other_sites_schemes_and_the_document_itself_are_away() {
        let base = Base::of(b"/a/b.html");
        for reference in [
            "",
            " ",
            "#",
            "#top",
            "?",
            "?a=b",
            "?a#b",
            "mailto:a@b",
            "data:text/plain,a",
            "javascript:a()",
            "JavaScript:a()",
            "https://example.org/a",
            "HTTP:a",
            "//host/a",
            "\\\\host\\a",
            "/\\host",
            "\tht\ntps://a",
            "about:blank",
            "tel:+1",
            "localhost:80/a",
        ] {
            assert_eq!(lead(&base, reference), None, "{reference:?}");
        }
        assert_eq!(Resolver::default().resolve(&base, b"caf\xe9"), Lead::Away);
    }

    #[test]
    fn a_base_moves_relative_references() {
        let document = Base::of(b"/a/b.html");
        for (href, reference, expected) in [
            ("", "c", Some("/a/c")),
            ("/", "c", Some("/c")),
            ("/d/e", "c", Some("/d/c")),
            ("d/", "c", Some("/a/d/c")),
            ("..", "c", Some("/c")),
            ("%2E/", "c", Some("/a/c")),
            ("%2E", "c", Some("/a/c")),
            ("?d/e", "c", Some("/a/c")),
            ("d%", "c", None),
            ("../d/", "c", Some("/d/c")),
            ("/d%20e/?f/g", "c", Some("/d e/c")),
            ("/d/", "/c", Some("/c")),
            ("https://example.org/d/", "c", None),
            ("https://example.org/d/", "/c", None),
            ("//example.org/", "c", None),
        ] {
            assert_eq!(
                lead(&document.join(href.as_bytes()), reference).as_deref(),
                expected,
                "{href}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_path_that_is_led_to_is_clean(
            url_path in "(/[a%. ]{0,3}){1,3}",
            reference in r"(\.\./|\./|[ab/\\.%:?#\t ]|%2e|%2F){0,8}",
        ) {
            let base = Base::of(url_path.as_bytes());
            if let Lead::Path(path) = Resolver::default().resolve(&base, reference.as_bytes()) {
                prop_assert!(path.starts_with(b"/"));
                let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
                prop_assert!(segments[1..].iter().rev().skip(1).all(|segment| !segment.is_empty()));
                prop_assert!(!segments.iter().any(|segment| matches!(*segment, b"." | b"..")));
            }
        }
    }
}
