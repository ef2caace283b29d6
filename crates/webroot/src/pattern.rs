//! Patterns of paths: literal bytes, placeholders, and at most one splat.
//!
//! A segment holds one placeholder or splat at most. So a path matches in one way only, which is
//! found without going back: what is before the splat from the front, what is behind it from the
//! end, each segment by itself. Time is linear in the path, whatever either says.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::RuleError;
use crate::layout::{MAX_CAPTURES, MAX_PATH};

/// Begins a placeholder or a splat; no path has this byte but for an encoded slash, which is no
/// literal.
pub(crate) const MARK: u8 = 0;
const PLACEHOLDER: u8 = b'p';
const SPLAT: u8 = b'*';

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternPiece<'a> {
    /// Just these bytes of the percent-decoded path.
    Literal(&'a [u8]),
    /// One or more bytes other than a slash.
    Placeholder,
    /// Any bytes, slashes among them, or none.
    Splat,
}

/// A checked pattern.
///
/// ```
/// use webroot::{Captures, Pattern, PatternPiece::*};
/// let pattern = Pattern::new(&[Literal(b"/post-"), Placeholder, Literal(b".html")])?;
/// let mut captures = Captures::default();
/// assert!(pattern.matches(b"/post-7.html", false, &mut captures));
/// assert_eq!(captures.get(1), Some(6..7));
/// # Ok::<(), webroot::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern<'p> {
    bytes: Cow<'p, [u8]>,
    captures: u8,
}

impl Pattern<'static> {
    /// The pattern of these pieces, in their order.
    ///
    /// # Errors
    /// It does not begin with a slash, has two splats or two captures in one segment, more
    /// captures than [`MAX_CAPTURES`], a NUL in a literal, or takes more bytes than a path.
    pub fn new(pieces: &[PatternPiece<'_>]) -> Result<Self, RuleError> {
        let mut bytes = Vec::new();
        for piece in pieces {
            match piece {
                PatternPiece::Literal(literal) if literal.contains(&MARK) => {
                    return Err(RuleError::Nul);
                }
                PatternPiece::Literal(literal) => bytes.extend_from_slice(literal),
                PatternPiece::Placeholder => bytes.extend_from_slice(&[MARK, PLACEHOLDER]),
                PatternPiece::Splat => bytes.extend_from_slice(&[MARK, SPLAT]),
            }
        }
        let captures = check(&bytes)?;
        Ok(Self { bytes: Cow::Owned(bytes), captures })
    }
}

impl<'p> Pattern<'p> {
    /// Reads a pattern as it stands in a webroot.
    pub(crate) fn parse(bytes: &'p [u8]) -> Result<Self, RuleError> {
        let captures = check(bytes)?;
        Ok(Self { bytes: Cow::Borrowed(bytes), captures })
    }

    /// The pattern as it stands in a webroot.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many captures a match makes: one for each placeholder and splat, in their order.
    pub fn captures(&self) -> u8 {
        self.captures
    }

    /// The pieces that it is made of.
    pub fn pieces(&self) -> impl Iterator<Item = PatternPiece<'_>> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || match rest {
            [] => None,
            [MARK, kind, after @ ..] => {
                rest = after;
                let splat = *kind == SPLAT;
                Some(if splat { PatternPiece::Splat } else { PatternPiece::Placeholder })
            }
            bytes => {
                // The file may have changed since it was checked: a mark can stand at its end.
                let size = literal_size(bytes).max(1);
                let (literal, after) = bytes.split_at_checked(size)?;
                rest = after;
                Some(PatternPiece::Literal(literal))
            }
        })
    }

    /// Whether the whole of a percent-decoded path matches. If it does, `captures` are ranges of
    /// the path. With `normalise` a slash at the end of path or pattern does not matter: a path
    /// that does not match is tried with that slash added or taken away.
    pub fn matches(&self, path: &[u8], normalise: bool, captures: &mut Captures) -> bool {
        let pattern: &[u8] = &self.bytes;
        if whole(pattern, path, captures) {
            return true;
        }
        match (normalise, path, pattern) {
            (false, ..) => false,
            (_, [path @ .., b'/'], _) => whole(pattern, path, captures),
            // A slash behind the path is matched by that of the pattern.
            (_, _, [pattern @ .., b'/']) => whole(pattern, path, captures),
            (_, _, [pattern @ .., b'/', MARK, SPLAT]) => {
                let matched = whole(pattern, path, captures);
                captures.push(path.len()..path.len());
                matched
            }
            _ => false,
        }
    }
}

/// Whether a path can match a pattern that was not checked yet: it begins with the literal that
/// the pattern begins with.
pub(crate) fn may_match(pattern: &[u8], path: &[u8], normalise: bool) -> bool {
    let literal = pattern.get(..literal_size(pattern)).unwrap_or_default();
    let literal = match literal {
        [literal @ .., b'/'] if normalise => literal,
        literal => literal,
    };
    path.starts_with(literal)
}

fn literal_size(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == MARK).unwrap_or(bytes.len())
}

/// Checks a pattern as it stands in a webroot. How many captures it has.
fn check(bytes: &[u8]) -> Result<u8, RuleError> {
    if !bytes.starts_with(b"/") {
        return Err(RuleError::NoSlash);
    }
    if bytes.len() > MAX_PATH {
        return Err(RuleError::TooLong);
    }
    let (mut captures, mut splat, mut taken) = (0, false, false);
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'/' => taken = false,
            &MARK => {
                let [kind @ (PLACEHOLDER | SPLAT), after @ ..] = rest else {
                    return Err(RuleError::Nul);
                };
                rest = after;
                if *kind == SPLAT && std::mem::replace(&mut splat, true) {
                    return Err(RuleError::TwoSplats);
                }
                if std::mem::replace(&mut taken, true) {
                    return Err(RuleError::CrowdedSegment);
                }
                captures += 1;
                if usize::from(captures) > MAX_CAPTURES {
                    return Err(RuleError::TooManyCaptures);
                }
            }
            _ => {}
        }
    }
    Ok(captures)
}

/// Matches a whole path.
fn whole(pattern: &[u8], path: &[u8], captures: &mut Captures) -> bool {
    captures.clear();
    let splat = pattern.windows(2).position(|two| two == [MARK, SPLAT]);
    match splat.and_then(|at| pattern.get(..at).zip(pattern.get(at + 2..))) {
        Some((before, behind)) => around(before, behind, path, captures).is_some(),
        None => segments(pattern, path, 0, captures).is_some(),
    }
}

/// Matches a path with what is before a splat and what is behind it.
fn around(before: &[u8], behind: &[u8], path: &[u8], captures: &mut Captures) -> Option<()> {
    // The segments before that of the splat, and the literal that its own begins with.
    let slash = before.iter().rposition(|byte| *byte == b'/')?;
    let (full, piece) = (before.get(..slash)?, before.get(slash + 1..)?);
    let start = nth_slash(path, slashes(full))?;
    segments(full, path.get(..start)?, 0, captures)?;
    path.get(start + 1..)?.strip_prefix(piece)?;
    let start = start + 1 + piece.len();
    let rest = path.get(start..)?;
    let splat = captures.reserve();

    let Some(slash) = behind.iter().position(|byte| *byte == b'/') else {
        captures.set(splat, start..start + rest.strip_suffix(behind)?.len());
        return Some(());
    };
    let (piece, full) = (behind.get(..slash)?, behind.get(slash + 1..)?);
    let end = nth_slash_from_end(rest, slashes(full))?;
    let taken = rest.get(..end)?.strip_suffix(piece)?;
    captures.set(splat, start..start + taken.len());
    segments(full, rest.get(end + 1..)?, start + end + 1, captures)
}

/// Matches segments that begin at `at` in the path with as many of a pattern without a splat.
fn segments(pattern: &[u8], path: &[u8], mut at: usize, captures: &mut Captures) -> Option<()> {
    let mut wanted = pattern.split(|byte| *byte == b'/');
    for segment in path.split(|byte| *byte == b'/') {
        let pattern = wanted.next()?;
        match pattern.iter().position(|byte| *byte == MARK) {
            None if pattern == segment => {}
            None => return None,
            Some(mark) => {
                let (before, behind) = (pattern.get(..mark)?, pattern.get(mark + 2..)?);
                let taken = segment.strip_prefix(before)?.strip_suffix(behind)?;
                let start = at + before.len();
                if taken.is_empty() {
                    return None;
                }
                captures.push(start..start + taken.len());
            }
        }
        at += segment.len() + 1;
    }
    wanted.next().is_none().then_some(())
}

fn slashes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'/').count()
}

/// Where a path has its slash with this number, counted from zero.
fn nth_slash(path: &[u8], number: usize) -> Option<usize> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').nth(number).map(|(at, _)| at)
}

fn nth_slash_from_end(path: &[u8], number: usize) -> Option<usize> {
    path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').nth(number).map(|(at, _)| at)
}

/// What the placeholders and the splat of a pattern took, as ranges of the path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Captures {
    ranges: [(usize, usize); MAX_CAPTURES],
    count: usize,
}

impl Captures {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The capture of a number, counted from one in the order of the pattern.
    pub fn get(&self, number: u8) -> Option<Range<usize>> {
        let taken = self.ranges.get(..self.count)?;
        let (start, end) = *taken.get(usize::from(number).checked_sub(1)?)?;
        Some(start..end)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds one behind the others; past [`MAX_CAPTURES`] nothing.
    pub fn push(&mut self, range: Range<usize>) {
        let number = self.reserve();
        self.set(number, range);
    }

    fn reserve(&mut self) -> usize {
        let number = self.count;
        self.count = (number + 1).min(MAX_CAPTURES);
        number
    }

    fn set(&mut self, number: usize, range: Range<usize>) {
        if let Some(place) = self.ranges.get_mut(number) {
            *place = (range.start, range.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern from text in which `:` is a placeholder and `*` the splat.
    fn pattern(text: &str) -> Result<Pattern<'static>, RuleError> {
        let marked = text.replace(':', "\0p").replace('*', "\0*");
        check(marked.as_bytes())
            .map(|captures| Pattern { bytes: Cow::Owned(marked.into_bytes()), captures })
    }

    /// What a pattern takes of a path.
    fn taken<'t>(text: &str, path: &'t str, normalise: bool) -> Option<Vec<&'t str>> {
        let mut captures = Captures::default();
        let matched = pattern(text).unwrap().matches(path.as_bytes(), normalise, &mut captures);
        let all = 1..=captures.len() as u8;
        matched.then(|| all.map(|number| &path[captures.get(number).unwrap()]).collect())
    }

    #[test]
    fn a_path_matches_as_a_whole() {
        let cases: [(&str, &str, Option<&[&str]>); 25] = [
            ("/a", "/a", Some(&[])),
            ("/a", "/a/", None),
            ("/a", "/ab", None),
            ("/:", "/x", Some(&["x"])),
            ("/:", "/", None),
            ("/:", "/x/y", None),
            ("/:/:", "/x/y", Some(&["x", "y"])),
            ("/post-:.html", "/post-7.html", Some(&["7"])),
            ("/post-:.html", "/post-.html", None),
            ("/post-:.html", "/post-a.html.html", Some(&["a.html"])),
            ("/:.html", "/.html", None),
            ("/*", "/", Some(&[""])),
            ("/*", "/x/y/", Some(&["x/y/"])),
            ("/a/*", "/a", None),
            ("/a/*", "/a/", Some(&[""])),
            ("/a*", "/a", Some(&[""])),
            ("/a*", "/a/b", Some(&["/b"])),
            ("/*.css", "/x/y.css", Some(&["x/y"])),
            ("/*.css", "/.css", Some(&[""])),
            ("/a*a", "/a", None),
            ("/a*a", "/aa", Some(&[""])),
            ("/a/*/b", "/a/b", None),
            ("/a/*/b", "/a/b/a/b", Some(&["b/a"])),
            ("/:/*/:", "/a/b/c/d", Some(&["a", "b/c", "d"])),
            ("/:/*/:", "/a/b", None),
        ];
        for (text, path, expected) in cases {
            assert_eq!(taken(text, path, false).as_deref(), expected, "{text} {path}");
        }
    }

    #[test]
    fn a_slash_at_the_end_does_not_matter_if_so_asked() {
        for (text, path, expected) in [
            ("/b", "/b/", Some(&[] as &[&str])),
            ("/b/", "/b", Some(&[])),
            ("/b", "/b//", None),
            ("/a/*", "/a", Some(&[""])),
            ("/a/*", "/a/", Some(&[""])),
            ("/a/*", "/a/x", Some(&["x"])),
            ("/a/*", "/ab", None),
            ("/:/*", "/a", Some(&["a", ""])),
            ("/a/:", "/a/x/", Some(&["x"])),
            ("/a/*/b", "/a/x/b/", Some(&["x"])),
            ("/a/*/b/", "/a/x/b", Some(&["x"])),
            ("/", "/", Some(&[])),
            ("/:", "/", None),
        ] {
            assert_eq!(taken(text, path, true).as_deref(), expected, "{text} {path}");
        }
    }

    #[test]
    fn what_could_match_in_two_ways_is_refused() {
        for (text, error) in [
            ("a", RuleError::NoSlash),
            ("", RuleError::NoSlash),
            (":", RuleError::NoSlash),
            ("/*/*", RuleError::TwoSplats),
            ("/**", RuleError::TwoSplats),
            ("/::", RuleError::CrowdedSegment),
            ("/:-:", RuleError::CrowdedSegment),
            ("/:*", RuleError::CrowdedSegment),
            ("/*-:", RuleError::CrowdedSegment),
            ("/a\0", RuleError::Nul),
            ("/a\0x", RuleError::Nul),
        ] {
            assert_eq!(pattern(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(pattern(&"/:".repeat(32)).unwrap().captures(), 32);
        assert_eq!(pattern(&"/:".repeat(33)).unwrap_err(), RuleError::TooManyCaptures);
        assert_eq!(pattern(&"/x".repeat(MAX_PATH)).unwrap_err(), RuleError::TooLong);
        let literal = [PatternPiece::Literal(b"/\0p")];
        assert_eq!(Pattern::new(&literal).unwrap_err(), RuleError::Nul);
    }

    #[test]
    fn pieces_of_bytes_that_were_zeroed_after_the_check_come_to_an_end() {
        for size in 0..4 {
            let pattern = Pattern { bytes: Cow::Owned(vec![0; size]), captures: 0 };
            assert!(pattern.pieces().take(9).count() <= size, "{size} zeros");
            let mut captures = Captures::default();
            pattern.matches(b"/a/b", true, &mut captures);
        }
    }

    #[test]
    fn pieces_read_back_as_given() {
        use PatternPiece::{Literal, Placeholder, Splat};
        let pieces = [Literal(b"/a-"), Placeholder, Literal(b"/"), Splat, Literal(b".x")];
        let pattern = Pattern::new(&pieces).unwrap();
        assert_eq!(pattern.pieces().collect::<Vec<_>>(), pieces);
    }
}
