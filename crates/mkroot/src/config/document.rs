//! A TOML document whose keys are taken out one by one, and what is wrong with it.
//!
//! All faults are collected, each with its place, so that an author sees them at once. A key that
//! nobody takes is unknown.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::FILE;
use crate::finding::{Finding, Severity};

/// Most faults that are reported.
const MOST_FAULTS: usize = 100;

/// Longest part of a document that a message quotes, in characters.
const MOST_QUOTED: usize = 60;

/// Parses a document.
///
/// # Errors
/// The first fault of syntax.
pub(super) fn parse(text: &str) -> Result<Section<'_>, Faults> {
    match DeTable::parse(text) {
        Ok(table) => Ok(Section { name: String::new(), table: table.into_inner() }),
        Err(error) => {
            let message = format!("no valid TOML: {}", error.message().replace('\n', " "));
            let fault = (error.span().unwrap_or_default().start, message);
            Err(Faults { faults: vec![fault], ..Faults::default() })
        }
    }
}

/// What a key can be set to.
pub(super) trait Value: Sized {
    /// Reads a value. `name` is its key, for messages. `None` if it is faulty, which is said.
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self>;
}

/// A table whose keys are taken out.
pub(super) struct Section<'t> {
    /// The keys that lead to it, with dots between; empty for the document.
    name: String,
    table: DeTable<'t>,
}

impl<'t> Section<'t> {
    /// A table that is the value of `name`.
    pub(super) fn of(name: &str, table: DeTable<'t>) -> Self {
        Self { name: name.to_owned(), table }
    }

    /// Takes out a table; it is empty if it isn't there.
    pub(super) fn section(&mut self, key: &'static str, faults: &mut Faults) -> Self {
        faults.known.push((self.name.clone(), key));
        let mut table = DeTable::new();
        if let Some(value) = self.table.remove(key) {
            let at = value.span();
            match value.into_inner() {
                DeValue::Table(found) => table = found,
                other => faults.refuse(key, at, &other, &format!("a table, [{key}]")),
            }
        }
        Self { name: key.to_owned(), table }
    }

    /// Takes out a value. `None` if it isn't there or is faulty.
    pub(super) fn take<T: Value>(&mut self, key: &'static str, faults: &mut Faults) -> Option<T> {
        faults.known.push((self.name.clone(), key));
        let value = self.table.remove(key)?;
        T::read(&format!("{}.{key}", self.name), value, faults)
    }

    /// Whether a key is there that wasn't taken out.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// All keys and values, in the order in which they are written.
    pub(super) fn entries(self) -> Vec<(Spanned<String>, Spanned<DeValue<'t>>)> {
        let entries = self.table.into_iter();
        let mut entries: Vec<_> = entries
            .map(|(key, value)| (Spanned::new(key.span(), key.into_inner().into_owned()), value))
            .collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    /// Ends the reading: what is left is unknown.
    pub(super) fn finish(self, faults: &mut Faults) {
        let keys = self.table.into_iter().map(|(key, _)| (key.span(), key.into_inner().into()));
        faults.unknown.extend(keys.map(|(at, key)| (at, self.name.clone(), key)));
    }
}

/// What is wrong with a document.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Offsets in the text, and messages.
    faults: Vec<(usize, String)>,
    /// Sections and the keys that they have.
    known: Vec<(String, &'static str)>,
    /// Keys that are in no section, where they are, and in which section.
    unknown: Vec<(Range<usize>, String, String)>,
}

impl Faults {
    /// Adds a fault of the key `name`.
    pub(super) fn add(&mut self, name: &str, at: Range<usize>, message: &str) {
        self.faults.push((at.start, format!("{}: {message}", quoted(name))));
    }

    /// Adds that the key `name` is set to something that isn't allowed.
    pub(super) fn refuse(
        &mut self,
        name: &str,
        at: Range<usize>,
        found: &DeValue<'_>,
        allowed: &str,
    ) {
        let found = match found {
            DeValue::String(text) => format!("\"{}\"", quoted(text)),
            DeValue::Integer(number) => quoted(number.as_str()),
            DeValue::Float(number) => quoted(number.as_str()),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.add(name, at, &format!("found {found}, expected {allowed}"));
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty() && self.unknown.is_empty()
    }

    /// The faults in the order of the text.
    pub(super) fn into_findings(mut self, file: &[u8], text: &str) -> Vec<Finding> {
        // What is past the last one reported needs no message.
        self.unknown.sort_by_key(|(at, ..)| at.start);
        let count = self.faults.len() + self.unknown.len();
        let unknown = self.unknown.iter().take(MOST_FAULTS + 1);
        let unknown = unknown.map(|(at, section, key)| (at.start, self.unknown(section, key)));
        let unknown: Vec<_> = unknown.collect();
        self.faults.extend(unknown);
        self.faults.sort_by_key(|(at, _)| *at);
        self.faults.truncate(MOST_FAULTS);

        let mut lines = Lines::new(text);
        let mut findings: Vec<Finding> = Vec::new();
        for (at, message) in self.faults {
            let (line, column) = lines.position(at);
            let message = message.chars().flat_map(shown).collect();
            findings.push(finding(file, line, column, message));
        }
        if let Some(more) = count.checked_sub(MOST_FAULTS).filter(|more| *more > 0) {
            findings.push(finding(file, 0, 0, format!("and {more} more errors")));
        }
        findings
    }

    /// What to say about a key that is in no section.
    fn unknown(&self, section: &str, key: &str) -> String {
        let quoted = quoted(key);
        let here = self.known.iter().filter(|(of, _)| of == section).map(|(_, known)| *known);
        let mut here: Vec<&str> = here.collect();
        here.sort_unstable();
        here.dedup();
        let what = match section {
            "" => format!("{FILE} has no section or key \"{quoted}\""),
            section => format!("[{section}] has no key \"{quoted}\""),
        };
        if let Some(near) = nearest(key, &here) {
            return format!("{what}; did you mean \"{near}\"?");
        }
        match self.known.iter().find(|(of, known)| !of.is_empty() && *known == key) {
            Some((of, _)) => format!("{what}; it belongs to [{of}]"),
            None => format!("{what}; there are {}", here.join(", ")),
        }
    }
}

/// An error about the file.
pub(super) fn finding(file: &[u8], line: u32, column: u32, message: String) -> Finding {
    let (severity, kind) = (Severity::Error, "config");
    Finding { severity, kind, file: file.to_vec(), line, column, message }
}

/// Counts lines of a text from one place to the next.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Where the current line begins, and its number from 1.
    start: usize,
    line: u32,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, start: 0, line: 1 }
    }

    /// Line and column in bytes, both from 1, of an offset that is not in a line before that of the
    /// offset last asked for.
    pub(super) fn position(&mut self, at: usize) -> (u32, u32) {
        let at = at.min(self.text.len());
        let between = self.text.as_bytes().get(self.start..at).unwrap_or_default();
        for (offset, _) in between.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.line += 1;
            self.start = at - between.len() + offset + 1;
        }
        (self.line, u32::try_from(at - self.start + 1).unwrap_or(u32::MAX))
    }
}

/// A text as a message shows it: one line, not too long.
fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_QUOTED).flat_map(shown).collect();
    if text.chars().nth(MOST_QUOTED).is_some() {
        shown.push('…');
    }
    shown
}

/// A character as a message shows it.
fn shown(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(plain)
}

/// The name that `key` is most likely a slip of: at most two letters differ.
fn nearest<'n>(key: &str, names: &[&'n str]) -> Option<&'n str> {
    // A longer key differs in more than two letters from every name there is.
    let key: Vec<char> = key.chars().take(32).collect();
    let distances = names.iter().map(|name| (distance(&key, name), *name));
    let (distance, name) = distances.min()?;
    (distance <= 2 && distance < key.len()).then_some(name)
}

/// The number of letters to insert, remove or replace (Levenshtein).
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (line, b) in b.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (above, a) in row.iter_mut().skip(1).zip(a) {
            let replaced = diagonal + usize::from(*a != b);
            diagonal = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised() {
        let names = ["html", "trailing-slash", "fallback", "autoindex"];
        let cases = [
            ("htlm", Some("html")),
            ("trailing_slash", Some("trailing-slash")),
            ("falback", Some("fallback")),
            ("auto-index", Some("autoindex")),
            ("something", None),
            ("x", None),
            ("", None),
        ];
        for (key, expected) in cases {
            assert_eq!(nearest(key, &names), expected, "{key}");
        }
        assert_eq!(nearest(&"h".repeat(1 << 20), &names), None);
        let distance = |a: &str, b| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn lines_are_counted_from_one_and_columns_in_bytes() {
        let mut lines = Lines::new("ab\n\nécd\n");
        let places = [0, 1, 2, 3, 4, 6, 7, 8, 99].map(|at| lines.position(at));
        assert_eq!(
            places,
            [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 3), (3, 4), (3, 5), (4, 1)]
        );
    }

    #[test]
    fn what_is_quoted_is_one_short_line() {
        assert_eq!(quoted("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(quoted(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
    }
}
