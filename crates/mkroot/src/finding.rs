//! What is wrong with a site, said to its author: one line a finding.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The site is packed all the same, unless warnings are asked to count as errors.
    Warning,
    /// Nothing is packed.
    Error,
}

impl Severity {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that the author of the site should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of finding, for programs: lower case with hyphens, as in `broken-link`.
    pub kind: &'static str,
    /// The file that it is about: its path relative to the root of the tree, without a slash in
    /// front; of a configuration from elsewhere, its path.
    pub file: Vec<u8>,
    /// Line, from 1; 0 if it is about the file as a whole.
    pub line: u32,
    /// Column in bytes, from 1; 0 if it is about the line as a whole.
    pub column: u32,
    /// What is wrong, and what to do where that is not plain. One line.
    pub message: String,
}

impl fmt::Display for Finding {
    /// `file:line:column: severity: message [kind]`, without the numbers that are 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.file) {
            Ok(file) if !file.contains(char::is_control) => f.write_str(file)?,
            _ => write!(f, "{}", self.file.escape_ascii())?,
        }
        for number in [self.line, self.column].into_iter().take_while(|number| *number != 0) {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}: {} [{}]", self.severity.name(), self.message, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_that_editors_understand() {
        let mut finding = Finding {
            severity: Severity::Warning,
            kind: "broken-link",
            file: b"a/b.html".to_vec(),
            line: 3,
            column: 14,
            message: "no such path: /x".to_owned(),
        };
        let shown = "a/b.html:3:14: warning: no such path: /x [broken-link]";
        assert_eq!(finding.to_string(), shown);
        (finding.line, finding.column) = (0, 0);
        finding.file = b"a\nb".to_vec();
        finding.severity = Severity::Error;
        assert_eq!(finding.to_string(), "a\\nb: error: no such path: /x [broken-link]");
    }
}
