//! Clients: kept connections, several requests written at once, ranges, conditions, slow readers,
//! and some that go away in the middle.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::checker::{Answer, Asked, Asking, Range, is_timely, prove};
use crate::common::Server;
use crate::history::Heard;
use crate::plan::{CLIENTS, GENERATIONS, Ground, RESOURCES, Rng};
use crate::report::{Counts, Doubt};

/// Most requests that are written at once.
const DEPTH: usize = 8;
/// Requests of a connection before its client closes it.
const KEPT: usize = 2000;
/// Receive buffer of a client that reads slowly, in bytes.
const NARROW: usize = 16 * 1024;
/// Pause of such a client in the middle of a body.
const SLOWNESS: Duration = Duration::from_millis(5);
/// Most bytes of a response head.
const MOST_HEAD: u64 = 8 * 1024;
/// Most bytes of it that are told when it is none.
const TOLD: usize = 200;
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// A client. One in four asks one victim after the other, a connection each, so that a connection
/// that the storm closes belongs to a victim; the others ask all the rest on each connection.
pub(crate) struct Client<'g> {
    ground: &'g Ground,
    server: &'g Server,
    counts: &'g Counts,
    rng: Rng,
    /// Virtual hosts that it asks.
    hosts: Vec<usize>,
    asks_victims: bool,
}

/// How a connection ended.
enum End {
    /// The client had enough, or the storm is over.
    Left,
    /// The daemon closed it.
    Closed,
}

impl<'g> Client<'g> {
    pub(crate) fn new(
        ground: &'g Ground,
        server: &'g Server,
        counts: &'g Counts,
        seed: u64,
        number: usize,
    ) -> Self {
        let asks_victims = number < CLIENTS / 4;
        let all = ground.vhosts.iter().enumerate();
        let hosts = all.filter(|(_, vhost)| vhost.is_victim == asks_victims);
        let hosts = hosts.map(|(at, _)| at).collect();
        Self { ground, server, counts, rng: Rng::new(seed, number as u64), hosts, asks_victims }
    }

    /// Asks until the storm is over; the first thing that was wrong ends it for all.
    pub(crate) fn run(mut self) {
        while !self.ground.is_over() {
            match self.converse() {
                Ok(End::Left) => {}
                Ok(End::Closed) => self.counts.close(),
                Err(what) => self.counts.fail(self.ground, what),
            }
        }
    }

    /// Uses one connection.
    fn converse(&mut self) -> Result<End, String> {
        let is_slow = self.rng.one_in(8);
        let stream =
            if is_slow { self.server.connect_narrow(NARROW) } else { self.server.connect() };
        let hosts =
            if self.asks_victims { vec![*self.rng.pick(&self.hosts)] } else { self.hosts.clone() };
        let mut reader = BufReader::with_capacity(CHUNK, &stream);
        let mut asked = 0;
        while asked < KEPT && !self.ground.is_over() {
            let depth = if self.rng.one_in(2) { 1 } else { 1 + self.rng.below(DEPTH) };
            let mut batch: VecDeque<_> = (0..depth).map(|_| self.request(&hosts)).collect();
            asked += depth;
            let text: String = batch.iter().map(|asked| asked.text(self.ground)).collect();
            let start = Instant::now();
            // What was closed meanwhile is found out by reading.
            let sent = (&stream).write_all(text.as_bytes());
            let leaves = self.rng.one_in(500);
            while let Some(asked) = batch.pop_front() {
                if leaves && batch.is_empty() {
                    // Some of the response has come, the rest is thrown away.
                    let _ = reader.fill_buf();
                    return Ok(End::Left);
                }
                let answer = match read(&mut reader, asked.head_only, is_slow) {
                    Ok(answer) => answer,
                    Err(error) => return self.closed(&asked, start, &error, sent.err()),
                };
                let times = (start, Instant::now());
                let heard = prove(self.ground, &asked, &answer, times).map_err(|what| {
                    format!("{what}\n{}\n{}", asked.told(self.ground, times), answer.head)
                })?;
                self.counts.count(answer.status, answer.body.len());
                let closes = answer.field("Connection").is_ok_and(|value| value == "close");
                self.time(&asked, heard, times);
                if closes {
                    self.time(&asked, Heard::Closed, times);
                    return Ok(End::Closed);
                }
            }
        }
        Ok(End::Left)
    }

    /// The connection ended where a response should be.
    fn closed(
        &self,
        asked: &Asked,
        start: Instant,
        error: &io::Error,
        sent: Option<io::Error>,
    ) -> Result<End, String> {
        let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        let times = (start, Instant::now());
        if ends.contains(&error.kind()) {
            self.time(asked, Heard::Closed, times);
            return Ok(End::Closed);
        }
        let sent = sent.map_or_else(String::new, |error| format!(", when writing: {error}"));
        Err(format!("no response: {error}{sent}\n{}", asked.told(self.ground, times)))
    }

    /// What came at a time at which it should not is a failure, unless it turns out that the daemon
    /// could not know.
    fn time(&self, asked: &Asked, heard: Heard, times: (Instant, Instant)) {
        if !is_timely(self.ground, asked, heard, times) {
            self.counts.doubt(self.ground, Doubt { asked: asked.clone(), heard, times });
        }
    }

    fn request(&mut self, hosts: &[usize]) -> Asked {
        let vhost = *self.rng.pick(hosts);
        let resource = match self.rng.below(32) {
            0 => 3,
            1..=3 => 2,
            4..=11 => 1,
            _ => 0,
        };
        let size = RESOURCES[resource].1;
        let asking = match self.rng.below(10) {
            0 | 1 => {
                let count = 1 + self.rng.below(2);
                Asking::NoneMatch((0..count).map(|_| self.tag(vhost)).collect())
            }
            2 | 3 => {
                let first = self.rng.below(size);
                let range = match self.rng.below(3) {
                    0 => Range::Between(first, first + self.rng.below(size)),
                    1 => Range::From(first),
                    _ => Range::Last(1 + self.rng.below(size)),
                };
                let required = self.rng.one_in(2).then(|| self.tag(vhost));
                Asking::Part(range, required)
            }
            _ => Asking::Everything,
        };
        // Range is for GET alone (RFC 9110 §14.2).
        let head_only = !matches!(asking, Asking::Part(..)) && self.rng.one_in(8);
        Asked { vhost, resource, head_only, asking }
    }

    /// A generation whose tag is asked with: often the latest.
    fn tag(&mut self, vhost: usize) -> usize {
        if self.rng.one_in(2) {
            self.ground.vhosts[vhost].history.latest()
        } else {
            self.rng.below(GENERATIONS)
        }
    }
}

/// Reads a response as its framing says (RFC 9112 §6).
fn read(stream: &mut impl BufRead, head_only: bool, is_slow: bool) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let before = head.len();
        stream.by_ref().take(MOST_HEAD).read_until(b'\n', &mut head)?;
        if head.len() == before {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if head.len() as u64 >= MOST_HEAD {
            return Err(malformed(&head));
        }
    }
    let text = String::from_utf8(head).map_err(|error| malformed(error.as_bytes()))?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| malformed(text.as_bytes()))?;
    let mut answer = Answer { status, head: text, body: Vec::new() };
    if head_only || status == 304 {
        return Ok(answer);
    }
    let size = answer.field("Content-Length").ok().and_then(|size| size.parse().ok());
    let size: usize = size.ok_or_else(|| malformed(answer.head.as_bytes()))?;
    answer.body.reserve_exact(size.min(RESOURCES[3].1));
    while answer.body.len() < size {
        let rest = (size - answer.body.len()).min(CHUNK) as u64;
        if stream.by_ref().take(rest).read_to_end(&mut answer.body)? as u64 != rest {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if is_slow && answer.body.len() < size {
            thread::sleep(SLOWNESS);
        }
    }
    Ok(answer)
}

fn malformed(head: &[u8]) -> io::Error {
    let head = &head[..head.len().min(TOLD)];
    io::Error::new(ErrorKind::InvalidData, format!("malformed: {}", head.escape_ascii()))
}
