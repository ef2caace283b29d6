//! Networks of addresses, as a configuration names them: `10.0.0.0/8`, `2001:db8::/32`, or a single
//! address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// All addresses with the same first bits (RFC 4632 §3.1, RFC 4291 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// Its first address.
    first: IpAddr,
    /// How many bits are the same.
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkError {
    /// No address, or none with a number of bits behind it.
    Form(String),
    /// More bits than an address has.
    Bits(String),
    /// The address has bits set behind those that are the same. The network that it is in.
    Beyond(String, Network),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(
                f,
                "{text:?} is no network: write an address, or one with a number of bits such as \
                 10.0.0.0/8 or 2001:db8::/32"
            ),
            Self::Bits(text) => {
                write!(f, "{text:?} has too many bits: 32 at most for IPv4, 128 for IPv6")
            }
            Self::Beyond(text, network) => {
                write!(f, "{text:?} is an address in a network: write {network} for all of it")
            }
        }
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// Whether an address is in it. One of IPv4 may be mapped (RFC 4291 §2.5.5.2), as sockets for
    /// both families have it; a network of one family has no address of the other.
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        cut(address.to_canonical(), self.bits) == self.first
    }
}

/// An address without the bits behind the first `bits`. All of them stay of one that has fewer.
fn cut(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let rest = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            IpAddr::from((ip.to_bits() & !rest).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let rest = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            IpAddr::from((ip.to_bits() & !rest).to_be_bytes())
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let form = || NetworkError::Form(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| form())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(form());
            }
            Some(bits) => bits.parse().unwrap_or(u8::MAX),
            None => most,
        };
        if bits > most {
            return Err(NetworkError::Bits(text.to_owned()));
        }
        let network = Self { first: cut(address, bits), bits };
        if network.first != address {
            return Err(NetworkError::Beyond(text.to_owned(), network));
        }
        Ok(network)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.bits) {
            (IpAddr::V4(ip), 32) => ip.fmt(f),
            (IpAddr::V6(ip), 128) => ip.fmt(f),
            (first, bits) => write!(f, "{first}/{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        let address = match address {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        network.parse::<Network>().unwrap().contains(address)
    }

    #[test]
    fn a_network_has_the_addresses_with_its_first_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.6/31", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.7"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
            ("::1", "::1", "::2"),
            ("::1/128", "::1", "0.0.0.1"),
        ] {
            assert!(contains(network, inside), "{network} has {inside}");
            assert!(!contains(network, outside), "{network} has {outside}");
        }
    }

    #[test]
    fn what_is_written_reads_back_to_the_same() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "::/0", "2001:db8::/32", "::1"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("192.0.2.7/32".parse::<Network>().unwrap().to_string(), "192.0.2.7");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "/", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "a/8", "::1%eth0", "1.2.3.4 "]
        {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Form(text.to_owned())), "{text}");
        }
        for text in ["10.0.0.0/33", "::/129", "::/256", "::/99999999999999999999"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Bits(text.to_owned())), "{text}");
        }
        let beyond = "10.1.2.3/8".parse::<Network>().unwrap_err();
        assert!(beyond.to_string().contains("write 10.0.0.0/8"), "{beyond}");
    }
}
