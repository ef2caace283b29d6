//! HAProxy, which the protocol is from, in front of the daemon.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::{Logged, REQUEST};
use crate::common::{PATIENCE, Response, until};
use crate::on_every_backend;

on_every_backend!(haproxy_names_the_peer_in_each_version, haproxy_checks_the_health_of_a_daemon);

/// An HAProxy in front of one server. Dropping it stops it.
struct Haproxy {
    address: SocketAddr,
    child: Child,
    dir: tempfile::TempDir,
}

impl Haproxy {
    /// Passes connections on to `server`, with these words of its configuration. `None`, with the
    /// reason printed, if it is not installed.
    fn start(server: &str, words: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        // Another program may take the port between its choice and its use.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let path = dir.path().display();
            let configuration = format!(
                "global\n  maxconn 64\n  stats socket {path}/stats.sock\n\
                 defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 20s\n\
                   timeout server 20s\n\
                 frontend front\n  bind {free}\n  default_backend back\n\
                 backend back\n  server a {server} {words}\n"
            );
            fs::write(dir.path().join("haproxy.cfg"), configuration).unwrap();
            let mut haproxy = Command::new("haproxy");
            haproxy.arg("-db").arg("-f").arg(dir.path().join("haproxy.cfg"));
            let Ok(mut child) = haproxy.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
                eprintln!("skipped: haproxy is not installed");
                return None;
            };
            let mut ended = false;
            until(PATIENCE, "haproxy listens", || {
                ended = child.try_wait().unwrap().is_some();
                ended || UnixStream::connect(dir.path().join("stats.sock")).is_ok()
            });
            if !ended {
                return Some(Self { address: free, child, dir });
            }
        }
        panic!("haproxy does not start");
    }

    /// A connection from another address than that of the proxy.
    fn connect(&self, from: [u8; 4]) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// What it says of its server: `UP`, `DOWN`, ….
    fn status(&self) -> String {
        let mut stats = UnixStream::connect(self.dir.path().join("stats.sock")).unwrap();
        stats.write_all(b"show stat\n").unwrap();
        let text = std::io::read_to_string(stats).unwrap();
        let server = text.lines().find(|line| line.starts_with("back,a,")).unwrap();
        server.split(',').nth(17).unwrap().to_owned()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn haproxy_names_the_peer_in_each_version(backend: &str) {
    let sockets = tempfile::tempdir().unwrap();
    let path = format!("unix:{}/a.sock", sockets.path().display());
    let flags = ["--listen", &path, "--proxy-from", "127.0.0.0/8", "--proxy-from", "unix"];
    let logged = Logged::start(backend, &flags);
    let servers = [logged.server.address.to_string(), path.replace("unix:", "unix@")];
    let mut expected = Vec::new();
    for server in &servers {
        for words in
            ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"]
        {
            let Some(haproxy) = Haproxy::start(server, words) else { return };
            let mut stream = haproxy.connect([127, 0, 0, 9]);
            let port = stream.local_addr().unwrap().port();
            for _ in 0..3 {
                stream.write_all(REQUEST).unwrap();
                assert_eq!(Response::read(&mut stream, false).body, b"page", "{words}");
                expected.push((json!("127.0.0.9"), json!(port)));
            }
            logged.assert_peers(&expected);
        }
    }
}

fn haproxy_checks_the_health_of_a_daemon(backend: &str) {
    let logged = Logged::start(backend, &["--proxy-from", "127.0.0.1"]);
    let server = logged.server.address.to_string();
    for words in ["send-proxy check inter 20ms", "send-proxy-v2 check inter 20ms"] {
        let Some(haproxy) = Haproxy::start(&server, words) else { return };
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(haproxy.status(), "UP", "{words}");
    }
    let told: Vec<_> =
        logged.server.log().into_iter().filter(|line| line.contains("PROXY")).collect();
    assert!(told.is_empty(), "{told:?}");
    // Whoever asks without a header is the one who is told of.
    let Some(haproxy) = Haproxy::start(&server, "check inter 20ms") else { return };
    let mut stream = haproxy.connect([127, 0, 0, 9]);
    stream.write_all(REQUEST).unwrap();
    logged
        .server
        .wait_for_log("closed for its PROXY header: the connection does not begin with one");
}
