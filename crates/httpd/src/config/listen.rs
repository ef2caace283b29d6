//! A listener as it is configured: a `[[listen]]` of `httpd.toml`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::network::{Network, NetworkError};
use super::value;

/// Connections that may wait at a socket, if nothing else is said.
const BACKLOG: u32 = 4096;
/// Permissions of a unix socket, if nothing else is said: everybody may connect, as to a port. Its
/// directory can keep them away.
const MODE: Mode = Mode(0o666);

/// Where and how to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// Connections that may wait to be accepted, at each of its sockets; the kernel lowers it to
    /// `net.core.somaxconn` (listen(2)).
    pub backlog: u32,
    /// Whether each worker has a socket of its own, over which the kernel spreads connections
    /// (`SO_REUSEPORT` in socket(7)). If not, the workers share one. Never of a unix socket.
    pub reuse_port: bool,
    /// Permissions of a unix socket in the file system; `None` for all others.
    pub mode: Option<Mode>,
    /// Proxies of which a PROXY header is believed, and required; `None`: those of the whole
    /// configuration.
    pub proxy: Option<Vec<Trusted>>,
}

impl From<Address> for Listen {
    fn from(address: Address) -> Self {
        let reuse_port = matches!(address, Address::Tcp(_));
        let mode = matches!(address, Address::Unix(_)).then_some(MODE);
        Self { address, backlog: BACKLOG, reuse_port, mode, proxy: None }
    }
}

/// The keys of a listener.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    address: Address,
    #[serde(default = "backlog", deserialize_with = "value::between::<_, _, 1, 65_535>")]
    backlog: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reuse_port: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Vec<Trusted>>,
}

fn backlog() -> u32 {
    BACKLOG
}

impl TryFrom<Keys> for Listen {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, &'static str> {
        let plain = Self::from(keys.address);
        if keys.reuse_port.is_some() && !matches!(plain.address, Address::Tcp(_)) {
            return Err(
                "reuse_port is of no use to a unix socket, which the workers share anyway: \
                        leave it out",
            );
        }
        if keys.mode.is_some() && plain.mode.is_none() {
            return Err("mode is that of a unix socket in the file system: leave it out");
        }
        Ok(Self {
            backlog: keys.backlog,
            reuse_port: keys.reuse_port.unwrap_or(plain.reuse_port),
            mode: keys.mode.or(plain.mode),
            proxy: keys.proxy,
            ..plain
        })
    }
}

impl From<Listen> for Keys {
    fn from(listen: Listen) -> Self {
        let Listen { address, backlog, reuse_port, mode, proxy } = listen;
        let reuse_port = matches!(address, Address::Tcp(_)).then_some(reuse_port);
        Self { address, backlog, reuse_port, mode, proxy }
    }
}

/// Permissions of a file (chmod(1)), written in octal: `"0660"`, or the number `0o660`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Digits", into = "Digits")]
pub struct Mode(u32);

impl Mode {
    /// The bits of it, at most `0o777`.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Permissions as they are written.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected permissions such as 0o660")]
enum Digits {
    Number(u32),
    Text(String),
}

impl TryFrom<Digits> for Mode {
    type Error = String;

    fn try_from(digits: Digits) -> Result<Self, String> {
        let (bits, text) = match digits {
            Digits::Number(bits) => (Some(bits), format!("{bits:#o}")),
            Digits::Text(text) => (u32::from_str_radix(&text, 8).ok(), format!("{text:?}")),
        };
        let mode = bits.filter(|bits| *bits <= 0o777).map(Self);
        mode.ok_or_else(|| format!("{text} are no permissions: write them in octal, such as 0o660"))
    }
}

impl From<Mode> for Digits {
    fn from(mode: Mode) -> Self {
        Self::Text(format!("{:04o}", mode.0))
    }
}

/// Proxies whose word is taken for whom a connection is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Trusted {
    /// Those in a network.
    In(Network),
    /// All that connect to a unix socket: `unix`.
    Unix,
}

impl Trusted {
    /// Whether a peer is one of them; `None` for one at a unix socket.
    pub(crate) fn includes(&self, peer: Option<Ipv6Addr>) -> bool {
        match (self, peer) {
            (Self::In(network), Some(peer)) => network.contains(peer),
            (Self::Unix, None) => true,
            _ => false,
        }
    }
}

impl FromStr for Trusted {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text == "unix" { Ok(Self::Unix) } else { text.parse().map(Self::In) }
    }
}

impl TryFrom<String> for Trusted {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Trusted> for String {
    fn from(trusted: Trusted) -> Self {
        trusted.to_string()
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(network) => network.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn read(text: &str) -> Result<Listen, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let tcp = read("address = \"[::]:80\"").unwrap();
        assert_eq!((tcp.backlog, tcp.reuse_port, tcp.mode, tcp.proxy), (4096, true, None, None));
        let unix = read("address = \"unix:/run/a.sock\"").unwrap();
        assert_eq!((unix.backlog, unix.reuse_port, unix.mode), (4096, false, Some(Mode(0o666))));
        assert_eq!(read("address = \"unix:@a\"").unwrap().mode, None);
    }

    #[test]
    fn what_is_written_reads_back_to_the_same() {
        for text in [
            "address = \"[::]:80\"\nbacklog = 1\nreuse_port = false\nproxy = [\"10.0.0.0/8\", \"unix\"]",
            "address = \"unix:/run/a.sock\"\nmode = 0o600\nproxy = []",
            "address = \"unix:@a\"\nbacklog = 65535",
        ] {
            let listen = read(text).unwrap();
            let written = toml::to_string(&listen).unwrap();
            assert_eq!(read(&written).unwrap(), listen, "{written}");
        }
    }

    #[test]
    fn permissions_are_octal_however_they_are_written() {
        for text in ["0o660", "\"0660\"", "\"660\"", "432"] {
            let listen = read(&format!("address = \"unix:/a\"\nmode = {text}")).unwrap();
            assert_eq!(listen.mode, Some(Mode(0o660)), "{text}");
        }
    }

    #[test]
    fn keys_that_do_nothing_are_refused() {
        for (text, what) in [
            ("address = \"unix:/a\"\nreuse_port = true", "reuse_port is of no use"),
            ("address = \"unix:@a\"\nreuse_port = false", "reuse_port is of no use"),
            ("address = \"unix:@a\"\nmode = 0o600", "mode is that of a unix socket"),
            ("address = \"[::]:80\"\nmode = 0o600", "mode is that of a unix socket"),
            ("address = \"unix:/a\"\nmode = 660", "0o1224 are no permissions"),
            ("address = \"unix:/a\"\nmode = \"rw\"", "\"rw\" are no permissions"),
            ("address = \"unix:/a\"\nmode = true", "expected permissions"),
            ("address = \"[::]:80\"\nbacklog = 0", "0 is not between 1 and"),
            ("address = \"[::]:80\"\nproxy = [\"10.0.0.1/8\"]", "write 10.0.0.0/8"),
            ("address = \"[::]:80\"\nproxi = []", "unknown field `proxi`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn a_proxy_is_told_by_its_network_or_its_unix_socket() {
        let peer = Some(Ipv4Addr::new(10, 1, 2, 3).to_ipv6_mapped());
        let network: Trusted = "10.0.0.0/8".parse().unwrap();
        let unix: Trusted = "unix".parse().unwrap();
        assert!(network.includes(peer) && !network.includes(None));
        assert!(unix.includes(None) && !unix.includes(peer));
        assert!(!network.includes(Some(Ipv6Addr::LOCALHOST)));
    }
}
