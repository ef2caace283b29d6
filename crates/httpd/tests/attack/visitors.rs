//! Visitors who behave: they ask for a page at a steady pace, mostly on a connection that is kept,
//! and now and then on a new one, and note how long they wait. They ask two daemons in turn: the one
//! that is attacked and its neighbour on the same machine, which nobody attacks.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Length;

/// Time from one request to the next.
const PACE: Duration = Duration::from_millis(4);
/// Requests on one connection.
const KEPT: usize = 10;
/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where they go.
pub(crate) struct Visitors {
    attacked: SocketAddr,
    neighbour: SocketAddr,
}

/// How long they waited.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// The 99th percentile of each window.
    windows: Vec<Duration>,
    /// The same of the neighbour: what the machine costs and not the daemon.
    beside: Vec<Duration>,
    pub(crate) asked: usize,
    /// Visits that got no page.
    pub(crate) wrong: usize,
}

impl Waits {
    /// The median of the windows: what another process of the machine does to one of them is not
    /// told.
    pub(crate) fn p99(&self) -> Duration {
        median(&mut self.windows.clone())
    }

    /// The same of visits to the neighbour.
    pub(crate) fn beside(&self) -> Duration {
        median(&mut self.beside.clone())
    }
}

/// The 99th percentile of some times.
fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}

/// The middle one of some times; of two the mean.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2
}

impl Visitors {
    pub(crate) fn to(attacked: SocketAddr, neighbour: SocketAddr) -> Self {
        Self { attacked, neighbour }
    }

    /// Visits for the windows of a phase.
    pub(crate) fn measure(&self, length: &Length) -> Waits {
        let mut waits = Waits::default();
        let (mut kept, mut kept_beside) = (None, None);
        for _ in 0..length.windows {
            let start = Instant::now();
            let (mut all, mut beside) = (Vec::new(), Vec::new());
            while start.elapsed() < length.window {
                if waits.asked.is_multiple_of(KEPT) {
                    (kept, kept_beside) = (None, None);
                }
                waits.asked += 1;
                for (address, connection, times) in [
                    (self.attacked, &mut kept, &mut all),
                    (self.neighbour, &mut kept_beside, &mut beside),
                ] {
                    let asked = Instant::now();
                    if let Err(error) = visit(address, connection) {
                        eprintln!("a visit failed: {error}");
                        *connection = None;
                        waits.wrong += 1;
                    }
                    times.push(asked.elapsed());
                    thread::sleep((PACE / 2).saturating_sub(asked.elapsed()));
                }
            }
            waits.windows.push(p99(&mut all));
            waits.beside.push(p99(&mut beside));
        }
        waits
    }
}

fn visit(address: SocketAddr, connection: &mut Option<TcpStream>) -> io::Result<()> {
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            stream
        }
    };
    stream.write_all(b"GET / HTTP/1.1\r\nHost: visited.example\r\n\r\n")?;
    let mut answer = vec![0; 16 << 10];
    let mut size = 0;
    // The page ends with its 4096 bytes behind the head.
    loop {
        let read = stream.read(&mut answer[size..])?;
        if read == 0 {
            return Err(io::Error::other("the connection ended"));
        }
        size += read;
        let head = answer[..size].windows(4).position(|end| end == b"\r\n\r\n");
        if head.is_some_and(|head| size >= head + 4 + 4096) {
            break;
        }
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        let line = answer[..size].split(|byte| *byte == b'\r').next().unwrap();
        return Err(io::Error::other(String::from_utf8_lossy(line).into_owned()));
    }
    *connection = Some(stream);
    Ok(())
}
