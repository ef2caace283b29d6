//! Bounds of what a request may be, and the answer when one is hit.

/// Bounds on requests. `docs/HTTP.md` lists them with their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request line; a longer one is answered 414.
    pub request_line: usize,
    /// Most bytes of a request head with its empty line; a longer one is answered 431.
    pub head: usize,
    /// Most bytes of request content, chunk framing included, that are read and thrown away;
    /// more is answered 413 if the head announces it and ends the connection if not.
    pub body: u64,
}

/// Most fields of a request head; more are answered 431.
pub const MAX_FIELDS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self { request_line: 8 * 1024, head: 16 * 1024, body: 1024 * 1024 }
    }
}
