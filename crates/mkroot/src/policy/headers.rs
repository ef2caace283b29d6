//! `_headers`: a path a line, and below it the fields that its answers get.

use std::collections::HashMap;

use super::Parsed;
use super::conflicts::remove_conflicts;
use super::dialect::Dialect;
use super::lines::{BadLine, DIFFERENCE, Fault, Findings, Line, UNSUPPORTED, is_space, lines};
use super::pattern::{Pattern, Piece};
use super::syntax::{Place, name_length, pattern};

/// A part of a field's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ValuePiece {
    /// This text.
    Literal(String),
    /// What the pattern captured, by number, percent-encoded.
    Capture(usize),
}

/// A field that answers get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderField {
    /// Its line, from 1.
    pub line: u32,
    /// Its name as the author writes it.
    pub name: String,
    /// Its value.
    pub value: Vec<ValuePiece>,
}

/// A path line of `_headers` and what is below it. It has something to set or to unset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderBlock {
    /// The line of the path, from 1.
    pub line: u32,
    /// The paths that it is for.
    pub pattern: Pattern,
    /// Fields that it sets. Repeated ones are one list (RFC 9110 §5.3).
    pub set: Vec<HeaderField>,
    /// Names of fields that it takes away, before it sets others.
    pub unset: Vec<String>,
}

const KIND: &str = "bad-header";

/// Reads `_headers`. Findings name the file `file`.
pub fn parse_headers(file: &[u8], text: &[u8], dialect: Dialect) -> Parsed<HeaderBlock> {
    let findings = Findings::new(file);
    let seen = HashMap::new();
    let mut reader = Reader { dialect, findings, rules: Vec::new(), block: Block::None, seen };
    let text = if reader.findings.admits(text) { text } else { b"" };
    for line in lines(text) {
        match line {
            Ok(line) => reader.line(&line),
            Err(bad) => reader.bad_line(bad),
        }
    }
    reader.end_block();
    if dialect == Dialect::Strict {
        remove_conflicts(&mut reader.rules, &mut reader.findings);
    }
    Parsed { rules: reader.rules, findings: reader.findings.finish() }
}

/// The block whose lines are being read.
#[derive(Debug)]
enum Block {
    None,
    Sound(HeaderBlock),
    /// A line of it is wrong, so that it is no rule.
    Faulty(HeaderBlock),
    /// Its path is wrong. What is below is not looked at.
    Skipped,
}

struct Reader<'f> {
    dialect: Dialect,
    findings: Findings<'f>,
    rules: Vec<HeaderBlock>,
    block: Block,
    /// The line of each pattern.
    seen: HashMap<Vec<Piece>, u32>,
}

impl Reader<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let result = if line.text.starts_with('/') || is_url(line.text) {
            self.end_block();
            self.block = Block::Skipped;
            self.path(line)
        } else {
            self.field(line)
        };
        if let Err(fault) = result {
            self.findings.error(line.number, fault);
            self.spoil();
        }
    }

    fn bad_line(&mut self, bad: BadLine<'_>) {
        if bad.first == Some(&b'/') {
            self.end_block();
            self.block = Block::Skipped;
        }
        self.findings.error(bad.number, bad.fault);
        self.spoil();
    }

    fn spoil(&mut self) {
        self.block = match std::mem::replace(&mut self.block, Block::None) {
            Block::Sound(block) => Block::Faulty(block),
            other => other,
        };
    }

    fn end_block(&mut self) {
        let is_empty = |block: &HeaderBlock| block.set.is_empty() && block.unset.is_empty();
        match std::mem::replace(&mut self.block, Block::None) {
            Block::Sound(block) if is_empty(&block) => {
                let message = "a path without fields: below it are lines as `Name: value`";
                self.findings.error(block.line, Fault::new(0, KIND, message));
            }
            Block::Sound(block) => self.rules.push(block),
            Block::None | Block::Faulty(_) | Block::Skipped => {}
        }
    }

    fn path(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let path = line.text;
        if is_url(path) {
            let message = "a webroot does not know under which host it is served, so fields are \
                           the same for all: write the path alone";
            return Err(Fault::new(line.at, UNSUPPORTED, message));
        }
        if let Some(offset) = path.find(is_space) {
            let message = "white space in a path: write %20. A comment has a line of its own";
            return Err(Fault::new(line.at + offset, KIND, message));
        }
        let pattern = pattern(path, line.at, Place::Headers, self.dialect)?;
        let first = *self.seen.entry(pattern.pieces.clone()).or_insert(line.number);
        if first != line.number && self.dialect != Dialect::Netlify {
            let message = format!(
                "line {first} begins a block for the same path, and Cloudflare Pages forgets the \
                 one for the other: put their fields into one"
            );
            return Err(Fault::new(line.at, "duplicate-headers", message));
        }
        let (set, unset) = (Vec::new(), Vec::new());
        self.block = Block::Sound(HeaderBlock { line: line.number, pattern, set, unset });
        Ok(())
    }

    fn field(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let dialect = self.dialect;
        let block = match &mut self.block {
            Block::Sound(block) | Block::Faulty(block) => block,
            Block::Skipped => return Ok(()),
            Block::None => {
                let message = "a field without a path: a line that begins with a slash comes first";
                return Err(Fault::new(line.at, KIND, message));
            }
        };
        let Some((name, value)) = line.text.split_once(':') else {
            let name = unset(line, dialect)?;
            block.unset.push(name.to_owned());
            return Ok(());
        };
        let begins_as_url =
            line.text.split_once("://").is_some_and(|(before, _)| !before.contains(is_space));
        if begins_as_url && dialect != Dialect::Netlify {
            let message = "Cloudflare Pages takes this line for a URL: write a space behind the \
                           colon";
            let is_strict = dialect == Dialect::Strict;
            let kind = if is_strict { DIFFERENCE } else { KIND };
            return Err(Fault::new(line.at, kind, message));
        }
        let name = name.trim_end_matches(is_space);
        check_name(name, line.at, dialect)?;
        let text = value.trim_start_matches(is_space);
        let at = line.at + line.text.len() - text.len();
        let value =
            check_value(text, at).and_then(|()| pieces(text, at, &block.pattern, dialect))?;
        block.set.push(HeaderField { line: line.number, name: name.to_owned(), value });
        Ok(())
    }
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

/// The name of `! Name`.
fn unset<'t>(line: &Line<'t>, dialect: Dialect) -> Result<&'t str, Fault> {
    let Some(name) = line.text.strip_prefix("! ") else {
        let message = "neither a path, which begins with a slash, nor a field as `Name: value`";
        return Err(Fault::new(line.at, KIND, message));
    };
    let (kind, message) = match dialect {
        Dialect::Cloudflare => {
            let name = name.trim_start_matches(is_space);
            check_name(name, line.at + line.text.len() - name.len(), dialect)?;
            return Ok(name);
        }
        Dialect::Netlify => (KIND, "Netlify can't take a field away, and passes over this line"),
        Dialect::Strict => (
            DIFFERENCE,
            "only Cloudflare Pages takes a field away, Netlify passes over this line: choose \
             --dialect cloudflare",
        ),
    };
    Err(Fault::new(line.at, kind, message))
}

/// Whether a byte is part of a token (RFC 9110 §5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A field name that can be set.
fn check_name(name: &str, at: usize, dialect: Dialect) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::new(at, KIND, "no field name in front of the colon"));
    }
    if let Some(offset) = name.bytes().position(|byte| !is_token(byte)) {
        let message = "not of a field name: letters, digits and `-` (RFC 9110 §5.1)";
        return Err(Fault::new(at + offset, KIND, message));
    }
    let lower = name.to_ascii_lowercase();
    let reason = match lower.as_str() {
        "connection" | "content-length" | "keep-alive" | "trailer" | "transfer-encoding"
        | "upgrade" => "it says how the message is sent, which the server decides",
        "date" => "it is the time of the answer",
        "etag" | "last-modified" => "it is computed from the file",
        "accept-ranges" | "content-encoding" | "content-range" => {
            "it follows from which part and coding of the file is sent"
        }
        "location" => "it comes from `_redirects`",
        "basic-auth" => {
            let message = "this server has no access control: `Basic-Auth` would protect nothing";
            return Err(Fault::new(at, UNSUPPORTED, message));
        }
        "age" | "allow" | "alt-svc" | "server" | "set-cookie" if dialect != Dialect::Cloudflare => {
            let message = dialect.say(
                &format!("Netlify does not let a site set {name}"),
                "leave it out, or choose --dialect cloudflare",
            );
            let kind = if dialect == Dialect::Strict { DIFFERENCE } else { KIND };
            return Err(Fault::new(at, kind, message));
        }
        _ => return Ok(()),
    };
    Err(Fault::new(at, "owned-field", format!("{name} can't be set: {reason}")))
}

/// A field value that is not empty (RFC 9110 §5.5).
fn check_value(value: &str, at: usize) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::new(at, KIND, "no value behind the colon"));
    }
    let is_value = |byte: u8| matches!(byte, b' ' | b'\t' | b'!'..=b'~');
    match value.bytes().position(|byte| !is_value(byte)) {
        None => Ok(()),
        Some(offset) => {
            let message = "not of a field value: printable ASCII, spaces and tabs (RFC 9110 §5.5)";
            Err(Fault::new(at + offset, KIND, message))
        }
    }
}

/// A value by the placeholders that the pattern has.
fn pieces(
    text: &str,
    at: usize,
    pattern: &Pattern,
    dialect: Dialect,
) -> Result<Vec<ValuePiece>, Fault> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let take = |pieces: &mut Vec<ValuePiece>, begin: usize, end: usize| {
        let literal = text.get(begin..end).filter(|literal| !literal.is_empty());
        pieces.extend(literal.map(|literal| ValuePiece::Literal(literal.to_owned())));
    };
    for (colon, _) in text.match_indices(':') {
        let rest = text.get(colon + 1..).unwrap_or_default();
        let name = rest.get(..name_length(rest)).unwrap_or_default();
        let Some(number) = pattern.capture_names().position(|capture| capture == name) else {
            continue;
        };
        match dialect {
            Dialect::Netlify => continue,
            Dialect::Strict => {
                let message = format!(
                    "Cloudflare Pages puts in what `:{name}` matched, Netlify leaves it as it is: \
                     give the placeholder another name, or choose a --dialect"
                );
                return Err(Fault::new(at + colon, DIFFERENCE, message));
            }
            Dialect::Cloudflare => {}
        }
        take(&mut pieces, begin, colon);
        pieces.push(ValuePiece::Capture(number));
        begin = colon + 1 + name.len();
    }
    take(&mut pieces, begin, text.len());
    Ok(pieces)
}
