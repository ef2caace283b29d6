//! One request and its response, and whether the response is what was to come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use benches::Failure;

use crate::servers::Scratch;

/// Longest that a response may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of a response.
const MOST: u64 = 4 * 1024 * 1024;

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Response {
    /// Status line and fields, with the empty line behind them.
    pub(crate) head: String,
    /// What follows.
    pub(crate) body: Vec<u8>,
}

/// Asks once on a connection of its own. A body is read as far as `Content-Length` says.
///
/// # Errors
/// The connection fails, or what comes is no response.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> Result<Response, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    read(&mut stream.take(MOST))
}

fn read(stream: &mut impl Read) -> Result<Response, Failure> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).map_err(|_| "it closes the connection without a response")?;
        head.extend(byte);
    }
    let mut response = Response { head: String::from_utf8(head)?, body: Vec::new() };
    if response.status()? == "304" {
        return Ok(response);
    }
    if let Some(length) = response.field("content-length") {
        response.body.resize(length.parse()?, 0);
        stream.read_exact(&mut response.body)?;
    }
    Ok(response)
}

impl Response {
    /// The code of the status.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn status(&self) -> Result<&str, Failure> {
        let code = self.head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        Ok(code.ok_or("it does not answer by HTTP/1.1")?)
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The field line that asks for this response only if it has changed, without its end. By its
    /// time, if it has no entity tag.
    pub(crate) fn precondition(&self) -> Option<String> {
        if let Some(tag) = self.field("etag") {
            return Some(format!("If-None-Match: {tag}"));
        }
        Some(format!("If-Modified-Since: {}", self.field("last-modified")?))
    }

    /// Checks that it is a 200 with such content, coded or not, by programs of `scratch`. Returns the
    /// coding.
    ///
    /// # Errors
    /// It is not; the text says how, to follow the name of the server.
    pub(crate) fn carries(&self, scratch: &Scratch, content: &[u8]) -> Result<String, Failure> {
        let status = self.status()?;
        if status != "200" {
            return Err(format!("answers {status}").into());
        }
        if self.field("content-length").is_none() {
            return Err("answers without Content-Length".into());
        }
        let coding = self.field("content-encoding").unwrap_or("identity");
        let decoded = match coding {
            "identity" => self.body.clone(),
            "br" => decode(&scratch.program("brotli"), &self.body)?,
            "gzip" => decode(&scratch.program("gzip"), &self.body)?,
            other => return Err(format!("answers in the coding {other}").into()),
        };
        if decoded != content {
            return Err("answers other bytes".into());
        }
        Ok(coding.to_owned())
    }
}

/// What a program makes of coded bytes.
fn decode(program: &Path, coded: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new(program);
    command.args(["-d", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let mut input = child.stdin.take().ok_or("no pipe")?;
    let coded = coded.to_vec();
    // It may write before it has read all.
    let writer = thread::spawn(move || input.write_all(&coded));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the decoder was not fed")??;
    if !output.status.success() {
        return Err("answers what does not decode".into());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(text: &str) -> Response {
        read(&mut text.as_bytes()).unwrap()
    }

    /// What is not coded needs no program.
    fn nowhere() -> Scratch {
        Scratch("/nowhere".into())
    }

    #[test]
    fn a_response_is_taken_apart() {
        let response =
            response("HTTP/1.1 200 OK\r\nETag: \"a\"\r\ncontent-length: 2\r\n\r\nok more");
        assert_eq!(response.status().unwrap(), "200");
        assert_eq!(response.body, b"ok");
        assert_eq!(response.precondition().unwrap(), "If-None-Match: \"a\"");
        assert_eq!(response.carries(&nowhere(), b"ok").unwrap(), "identity");
        assert_eq!(
            response.carries(&nowhere(), b"OK").unwrap_err().to_string(),
            "answers other bytes"
        );
    }

    #[test]
    fn without_an_entity_tag_the_time_is_the_validator() {
        let response = response("HTTP/1.1 304 Not Modified\r\nLast-Modified: then\r\n\r\n");
        assert_eq!(response.precondition().unwrap(), "If-Modified-Since: then");
        assert_eq!(response.carries(&nowhere(), b"").unwrap_err().to_string(), "answers 304");
    }

    #[test]
    fn what_ends_early_is_no_response() {
        for text in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"] {
            assert!(read(&mut text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
