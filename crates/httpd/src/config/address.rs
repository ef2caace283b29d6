//! Addresses to listen on, as a configuration and the command line name them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
