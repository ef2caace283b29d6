//! The lines of a policy file, and the findings that they give rise to.

use super::{MAX_FILE, MAX_FINDINGS, MAX_LINE};
use crate::finding::{Finding, Severity};

/// What is wrong at a place in a line.
#[derive(Debug)]
pub(super) struct Fault {
    /// Bytes in front of it in the line.
    pub(super) at: usize,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, kind: &'static str, message: impl Into<String>) -> Self {
        Self { at, kind, message: message.into() }
    }
}

/// Something that only one of the platforms reads, or that each reads in its own way.
pub(super) const DIFFERENCE: &str = "dialect-difference";
/// Something that this server does not do.
pub(super) const UNSUPPORTED: &str = "unsupported-rule";

/// A line that says something: neither empty nor a comment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    /// From 1.
    pub(super) number: u32,
    /// Bytes of white space in front of the text.
    pub(super) at: usize,
    /// The line without white space at its ends.
    pub(super) text: &'t str,
}

/// A line that can't be read.
#[derive(Debug)]
pub(super) struct BadLine<'t> {
    pub(super) number: u32,
    /// The first byte that isn't white space.
    pub(super) first: Option<&'t u8>,
    pub(super) fault: Fault,
}

/// The lines of `text` that say something.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Result<Line<'_>, BadLine<'_>>> {
    let raw = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).split(|byte| *byte == b'\n');
    (1..).zip(raw).filter_map(|(number, bytes)| read(number, bytes).transpose())
}

fn read(number: u32, bytes: &[u8]) -> Result<Option<Line<'_>>, BadLine<'_>> {
    let bad = |at, message: String| BadLine {
        number,
        first: bytes.trim_ascii_start().first(),
        fault: Fault::new(at, "bad-line", message),
    };
    if bytes.len() > MAX_LINE {
        let message = format!("a line of {} bytes, at most {MAX_LINE} are read", bytes.len());
        return Err(bad(MAX_LINE, message));
    }
    let line = match std::str::from_utf8(bytes) {
        Ok(line) => line,
        // What a comment is made of does not matter.
        Err(_) if bytes.trim_ascii_start().starts_with(b"#") => return Ok(None),
        Err(error) => {
            let message = "not UTF-8; write other bytes as %XX";
            return Err(bad(error.valid_up_to(), message.to_owned()));
        }
    };
    let text = line.trim_start_matches(is_space);
    let at = line.len() - text.len();
    let text = text.trim_end_matches(is_space);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    if let Some(offset) = text.find(|c: char| c.is_control() && !is_space(c)) {
        return Err(bad(at + offset, "a control character".to_owned()));
    }
    Ok(Some(Line { number, at, text }))
}

/// White space as JavaScript has it, in which both platforms read these files.
pub(super) fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// A word of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// Bytes in front of it in the line.
    pub(super) at: usize,
    pub(super) text: &'t str,
}

/// The words of a line, up to a comment.
pub(super) fn tokens<'t>(line: &Line<'t>) -> Vec<Token<'t>> {
    let mut at = line.at;
    let mut found = Vec::new();
    for text in line.text.split(is_space) {
        if text.starts_with('#') {
            break;
        }
        if !text.is_empty() {
            found.push(Token { at, text });
        }
        // The white space behind it may be more than a byte.
        at += text.len();
        let rest = line.text.get(at - line.at..).unwrap_or_default();
        at += rest.chars().next().map_or(0, char::len_utf8);
    }
    found
}

/// The findings of a file, a bounded number of them.
#[derive(Debug)]
pub(super) struct Findings<'f> {
    file: &'f [u8],
    list: Vec<Finding>,
    /// How many are not on the list, and the worst of them.
    more: usize,
    worst: Severity,
}

impl<'f> Findings<'f> {
    pub(super) fn new(file: &'f [u8]) -> Self {
        Self { file, list: Vec::new(), more: 0, worst: Severity::Warning }
    }

    /// Notes an error.
    pub(super) fn error(&mut self, line: u32, fault: Fault) {
        let column = u32::try_from(fault.at + 1).unwrap_or(u32::MAX);
        self.add(Severity::Error, fault.kind, line, column, fault.message);
    }

    /// Notes something about a line as a whole, or with line 0 about the file.
    pub(super) fn note(
        &mut self,
        severity: Severity,
        kind: &'static str,
        line: u32,
        message: String,
    ) {
        self.add(severity, kind, line, 0, message);
    }

    fn add(
        &mut self,
        severity: Severity,
        kind: &'static str,
        line: u32,
        column: u32,
        message: String,
    ) {
        if self.list.len() == MAX_FINDINGS {
            self.more += 1;
            self.worst = self.worst.max(severity);
            return;
        }
        let file = self.file.to_vec();
        self.list.push(Finding { severity, kind, file, line, column, message });
    }

    /// Whether a file of this size is read at all.
    pub(super) fn admits(&mut self, text: &[u8]) -> bool {
        if text.len() > MAX_FILE {
            let message = format!("{} bytes, at most {MAX_FILE} are read", text.len());
            self.note(Severity::Error, "file-too-large", 0, message);
        }
        text.len() <= MAX_FILE
    }

    /// All of them by line, and how many there are besides.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| (finding.line, finding.column));
        if self.more > 0 {
            let message = format!("{} more findings that are not listed", self.more);
            let (file, kind) = (self.file.to_vec(), "more-findings");
            let (severity, line, column) = (self.worst, 0, 0);
            self.list.push(Finding { severity, kind, file, line, column, message });
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_trimmed_and_comments_passed_over() {
        let text = b"\xEF\xBB\xBF/a /b\r\n\n  # no\n\t/c\xC2\xA0/d  # why\n# \xFF\n";
        let read: Vec<_> = lines(text).map(|line| line.unwrap()).collect();
        let seen: Vec<_> = read.iter().map(|line| (line.number, line.at, line.text)).collect();
        assert_eq!(seen, [(1, 0, "/a /b"), (4, 1, "/c\u{a0}/d  # why")]);
        let words: Vec<_> = tokens(&read[1]).iter().map(|word| (word.at, word.text)).collect();
        assert_eq!(words, [(1, "/c"), (5, "/d")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_says_where() {
        let long = vec![b'a'; MAX_LINE + 1];
        for (text, at, message) in [
            (b"/a\0".as_slice(), 2, "control"),
            (b" /\xFF", 2, "UTF-8"),
            (&long, MAX_LINE, "16384"),
        ] {
            let bad = lines(text).next().unwrap().unwrap_err();
            assert_eq!(bad.fault.at, at);
            assert!(bad.fault.message.contains(message), "{}", bad.fault.message);
        }
    }

    #[test]
    fn findings_are_bounded_and_counted() {
        let mut findings = Findings::new(b"_headers");
        for line in 0..MAX_FINDINGS + 7 {
            findings.error(line as u32, Fault::new(0, "x", "y"));
        }
        let list = findings.finish();
        assert_eq!(list.len(), MAX_FINDINGS + 1);
        assert!(list.last().unwrap().message.starts_with("7 more"));
    }
}
