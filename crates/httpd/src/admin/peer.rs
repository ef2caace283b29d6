//! A connection to the admin listener: one request, its answer, the end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime};

use protocol::{Clock, Conn, Limits, Method, Next, Recent, Status, Version};
use socket2::Socket;

use super::page::{Body, Page, Pages, Reply};
use super::vhosts::Listing;

/// Time in which a peer has to ask.
const ASKING: Duration = Duration::from_secs(5);
/// Time that it has to take the answer.
const TAKING: Duration = Duration::from_secs(30);
/// Time that it has to close when it has the answer.
const LINGERING: Duration = Duration::from_secs(1);
/// What a request may be.
fn limits() -> Limits {
    Limits { request_line: 1024, head: 8 * 1024, body: 0, ..Limits::default() }
}
/// Bytes that are received at a time.
const RECEIVE: usize = 4096;
/// Times that a peer is received from, or sent to, before others have their turn.
const STEPS: usize = 16;

/// A connection.
pub(super) struct Peer {
    socket: Socket,
    stage: Stage,
    deadline: Instant,
}

enum Stage {
    /// What was received of its request.
    Asking(Vec<u8>, Conn),
    /// It wants to know whether the workers turn.
    Waiting(Form),
    /// It takes its answer.
    Taking(Answer),
    /// It has it, and is to close.
    Lingering,
}

/// How an answer has to look.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Whether the head goes without its body.
    head_only: bool,
    /// Whether the peer knows of chunks (RFC 9112 §7.1).
    has_chunks: bool,
}

/// An answer on its way.
struct Answer {
    bytes: Vec<u8>,
    sent: usize,
    /// What is still to be made.
    rest: Option<Box<Listing>>,
    has_chunks: bool,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Bytes,
    Room,
    Health,
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Peer {
    /// One that has just come, on a socket that does not block.
    pub(super) fn new(socket: Socket) -> Self {
        let stage = Stage::Asking(Vec::new(), Conn::new());
        Self { socket, stage, deadline: Instant::now() + ASKING }
    }

    pub(super) fn wants(&self) -> Wants {
        match self.stage {
            Stage::Asking(..) | Stage::Lingering => Wants::Bytes,
            Stage::Waiting(_) => Wants::Health,
            Stage::Taking(_) => Wants::Room,
        }
    }

    /// When its patience is at an end.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Does what can be done without waiting. Whether the connection goes on.
    pub(super) fn go_on(&mut self, pages: &mut Pages) -> bool {
        if Instant::now() >= self.deadline && !matches!(self.stage, Stage::Asking(..)) {
            return false;
        }
        // A peer that goes away is none of our troubles.
        self.step(pages).unwrap_or(false)
    }

    fn step(&mut self, pages: &mut Pages) -> io::Result<bool> {
        if matches!(self.stage, Stage::Asking(..)) && !self.read(pages)? {
            return Ok(false);
        }
        if let Stage::Waiting(form) = self.stage
            && let Some(page) = pages.healthz()
        {
            self.answer(page, form);
        }
        if let Stage::Taking(answer) = &mut self.stage {
            if !answer.send(&self.socket)? {
                return Ok(true);
            }
            self.socket.shutdown(Shutdown::Write)?;
            self.stage = Stage::Lingering;
            self.deadline = Instant::now() + LINGERING;
        }
        match self.stage {
            Stage::Lingering => self.linger(),
            _ => Ok(true),
        }
    }

    /// Receives what is there of the request, and answers it once it is whole. Whether the
    /// connection goes on.
    fn read(&mut self, pages: &mut Pages) -> io::Result<bool> {
        let mut buffer = [0; RECEIVE];
        for _ in 0..STEPS {
            let Stage::Asking(received, conn) = &mut self.stage else { return Ok(true) };
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(size) => received.extend_from_slice(buffer.get(..size).unwrap_or_default()),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock if Instant::now() < self.deadline => return Ok(true),
                    ErrorKind::WouldBlock if received.is_empty() => return Ok(false),
                    ErrorKind::WouldBlock => {
                        let form = Form { head_only: false, has_chunks: true };
                        self.answer(Page::of(Status::REQUEST_TIMEOUT), form);
                        return Ok(true);
                    }
                    ErrorKind::Interrupted => continue,
                    _ => return Err(error),
                },
            }
            let (reply, form) = match conn.next(received, &mut Recent::default(), &limits()) {
                Next::More => continue,
                Next::Request(request, _) => {
                    let head_only = request.method == Method::Head;
                    let has_chunks = request.version == Version::Http11;
                    (pages.answer(&request), Form { head_only, has_chunks })
                }
                Next::Reject(rejection) => {
                    let form = Form { head_only: rejection.head_only, has_chunks: true };
                    (Reply::Now(Page::of(rejection.status)), form)
                }
                Next::Skip(_) | Next::End => return Ok(false),
            };
            match reply {
                Reply::Now(page) => self.answer(page, form),
                Reply::Later => self.wait(form),
            }
        }
        Ok(true)
    }

    fn wait(&mut self, form: Form) {
        self.stage = Stage::Waiting(form);
        self.deadline = Instant::now() + TAKING;
    }

    fn answer(&mut self, page: Page, form: Form) {
        self.stage = Stage::Taking(Answer::new(page, form));
        self.deadline = Instant::now() + TAKING;
    }

    /// Throws away what comes until the peer closes too: closing earlier could take the answer from
    /// it (RFC 9112 §9.6).
    fn linger(&mut self) -> io::Result<bool> {
        let mut buffer = [0; RECEIVE];
        for _ in 0..STEPS {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Answer {
    fn new(page: Page, form: Form) -> Self {
        let Page { status, media_type, body } = page;
        let (text, now) = (status.text(), SystemTime::now());
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut bytes = format!("HTTP/1.1 {text}\r\n").into_bytes();
        bytes.extend_from_slice(Clock::new(seconds).line());
        let mut add = |line: &str| bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
        add(&format!("Content-Type: {media_type}"));
        if status == Status::METHOD_NOT_ALLOWED {
            add("Allow: GET, HEAD");
        }
        match &body {
            Body::Whole(body) => add(&format!("Content-Length: {}", body.len())),
            Body::Pieces(_) if form.has_chunks => add("Transfer-Encoding: chunked"),
            // The bracket at its end shows that it is whole.
            Body::Pieces(_) => {}
        }
        add("Cache-Control: no-store");
        add("Connection: close");
        add("");
        let mut rest = None;
        if !form.head_only {
            match body {
                Body::Whole(body) => bytes.extend_from_slice(&body),
                Body::Pieces(listing) => rest = Some(listing),
            }
        }
        Self { bytes, sent: 0, rest, has_chunks: form.has_chunks }
    }

    /// Sends what the socket takes. Whether that was all.
    fn send(&mut self, mut socket: &Socket) -> io::Result<bool> {
        for _ in 0..STEPS {
            let bytes = self.bytes.get(self.sent..).unwrap_or_default();
            if bytes.is_empty() {
                if !self.make_more() {
                    return Ok(true);
                }
                continue;
            }
            match socket.write(bytes) {
                Ok(size) => self.sent += size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Makes the next piece. Whether there is one.
    fn make_more(&mut self) -> bool {
        let Some(listing) = &mut self.rest else { return false };
        let mut piece = Vec::new();
        let is_last = !listing.next(&mut piece);
        self.bytes.clear();
        self.sent = 0;
        if is_last {
            self.rest = None;
        }
        if self.has_chunks {
            // An empty chunk is the last (RFC 9112 §7.1).
            self.bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            self.bytes.extend_from_slice(&piece);
            self.bytes.extend_from_slice(b"\r\n");
        } else {
            self.bytes = piece;
        }
        !self.bytes.is_empty()
    }
}
