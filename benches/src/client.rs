//! A client that asks one question after the other on a connection that is kept.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Failure;

/// Longest that an answer is waited for, and that a question is asked again.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// What a client is told.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content.
    pub body: Vec<u8>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = String::from_utf8_lossy(&self.body);
        write!(f, "{}: {:?}", self.status, first.lines().next().unwrap_or_default())
    }
}

impl Client {
    /// A client that connects when it first asks.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Gets a path of a host.
    ///
    /// # Errors
    /// The connection fails, or what comes is not an answer with a length.
    pub fn get(&mut self, host: &str, path: &str) -> Result<Answer, Failure> {
        let mut stream = self.ask("GET", host, path)?;
        let (answer, is_kept) = read(&mut stream)?;
        if is_kept {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    /// Gets a path of a host and writes the content somewhere as it comes, however large it is.
    ///
    /// # Errors
    /// As [`Client::get`]; an answer other than 200.
    pub fn copy(&mut self, host: &str, path: &str, to: &mut impl Write) -> Result<(), Failure> {
        let mut stream = self.ask("GET", host, path)?;
        let head = read_head(&mut stream)?;
        if head.status != 200 {
            return Err(format!("{host}{path} is answered {}", head.status).into());
        }
        let length = head.length as u64;
        let came = io::copy(&mut (&mut stream).take(length), to)?;
        if came < length {
            return Err(format!("{host}{path} ended after {came} of {length} bytes").into());
        }
        if head.is_kept {
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Asks for the head of an answer alone.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn head(&mut self, host: &str, path: &str) -> Result<(), Failure> {
        let mut stream = self.ask("HEAD", host, path)?;
        if read_head(&mut stream)?.is_kept {
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a question, on the connection that was kept if there is one.
    fn ask(
        &mut self,
        method: &str,
        host: &str,
        path: &str,
    ) -> Result<BufReader<TcpStream>, Failure> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.get_mut().write_all(request.as_bytes())?;
        Ok(stream)
    }

    /// Gets a path without pause until the answer is the right one. The time from `start` to then.
    ///
    /// # Errors
    /// It never is, or the connection fails.
    pub fn wait(
        &mut self,
        start: Instant,
        host: &str,
        path: &str,
        is_right: impl Fn(&Answer) -> bool,
    ) -> Result<Duration, Failure> {
        loop {
            let answer = self.get(host, path)?;
            let passed = start.elapsed();
            if is_right(&answer) {
                return Ok(passed);
            }
            if passed > PATIENCE {
                return Err(format!("{host}{path} is still answered {answer}").into());
            }
        }
    }
}

fn connect(address: SocketAddr) -> Result<BufReader<TcpStream>, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// What comes before the content.
struct Head {
    status: u16,
    /// Bytes of the content.
    length: usize,
    is_kept: bool,
}

/// Reads an answer, and whether the connection is kept.
fn read(stream: &mut impl BufRead) -> Result<(Answer, bool), Failure> {
    let head = read_head(stream)?;
    let mut body = vec![0; head.length];
    stream.read_exact(&mut body)?;
    Ok((Answer { status: head.status, body }, head.is_kept))
}

fn read_head(stream: &mut impl BufRead) -> Result<Head, Failure> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.ok_or_else(|| format!("{line:?} is no status line"))?.parse()?;
    let mut length = None;
    let mut is_kept = true;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = Some(value.parse()?);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("connection") => {
                is_kept = !value.eq_ignore_ascii_case("close");
            }
            Some(_) => {}
            None if line == "\r\n" => break,
            None => return Err(format!("{line:?} is no field").into()),
        }
    }
    let length = length.ok_or("an answer without Content-Length")?;
    Ok(Head { status, length, is_kept })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_follow_each_other_are_told_apart() {
        let mut text = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
            HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\ncontent-length: 0\r\n\r\n"[..];
        let (answer, is_kept) = read(&mut text).unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), is_kept), (200, &b"ok"[..], true));
        let (answer, is_kept) = read(&mut text).unwrap();
        assert_eq!((answer.status, answer.body.len(), is_kept), (503, 0, false));
    }

    #[test]
    fn an_answer_that_breaks_off_is_a_failure() {
        for text in
            ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"]
        {
            assert!(read(&mut text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
