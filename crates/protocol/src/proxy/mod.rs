//! The PROXY protocol: a header before the first request, by which a proxy says whom a connection
//! is from (haproxy.org, proxy-protocol.txt §2).
//!
//! Nothing of it is looked for unless the connection is from a proxy that is trusted; then it has to
//! be there.

mod binary;
mod text;

use std::fmt;
use std::net::SocketAddr;

/// A header of either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whom the connection is from.
    pub source: Source,
    /// Bytes of the header. What is behind them is the first request.
    pub size: usize,
}

/// Whom a connection is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A peer of the proxy at this address.
    Peer(SocketAddr),
    /// A peer of the proxy at a unix socket: it has no address that others could know it by.
    Unix,
    /// The proxy itself, which looks after the health of this server, or somebody of whom it knows
    /// no more: the address of the connection counts (`LOCAL`, `UNSPEC`, `UNKNOWN`).
    Connection,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They begin as neither version does.
    Absent,
    /// A line of version 1 without an end in 107 bytes, or more than 512 bytes announced by version 2.
    TooLong,
    /// A line of version 1 ends without CR.
    LineEnd,
    /// A line of version 1 names no protocol that there is.
    Protocol,
    /// A line of version 1 has not two addresses of its protocol and two ports.
    Addresses,
    /// Version 2 with a version or a command that there is not.
    Command,
    /// Version 2 with an address family or a transport that there is not.
    Family,
    /// Version 2 with less room than the addresses of its family take.
    TooShort,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "the connection does not begin with one",
            Self::TooLong => "it is too long (107 bytes in version 1, 16 + 512 in version 2)",
            Self::LineEnd => "its line ends without CR",
            Self::Protocol => "its protocol is none of TCP4, TCP6 and UNKNOWN",
            Self::Addresses => "its line has not two addresses of its protocol and two ports",
            Self::Command => "its version or command is unknown",
            Self::Family => "its address family or transport is unknown",
            Self::TooShort => "it is too short for addresses of its family",
        })
    }
}

impl Header {
    /// Reads the header that `bytes`, all that was received so far, begin with. `None`: more have to
    /// come to tell.
    ///
    /// # Errors
    /// They don't begin with one. Whatever follows can't mend that: the connection is to be closed.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        if is_beginning(bytes, text::SIGNATURE) {
            text::read(bytes)
        } else if is_beginning(bytes, binary::SIGNATURE) {
            binary::read(bytes)
        } else {
            Err(Fault::Absent)
        }
    }
}

/// Whether `bytes` begin as `signature` does, as far as they go.
fn is_beginning(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_become_either_version() {
        assert_eq!(Header::read(b""), Ok(None));
        assert_eq!(Header::read(b"P"), Ok(None));
        assert_eq!(Header::read(b"\r\n"), Ok(None));
    }

    #[test]
    fn what_begins_as_neither_is_refused_at_the_first_byte_that_tells() {
        for bytes in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"PO",
            b"PROXY\t",
            b"proxy ",
            b"\n",
            b"\r\n\r\nG",
        ] {
            let told = Header::read(bytes);
            assert_eq!(told, Err(Fault::Absent), "{}", bytes.escape_ascii());
        }
    }
}
