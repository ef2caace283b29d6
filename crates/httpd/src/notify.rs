//! What the service manager is told (sd_notify(3)).
//!
//! The socket is connected at the start, before the sandbox is up. A manager that is not there, or
//! does not listen, never disturbs the daemon: what can't be said at once is not said.
//!
//! Descriptors are not given to the manager to keep (`FDSTORE=1`): an upgrade hands them to the new
//! process itself, and names it by `MAINPID`, so that it works the same without a manager. What is
//! to survive a crash is a socket unit, whose sockets the manager holds anyway.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::log::warning;

/// Names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Time that an end may take beyond what is allowed to responses.
const MARGIN: Duration = Duration::from_secs(5);

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Notify(Option<UnixDatagram>);

impl Notify {
    /// Connects to the socket that the environment names.
    pub(crate) fn connect() -> Self {
        let Some(name) = env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        match connect(&name) {
            Ok(socket) => Self(Some(socket)),
            Err(error) => {
                warning!(
                    %error,
                    "{SOCKET}={}: {error}; the service manager is told nothing",
                    name.display()
                );
                Self::default()
            }
        }
    }

    /// The daemon serves. `took_over`: from another process, as whose heir it makes itself known.
    pub(crate) fn ready(&self, status: &str, took_over: bool) {
        let main = if took_over { format!("MAINPID={}\n", Pid::this()) } else { String::new() };
        self.say(format_args!("READY=1\n{main}STATUS={status}"));
    }

    /// The configuration is being read again; [`Notify::ready`] says that it was.
    pub(crate) fn reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
        self.say(format_args!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    /// Another process serves from now on. It is the last that this one says: the manager would
    /// take what follows for words of its heir.
    pub(crate) fn replaced_by(&mut self, pid: Pid) {
        self.say(format_args!("MAINPID={pid}\nREADY=1"));
        self.0 = None;
    }

    /// The daemon ends, which takes so long at most: the manager's own bound is moved if it is less.
    pub(crate) fn stopping(&self, status: &str, limit: Duration) {
        let limit = (limit + MARGIN).as_micros();
        self.say(format_args!("STOPPING=1\nSTATUS={status}\nEXTEND_TIMEOUT_USEC={limit}"));
    }

    /// The daemon is alive (see [`crate::watchdog`]).
    pub(crate) fn alive(&self) {
        self.say(format_args!("WATCHDOG=1"));
    }

    fn say(&self, text: fmt::Arguments<'_>) {
        if let Some(socket) = &self.0 {
            let _ = socket.send(text.to_string().as_bytes());
        }
    }
}

/// A socket that sends to a path, or to an abstract name behind `@` (unix(7)), and never waits.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::other("neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(manager: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        let size = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..size].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_at_a_path_hears_what_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut notify = Notify(Some(connect(path.as_os_str()).unwrap()));
        notify.ready("serving", false);
        assert_eq!(hear(&manager), "READY=1\nSTATUS=serving");
        notify.ready("serving", true);
        let main = std::process::id();
        assert_eq!(hear(&manager), format!("READY=1\nMAINPID={main}\nSTATUS=serving"));
        notify.stopping("bye", Duration::from_secs(10));
        assert_eq!(hear(&manager), "STOPPING=1\nSTATUS=bye\nEXTEND_TIMEOUT_USEC=15000000");
        notify.alive();
        assert_eq!(hear(&manager), "WATCHDOG=1");
        notify.reloading();
        assert!(hear(&manager).starts_with("RELOADING=1\nMONOTONIC_USEC="));
        notify.replaced_by(Pid::from_raw(7));
        assert_eq!(hear(&manager), "MAINPID=7\nREADY=1");
        notify.alive();
        manager.set_nonblocking(true).unwrap();
        assert!(manager.recv(&mut [0]).is_err(), "one that was replaced still speaks");
    }

    #[test]
    fn a_manager_at_an_abstract_name_hears_what_is_said() {
        let name = format!("ashttpd-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        Notify(Some(connect(OsStr::new(&format!("@{name}"))).unwrap())).alive();
        assert_eq!(hear(&manager), "WATCHDOG=1");
    }

    #[test]
    fn a_manager_that_does_not_listen_does_not_disturb() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify(Some(connect(path.as_os_str()).unwrap()));
        // Far more than its queue takes.
        (0..10_000).for_each(|_| notify.alive());
        drop(manager);
        notify.alive();
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for name in ["vsock:2:1234", "notify", "/no/such/socket"] {
            assert!(connect(OsStr::new(name)).is_err(), "{name}");
        }
    }
}
