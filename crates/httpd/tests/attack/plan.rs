//! What attackers do, as a table.

use std::time::Duration;

/// An attack: peers that connect, send, and then do the same over and over.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Connections at a time. One that ends is replaced.
    pub(crate) peers: usize,
    /// Most connections that are made in a round.
    pub(crate) connects: usize,
    /// What a peer sends first.
    pub(crate) opening: Vec<u8>,
    /// What it sends in each round after that.
    pub(crate) more: Vec<u8>,
    /// Bytes that it reads in a round.
    pub(crate) reads: usize,
    /// Bytes of its receive buffer, if it is to be narrow.
    pub(crate) buffer: Option<usize>,
    /// Rounds after which it closes; a peer that closes with unread bytes resets.
    pub(crate) rounds: usize,
    /// Time of a round.
    pub(crate) pause: Duration,
}

impl Attack {
    /// One that does nothing yet.
    pub(crate) fn named(name: &'static str) -> Self {
        Self {
            name,
            peers: 0,
            connects: 100,
            opening: Vec::new(),
            more: Vec::new(),
            reads: usize::MAX,
            buffer: None,
            rounds: usize::MAX,
            pause: Duration::from_millis(100),
        }
    }
}

/// Bytes of requests.
fn request(line: &str, fields: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n").into_bytes()
}

/// A head that lacks its end.
fn unfinished(line: &str, fields: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: a.example\r\n{fields}").into_bytes()
}

/// All attacks.
pub(crate) fn attacks() -> Vec<Attack> {
    let every = |count: usize, text: fn(usize) -> String| (0..count).map(text).collect::<String>();
    let overlapping = format!("Range: bytes={}0-\r\n", every(1000, |_| "0-,".to_owned()));
    let scattered =
        format!("Range: bytes={}0-0\r\n", every(16, |at| format!("{}-{0},", at * 1000 + 5000)));
    vec![
        // slowloris: heads that do not end.
        Attack {
            peers: 1000,
            opening: unfinished("GET /", ""),
            more: b"X-a: b\r\n".to_vec(),
            ..Attack::named("slow heads")
        },
        Attack {
            peers: 300,
            opening: request("GET /large", ""),
            reads: 64,
            buffer: Some(2048),
            ..Attack::named("slow read")
        },
        Attack {
            peers: 1000,
            opening: request("POST /", "Content-Length: 1000000\r\n"),
            more: b"x".to_vec(),
            ..Attack::named("slow post")
        },
        Attack {
            peers: 2000,
            connects: 20,
            pause: Duration::from_millis(20),
            ..Attack::named("silent connections")
        },
        Attack {
            peers: 20,
            connects: 20,
            opening: request("GET /", "Connection: close\r\n"),
            rounds: 1,
            pause: Duration::from_millis(20),
            ..Attack::named("connection flood")
        },
        Attack {
            peers: 16,
            more: request("GET /", "If-None-Match: *\r\n").repeat(300),
            pause: Duration::from_millis(400),
            ..Attack::named("pipelining flood")
        },
        // Of which no answer is read.
        Attack {
            peers: 64,
            opening: request("GET /", "").repeat(2000),
            more: request("GET /", "").repeat(20),
            reads: 0,
            buffer: Some(2048),
            ..Attack::named("pipelining, unread")
        },
        Attack {
            peers: 32,
            more: request("GET /large", &overlapping),
            reads: 64 << 10,
            buffer: Some(16 << 10),
            pause: Duration::from_millis(50),
            ..Attack::named("overlapping ranges")
        },
        Attack {
            peers: 32,
            more: request("GET /large", &scattered).repeat(4),
            pause: Duration::from_millis(50),
            ..Attack::named("scattered ranges")
        },
        Attack {
            peers: 32,
            opening: unfinished(
                "GET /",
                &every(95, |at| format!("X-{at}: {}\r\n", "y".repeat(160))),
            ),
            more: b"X: y\r\n".repeat(200),
            pause: Duration::from_millis(50),
            ..Attack::named("large heads")
        },
        Attack {
            peers: 500,
            opening: request("POST /", "Expect: 100-continue\r\nContent-Length: 1000\r\n"),
            pause: Duration::from_millis(100),
            ..Attack::named("Expect, no content")
        },
    ]
}
