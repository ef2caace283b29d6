//! Runs cases over connections and compares what comes back, byte for byte but for the date.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::case::{Answer, Body, Case, End, reason, shown};
use crate::common::Server;
use crate::date;
use crate::site;

/// Cases under way at a time.
const CONNECTIONS: usize = 6;
/// Inputs up to so many bytes are sent a byte at a time, longer ones in pieces of [`PIECE`].
const SHORT: usize = 2048;
const PIECE: usize = 97;
/// Inputs above so many bytes are sent in pieces of [`LARGE_PIECE`], and their last piece need not
/// be read when the connection ends.
const LONG: usize = 64 * 1024;
const LARGE_PIECE: usize = 16 * 1024;

/// Comes behind the input of a case: shows where the server takes the next request to begin.
const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// How the input is split into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    Whole,
    Pieces,
    /// Several times behind each other, in one packet: the later ones are answered from memory of
    /// the first.
    Again,
}

/// How often [`Split::Again`] sends the input.
const TIMES: usize = 4;

/// Runs the cases on a daemon with `backend`.
pub(crate) fn run(backend: &str, cases: &[Case]) {
    let server = site::serve(backend);
    let each = |case| [Split::Whole, Split::Pieces, Split::Again].map(|split| (case, split));
    let goes_on = |(case, split): &(&Case, Split)| *split != Split::Again || case.end == End::Open;
    let work: Vec<_> = cases.iter().flat_map(each).filter(goes_on).collect();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                while let Some((case, split)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = check(&server, case, *split) {
                        failures.lock().unwrap().push(format!("[{backend}] {failure}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn check(server: &Server, case: &Case, split: Split) -> Result<(), String> {
    let times = if split == Split::Again { TIMES } else { 1 };
    let mut sent = case.input.repeat(times);
    if !matches!(case.end, End::Waits | End::Last) {
        sent.extend_from_slice(PROBE);
    }
    let mut wanted = vec![case.answers.clone(); times].concat();
    match case.end {
        End::Open => wanted.push(site::ok("/probe").closing()),
        End::Close | End::Last => {
            let last = wanted.pop().expect("an answer that says that the connection ends");
            wanted.push(last.closing());
        }
        End::Cut | End::Waits => {}
    }
    let (got, reset) = talk(server, &sent, split, case.end == End::Waits);
    // In one packet all of it is read before the answer. Later packets may meet a closed socket.
    let result = match reset {
        true if split != Split::Pieces && sent.len() < LONG => Err("connection reset".to_owned()),
        _ => compare(&got, &wanted),
    };
    result.map_err(|what| {
        let wanted: Vec<_> = wanted.iter().map(Answer::shown).collect();
        format!(
            "{} ({}), {split:?}: {what}\n  sent {}\n  got  {}\n  want {}",
            case.name,
            case.section,
            shown(&sent),
            shown(&got),
            wanted.join("\n       "),
        )
    })
}

/// Sends the bytes and returns all that comes until the end, and whether that was a reset. With
/// `finish` the client's side ends behind them.
fn talk(server: &Server, sent: &[u8], split: Split, finish: bool) -> (Vec<u8>, bool) {
    let mut stream = server.connect();
    let size = match (split, sent.len()) {
        (Split::Whole | Split::Again, size) => size.max(1),
        (Split::Pieces, size) if size > LONG => LARGE_PIECE,
        (Split::Pieces, size) if size > SHORT => PIECE,
        (Split::Pieces, _) => 1,
    };
    // The server may be done before all is sent.
    for piece in sent.chunks(size) {
        match stream.write_all(piece) {
            Ok(()) => {}
            Err(error) if is_reset(&error) => break,
            Err(error) => panic!("can't send: {error}"),
        }
    }
    if finish {
        let _ = stream.shutdown(Shutdown::Write);
    }
    receive(stream)
}

fn receive(mut stream: TcpStream) -> (Vec<u8>, bool) {
    let mut got = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (got, false),
            Ok(size) => got.extend_from_slice(&buffer[..size]),
            Err(error) if is_reset(&error) => return (got, true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                got.extend_from_slice(b"<<< nothing more, and no end >>>");
                return (got, false);
            }
            Err(error) => panic!("can't receive: {error}"),
        }
    }
}

fn is_reset(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Compares what came with what must come.
fn compare(mut got: &[u8], wanted: &[Answer]) -> Result<(), String> {
    for (number, answer) in wanted.iter().enumerate() {
        got = take(got, answer).map_err(|what| format!("answer {}: {what}", number + 1))?;
    }
    if got.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", got.len())) }
}

/// Compares the response at the start of `got`; what follows it.
fn take<'g>(got: &'g [u8], answer: &Answer) -> Result<&'g [u8], String> {
    let end = got.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("no whole head")?;
    let (head, rest) = (&got[..end], &got[end + 4..]);
    let head = std::str::from_utf8(head).map_err(|_| "a head that is not text")?;
    let mut lines = head.split("\r\n");
    let status = format!("HTTP/1.1 {} {}", answer.status, reason(answer.status));
    if lines.next() != Some(&status) {
        return Err(format!("not {status}"));
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or(format!("no field: {line:?}"))?;
        fields.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let dates: Vec<_> = fields.extract_if(.., |(name, _)| name == "date").collect();
    match dates.as_slice() {
        [(_, value)] if date::is_now(value) => {}
        dates => return Err(format!("not one valid Date: {dates:?}")),
    }
    let length = fields.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse::<usize>().ok());

    let mut wanted: Vec<_> = answer.fields.clone();
    let size = match &answer.body {
        Body::None => 0,
        Body::Exact(body) => {
            let size = body.len().min(rest.len());
            if rest[..size] != body[..] {
                return Err("another body".to_owned());
            }
            size
        }
        Body::Parts { kind, whole, ranges } => {
            let kind_field = fields.extract_if(.., |(name, _)| name == "content-type").next();
            let (_, value) = kind_field.ok_or("no Content-Type")?;
            let size = length.filter(|size| *size <= rest.len()).ok_or("body cut short")?;
            multipart(&rest[..size], &value, kind, whole, ranges)?;
            wanted.push(("Content-Length", size.to_string()));
            size
        }
    };
    let mut wanted: Vec<_> =
        wanted.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    wanted.sort();
    fields.sort();
    if fields != wanted {
        return Err(format!("fields {fields:?}, not {wanted:?}"));
    }
    Ok(&rest[size..])
}

/// Reads a multipart/byteranges body and compares each of its parts (RFC 2046 §5.1).
fn multipart(
    body: &[u8],
    content_type: &str,
    kind: &str,
    whole: &[u8],
    ranges: &[(usize, usize)],
) -> Result<(), String> {
    let boundary = content_type
        .strip_prefix("multipart/byteranges; boundary=")
        .filter(|text| (1..=70).contains(&text.len()))
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .ok_or(format!("not multipart/byteranges: {content_type}"))?;
    // The CRLF before a delimiter belongs to it; before the first there is nothing else.
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut rest = body.strip_prefix(delimiter).ok_or("no delimiter at the start")?;
    for (first, last) in ranges {
        let head = format!(
            "\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{}\r\n\r\n",
            whole.len()
        );
        rest = rest.strip_prefix(head.as_bytes()).ok_or(format!("no part {first}-{last}"))?;
        rest = rest
            .strip_prefix(&whole[*first..=*last])
            .ok_or(format!("other bytes in part {first}-{last}"))?;
        rest = rest.strip_prefix(delimiter).ok_or(format!("no end of part {first}-{last}"))?;
    }
    if rest == b"--\r\n" { Ok(()) } else { Err("no end of the parts".to_owned()) }
}
