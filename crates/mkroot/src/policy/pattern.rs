//! Path patterns: what they match, and which of them cover others.

use std::ops::Range;

use memchr::memmem;

/// A part of a pattern. Two literals are never neighbours, nor are two splats.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// These bytes of the percent-decoded path.
    Literal(Vec<u8>),
    /// One or more bytes other than a slash, under this name.
    Placeholder(String),
    /// Any bytes, slashes included, or none.
    Splat,
}

/// How a path is compared with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Matching {
    /// Case of ASCII letters does not matter. Literals of the pattern are in lower case then.
    pub ignores_case: bool,
    /// A slash at the end does not matter, and `/a/*` matches `/a` too. The pattern has no slash
    /// at its end then, unless it is `/`.
    pub ignores_trailing_slash: bool,
}

/// A path pattern. It begins with a slash, and has at least one piece.
///
/// A segment has at most one placeholder, and none if it has a splat; so what is matched by which
/// piece is never in doubt while there is one splat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The host that it is limited to, in lower case.
    pub host: Option<String>,
    /// The path, piece by piece.
    pub pieces: Vec<Piece>,
    /// How a path is compared with it.
    pub matching: Matching,
}

impl Pattern {
    /// The path, if it is the only one that matches, but for case and trailing slash.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [Piece::Literal(path)] => Some(path),
            _ => None,
        }
    }

    /// The names of what it captures, in order; that of a splat is `splat`.
    pub fn capture_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Placeholder(name) => Some(name.as_str()),
            Piece::Splat => Some("splat"),
        })
    }

    /// Whether a path matches. The host is not looked at.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.capture(path).is_some()
    }

    /// Where in `path` each capture is, in the order of [`Pattern::capture_names`]; `None` if the path
    /// does not match.
    ///
    /// With one splat that is what `^…[^/]+…(.*)…$` captures. Of several splats each but the last
    /// takes as little as it can.
    pub fn capture(&self, path: &[u8]) -> Option<Vec<Range<usize>>> {
        let path = self.matching.folded(path);
        if let Some(found) = capture(&self.pieces, &path) {
            return Some(found);
        }
        match &*path {
            _ if !self.matching.ignores_trailing_slash => None,
            [path @ .., b'/'] => capture(&self.pieces, path),
            path if self.pieces.last() == Some(&Piece::Splat) => {
                // `/a/*` and the path `/a`.
                let mut found = capture(&self.pieces, &[path, b"/"].concat())?;
                if let Some(splat) = found.last_mut() {
                    *splat = path.len()..path.len();
                }
                Some(found)
            }
            _ => None,
        }
    }

    /// Whether every path below `directory`, which ends in a slash, matches.
    pub fn covers_directory(&self, directory: &[u8]) -> bool {
        self.pieces.last() == Some(&Piece::Splat)
            && capture(&self.pieces, &self.matching.folded(directory)).is_some()
    }

    /// Whether every path that matches `other`, which is compared in the same way, matches this
    /// pattern too.
    ///
    /// Exact while splats are at the ends of patterns. Where one stands in the middle, the answer
    /// may be no although it is yes.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self.host.is_some() && self.host != other.host {
            return false;
        }
        // A placeholder takes every string that it takes of the other only if it takes NUL, which
        // is in no literal.
        let (before, behind) = sample(&other.pieces);
        let Some(behind) = behind else { return self.matches(&before) };
        let Some(splat) = self.pieces.iter().position(|piece| *piece == Piece::Splat) else {
            return false;
        };
        let (front, rest) = self.pieces.split_at(splat);
        let tail = rest.get(1..).unwrap_or_default();
        let mut ignored = Vec::new();
        advance(front, &before, 0, &mut ignored).is_some()
            && tail_start(tail, &behind)
                .is_some_and(|at| advance(tail, &behind, at, &mut ignored) == Some(behind.len()))
    }
}

/// A path that matches the pieces in front of the first splat, and one for the pieces behind it if
/// there is one. What placeholders match is NUL.
fn sample(pieces: &[Piece]) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut parts = pieces.splitn(2, |piece| *piece == Piece::Splat).map(|part| {
        part.iter().fold(Vec::new(), |mut path, piece| {
            match piece {
                Piece::Literal(bytes) => path.extend_from_slice(bytes),
                Piece::Placeholder(_) | Piece::Splat => path.push(0),
            }
            path
        })
    });
    (parts.next().unwrap_or_default(), parts.next())
}

fn capture(pieces: &[Piece], path: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut stretches = pieces.split(|piece| *piece == Piece::Splat);
    let mut at = advance(stretches.next()?, path, 0, &mut found)?;
    let Some(last) = stretches.next_back() else {
        return (at == path.len()).then_some(found);
    };
    for stretch in stretches {
        at = find(stretch, path, at, &mut found)?;
    }
    let start = tail_start(last, path).filter(|start| *start >= at)?;
    found.push(at..start);
    (advance(last, path, start, &mut found)? == path.len()).then_some(found)
}

/// Where the first match of a stretch between two splats ends that does not begin before `at`. What
/// is in front of it is what the splat takes.
fn find(stretch: &[Piece], path: &[u8], at: usize, found: &mut Vec<Range<usize>>) -> Option<usize> {
    let Some(Piece::Literal(first)) = stretch.first() else { return None };
    let finder = memmem::Finder::new(first);
    let before = found.len();
    let mut start = at;
    loop {
        start += finder.find(path.get(start..)?)?;
        found.push(at..start);
        if let Some(end) = advance(stretch, path, start, found) {
            return Some(end);
        }
        found.truncate(before);
        start += 1;
    }
}

/// Where a match of pieces without a splat ends that begins at `at`.
fn advance(
    pieces: &[Piece],
    path: &[u8],
    mut at: usize,
    found: &mut Vec<Range<usize>>,
) -> Option<usize> {
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Literal(bytes) => {
                path.get(at..)?.starts_with(bytes).then_some(())?;
                at += bytes.len();
            }
            Piece::Placeholder(_) => {
                // It ends where the literal rest of its segment begins.
                let rest = match pieces.peek() {
                    Some(Piece::Literal(bytes)) => first_segment(bytes),
                    _ => b"".as_slice(),
                };
                let segment = first_segment(path.get(at..)?);
                let size = segment.strip_suffix(rest)?.len();
                (size > 0).then_some(())?;
                found.push(at..at + size);
                at += size;
            }
            Piece::Splat => return None,
        }
    }
    Some(at)
}

/// Where the pieces behind the last splat begin to match: they have a known number of slashes, and
/// no placeholder in front of the first one.
fn tail_start(pieces: &[Piece], path: &[u8]) -> Option<usize> {
    let literals = pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(bytes) => Some(bytes),
        Piece::Placeholder(_) | Piece::Splat => None,
    });
    let slashes = literals.flatten().filter(|byte| **byte == b'/').count();
    let touching = match pieces.first() {
        Some(Piece::Literal(bytes)) => first_segment(bytes).len(),
        _ => 0,
    };
    let end = match slashes.checked_sub(1) {
        None => path.len(),
        Some(nth) => {
            let from_the_end = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
            from_the_end.map(|(at, _)| at).nth(nth)?
        }
    };
    end.checked_sub(touching)
}

/// What is in front of the first slash.
fn first_segment(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `:x` is a placeholder, `*` a splat.
    fn pattern(text: &str, matching: Matching) -> Pattern {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let size = if c == ':' { 2 } else { 1 };
            let piece = match c {
                ':' => Piece::Placeholder(rest[1..2].to_owned()),
                '*' => Piece::Splat,
                _ => {
                    literal.push(rest.as_bytes()[0]);
                    rest = &rest[1..];
                    continue;
                }
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(piece);
            rest = &rest[size..];
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Pattern { host: None, pieces, matching }
    }

    fn captured(text: &str, path: &str) -> Option<Vec<String>> {
        let ranges = pattern(text, Matching::default()).capture(path.as_bytes())?;
        Some(ranges.into_iter().map(|range| path[range].to_owned()).collect())
    }

    #[test]
    fn a_path_is_captured_piece_by_piece() {
        let cases: &[(&str, &str, Option<&[&str]>)] = &[
            ("/a", "/a", Some(&[])),
            ("/a", "/a/", None),
            ("/a", "/A", None),
            ("/a/*", "/a", None),
            ("/a/*", "/a/", Some(&[""])),
            ("/a/*", "/a/b/c", Some(&["b/c"])),
            ("/:y/:m", "/2024/05", Some(&["2024", "05"])),
            ("/:y/:m", "/2024/05/", None),
            ("/:y/:m", "//05", None),
            ("/p-:i.html", "/p-1.html", Some(&["1"])),
            ("/p-:i.html", "/p-.html.html", Some(&[".html"])),
            ("/p-:i.html", "/p-.html", None),
            ("/:y/*", "/2024/", Some(&["2024", ""])),
            ("/*.css", "/a/b.css.css", Some(&["a/b.css"])),
            ("/*/x/:y", "/a/x/b/x/c", Some(&["a/x/b", "c"])),
            ("/*/x/:y", "/x/c", None),
            ("/a*a", "/a", None),
            ("/*/m/*/n", "/1/m/2/m/3/n", Some(&["1", "2/m/3"])),
            ("/*aa/:x/b*", "/aaa/1/b", Some(&["a", "1", ""])),
            ("/*/:x/b*", "/0/a/a/b", Some(&["0/a", "a", ""])),
        ];
        for (text, path, expected) in cases {
            let found = captured(text, path);
            let found: Option<Vec<&str>> =
                found.as_ref().map(|list| list.iter().map(String::as_str).collect());
            assert_eq!(found.as_deref(), *expected, "{text} {path}");
        }
    }

    #[test]
    fn case_and_trailing_slash_matter_only_where_they_should() {
        let matching = Matching { ignores_case: true, ignores_trailing_slash: true };
        for (text, path, expected) in [
            ("/a", "/A/", true),
            ("/a/*", "/a", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/A/B/", true),
            ("/a/*", "/ab", false),
            ("/", "/", true),
            ("/*", "/", true),
            ("/:x/*", "/q", true),
        ] {
            assert_eq!(pattern(text, matching).matches(path.as_bytes()), expected, "{text} {path}");
        }
    }

    #[test]
    fn a_pattern_covers_another_if_it_takes_all_of_its_paths() {
        for (one, other, expected) in [
            ("/a", "/a", true),
            ("/:x", "/a", true),
            ("/:x", "/:y", true),
            ("/a", "/:x", false),
            ("/*", "/a/*", true),
            ("/a/*", "/*", false),
            ("/a/*", "/a", false),
            ("/a/*", "/a/:x/b", true),
            ("/:x/*", "/a/*", true),
            ("/:x/*", "/a/b", true),
            ("/a/b*", "/a/*", false),
            ("/:x", "/a/*", false),
            ("/p-:x", "/:x", false),
            ("/:x", "/p-:x", true),
            ("/*.css", "/a/*.css", true),
            ("/a/*.css", "/*.css", false),
        ] {
            let [one_, other_] = [one, other].map(|text| pattern(text, Matching::default()));
            assert_eq!(one_.covers(&other_), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_directory_is_covered_if_all_below_it_match() {
        for (text, directory, expected) in [
            ("/*", "/", true),
            ("/*", "/a/", true),
            ("/a/*", "/a/b/", true),
            ("/a*", "/a/", true),
            ("/:x/*", "/a/", true),
            ("/:x/*", "/", false),
            ("/a/b*", "/a/", false),
            ("/a/", "/a/", false),
            ("/*.css", "/a/", false),
        ] {
            let pattern = pattern(text, Matching::default());
            assert_eq!(pattern.covers_directory(directory.as_bytes()), expected, "{text}");
        }
    }
}
