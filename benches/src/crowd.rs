//! Very many connections to a daemon that are kept, from several addresses of this machine.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Protocol, Socket, Type};

use crate::Failure;

/// Connections from one address. The system has some 28,000 ports for each.
const EACH: usize = 10_000;
/// Requests that are on their way at a time.
const WAVE: usize = 64;
/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Descriptors that a process needs besides.
const BESIDES: usize = 1000;

/// Connections that ask for the same and are kept.
#[derive(Debug)]
pub struct Crowd {
    peers: Vec<TcpStream>,
    request: Vec<u8>,
    /// Bytes of the answer, which is the same for all.
    answer: Vec<u8>,
    /// Whose turn it is.
    next: usize,
}

impl Crowd {
    /// Connects so many times, and asks once on each connection.
    ///
    /// # Errors
    /// A connection fails, or is not answered 200.
    pub fn gather(
        address: SocketAddr,
        count: usize,
        host: &str,
        path: &str,
    ) -> Result<Self, Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        let mut crowd = Self { peers: Vec::new(), request, answer: Vec::new(), next: 0 };
        for number in 0..count {
            let peer = connect_from(number, address, None)?;
            peer.set_nodelay(true)?;
            crowd.peers.push(peer);
            if number == 0 {
                crowd.learn()?;
            }
            let silent = crowd.peers.len() - crowd.next;
            if silent == WAVE || number + 1 == count {
                crowd.ask(silent)?;
            }
        }
        Ok(crowd)
    }

    /// Connections.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Asks so many times, each time on the next connection, and waits for the answers.
    ///
    /// # Errors
    /// A connection fails, or the answer is not a 200 of the size that the first had.
    pub fn ask(&mut self, times: usize) -> Result<(), Failure> {
        let mut left = times;
        while left > 0 {
            let begin = self.next % self.peers.len();
            let wave = self.peers.get(begin..).unwrap_or_default();
            let wave = wave.get(..wave.len().min(WAVE).min(left)).unwrap_or_default();
            for mut peer in wave {
                peer.write_all(&self.request)?;
            }
            for mut peer in wave {
                peer.read_exact(&mut self.answer)?;
                if !self.answer.starts_with(b"HTTP/1.1 200 ") {
                    return Err("an answer is not 200, or not of the size of the first".into());
                }
            }
            left -= wave.len();
            self.next = begin + wave.len();
        }
        Ok(())
    }

    /// Asks once on the first connection, and takes its answer as the measure of all.
    fn learn(&mut self) -> Result<(), Failure> {
        let mut peer = self.peers.first().ok_or("a crowd of none")?;
        peer.write_all(&self.request)?;
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        let size = loop {
            if let Some(size) = size(&answer)? {
                break size;
            }
            match peer.read(&mut piece)? {
                0 => return Err("the first answer breaks off".into()),
                read => answer.extend_from_slice(piece.get(..read).unwrap_or_default()),
            }
        };
        let read = answer.len();
        answer.resize(size, 0);
        peer.read_exact(answer.get_mut(read..).unwrap_or_default())?;
        self.answer = answer;
        Ok(())
    }
}

/// The size of the answer that begins with these bytes, `None` if its head is not whole.
fn size(answer: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.ok_or_else(|| format!("no length in {head}"))?;
    Ok(Some(end + 4 + length.parse::<usize>()?))
}

/// Connects to an IPv4 address as the peer of this number. Every ten thousand of them have an
/// address of their own, from 127.0.1.1 on. `receive`: bytes of the receive buffer, if it is not to
/// be the system's choice.
///
/// # Errors
/// The system refuses it.
pub fn connect_from(
    number: usize,
    address: SocketAddr,
    receive: Option<usize>,
) -> Result<TcpStream, Failure> {
    let place = u8::try_from(number / EACH + 1)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // The port is chosen when it connects, so that it need not differ from those in use elsewhere.
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 1, place), 0)).into())?;
    if let Some(size) = receive {
        socket.set_recv_buffer_size(size)?;
    }
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// Lets this process, and those that it starts, have so many connections open.
///
/// # Errors
/// It may not.
pub fn allow_files(connections: usize) -> Result<(), Failure> {
    let need = (connections + BESIDES) as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < need {
        setrlimit(Resource::RLIMIT_NOFILE, need, hard.max(need)).map_err(|error| {
            format!("{need} descriptors are not allowed ({error}): run as root, with fs.nr_open at least that")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_answer_is_known_when_its_head_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(size(&answer[..37]).unwrap(), None);
        assert_eq!(size(&answer[..38]).unwrap(), Some(answer.len()));
        assert!(size(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
