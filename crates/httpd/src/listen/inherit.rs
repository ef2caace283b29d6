//! Listening sockets that this process was started with: by systemd or another that opens sockets
//! for it (sd_listen_fds(3)), or by the process that it replaces.
#![allow(unsafe_code)]

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use socket2::{SockAddr, Socket, Type};

use super::OWN;
use crate::config::Address;
use crate::launcher::{READY, READY_FD};
use crate::log::warning;

/// The first descriptor (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;
/// Most sockets.
const MOST: usize = 4096;
/// Name of the socket that the admin listener takes (`FileDescriptorName=` of a socket unit).
const ADMIN: &str = "admin";
/// Name of one that this program opened for it.
const OWN_ADMIN: &str = "ashttpd-admin";

/// Sockets that this process was given and can't use.
#[derive(Debug)]
pub struct InheritError(String);

impl fmt::Display for InheritError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A listening socket.
#[derive(Debug)]
struct Inherited {
    name: String,
    address: Address,
    socket: OwnedFd,
}

/// What this process was started with and has not used yet.
#[derive(Debug, Default)]
pub(crate) struct Inheritance {
    sockets: Vec<Inherited>,
    ready: Option<OwnedFd>,
}

impl Inheritance {
    /// Takes over what the environment speaks of, once. To be called before this process opens
    /// anything that it keeps.
    ///
    /// # Errors
    /// What the environment speaks of is not there, or is no listening socket.
    pub(crate) fn take() -> Result<Self, InheritError> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let told = Told::read(Pid::this(), |name| env::var(name).ok());
        let Some(told) =
            told.map_err(InheritError)?.filter(|_| !TAKEN.swap(true, Ordering::Relaxed))
        else {
            return Ok(Self::default());
        };
        let sockets = told.names.into_iter().zip(FIRST..);
        let sockets = sockets.map(|(name, number)| {
            let failed =
                |error| InheritError(format!("LISTEN_FDS: descriptor {number} ({name}): {error}"));
            let socket = Socket::from(own(number).map_err(failed)?);
            let address = examine(&socket).map_err(failed)?;
            Ok(Inherited { name, address, socket: socket.into() })
        });
        let sockets = sockets.collect::<Result<_, _>>()?;
        let ready = told.ready.map(own).transpose();
        let ready = ready.map_err(|error| InheritError(format!("{READY_FD}: {error}")))?;
        Ok(Self { sockets, ready })
    }

    /// Takes the sockets to listen on at an address, with their names: a group of them with
    /// `SO_REUSEPORT`, a single one otherwise. If it has no port, any port does, the first that is
    /// left.
    pub(crate) fn claim(&mut self, address: &Address) -> Vec<(String, OwnedFd)> {
        let mut sockets = self.sockets.iter();
        let found = sockets.find(|inherited| is_meant(address, &inherited.address));
        let Some(address) = found.map(|inherited| inherited.address.clone()) else {
            return Vec::new();
        };
        let claimed = self.sockets.extract_if(.., |inherited| inherited.address == address);
        claimed.map(|inherited| (inherited.name, inherited.socket)).collect()
    }

    /// The addresses of the sockets to listen on, each once.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let mut addresses = Vec::new();
        for inherited in &self.sockets {
            if !addresses.contains(&inherited.address) {
                addresses.push(inherited.address.clone());
            }
        }
        addresses
    }

    /// Takes out the sockets for the admin listener, which are no others' then.
    pub(crate) fn admin(&mut self) -> Self {
        let is_admin = |name: &str| name == ADMIN || name == OWN_ADMIN;
        let sockets = self.sockets.extract_if(.., |inherited| is_admin(&inherited.name));
        let own = |inherited: Inherited| match inherited.name.as_str() {
            OWN_ADMIN => Inherited { name: OWN.to_owned(), ..inherited },
            _ => inherited,
        };
        Self { sockets: sockets.map(own).collect(), ready: None }
    }

    /// Closes what nobody asked for, and takes the way to the process that this one replaces.
    pub(crate) fn finish(self) -> Option<Predecessor> {
        for Inherited { name, address, .. } in &self.sockets {
            warning!(
                "the socket {name} at {address} that this process was started with is not asked \
                 for and is closed (see listen and admin in the configuration)"
            );
        }
        self.ready.map(Predecessor)
    }
}

/// The name by which the next process knows a socket of the admin listener.
pub(crate) fn of_admin(name: &str) -> &str {
    if name == OWN { OWN_ADMIN } else { name }
}

/// The process that this one replaces. It serves until it hears that this one does.
#[derive(Debug)]
pub(crate) struct Predecessor(OwnedFd);

impl Predecessor {
    /// This process serves.
    pub(crate) fn relieve(self) {
        // Should it be gone, there is nobody left to be told.
        let _ = File::from(self.0).write_all(&[READY]);
    }
}

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// A name for each socket.
    names: Vec<String>,
    ready: Option<RawFd>,
}

impl Told {
    /// `None` if it says nothing, or to another process.
    fn read(this: Pid, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let number = |name: &str| match variable(name).map(|text| (text.parse(), text)) {
            None => Ok(None),
            Some((Ok(number), _)) if number >= 0 => Ok(Some(number)),
            Some((_, text)) => Err(format!("{name}={text} is no number")),
        };
        if number("LISTEN_PID")? != Some(this.as_raw()) {
            return Ok(None);
        }
        let count = number("LISTEN_FDS")?.unwrap_or(0) as usize;
        if count > MOST {
            return Err(format!("LISTEN_FDS={count} are more than {MOST} sockets"));
        }
        let names = variable("LISTEN_FDNAMES").unwrap_or_default();
        // As sd_listen_fds_with_names(3) calls those without a name.
        let named = |name: &str| if name.is_empty() { "unknown" } else { name }.to_owned();
        let names = names.split(':').chain(std::iter::repeat("")).take(count).map(named);
        Ok(Some(Self { names: names.collect(), ready: number(READY_FD)? }))
    }
}

/// Whether a socket at `there` is one to listen on at `asked`.
fn is_meant(asked: &Address, there: &Address) -> bool {
    match (asked, there) {
        (Address::Tcp(asked), Address::Tcp(there)) if asked.port() == 0 => asked.ip() == there.ip(),
        _ => asked == there,
    }
}

/// Checks that a socket is one to listen on, lets it wait for nobody, and tells its address.
fn examine(socket: &Socket) -> io::Result<Address> {
    if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
        return Err(io::Error::other("not a listening stream socket"));
    }
    socket.set_nonblocking(true)?;
    let address = address(&socket.local_addr()?);
    address.ok_or_else(|| io::Error::other("neither an IP nor a unix socket with a name"))
}

fn address(address: &SockAddr) -> Option<Address> {
    let path = || address.as_pathname().map(|path| Address::Unix(path.to_owned()));
    let name = || str::from_utf8(address.as_abstract_namespace()?).ok();
    let ip = address.as_socket().map(Address::Tcp);
    ip.or_else(path).or_else(|| name().map(|name| Address::Abstract(name.to_owned())))
}

/// Takes over a descriptor that this process was started with, and keeps it from its children.
fn own(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD (fcntl(2)) touches no memory, and fails on what is not open.
    let set = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    Errno::result(set)?;
    // SAFETY: it is open, as the call above shows. Whoever started this process says, to this very
    // process, that it is handed over; it is taken before anything that this process keeps is
    // opened, and once, as `Inheritance::take` sees to. So nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::UnixListener;

    use socket2::Domain;

    use super::*;

    const THIS: Pid = Pid::from_raw(42);

    fn read(variables: &[(&str, &str)]) -> Result<Option<Told>, String> {
        let variables = variables.to_vec();
        Told::read(THIS, |name| {
            let found = variables.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_is_said_to_this_process_is_heard() {
        let told = |names: &[&str], ready| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(Some(Told { names, ready }))
        };
        let pid = ("LISTEN_PID", "42");
        for (variables, expected) in [
            (&[][..], Ok(None)),
            (&[("LISTEN_FDS", "1")], Ok(None)),
            (&[("LISTEN_PID", "43"), ("LISTEN_FDS", "x")], Ok(None)),
            (&[pid], told(&[], None)),
            (&[pid, ("LISTEN_FDS", "2")], told(&["unknown", "unknown"], None)),
            (&[pid, ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "a:b")], told(&["a"], None)),
            (&[pid, ("LISTEN_FDS", "1"), (READY_FD, "4")], told(&["unknown"], Some(4))),
            (&[pid, ("LISTEN_FDS", "-1")], Err("LISTEN_FDS=-1 is no number".to_owned())),
            (&[("LISTEN_PID", "x")], Err("LISTEN_PID=x is no number".to_owned())),
            (
                &[pid, ("LISTEN_FDS", "5000")],
                Err("LISTEN_FDS=5000 are more than 4096 sockets".to_owned()),
            ),
        ] {
            assert_eq!(read(variables), expected, "{variables:?}");
        }
    }

    /// Sockets of these names at these addresses.
    fn inheritance(sockets: &[(&str, &str)]) -> Inheritance {
        let sockets = sockets.iter().map(|(name, address)| {
            let address = address.parse().unwrap();
            let socket = File::open("/dev/null").unwrap().into();
            Inherited { name: (*name).to_owned(), address, socket }
        });
        Inheritance { sockets: sockets.collect(), ready: None }
    }

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn all_sockets_of_an_address_are_claimed_together() {
        let one = ("http", "127.0.0.1:80");
        let mut inheritance = inheritance(&[one, ("http", "[::1]:80"), one]);
        assert_eq!(inheritance.addresses(), ["127.0.0.1:80", "[::1]:80"].map(at));
        assert_eq!(inheritance.claim(&at("127.0.0.1:81")).len(), 0);
        assert_eq!(inheritance.claim(&at("127.0.0.1:80")).len(), 2);
        assert_eq!(inheritance.claim(&at("127.0.0.1:80")).len(), 0);
        assert_eq!(inheritance.addresses(), ["[::1]:80"].map(at));
    }

    #[test]
    fn an_address_without_a_port_takes_one_port_after_the_other() {
        let (one, other) = (("http", "127.0.0.1:5000"), ("http", "127.0.0.1:4000"));
        let mut inheritance = inheritance(&[one, other, one]);
        assert_eq!(inheritance.claim(&at("127.0.0.1:0")).len(), 2);
        assert_eq!(inheritance.claim(&at("127.0.0.1:0")).len(), 1);
        assert_eq!(inheritance.claim(&at("127.0.0.1:0")).len(), 0);
    }

    #[test]
    fn the_admin_socket_is_no_other_listener() {
        let mut inheritance =
            inheritance(&[(ADMIN, "127.0.0.1:9000"), (of_admin(OWN), "127.0.0.1:9001")]);
        let mut admin = inheritance.admin();
        assert_eq!(inheritance.addresses(), []);
        let claim = |admin: &mut Inheritance, port| {
            let mut claimed = admin.claim(&at(&format!("127.0.0.1:{port}")));
            claimed.pop().map(|(name, _)| name)
        };
        assert_eq!(claim(&mut admin, 9000).as_deref(), Some(ADMIN));
        assert_eq!(claim(&mut admin, 9001).as_deref(), Some(OWN));
        assert_eq!(of_admin(ADMIN), ADMIN);
    }

    #[test]
    fn only_listening_stream_sockets_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let expected = Address::Tcp(tcp.local_addr().unwrap());
        assert_eq!(examine(&Socket::from(tcp)).unwrap(), expected);
        let unix = examine(&Socket::from(UnixListener::bind(&path).unwrap())).unwrap();
        assert_eq!(unix, Address::Unix(path));
        let name = format!("ashttpd-inherit-{}", std::process::id());
        let bound = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        bound.bind(&SockAddr::unix(format!("\0{name}")).unwrap()).unwrap();
        bound.listen(1).unwrap();
        assert_eq!(examine(&bound).unwrap(), Address::Abstract(name));
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(examine(&Socket::from(udp)).is_err());
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        assert!(examine(&bound).is_err());
    }
}
