//! Version 1: a line of text (proxy-protocol.txt §2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Fault, Header, Source};

/// What every line begins with.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// Most bytes of a line, its end included.
const MOST: usize = 107;

/// Reads the line that `bytes` begin with, as far as it has come.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let Some(end) = bytes.iter().take(MOST).position(|byte| *byte == b'\n') else {
        return if bytes.len() < MOST { Ok(None) } else { Err(Fault::TooLong) };
    };
    let line = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Fault::LineEnd)?;
    let fields = line.strip_prefix(SIGNATURE).ok_or(Fault::Absent)?;
    let mut fields = fields.split(|byte| *byte == b' ');
    let source = match fields.next() {
        Some(b"TCP4") => peer::<Ipv4Addr>(fields),
        Some(b"TCP6") => peer::<Ipv6Addr>(fields),
        // What follows on the line is to be ignored.
        Some(b"UNKNOWN") => Some(Source::Connection),
        _ => return Err(Fault::Protocol),
    };
    let source = source.ok_or(Fault::Addresses)?;
    Ok(Some(Header { source, size: end + 1 }))
}

/// The first of two addresses with the first of two ports; all four have to be right.
fn peer<'f, A: FromStr + Into<IpAddr>>(
    mut fields: impl Iterator<Item = &'f [u8]>,
) -> Option<Source> {
    let mut address = || std::str::from_utf8(fields.next()?).ok()?.parse::<A>().ok();
    let (from, _to) = (address()?, address()?);
    let mut port = || port(fields.next()?);
    let (from_port, _to_port) = (port()?, port()?);
    let peer = SocketAddr::new(from.into(), from_port);
    fields.next().is_none().then_some(Source::Peer(peer))
}

/// A decimal number up to 65535 without leading zeros.
fn port(digits: &[u8]) -> Option<u16> {
    let is_canonical = digits == b"0" || !digits.starts_with(b"0");
    let is_number = is_canonical && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(source: Source, line: &[u8]) -> Result<Option<Header>, Fault> {
        Ok(Some(Header { source, size: line.len() }))
    }

    fn from(address: &str) -> Source {
        Source::Peer(address.parse().unwrap())
    }

    #[test]
    fn a_line_names_the_peer() {
        for (line, source) in [
            (&b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 80\r\n"[..], from("192.0.2.7:51234")),
            (b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", from("0.0.0.0:0")),
            (b"PROXY TCP6 2001:db8::7 ::1 65535 443\r\n", from("[2001:db8::7]:65535")),
            (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", from("[::ffff:192.0.2.7]:1")),
            (b"PROXY UNKNOWN\r\n", Source::Connection),
            (b"PROXY UNKNOWN ffff::1 whatever \xff\r\n", Source::Connection),
        ] {
            assert_eq!(read(line), header(source, line), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn the_longest_line_is_read_and_one_more_byte_is_not() {
        let longest = [b"PROXY UNKNOWN ", &[b'x'; MOST - 16][..], b"\r\n"].concat();
        assert_eq!(read(&longest), header(Source::Connection, &longest));
        let longer = [b"PROXY UNKNOWN ", &[b'x'; MOST - 15][..], b"\r\n"].concat();
        assert_eq!(read(&longer), Err(Fault::TooLong));
        assert_eq!(read(&longer[..MOST]), Err(Fault::TooLong));
        assert_eq!(read(&longer[..MOST - 1]), Ok(None));
        let full = b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                     ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
        assert!(matches!(read(full), Ok(Some(_))));
    }

    #[test]
    fn every_field_has_to_be_right() {
        let line_end = [&b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"[..], b"PROXY UNKNOWN\n", b"PROXY \n"];
        let protocol = [
            &b"PROXY \r\n"[..],
            b"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY TCP 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY UNKNOWNS\r\n",
        ];
        let addresses = [
            &b"PROXY TCP4\r\n"[..],
            b"PROXY TCP4 1.2.3.4\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
            b"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
            b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
            b"PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n",
            b"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.x 1 2\r\n",
            b"PROXY TCP4 ::1 ::2 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
            b"PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \xb2\r\n",
            b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
            b"PROXY TCP6 ::1 ::g 1 2\r\n",
            b"PROXY TCP6 [::1] ::2 1 2\r\n",
            b"PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n",
        ];
        let lines = line_end.map(|line| (line, Fault::LineEnd)).into_iter();
        let lines = lines.chain(protocol.map(|line| (line, Fault::Protocol)));
        for (line, fault) in lines.chain(addresses.map(|line| (line, Fault::Addresses))) {
            assert_eq!(read(line), Err(fault), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_line_that_is_cut_anywhere_waits_for_its_rest() {
        let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 80\r\n";
        for size in 0..line.len() {
            assert_eq!(read(&line[..size]), Ok(None), "{size}");
        }
        let more = [&line[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(read(&more), header(from("192.0.2.7:51234"), line));
    }
}
