//! Headers of the PROXY protocol: whatever a proxy says is read as it was said, and nothing that
//! arrives in pieces or in any other shape is taken for something else.

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::proxy::{Header, Source};

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn address(is_v4: bool) -> BoxedStrategy<SocketAddr> {
    if is_v4 {
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from).boxed()
    } else {
        any::<([u8; 16], u16)>().prop_map(SocketAddr::from).boxed()
    }
}

/// Two addresses of one family.
fn ends() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    any::<bool>().prop_flat_map(|is_v4| (address(is_v4), address(is_v4)))
}

/// The line of version 1, as a proxy writes it.
fn line(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let family = if from.is_ipv4() { 4 } else { 6 };
    let (ip, to_ip, port, to_port) = (from.ip(), to.ip(), from.port(), to.port());
    format!("PROXY TCP{family} {ip} {to_ip} {port} {to_port}\r\n").into_bytes()
}

/// The bytes of version 2, with something behind the addresses.
fn binary(from: SocketAddr, to: SocketAddr, added: &[u8]) -> Vec<u8> {
    let octets = |address: SocketAddr| match address.ip() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let ports = [from.port(), to.port()].map(u16::to_be_bytes).concat();
    let rest = [octets(from), octets(to), ports, added.to_vec()].concat();
    let size = (rest.len() as u16).to_be_bytes();
    let family = if from.is_ipv4() { 0x11 } else { 0x21 };
    [SIGNATURE, &[0x21, family], &size, &rest].concat()
}

/// A header that may be broken in one place, and something behind it.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let header = (ends(), vec(any::<u8>(), 0..40), any::<bool>()).prop_map(
        |((from, to), added, is_line)| {
            if is_line { line(from, to) } else { binary(from, to, &added) }
        },
    );
    let behind = vec(any::<u8>(), 0..40);
    (header, any::<prop::sample::Index>(), any::<Option<u8>>(), behind).prop_map(
        |(mut header, at, byte, behind)| {
            if let Some(byte) = byte {
                let at = at.index(header.len());
                header[at] = byte;
            }
            header.extend(behind);
            header
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_versions_are_read_as_they_were_written(
        (from, to) in ends(),
        added in vec(any::<u8>(), 0..400),
        behind in vec(any::<u8>(), 0..20),
    ) {
        for header in [line(from, to), binary(from, to, &added)] {
            let expected = Header { source: Source::Peer(from), size: header.len() };
            let read = Header::read(&[&header[..], &behind].concat());
            prop_assert_eq!(read, Ok(Some(expected)));
        }
    }

    #[test]
    fn what_was_told_of_a_beginning_holds_for_the_whole(bytes in broken()) {
        let mut told = Ok(None);
        for size in 0..=bytes.len() {
            let read = Header::read(&bytes[..size]);
            if told != Ok(None) {
                prop_assert_eq!(read, told, "{} bytes", size);
            } else if let Ok(Some(header)) = read {
                prop_assert_eq!(header.size, size, "read with its last byte");
            }
            told = read;
        }
        prop_assert!(told != Ok(None) || bytes.len() < 16 + 512);
    }
}
