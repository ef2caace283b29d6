//! From the text of a pattern to its pieces.

use super::MAX_CAPTURES;
use super::dialect::Dialect;
use super::lines::{DIFFERENCE, Fault, UNSUPPORTED};
use super::pattern::{Matching, Pattern, Piece};
use super::uri;
use webroot::layout::MAX_PATH;

/// Which file a pattern stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Redirects,
    Headers,
}

const KIND: &str = "bad-pattern";

/// Reads the pattern `text`, which begins with a slash and stands at `at` in its line.
pub(super) fn pattern(
    text: &str,
    at: usize,
    place: Place,
    dialect: Dialect,
) -> Result<Pattern, Fault> {
    let matching = match place {
        Place::Redirects => dialect.matching_of_redirects(),
        Place::Headers => dialect.matching_of_headers(),
    };
    let mut reader = Reader { text, at, place, dialect, matching, pieces: Vec::new(), literal: 0 };
    let mut offset = 0;
    while let Some(byte) = text.as_bytes().get(offset) {
        let end = match byte {
            b'*' => reader.splat(offset)?,
            b':' => reader.placeholder(offset)?,
            b'?' | b'#' => return Err(reader.not_of_a_path(offset, *byte)),
            _ => None,
        };
        offset = end.unwrap_or(offset + 1);
    }
    reader.take_literal(text.len())?;
    check_segments(text, at)?;
    let mut pieces = reader.pieces;
    check_captures(&pieces, at)?;
    if matching.ignores_trailing_slash {
        trim_slash(&mut pieces);
    }
    Ok(Pattern { host: None, pieces, matching })
}

/// The end of a name that begins at the start of `text`: a letter, then letters, digits and `_`.
pub(super) fn name_length(text: &str) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() => text.bytes().take_while(is_name).count(),
        _ => 0,
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    place: Place,
    dialect: Dialect,
    matching: Matching,
    pieces: Vec<Piece>,
    /// Where the literal begins that is not yet among the pieces.
    literal: usize,
}

impl Reader<'_> {
    fn fault(&self, offset: usize, kind: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(self.at + offset, kind, message)
    }

    /// A splat at `offset`; its end.
    fn splat(&mut self, offset: usize) -> Result<Option<usize>, Fault> {
        let has_splat = self.pieces.contains(&Piece::Splat);
        let begins_segment = self.begins_segment(offset);
        let is_last = offset + 1 == self.text.len();
        let ends_segment = self.ends_segment(offset + 1);
        let message = match (self.place, self.dialect) {
            _ if self.text.get(offset + 1..).is_some_and(|rest| rest.starts_with('*')) => {
                Some("`**` says no more than `*`, which matches slashes too: write `*`")
            }
            (Place::Headers, Dialect::Netlify) => None,
            (Place::Headers, Dialect::Strict) if has_splat => Some(
                "a second `*`, which Cloudflare Pages refuses: write `:name` for a segment, or \
                 choose --dialect netlify",
            ),
            _ if has_splat => Some("a second `*`; one is possible: write `:name` for a segment"),
            (Place::Headers, Dialect::Strict) if begins_segment && ends_segment && !is_last => {
                Some(
                    "for `*` as a whole segment Netlify takes none as well, Cloudflare Pages does \
                     not: write `:name`, or choose a --dialect",
                )
            }
            (Place::Redirects, Dialect::Strict) if !begins_segment || !is_last => Some(
                "Netlify knows `*` only as the last segment, Cloudflare Pages anywhere: write \
                 `/*` at the end or `:name`, or choose --dialect cloudflare",
            ),
            (Place::Redirects, Dialect::Netlify) if !begins_segment || !is_last => Some(
                "Netlify knows `*` only as the last segment: write `/*` at the end, or `:name`",
            ),
            _ => None,
        };
        if let Some(message) = message {
            let kind = if self.dialect == Dialect::Strict { DIFFERENCE } else { KIND };
            return Err(self.fault(offset, kind, message));
        }
        self.take_literal(offset)?;
        self.pieces.push(Piece::Splat);
        self.literal = offset + 1;
        Ok(Some(self.literal))
    }

    /// A placeholder at `offset`; its end, or `None` if that colon is only a colon.
    fn placeholder(&mut self, offset: usize) -> Result<Option<usize>, Fault> {
        let rest = self.text.get(offset + 1..).unwrap_or_default();
        let length = name_length(rest);
        let end = offset + 1 + length;
        let begins = self.begins_segment(offset);
        let is_whole = begins && length > 0 && self.ends_segment(end);
        let message = match self.dialect {
            Dialect::Cloudflare if length == 0 => return Ok(None),
            _ if is_whole || self.dialect == Dialect::Cloudflare => None,
            _ if length == 0 && !begins => return Ok(None),
            Dialect::Netlify if !begins => return Ok(None),
            Dialect::Netlify => {
                Some("the name of a placeholder is a letter and then letters, digits and `_`")
            }
            _ if length == 0 => Some(
                "Netlify takes the segment for a placeholder, Cloudflare Pages as it stands: the \
                 name of a placeholder begins with a letter, a colon itself is %3A",
            ),
            _ => Some(
                "a placeholder that is not a whole segment is literal text to Netlify, and not to \
                 Cloudflare Pages: write %3A for a colon, or choose --dialect cloudflare",
            ),
        };
        if let Some(message) = message {
            let kind = if self.dialect == Dialect::Strict { DIFFERENCE } else { KIND };
            return Err(self.fault(offset, kind, message));
        }
        let name = rest.get(..length).unwrap_or_default();
        let splat_anyway = self.dialect != Dialect::Cloudflare && self.place == Place::Redirects;
        if name == "splat" && splat_anyway {
            let message = "`:splat` is the name of what `*` matches: choose another";
            return Err(self.fault(offset, KIND, message));
        }
        self.take_literal(offset)?;
        self.pieces.push(Piece::Placeholder(name.to_owned()));
        self.literal = end;
        Ok(Some(end))
    }

    fn begins_segment(&self, offset: usize) -> bool {
        self.text.get(..offset).is_some_and(|before| before.ends_with('/'))
    }

    fn ends_segment(&self, end: usize) -> bool {
        self.text.get(end..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn not_of_a_path(&self, offset: usize, byte: u8) -> Fault {
        let (what, then) = match (byte, self.place, self.dialect) {
            (b'#', ..) => ("a fragment", "no client sends one: leave it out, or write %23"),
            (_, Place::Redirects, Dialect::Netlify) => {
                ("a query", "parameters to match are fields of their own: `/a id=:id /b/:id 301`")
            }
            (_, Place::Redirects, Dialect::Strict) => (
                "a query",
                "only Netlify matches parameters, as fields of their own: leave it out, or choose \
                 --dialect netlify",
            ),
            _ => ("a query", "leave it out"),
        };
        self.fault(offset, KIND, format!("{what} is not part of the path that is matched; {then}"))
    }

    /// Makes a piece of the literal up to `end`.
    fn take_literal(&mut self, end: usize) -> Result<(), Fault> {
        let text = self.text.get(self.literal..end).unwrap_or_default();
        if text.is_empty() {
            return Ok(());
        }
        let mut bytes = uri::decode_path(text, self.at + self.literal, KIND)?;
        if self.matching.ignores_case {
            bytes.make_ascii_lowercase();
        }
        match self.pieces.last_mut() {
            Some(Piece::Literal(before)) => before.extend(bytes),
            _ => self.pieces.push(Piece::Literal(bytes)),
        }
        Ok(())
    }
}

/// No segment is one that a path never has, and none has more wildcards than can be told apart.
fn check_segments(text: &str, at: usize) -> Result<(), Fault> {
    let mut offset = 1;
    let mut segments = text.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let plain = uri::decode(segment, at + offset, KIND)?;
        let message = match plain.as_slice() {
            b"." | b".." => Some("paths are compared without `.` and `..`: write where it leads"),
            b"" if segments.peek().is_some() => {
                Some("paths are compared without empty segments: write one slash")
            }
            _ => None,
        };
        if let Some(message) = message {
            return Err(Fault::new(at + offset, KIND, message));
        }
        offset += segment.len() + 1;
    }
    Ok(())
}

/// What is captured where has to be plain.
fn check_captures(pieces: &[Piece], at: usize) -> Result<(), Fault> {
    let mut names: Vec<&str> = Vec::new();
    let (mut placeholders, mut splats) = (0, 0);
    // A capture takes two bytes in a webroot.
    let mut size = 0;
    for piece in pieces {
        let name = match piece {
            Piece::Literal(bytes) => {
                if bytes.contains(&b'/') {
                    (placeholders, splats) = (0, 0);
                }
                size += bytes.len();
                continue;
            }
            Piece::Placeholder(name) => {
                placeholders += 1;
                name.as_str()
            }
            Piece::Splat => {
                splats += 1;
                "splat"
            }
        };
        if placeholders + splats > 1 && placeholders > 0 {
            let message = "two placeholders, or a placeholder and `*`, in one segment: where one \
                           ends and the other begins is not decided. Put a slash between them";
            return Err(Fault::new(at, UNSUPPORTED, message));
        }
        if names.contains(&name) && *piece != Piece::Splat {
            return Err(Fault::new(at, KIND, format!("the name `:{name}` stands for two things")));
        }
        names.push(name);
        size += 2;
        if names.len() > MAX_CAPTURES {
            let message = format!("more than {MAX_CAPTURES} placeholders and splats");
            return Err(Fault::new(at, UNSUPPORTED, message));
        }
    }
    if size > MAX_PATH {
        let message = format!("longer than any path: at most {MAX_PATH} bytes");
        return Err(Fault::new(at, KIND, message));
    }
    let clash = names.contains(&"splat") && pieces.contains(&Piece::Splat);
    let is_named =
        pieces.iter().any(|piece| matches!(piece, Piece::Placeholder(name) if name == "splat"));
    if clash && is_named {
        let message = "`:splat` is the name of what `*` matches: choose another for the segment";
        return Err(Fault::new(at, KIND, message));
    }
    Ok(())
}

/// Takes the slash from the end, unless it is all that there is.
pub(super) fn trim_slash(pieces: &mut Vec<Piece>) {
    let is_all = pieces.len() == 1;
    if let Some(Piece::Literal(bytes)) = pieces.last_mut()
        && bytes.ends_with(b"/")
        && !(is_all && bytes.len() == 1)
    {
        bytes.pop();
        if bytes.is_empty() {
            pieces.pop();
        }
    }
}
