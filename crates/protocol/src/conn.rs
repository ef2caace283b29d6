//! A connection's side of the protocol: which bytes are which request.

use crate::body::{Discard, Discarded};
use crate::fields::Fields;
use crate::host::Host;
use crate::limits::Limits;
use crate::parse::{self, Head, Rejection, Request};
use crate::recent::{Number, Recent};
use crate::scan::HeadScan;
use crate::status::Status;

/// What the bytes at hand hold.
#[derive(Debug)]
pub enum Next<'r> {
    /// Nothing whole: keep them, and come again with these and more.
    More,
    /// A request whose head takes so many bytes. They may be let go when it is answered; then come
    /// again with what follows.
    Request(Request<'r>, usize),
    /// So many bytes that are to be let go: content that nobody wants.
    Skip(usize),
    /// Not a request. Answer, then end the connection: what follows can't be understood.
    Reject(Rejection),
    /// Content that breaks its framing or its bound, of a request that has its answer. End the
    /// connection.
    End,
}

/// A head whose field section was read before, on whatever connection.
///
/// Two of the same line and stamp are the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Known<'r> {
    head: Head<'r>,
    stamp: u64,
    number: Number,
}

impl<'r> Known<'r> {
    /// The request line without its end. It has not been looked at.
    pub fn line(&self) -> &'r [u8] {
        self.head.line()
    }

    /// What stands for the field section. No other section ever has it from the same [`Recent`].
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Bytes of the head.
    pub fn size(&self) -> usize {
        self.head.size()
    }

    /// The host that the field section names, and its fields, from the [`Recent`] that it was just
    /// found in.
    pub fn fields<'s>(&self, recent: &'s Recent) -> (Option<Host<'s>>, Fields<'s>)
    where
        'r: 's,
    {
        let (fields, said) = recent.get(self.head.section(), self.number);
        (said.host(&fields), fields)
    }
}

/// The state of a connection between calls of [`Conn::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conn {
    state: State,
    /// The field section of its last request, among those that were read lately.
    section: Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head(HeadScan),
    Content(Discard),
    Ended,
}

impl Default for Conn {
    fn default() -> Self {
        Self { state: State::Head(HeadScan::default()), section: Number::MAX }
    }
}

impl Conn {
    /// A connection before its first request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds what `bytes` begin with. They are all that was received and not let go yet. `recent`
    /// may be shared by any number of connections.
    ///
    /// ```
    /// use protocol::{Conn, Limits, Next, Recent};
    /// let mut conn = Conn::new();
    /// let mut recent = Recent::default();
    /// let bytes = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b";
    /// let Next::Request(request, size) = conn.next(bytes, &mut recent, &Limits::default())
    /// else { panic!() };
    /// assert_eq!((request.target.path, size), (&b"/a"[..], 28));
    /// ```
    pub fn next<'r>(
        &mut self,
        bytes: &'r [u8],
        recent: &'r mut Recent,
        limits: &Limits,
    ) -> Next<'r> {
        let known = self.known(bytes, recent, limits);
        self.read(bytes, known, recent, limits)
    }

    /// Finds out whether `bytes` begin with a request head whose field section is known; `None`
    /// says nothing. Whoever has an answer to it may give it and let the head go, if the section
    /// allows another request and announces no content.
    pub fn known<'r>(
        &mut self,
        bytes: &'r [u8],
        recent: &mut Recent,
        limits: &Limits,
    ) -> Option<Known<'r>> {
        match self.state {
            State::Head(scan) if !scan.has_begun() => {
                let head = Head::known(bytes, recent, &mut self.section, limits)?;
                let number = self.section;
                Some(Known { head, stamp: recent.stamp(number), number })
            }
            _ => None,
        }
    }

    /// As [`Conn::next`], when [`Conn::known`] has just been asked of the same bytes.
    pub fn read<'r>(
        &mut self,
        bytes: &'r [u8],
        known: Option<Known<'r>>,
        recent: &'r mut Recent,
        limits: &Limits,
    ) -> Next<'r> {
        match &mut self.state {
            State::Head(scan) => {
                let number = &mut self.section;
                let (head, size) = match known {
                    Some(known) => (Some(known.head), known.size()),
                    None => match scan.advance(bytes, limits) {
                        Ok(Some(extent)) => {
                            (bytes.get(extent.start..extent.end).and_then(Head::new), extent.end)
                        }
                        Ok(None) => return Next::More,
                        Err(rejection) => return self.reject(rejection, bytes),
                    },
                };
                let bad = Rejection::new(Status::BAD_REQUEST);
                let parsed =
                    head.ok_or(bad).and_then(|head| parse::parse(head, recent, number, limits));
                match parsed {
                    Ok(request) => {
                        if !request.persistent {
                            self.state = State::Ended;
                        } else if let Some(content) = Discard::new(request.framing, limits.body) {
                            self.state = State::Content(content);
                        }
                        Next::Request(request, size)
                    }
                    Err(rejection) => self.reject(rejection, bytes),
                }
            }
            State::Content(content) => {
                let discarded = content.advance(bytes);
                match discarded {
                    Discarded::All if bytes.is_empty() => Next::More,
                    Discarded::All => Next::Skip(bytes.len()),
                    Discarded::End(size) => {
                        self.state = State::Head(HeadScan::default());
                        Next::Skip(size)
                    }
                    Discarded::Bad => {
                        self.state = State::Ended;
                        Next::End
                    }
                }
            }
            State::Ended => Next::End,
        }
    }

    /// Whether a request has begun and its head or content is not complete.
    pub fn is_inside_request(&self) -> bool {
        match &self.state {
            State::Head(scan) => scan.has_begun(),
            State::Content(_) => true,
            State::Ended => false,
        }
    }

    /// The answer to a request whose head does not come to an end. `bytes` are those of it that
    /// were received.
    pub fn time_out(&mut self, bytes: &[u8]) -> Rejection {
        self.state = State::Ended;
        Rejection { head_only: is_head(bytes), ..Rejection::new(Status::REQUEST_TIMEOUT) }
    }

    /// Whether what is not complete is the content of a request that has its answer.
    pub fn is_inside_content(&self) -> bool {
        matches!(self.state, State::Content(_))
    }

    fn reject<'r>(&mut self, rejection: Rejection, bytes: &[u8]) -> Next<'r> {
        self.state = State::Ended;
        Next::Reject(Rejection { head_only: is_head(bytes), ..rejection })
    }
}

/// Whether what was received begins with the method HEAD, behind any empty lines.
fn is_head(mut bytes: &[u8]) -> bool {
    while let [b'\r', b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes.starts_with(b"HEAD ")
}
