//! Listening on a unix socket, in the file system or with an abstract name (unix(7)).

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::Mode;
use crate::log::warning;

/// A socket in the file system, as it was when it was bound.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    /// The one that is at a path.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }

    /// Removes it, unless something else has taken its place.
    pub(crate) fn remove(&self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            let path = self.path.display();
            warning!(%path, %error, "{path}: can't be removed: {error}");
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Opens a socket at a path. One that was left behind there, at which nobody answers, is replaced.
pub(super) fn open(
    path: &Path,
    mode: Option<Mode>,
    backlog: u32,
) -> io::Result<(OwnedFd, SocketFile)> {
    let bits = mode.map(Mode::bits);
    let address = SockAddr::unix(path)?;
    let bound = match bind(&address, bits) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_behind(path)? => {
            fs::remove_file(path)?;
            bind(&address, bits)
        }
        bound => bound,
    };
    let socket = bound?;
    if let Some(bits) = bits {
        fs::set_permissions(path, Permissions::from_mode(bits))?;
    }
    let file = SocketFile::new(path)?;
    Ok((listen(socket, backlog)?, file))
}

/// Opens a socket with an abstract name.
pub(super) fn open_abstract(name: &str, backlog: u32) -> io::Result<OwnedFd> {
    let socket = bind(&SockAddr::unix(format!("\0{name}"))?, None)?;
    listen(socket, backlog)
}

fn bind(address: &SockAddr, bits: Option<u32>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let Some(bits) = bits {
        // What the file is made with, less the umask: at no moment may more connect than later.
        stat::fchmod(&socket, stat::Mode::from_bits_truncate(bits))?;
    }
    socket.bind(address)?;
    Ok(socket)
}

fn listen(socket: Socket, backlog: u32) -> io::Result<OwnedFd> {
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Whether what is at a path is a socket that nobody listens on.
fn is_left_behind(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // One whose queue is full is not waited for: it is there.
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::*;

    fn mode(bits: u32) -> Option<Mode> {
        toml::from_str::<std::collections::HashMap<String, Mode>>(&format!("mode = {bits}"))
            .unwrap()
            .remove("mode")
    }

    fn permissions(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_has_the_mode_that_was_asked_for_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        for bits in [0o600, 0o660, 0o666, 0o777] {
            let path = dir.path().join(format!("{bits:o}"));
            let (_socket, _file) = open(&path, mode(bits), 16).unwrap();
            assert_eq!(permissions(&path), bits);
            UnixStream::connect(&path).unwrap();
        }
    }

    #[test]
    fn before_it_has_its_mode_nobody_else_may_connect() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let _socket = bind(&SockAddr::unix(&path).unwrap(), Some(0o600)).unwrap();
        assert_eq!(permissions(&path), 0o600);
    }

    #[test]
    fn a_socket_that_was_left_behind_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        drop(UnixListener::bind(&path).unwrap());
        let (_socket, _file) = open(&path, mode(0o666), 16).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_somebody_answers_at_or_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let [answered, full, datagram, file, link] =
            ["answered", "full", "datagram", "file", "link"].map(|name| dir.path().join(name));
        let _answered = UnixListener::bind(&answered).unwrap();
        let _full = open(&full, None, 0).unwrap();
        let _first = UnixStream::connect(&full).unwrap();
        let _datagram = UnixDatagram::bind(&datagram).unwrap();
        fs::write(&file, b"kept").unwrap();
        std::os::unix::fs::symlink(&answered, &link).unwrap();
        for path in [&answered, &full, &datagram, &file, &link] {
            let error = open(path, None, 16).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{}", path.display());
        }
        assert_eq!(fs::read(&file).unwrap(), b"kept");
        UnixStream::connect(&answered).unwrap();
    }

    #[test]
    fn what_took_the_place_of_a_socket_is_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let (_socket, file) = open(&path, None, 16).unwrap();
        fs::remove_file(&path).unwrap();
        let (_other, other_file) = open(&path, None, 16).unwrap();
        file.remove();
        assert!(path.exists());
        other_file.remove();
        assert!(!path.exists());
        other_file.remove();
    }
}
