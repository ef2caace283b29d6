//! Attackers at work: one thread that plays all peers of an attack.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::plan::Attack;

/// Peers that have one address, of 127.1.0.0/16.
const EACH: usize = 8;

/// Peers that act at the same moment; the groups share a round among them.
const GROUP: usize = 64;

/// A peer of an attack.
struct Peer {
    stream: TcpStream,
    /// Bytes of the opening that were not sent yet.
    rest: Vec<u8>,
    rounds: usize,
}

/// Lets this thread run when nobody else of the machine would: attackers have machines of their own,
/// and do not take the processors of those whom they attack.
pub(crate) fn stand_back() {
    let thread = nix::unistd::gettid().to_string();
    let status = Command::new("chrt").args(["--idle", "--pid", "0", &thread]).status();
    assert!(status.unwrap().success(), "chrt --idle --pid 0 {thread}");
}

/// Attacks until it is told to stop.
pub(crate) fn run(address: SocketAddr, attack: &Attack, stop: &AtomicBool) {
    stand_back();
    let mut peers: Vec<Option<Peer>> = (0..attack.peers).map(|_| None).collect();
    let mut buffer = vec![0; 64 << 10];
    let groups = attack.peers.div_ceil(GROUP) as u32;
    let connects = attack.connects.div_ceil(groups as usize);
    for group in (0..groups as usize).cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        let mut connects = connects;
        for (number, peer) in peers.iter_mut().enumerate().skip(group * GROUP).take(GROUP) {
            match peer {
                None if connects > 0 => {
                    connects -= 1;
                    *peer = connect(address, number, attack);
                }
                None => {}
                Some(found) => {
                    let is_over = found.rounds >= attack.rounds;
                    if is_over || !found.goes_on(attack, &mut buffer) {
                        *peer = None;
                    }
                }
            }
        }
        thread::sleep((attack.pause / groups).saturating_sub(start.elapsed()));
    }
}

fn connect(address: SocketAddr, number: usize, attack: &Attack) -> Option<Peer> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let place = number / EACH;
    let from = Ipv4Addr::new(127, 1, (place / 250) as u8, (place % 250 + 1) as u8);
    socket.bind(&SocketAddr::from((from, 0)).into()).ok()?;
    if let Some(size) = attack.buffer {
        socket.set_recv_buffer_size(size).unwrap();
    }
    socket.connect_timeout(&address.into(), Duration::from_secs(1)).ok()?;
    socket.set_nonblocking(true).unwrap();
    let mut peer = Peer { stream: socket.into(), rest: attack.opening.clone(), rounds: 0 };
    peer.send(&[]).then_some(peer)
}

impl Peer {
    /// Does what an attacker does in a round. Whether the connection is still there.
    fn goes_on(&mut self, attack: &Attack, buffer: &mut [u8]) -> bool {
        self.rounds += 1;
        let mut left = attack.reads;
        while left > 0 {
            let size = left.min(buffer.len());
            match self.stream.read(&mut buffer[..size]) {
                Ok(0) => return false,
                Ok(read) => left -= read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        self.send(&attack.more)
    }

    /// Sends what is left of what came before, and as much of `more` as goes. Whether the connection
    /// is still there.
    fn send(&mut self, more: &[u8]) -> bool {
        // What does not go is not piled up.
        if self.rest.is_empty() {
            self.rest.extend_from_slice(more);
        }
        while !self.rest.is_empty() {
            match self.stream.write(&self.rest) {
                Ok(size) => drop(self.rest.drain(..size)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
