//! Version 2: sixteen bytes, addresses, and more that is not looked at (proxy-protocol.txt §2.2).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Fault, Header, Source};

/// What every header begins with.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses: the signature, version and command, family and transport, and how
/// many bytes follow.
const FIXED: usize = 16;
/// Most bytes behind them. Addresses take 216 at most; the others are for what a proxy adds.
const MOST: usize = 512;
/// Bytes of two paths of unix sockets.
const UNIX: usize = 216;

/// Reads the header that `bytes` begin with, as far as it has come.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else { return Ok(None) };
    let [.., version_and_command, family_and_transport, high, low] = *fixed;
    let is_local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Fault::Command),
    };
    let family = family_and_transport >> 4;
    let transport = family_and_transport & 0xf;
    // What LOCAL says of addresses is to be ignored, whatever it is.
    if !is_local && (family > 3 || transport > 2) {
        return Err(Fault::Family);
    }
    let size = usize::from(u16::from_be_bytes([high, low]));
    if size > MOST {
        return Err(Fault::TooLong);
    }
    let Some(addresses) = rest.get(..size) else { return Ok(None) };
    let source = match (family, transport) {
        _ if is_local => Some(Source::Connection),
        (0, _) | (_, 0) => Some(Source::Connection),
        // A datagram is what a proxy received that speaks HTTP/3 to its peers.
        (1, _) => v4(addresses),
        (2, _) => v6(addresses),
        _ => addresses.first_chunk::<UNIX>().map(|_| Source::Unix),
    };
    let source = source.ok_or(Fault::TooShort)?;
    Ok(Some(Header { source, size: FIXED + size }))
}

/// The first of two addresses of four bytes, and the first of two ports.
fn v4(addresses: &[u8]) -> Option<Source> {
    let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses.first_chunk()?;
    let ip = Ipv4Addr::new(a, b, c, d);
    Some(Source::Peer(SocketAddr::from((ip, u16::from_be_bytes([high, low])))))
}

/// The first of two addresses of sixteen bytes, and the first of two ports.
fn v6(addresses: &[u8]) -> Option<Source> {
    let addresses = addresses.first_chunk::<36>()?;
    let ip = Ipv6Addr::from_octets(*addresses.first_chunk()?);
    let [.., high, low, _, _] = *addresses;
    Some(Source::Peer(SocketAddr::from((ip, u16::from_be_bytes([high, low])))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of these two bytes with what follows.
    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let size = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &size, rest].concat()
    }

    fn ipv4() -> Vec<u8> {
        vec![192, 0, 2, 7, 198, 51, 100, 1, 0xc8, 0x22, 0, 80]
    }

    fn ipv6() -> Vec<u8> {
        let from = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).octets();
        [&from[..], &Ipv6Addr::LOCALHOST.octets(), &[0xff, 0xff, 0, 80]].concat()
    }

    #[test]
    fn a_header_names_the_peer() {
        let peer = |address: &str| Source::Peer(address.parse().unwrap());
        let (v4, v6) = (peer("192.0.2.7:51234"), peer("[2001:db8::7]:65535"));
        let unix = vec![b'/'; UNIX];
        for (command, family, rest, source) in [
            (0x21, 0x11, ipv4(), v4),
            (0x21, 0x12, ipv4(), v4),
            (0x21, 0x21, ipv6(), v6),
            (0x21, 0x22, ipv6(), v6),
            (0x21, 0x31, unix.clone(), Source::Unix),
            (0x21, 0x32, unix, Source::Unix),
            (0x21, 0x00, vec![], Source::Connection),
            (0x21, 0x00, ipv4(), Source::Connection),
            (0x21, 0x01, vec![], Source::Connection),
            (0x21, 0x10, ipv4(), Source::Connection),
            (0x20, 0x00, vec![], Source::Connection),
            (0x20, 0x11, ipv4(), Source::Connection),
            // LOCAL with anything for addresses.
            (0x20, 0x11, vec![], Source::Connection),
            (0x20, 0xff, vec![1; MOST], Source::Connection),
        ] {
            let bytes = header(command, family, &rest);
            let read = read(&bytes);
            let expected = Header { source, size: bytes.len() };
            assert_eq!(read, Ok(Some(expected)), "{command:#x} {family:#x} {rest:?}");
        }
    }

    #[test]
    fn what_follows_the_addresses_is_skipped() {
        let [short, long] = [3, MOST - 12].map(|size| [ipv4(), vec![0xee; size]].concat());
        for rest in [short, long] {
            let bytes = header(0x21, 0x11, &rest);
            let header = read(&[&bytes[..], b"GET / HTTP/1.1\r\n"].concat()).unwrap().unwrap();
            assert_eq!(header.size, bytes.len());
            assert_eq!(header.source, Source::Peer("192.0.2.7:51234".parse().unwrap()));
        }
    }

    #[test]
    fn every_field_has_to_be_right() {
        for command in (0..=0xff).filter(|command| !matches!(command, 0x20 | 0x21)) {
            let bytes = header(command, 0x11, &ipv4());
            assert_eq!(read(&bytes), Err(Fault::Command), "{command:#x}");
        }
        for family in (0..=0xffu8).filter(|family| family >> 4 > 3 || family & 0xf > 2) {
            let bytes = header(0x21, family, &[0; UNIX]);
            assert_eq!(read(&bytes), Err(Fault::Family), "{family:#x}");
        }
        for (family, most) in [(0x11, 12), (0x12, 12), (0x21, 36), (0x22, 36), (0x31, UNIX)] {
            for size in 0..most {
                let bytes = header(0x21, family, &vec![1; size]);
                assert_eq!(read(&bytes), Err(Fault::TooShort), "{family:#x} with {size}");
            }
        }
        for command in [0x20, 0x21] {
            let bytes = header(command, 0x11, &[1; MOST + 1]);
            assert_eq!(read(&bytes), Err(Fault::TooLong));
            assert_eq!(read(&bytes[..FIXED]), Err(Fault::TooLong));
        }
    }

    #[test]
    fn a_header_that_is_cut_anywhere_waits_for_its_rest() {
        for bytes in
            [header(0x21, 0x11, &ipv4()), header(0x21, 0x21, &ipv6()), header(0x20, 0, b"")]
        {
            for size in 0..bytes.len() {
                assert_eq!(read(&bytes[..size]), Ok(None), "{size}");
            }
        }
    }
}
