//! Bounds of what a request may be, and the answer when one is hit.

/// Bounds on requests. `docs/HTTP.md` lists them with their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request line; a longer one is answered 414.
    pub request_line: usize,
    /// Most bytes of a request head with its empty line; a longer one is answered 431.
    pub head: usize,
    /// Most fields of a request head; more are answered 431.
    pub fields: usize,
    /// Most empty lines in front of a request line (RFC 9112 §2.2 asks for at least one); more are
    /// answered 400.
    pub empty_lines: usize,
    /// Most bytes of request content, chunk framing included, that are read and thrown away;
    /// more is answered 413 if the head announces it and ends the connection if not.
    pub body: u64,
    /// Most parts of one response; a request for more ranges is answered with the whole.
    pub ranges: usize,
    /// Most ranges of one request that overlap an earlier one; past that it is answered with the
    /// whole (RFC 9110 §14.2 warns of such requests).
    pub overlaps: usize,
    /// Most bytes of a target that a rule makes for `Location`; a longer one is answered 414.
    pub location: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 8 * 1024,
            head: 16 * 1024,
            fields: 100,
            empty_lines: 4,
            body: 1024 * 1024,
            ranges: 16,
            overlaps: 2,
            location: 32 * 1024,
        }
    }
}
