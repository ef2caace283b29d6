//! Clients that ask without pause while processes come and go.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::common::PATIENCE;

/// What they have seen.
#[derive(Default)]
pub(crate) struct Counts {
    /// Requests that were answered, on kept connections and on fresh ones.
    pub(crate) kept: AtomicU64,
    pub(crate) fresh: AtomicU64,
    /// Kept connections that the daemon ended, and said so with an answer.
    pub(crate) ended: AtomicU64,
    /// Kept connections that ended without an answer to the request that was sent on them, which a
    /// client may send again (RFC 9112 §9.3.1). A daemon that is replaced waits for one more request
    /// on each connection, so that this does not happen even where it may.
    pub(crate) cut: AtomicU64,
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// Asks on kept connections until `stop`, over and over.
pub(crate) fn keep(address: SocketAddr, body: &[u8], stop: &AtomicBool, counts: &Counts) {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = connect(address).unwrap();
        for asked in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match ask(&mut stream, body) {
                Ok(is_last) => {
                    counts.kept.fetch_add(1, Ordering::Relaxed);
                    if is_last {
                        counts.ended.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                }
                Err(_) if asked > 0 => {
                    counts.cut.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Err(error) => panic!("the first request of a connection is not answered: {error}"),
            }
        }
    }
}

/// Sends a request and reads its answer; whether it is the last of its connection.
fn ask(stream: &mut BufReader<TcpStream>, body: &[u8]) -> io::Result<bool> {
    stream.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n")?;
    let mut is_last = false;
    let mut length = 0;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).expect("the head is cut");
        is_last |= line == "Connection: close\r\n";
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).expect("the content is cut");
    assert!(content == body, "the content is not that of the page");
    Ok(is_last)
}

/// Asks on a fresh connection each time until `stop`.
pub(crate) fn renew(address: SocketAddr, body: &[u8], stop: &AtomicBool, counts: &Counts) {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = connect(address).expect("a connection is refused");
        let request = b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
        stream.get_mut().write_all(request).expect("a request can't be sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("a connection is reset");
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", answer.escape_ascii());
        assert!(answer.ends_with(body), "the content is cut");
        counts.fresh.fetch_add(1, Ordering::Relaxed);
    }
}
