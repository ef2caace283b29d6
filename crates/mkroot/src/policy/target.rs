//! Where a redirect leads.

use super::dialect::Dialect;
use super::lines::{DIFFERENCE, Fault, Token, UNSUPPORTED};
use super::syntax::name_length;
use super::uri;

/// A part of a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetPiece {
    /// These bytes.
    Literal(Vec<u8>),
    /// What was captured: a number into the captures of `from`, behind which are those of the
    /// query.
    Capture(usize),
}

/// The target of a redirect, or the path of what is shown instead.
///
/// Literals of a redirect are URI text, encoded where that is needed; those of what is shown are
/// bytes of a percent-decoded path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Path and query, and in front of them scheme and authority if it is absolute.
    pub pieces: Vec<TargetPiece>,
    /// What is behind `#`.
    pub fragment: Option<Vec<TargetPiece>>,
    /// Whether it has a query of its own, so that the request's is not appended.
    pub has_query: bool,
    /// Whether it has a scheme and an authority.
    pub absolute: bool,
}

impl Target {
    /// The text, if nothing is captured in it; without the fragment.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [TargetPiece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

const KIND: &str = "bad-target";

/// Reads a target. `captures` are the names of what can be captured; `shows` says that the content
/// of the path is answered, in place of a redirect.
pub(super) fn target(
    token: Token<'_>,
    captures: &[&str],
    shows: bool,
    dialect: Dialect,
) -> Result<Target, Fault> {
    let (text, fragment) = match token.text.split_once('#') {
        Some((text, fragment)) => (text, Some(fragment)),
        None => (token.text, None),
    };
    let start = authority(token, text, dialect)?;
    check_parts(token, text, fragment, shows, start > 0)?;
    // A fragment has colons of its own, as in `#:~:text=…`.
    let fragment = fragment.map(|fragment| {
        let behind = Token { at: token.at + text.len() + 1, text: fragment };
        pieces(behind, 0, captures, true, uri::encode)
    });
    let token = Token { text, ..token };
    let literal = if shows { uri::decode_path } else { uri::encode };
    let pieces = pieces(token, start, captures, false, literal)?;
    let fragment = fragment.transpose()?;
    Ok(Target { pieces, fragment, has_query: text.contains('?'), absolute: start > 0 })
}

/// Where the authority begins; 0 for a path.
fn authority(token: Token<'_>, text: &str, dialect: Dialect) -> Result<usize, Fault> {
    let fault = |kind, message| Err(Fault::new(token.at, kind, message));
    if text.starts_with("//") {
        let message = "a target that begins with `//` is read as a path by one and as a host by \
                       another: write https:// or a single slash";
        return fault(KIND, message);
    }
    if text.starts_with('/') {
        return Ok(0);
    }
    let (scheme, kind, message) = match dialect {
        _ if text.starts_with("https://") => ("https://", KIND, ""),
        Dialect::Netlify if text.starts_with("http://") => ("http://", KIND, ""),
        Dialect::Strict if text.starts_with("http://") => (
            "",
            DIFFERENCE,
            "Cloudflare Pages refuses a target with http://: write https://, or choose \
             --dialect netlify",
        ),
        Dialect::Netlify => {
            ("", KIND, "a target begins with a slash or with https:// or http://, in lower case")
        }
        _ => ("", KIND, "a target begins with a slash or with https://, in lower case"),
    };
    if scheme.is_empty() {
        return fault(kind, message);
    }
    let rest = text.get(scheme.len()..).unwrap_or_default();
    if rest.is_empty() || rest.starts_with(['/', '?', ':']) {
        return fault(KIND, "a URL without a host");
    }
    Ok(scheme.len())
}

/// What can't be in the target, whatever is captured.
fn check_parts(
    token: Token<'_>,
    text: &str,
    fragment: Option<&str>,
    shows: bool,
    absolute: bool,
) -> Result<(), Fault> {
    let path = text.split('?').next().unwrap_or_default();
    if let Some(offset) = text.find('*') {
        let message = "`*` is what `from` matches; here it is `:splat`, an asterisk itself is %2A";
        return Err(Fault::new(token.at + offset, KIND, message));
    }
    if !absolute && (path == "/.netlify" || path.starts_with("/.netlify/")) {
        let message = "what is below /.netlify/ are services of Netlify, which are not here";
        return Err(Fault::new(token.at, UNSUPPORTED, message));
    }
    if !shows {
        return Ok(());
    }
    if absolute {
        let message = "this server does not proxy: the content of another server can't be shown. \
                       Redirect with 302 or 308";
        return Err(Fault::new(token.at, UNSUPPORTED, message));
    }
    if path.len() < text.len() || fragment.is_some() {
        let message = "what is shown is a file, for which query and fragment mean nothing: leave \
                       them out";
        return Err(Fault::new(token.at + path.len(), UNSUPPORTED, message));
    }
    if path.split('/').any(|segment| matches!(segment, "." | ".."))
        || path.get(1..).is_some_and(|rest| rest.contains("//") || rest.starts_with('/'))
    {
        let message = "no path has empty segments, `.` or `..`: write where it leads";
        return Err(Fault::new(token.at, KIND, message));
    }
    Ok(())
}

/// A text by its placeholders from `start` on, each a name as long as it goes: `:id2` is not `:id`
/// and `2`. One that captures nothing is an error, unless it may be plain text.
fn pieces(
    token: Token<'_>,
    start: usize,
    captures: &[&str],
    may_be_plain: bool,
    literal: fn(&str, usize, &'static str) -> Result<Vec<u8>, Fault>,
) -> Result<Vec<TargetPiece>, Fault> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let take = |pieces: &mut Vec<TargetPiece>, begin: usize, end: usize| {
        let part = token.text.get(begin..end).unwrap_or_default();
        if !part.is_empty() {
            pieces.push(TargetPiece::Literal(literal(part, token.at + begin, KIND)?));
        }
        Ok(())
    };
    for (colon, _) in token.text.match_indices(':').filter(|(colon, _)| *colon >= start) {
        let rest = token.text.get(colon + 1..).unwrap_or_default();
        let name = rest.get(..name_length(rest)).unwrap_or_default();
        let number = captures.iter().position(|capture| *capture == name);
        let number = match number {
            Some(number) => number,
            None if name.is_empty() || may_be_plain => continue,
            None => return Err(unknown(token.at + colon, name, captures)),
        };
        take(&mut pieces, begin, colon)?;
        pieces.push(TargetPiece::Capture(number));
        begin = colon + 1 + name.len();
    }
    take(&mut pieces, begin, token.text.len())?;
    Ok(pieces)
}

/// A name that captures nothing.
fn unknown(at: usize, name: &str, captures: &[&str]) -> Fault {
    let has = if captures.is_empty() {
        "which captures nothing".to_owned()
    } else {
        format!("which has :{}", captures.join(", :"))
    };
    let otherwise = match name {
        "splat" => "`:splat` is what a `*` there matches",
        _ => "a colon itself is %3A",
    };
    let message = format!("`:{name}` is not captured by what the rule matches, {has}; {otherwise}");
    Fault::new(at, KIND, message)
}
