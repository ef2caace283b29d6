//! Addresses to listen on, as a configuration and the command line name them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Most bytes of the path or name of a unix socket (unix(7)).
const MOST: usize = 107;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system: `unix:PATH`.
    Unix(PathBuf),
    /// A unix socket with a name that is in no file system: `unix:@NAME`.
    Abstract(String),
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// It has the form of none.
    Form(String),
    /// The path or name of a unix socket is empty, too long, or has a zero byte.
    Unix(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(
                f,
                "{text:?} is no address to listen on: write one as 192.0.2.1:80, [::]:80, unix:PATH \
                 or unix:@NAME"
            ),
            Self::Unix(text) => {
                write!(f, "{text:?}: a unix socket has a path or name of 1 to {MOST} bytes")
            }
        }
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some(name) = text.strip_prefix("unix:") else {
            let address = text.parse().map(Self::Tcp);
            return address.map_err(|_| AddressError::Form(text.to_owned()));
        };
        let (name, is_abstract) = name.strip_prefix('@').map_or((name, false), |name| (name, true));
        if name.is_empty() || name.len() > MOST || name.contains('\0') {
            return Err(AddressError::Unix(text.to_owned()));
        }
        Ok(if is_abstract { Self::Abstract(name.to_owned()) } else { Self::Unix(name.into()) })
    }
}

impl Address {
    /// As [`Address::from_str`]; what has none of those forms is the path of a unix socket.
    ///
    /// # Errors
    /// It is no path of a socket.
    pub fn or_path(text: &str) -> Result<Self, AddressError> {
        let address = text.parse();
        match address {
            Err(AddressError::Form(text)) => format!("unix:{text}").parse(),
            address => address,
        }
    }
}

/// Reads an address by [`Address::or_path`].
pub(super) fn or_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    let text = String::deserialize(deserializer)?;
    Address::or_path(&text).map_err(D::Error::custom)
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        let longest = format!("unix:/{}", "x".repeat(MOST - 1));
        for text in
            ["192.0.2.1:80", "[::]:80", "[::1]:0", "unix:/run/a b.sock", "unix:@a", &longest]
        {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("unix:x/y".parse(), Ok(Address::Unix(PathBuf::from("x/y"))));
        assert_eq!("unix:@x/y".parse(), Ok(Address::Abstract("x/y".to_owned())));
    }

    #[test]
    fn where_a_path_is_enough_what_is_no_other_address_is_one() {
        for (text, address) in [
            ("127.0.0.1:9117", "127.0.0.1:9117"),
            ("unix:/run/a", "unix:/run/a"),
            ("unix:@a", "unix:@a"),
            ("/run/a", "unix:/run/a"),
            ("a.sock", "unix:a.sock"),
            ("localhost:80", "unix:localhost:80"),
        ] {
            assert_eq!(Address::or_path(text).unwrap().to_string(), address);
        }
        assert!(Address::or_path("").is_err() && Address::or_path("unix:").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "80", ":80", "here", "::1", "[::1]", "192.0.2.1", "192.0.2.1:65536", "/run/a"]
        {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Form(text.to_owned())), "{text}");
        }
        let long = format!("unix:{}", "x".repeat(MOST + 1));
        for text in ["unix:", "unix:@", "unix:a\0b", &long] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Unix(text.to_owned())), "{text}");
        }
    }
}
