//! What is live, for whoever asks at a unix socket: a line of JSON for the daemon, then one for each
//! virtual host.
//!
//! The answer is in HTTP, so that curl can ask, and the same for every request.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::log::warning;
use crate::service::Sites;
use crate::vhost::{Content, Vhost};

/// Longest that a peer may take to ask, and to take all that it is told: peers are answered one
/// after the other.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are written at a time: the system waits for room once for each, so that
/// the deadline holds.
const PIECE: usize = 16 * 1024;
/// Most bytes of a question.
const QUESTION: usize = 8 * 1024;

/// A socket that can't be listened on.
#[derive(Debug)]
pub struct StatusError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't listen on {}: {}", self.path.display(), self.error)?;
        match self.error.kind() {
            io::ErrorKind::AddrInUse => {
                write!(f, " (another daemon answers there, or it is no socket)")
            }
            _ => Ok(()),
        }
    }
}

/// A socket where it will be told.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    listener: UnixListener,
}

impl Socket {
    /// Listens. A socket that was left behind by a daemon that runs no more is replaced.
    pub(crate) fn new(path: &Path) -> Result<Self, StatusError> {
        let path = path.to_owned();
        match bind(&path) {
            Ok(listener) => Ok(Self { path, listener }),
            Err(error) => Err(StatusError { path, error }),
        }
    }
}

/// Answers at a socket from now on, on a thread of its own.
pub(crate) fn serve(socket: Socket, sites: Sites) -> Result<(), StatusError> {
    let Socket { path, listener } = socket;
    let body = move || {
        for peer in listener.incoming() {
            match peer {
                // A peer that goes away is none of our troubles.
                Ok(peer) => drop(answer(&peer, &sites)),
                Err(error) => {
                    warning!(%error, "status: can't accept: {error}");
                    thread::sleep(Duration::from_secs(1));
                }
            }
        }
    };
    thread::Builder::new()
        .name("status".to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|error| StatusError { path, error })
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_refused = || {
                let connected = UnixStream::connect(path).map_err(|error| error.kind());
                connected.is_err_and(|kind| kind == io::ErrorKind::ConnectionRefused)
            };
            // Connecting to what is no socket is refused as well.
            if fs::symlink_metadata(path)?.file_type().is_socket() && is_refused() {
                fs::remove_file(path)?;
                UnixListener::bind(path)
            } else {
                Err(error)
            }
        }
        bound => bound,
    }
}

fn answer(mut peer: &UnixStream, sites: &Sites) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    read_question(peer, deadline)?;
    // Made before any of it is sent, so that what was cut off can be told from what is whole.
    let body = body(sites);
    let deadline = Instant::now() + PATIENCE;
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\n\r\n",
        body.len()
    );
    for piece in head.as_bytes().chunks(PIECE).chain(body.as_bytes().chunks(PIECE)) {
        peer.set_write_timeout(Some(left(deadline)?))?;
        peer.write_all(piece)?;
    }
    Ok(())
}

/// What is told: a line for the daemon, then one for each virtual host.
fn body(sites: &Sites) -> String {
    let table = sites.published.load_full();
    let mut vhosts: Vec<_> = table.vhosts().collect();
    vhosts.sort_by(|one, other| one.name.cmp(&other.name));
    let mut body = format!("{}\n", of_daemon(sites, table.len()));
    for vhost in vhosts.into_iter().chain(table.previews().vhosts()) {
        body += &format!("{}\n", of_vhost(vhost));
    }
    body
}

/// Reads a request up to its empty line.
fn read_question(mut peer: &UnixStream, deadline: Instant) -> io::Result<()> {
    let mut question = Vec::new();
    let mut buffer = [0; 1024];
    while question.len() < QUESTION && !question.windows(4).any(|end| end == b"\r\n\r\n") {
        peer.set_read_timeout(Some(left(deadline)?))?;
        match peer.read(&mut buffer)? {
            0 => break,
            size => question.extend_from_slice(buffer.get(..size).unwrap_or_default()),
        }
    }
    Ok(())
}

/// The time that a peer has left.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn of_daemon(sites: &Sites, vhosts: usize) -> Value {
    let counts = sites.opener.verifier().counts();
    json!({
        "vhosts": vhosts,
        "open": sites.opener.shelf().len(),
        "verifying": counts.waiting,
        "verified": counts.good,
        "damaged": counts.damaged,
    })
}

fn of_vhost(vhost: &Vhost) -> Value {
    let (name, requests) = (vhost.name.to_string(), vhost.requests());
    let site = match &vhost.content {
        Content::Webroot(site) => site,
        Content::Redirect(redirect) => {
            let (to, status) = (&redirect.origin, redirect.status);
            return json!({
                "vhost": name, "state": "redirect", "to": to, "status": status,
                "path": vhost.path.display().to_string(), "requests": requests,
            });
        }
        Content::Nowhere => {
            let path = vhost.path.display().to_string();
            return json!({
                "vhost": name, "state": "failed", "path": path, "requests": requests,
                "complaint": "the redirect says nothing that can be used",
            });
        }
    };
    let state = site.lock();
    let live = site.peek();
    match &*live {
        Some(live) => {
            let since = live.opened.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            json!({
                "vhost": name,
                "state": if live.is_sound() { "live" } else { "changed in place" },
                "id": live.webroot.identity().to_string(),
                "path": live.path.display().to_string(),
                "since": since.as_secs(),
                "entries": live.webroot.len(),
                "bytes": live.webroot.file_size(),
                "requests": requests,
                "complaint": state.complaint(),
            })
        }
        None => json!({
            "vhost": name,
            "state": state.name(),
            "path": vhost.path.display().to_string(),
            "requests": requests,
            "complaint": state.complaint(),
        }),
    }
}
