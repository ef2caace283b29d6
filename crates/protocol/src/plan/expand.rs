//! From a template and what a rule has captured to a URI reference or a path.
//!
//! What a request says stays in the part of the target where the author put it: a capture makes
//! no authority, no query, no parameter, no fragment and no line end.

use webroot::layout::MAX_PATH;
use webroot::{Captures, Template, TemplatePiece};

/// What a rule has captured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Captured<'a> {
    /// The path, of which the first captures are.
    pub(super) path: &'a [u8],
    /// Where they stand in it.
    pub(super) of_path: &'a Captures,
    /// Values of query parameters, of which the others are.
    pub(super) values: &'a [u8],
    /// Where they stand in these.
    pub(super) of_values: &'a Captures,
}

impl<'a> Captured<'a> {
    /// The capture of a number, counted from one; nothing if there is none such.
    fn get(&self, number: u8) -> &'a [u8] {
        let of_path = self.of_path.len() as u8;
        let found = match number.checked_sub(of_path) {
            None | Some(0) => self.of_path.get(number).and_then(|range| self.path.get(range)),
            Some(number) => self.of_values.get(number).and_then(|range| self.values.get(range)),
        };
        found.unwrap_or_default()
    }
}

/// Writes a decoded path. False if no path is so long.
pub(super) fn path(template: &Template<'_>, captured: &Captured<'_>, out: &mut Vec<u8>) -> bool {
    for piece in template.pieces() {
        out.extend_from_slice(match piece {
            TemplatePiece::Literal(literal) => literal,
            TemplatePiece::Capture(number) => captured.get(number),
        });
        if out.len() > MAX_PATH {
            return false;
        }
    }
    true
}

/// Writes a URI reference without its fragment. False if it becomes longer than `most` bytes.
pub(super) fn target(
    template: &Template<'_>,
    captured: &Captured<'_>,
    out: &mut Vec<u8>,
    most: usize,
) -> bool {
    text(template, captured, Place::Start, out, most)
}

/// Writes a fragment, which begins with its number sign. False if it becomes longer.
pub(super) fn fragment(
    template: &Template<'_>,
    captured: &Captured<'_>,
    out: &mut Vec<u8>,
    most: usize,
) -> bool {
    text(template, captured, Place::Fragment, out, most)
}

/// Where in a URI reference a byte goes (RFC 3986 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In front of the first slash.
    Start,
    /// Behind the slash that it begins with.
    Slash,
    /// The same, and a capture was put there: a slash more would begin an authority.
    Root,
    Authority,
    Path,
    Query,
    Fragment,
}

impl Place {
    /// Where the next byte goes, behind this one of a literal.
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Query | Self::Fragment, _) => self,
            (_, b'?') => Self::Query,
            (Self::Start, b'/') => Self::Slash,
            (Self::Slash, b'/') => Self::Authority,
            (Self::Slash | Self::Root, _) | (Self::Authority, b'/') => Self::Path,
            (place, _) => place,
        }
    }

    /// Whether a byte of a capture is itself there, and delimits nothing (RFC 3986 §2.2, §3).
    fn takes(self, byte: u8) -> bool {
        let delimiters: &[u8] = match self {
            Self::Start | Self::Authority => b"",
            Self::Slash | Self::Root | Self::Path => b"!$&'()*+,;=:@/",
            // Parameters are told apart by these: `&`, `;`, `=`; and a plus would be a space.
            Self::Query => b"!$'()*,:@/?",
            Self::Fragment => b"!$&'()*+,;=:@/?",
        };
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || delimiters.contains(&byte)
    }
}

fn text(
    template: &Template<'_>,
    captured: &Captured<'_>,
    mut place: Place,
    out: &mut Vec<u8>,
    most: usize,
) -> bool {
    let start = out.len();
    for piece in template.pieces() {
        match piece {
            TemplatePiece::Literal(literal) => {
                for byte in literal {
                    if (place, *byte) == (Place::Root, b'/') {
                        continue;
                    }
                    place = place.behind(*byte);
                    push(*byte, byte.is_ascii_graphic(), out);
                }
            }
            TemplatePiece::Capture(number) => {
                if place == Place::Slash {
                    place = Place::Root;
                }
                for byte in captured.get(number) {
                    if (place, *byte) == (Place::Root, b'/') {
                        continue;
                    }
                    // A NUL stands for a slash that was escaped.
                    push(
                        if *byte == 0 { b'/' } else { *byte },
                        *byte != 0 && place.takes(*byte),
                        out,
                    );
                    if place == Place::Root {
                        place = Place::Path;
                    }
                }
            }
        }
        if out.len() - start > most {
            return false;
        }
    }
    true
}

/// Writes a byte as it is, or percent-encoded (RFC 3986 §2.1).
fn push(byte: u8, plain: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if plain {
        out.push(byte);
        return;
    }
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use TemplatePiece::{Capture, Literal};

    const MOST: usize = 32 * 1024;

    /// What becomes of a template with the captures `one` and `two`.
    fn expanded(pieces: &[TemplatePiece<'_>], one: &str, two: &str) -> String {
        let values = [one, two].concat();
        let (mut of_path, mut of_values) = (Captures::default(), Captures::default());
        of_path.push(0..one.len());
        of_values.push(one.len()..values.len());
        let captured = Captured {
            path: values.as_bytes(),
            of_path: &of_path,
            values: values.as_bytes(),
            of_values: &of_values,
        };
        let mut out = Vec::new();
        assert!(target(&Template::new(pieces).unwrap(), &captured, &mut out, MOST));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn captures_are_encoded_for_the_place_that_they_go_to() {
        let path = &[Literal(b"/a/"), Capture(1), Literal(b".x")];
        let query = &[Literal(b"/a?b="), Capture(1), Literal(b"&c")];
        let host = &[Literal(b"https://"), Capture(1), Literal(b".h/")];
        let behind_host = &[Literal(b"https://h/"), Capture(1)];
        for (pieces, capture, expected) in [
            (&path[..], "b/c;d=e:@!", "/a/b/c;d=e:@!.x"),
            (path, "ä %?#[]\\\"", "/a/%C3%A4%20%25%3F%23%5B%5D%5C%22.x"),
            (path, "b\0c", "/a/b%2Fc.x"),
            (path, "\r\nX: y\u{7f}", "/a/%0D%0AX:%20y%7F.x"),
            (query, "x&y=z+1;2#?/", "/a?b=x%26y%3Dz%2B1%3B2%23?/&c"),
            (host, "evil/", "https://evil%2F.h/"),
            (host, "u:p@evil?", "https://u%3Ap%40evil%3F.h/"),
            (behind_host, "/b", "https://h//b"),
        ] {
            assert_eq!(expanded(pieces, capture, ""), expected, "{capture:?}");
        }
    }

    #[test]
    fn no_capture_makes_an_authority_or_a_scheme() {
        let bare = &[Literal(b"/"), Capture(1)];
        let two = &[Literal(b"/"), Capture(1), Literal(b"/"), Capture(2)];
        let scheme = &[Literal(b"java"), Capture(1)];
        let given = &[Literal(b"//h/"), Capture(1)];
        for (pieces, one, other, expected) in [
            (&bare[..], "/evil", "", "/evil"),
            (bare, "///evil//x", "", "/evil//x"),
            (bare, "\\evil", "", "/%5Cevil"),
            (two, "", "evil", "/evil"),
            (two, "", "/evil", "/evil"),
            (two, "a", "b", "/a/b"),
            (scheme, "script:x", "", "javascript%3Ax"),
            (given, "x", "", "//h/x"),
        ] {
            assert_eq!(expanded(pieces, one, other), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_becomes_too_long_is_given_up() {
        let long = [b'x'; 8000];
        let mut of_path = Captures::default();
        of_path.push(0..long.len());
        let none = Captures::default();
        let captured = Captured { path: &long, of_path: &of_path, values: b"", of_values: &none };
        let mut pieces = vec![Literal(b"/")];
        pieces.extend([Capture(1); 2000]);
        let template = Template::new(&pieces).unwrap();
        let mut out = Vec::new();
        assert!(!target(&template, &captured, &mut out, MOST));
        assert!(out.len() <= MOST + 3 * long.len());
        assert!(!path(&template, &captured, &mut out));
    }
}
