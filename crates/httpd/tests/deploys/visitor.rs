//! A visitor who never pauses, and the proof that a deploy went unnoticed: every answer is whole,
//! and of a generation that was live at some time between request and response.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, Response, Server, etag, until};
use crate::site::{PAGES, page, run};

/// How long the visitor goes on after the last deploy.
const AFTERWARDS: Duration = Duration::from_millis(50);
/// Answers that the visitor gets at least before, between and after deploys.
const BETWEEN: u64 = 4;

/// What the visitor got.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Got {
    /// A page of this generation, byte for byte.
    Whole(String),
    /// A page that was sent from a file which somebody was writing to.
    Torn,
    /// No page, but a status.
    Status(u16),
    /// The end of the connection.
    Closed,
}

/// A request and what came of it.
#[derive(Debug)]
struct Exchange {
    asked: Instant,
    answered: Instant,
    got: Got,
}

/// What may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// This generation.
    Generation(String),
    /// This status.
    Status(u16),
    /// Nothing, in the middle of a response whose file is being written over.
    Trouble,
}

/// When something may be answered.
#[derive(Debug)]
struct Time {
    what: What,
    from: Instant,
    until: Option<Instant>,
}

impl Time {
    fn allows(&self, exchange: &Exchange) -> bool {
        let is_it = match (&self.what, &exchange.got) {
            (What::Generation(name), Got::Whole(got)) => name == got,
            (What::Status(status), Got::Status(got)) => status == got,
            (What::Trouble, got) => matches!(got, Got::Torn | Got::Closed | Got::Status(503)),
            _ => false,
        };
        let is_over = self.until.is_some_and(|until| until < exchange.asked);
        is_it && self.from <= exchange.answered && !is_over
    }
}

/// The deploys that the visitor must not notice.
pub(crate) struct Deploys<'s> {
    server: &'s Server,
    host: &'s str,
    history: Vec<Time>,
    /// Answers that the visitor has got so far.
    answers: &'s AtomicU64,
}

impl Deploys<'_> {
    fn begin(&mut self, what: What) {
        self.history.push(Time { what, from: Instant::now(), until: None });
    }

    /// Waits until only this is answered, at most for `limit`.
    fn settle(&mut self, what: &What, limit: Duration) {
        let start = Instant::now();
        let wanted = Time { what: what.clone(), from: start, until: None };
        while !wanted.allows(&self.probe()) {
            let log = self.server.log();
            assert!(start.elapsed() < limit, "not within {limit:?}: {what:?}; {log:#?}");
            thread::sleep(Duration::from_millis(1));
        }
        // Any worker answers what one has answered.
        let now = Instant::now();
        for time in &mut self.history {
            if time.what != *what {
                time.until.get_or_insert(now);
            }
        }
        self.await_answers();
    }

    /// Waits until the visitor has got some more answers.
    fn await_answers(&self) {
        let enough = self.answers.load(Ordering::Relaxed) + BETWEEN;
        until(PATIENCE, "the visitor goes on", || self.answers.load(Ordering::Relaxed) >= enough);
    }

    /// From now on this generation may be answered as well.
    pub(crate) fn allow(&mut self, name: &str) {
        self.begin(What::Generation(name.to_owned()));
    }

    /// What a new connection gets.
    fn probe(&self) -> Exchange {
        let mut pages = HashMap::new();
        fetch(&mut BufReader::new(self.server.connect()), self.host, 0, &mut pages)
    }

    /// Deploys generation `name` by a line of shell, and waits until it is live.
    pub(crate) fn deploy(&mut self, name: &str, limit: Duration, script: &str) {
        self.deploy_by(name, limit, |server| run(server, script));
    }

    /// Deploys generation `name`, and waits until it is live.
    pub(crate) fn deploy_by(&mut self, name: &str, limit: Duration, how: impl FnOnce(&Server)) {
        let what = What::Generation(name.to_owned());
        self.begin(what.clone());
        how(self.server);
        self.settle(&what, limit);
    }

    /// Deploys generation `name` over the file that is live: until it is, the visitor may be told
    /// to come again, or lose the connection.
    pub(crate) fn deploy_in_place(&mut self, name: &str, limit: Duration, script: &str) {
        self.begin(What::Trouble);
        self.deploy(name, limit, script);
    }

    /// Spoils the live file: from then on the visitor is told to come again.
    pub(crate) fn spoil(&mut self, limit: Duration, script: &str) {
        self.begin(What::Trouble);
        self.expect_status(503, limit, script);
    }

    /// Does what makes this status the answer, and waits until it is.
    pub(crate) fn expect_status(&mut self, status: u16, limit: Duration, script: &str) {
        let what = What::Status(status);
        self.begin(what.clone());
        run(self.server, script);
        self.settle(&what, limit);
    }

    /// Does what must change nothing, for so long.
    pub(crate) fn unchanged(&mut self, duration: Duration, script: &str) {
        run(self.server, script);
        thread::sleep(duration);
    }
}

/// Stops the visitor, also when a test fails.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets somebody visit `host` without pause while `act` deploys. `live` is the generation at first.
pub(crate) fn visited(server: &Server, host: &str, live: &str, act: impl FnOnce(&mut Deploys<'_>)) {
    let (answers, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut deploys = Deploys { server, host, history: Vec::new(), answers: &answers };
    deploys.allow(live);
    let exchanges = thread::scope(|scope| {
        let visitor = scope.spawn(|| visit(server, host, &stop, &answers));
        let stop = Stop(&stop);
        deploys.await_answers();
        act(&mut deploys);
        thread::sleep(AFTERWARDS);
        drop(stop);
        visitor.join().unwrap()
    });
    let history = &deploys.history;
    for (number, exchange) in exchanges.iter().enumerate() {
        let allowed = history.iter().any(|time| time.allows(exchange));
        assert!(allowed, "exchange {number} of {host}: {exchange:#?}; {history:#?}");
    }
}

/// Asks for one page after the other until `stop`, on one connection as long as it is kept.
fn visit(server: &Server, host: &str, stop: &AtomicBool, answers: &AtomicU64) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut pages = HashMap::new();
    let mut connection = BufReader::new(server.connect());
    for number in (0..PAGES.len()).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let exchange = fetch(&mut connection, host, number, &mut pages);
        if exchange.got == Got::Closed {
            connection = BufReader::new(server.connect());
        }
        exchanges.push(exchange);
        answers.fetch_add(1, Ordering::Relaxed);
    }
    exchanges
}

/// Pages and their entity tags, by generation and number.
type Pages = HashMap<(String, usize), (Vec<u8>, String)>;

/// Asks for a page, and finds out what the answer is.
fn fetch(
    connection: &mut BufReader<TcpStream>,
    host: &str,
    number: usize,
    pages: &mut Pages,
) -> Exchange {
    let (path, size) = PAGES[number];
    let asked = Instant::now();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let sent = connection.get_mut().write_all(request.as_bytes());
    let response = sent.and_then(|()| read(connection));
    let answered = Instant::now();
    let got = match response {
        Ok(response) if response.status == 200 => {
            let name = response.body.split(|byte| *byte == b' ').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).into_owned();
            let (body, tag) = pages.entry((name.clone(), number)).or_insert_with(|| {
                let body = page(&name, path, size);
                let tag = etag(&body);
                (body, tag)
            });
            let is_whole = response.body == *body && response.field("ETag") == Some(tag);
            // What is copied out of the mapping is checked before it is sent.
            assert!(is_whole || path != "/", "{path} of {name} is damaged: {}", response.head);
            if is_whole { Got::Whole(name) } else { Got::Torn }
        }
        Ok(response) => {
            let wait = (response.status == 503).then_some("1");
            assert_eq!(response.field("Retry-After"), wait, "{}", response.head);
            Got::Status(response.status)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            panic!("no answer within {PATIENCE:?}")
        }
        Err(_) => Got::Closed,
    };
    Exchange { asked, answered, got }
}

/// Reads a response, or finds that the connection ends before it does.
fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Response> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if connection.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8(head).unwrap();
    let status = head[9..12].parse().unwrap();
    let mut response = Response { status, head, body: Vec::new() };
    response.body = vec![0; response.field("Content-Length").unwrap().parse().unwrap()];
    connection.read_exact(&mut response.body)?;
    Ok(response)
}
