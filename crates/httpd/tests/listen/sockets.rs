//! Unix sockets: served like ports, and what becomes of their files.

use std::fs;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Daemon, HUGE, lay, listening};
use crate::common::{PATIENCE, Response, numbered, until};
use crate::on_every_backend;

on_every_backend!(
    a_unix_socket_is_served_like_a_port,
    curl_asks_at_a_path_and_at_an_abstract_name,
    nginx_passes_requests_on_to_a_unix_socket,
    the_file_of_a_socket_is_removed_at_the_end,
);

/// A port, and a socket beside the configuration file.
const PORT_AND_SOCKET: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\n\
                               [[listen]]\naddress = \"unix:a.sock\"\n";

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn send(stream: &mut UnixStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: one.example\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
}

fn assert_answers(path: &Path) {
    let mut stream = connect(path);
    send(&mut stream, "/");
    assert_eq!(Response::read(&mut stream, false).body, b"page");
}

fn a_unix_socket_is_served_like_a_port(backend: &str) {
    let daemon = Daemon::start(backend, 2, PORT_AND_SOCKET);
    let mut stream = connect(&daemon.path("a.sock"));
    for path in ["/", "/", "/huge", "/"] {
        send(&mut stream, path);
    }
    // The daemon comes to wait for room.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(Response::read(&mut stream, false).body, b"page");
    assert_eq!(Response::read(&mut stream, false).body, b"page");
    assert!(Response::read(&mut stream, false).body == numbered("huge", HUGE));
    assert_eq!(Response::read(&mut stream, false).body, b"page");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(Response::read(&mut stream, false).body, b"page");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let mut stream = connect(&daemon.path("a.sock"));
    stream.write_all(b"nonsense\r\n\r\n").unwrap();
    assert_eq!(Response::read(&mut stream, false).status, 400);
    assert_eq!(daemon.server.get("one.example", "/").body, b"page");
}

fn curl_asks_at_a_path_and_at_an_abstract_name(backend: &str) {
    let name = format!("ashttpd-{backend}-{}", std::process::id());
    let listen = format!("{PORT_AND_SOCKET}[[listen]]\naddress = \"unix:@{name}\"\nbacklog = 5");
    let daemon = Daemon::start(backend, 2, &listen);
    let path = daemon.path("a.sock");
    for how in [["--unix-socket", path.to_str().unwrap()], ["--abstract-unix-socket", &name]] {
        let mut curl = Command::new("curl");
        let output = curl.args(["-qsS", "--max-time", "20", "http://one.example/huge"]).args(how);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == numbered("huge", HUGE));
    }
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    UnixStream::connect_addr(&address).unwrap();
    daemon.server.wait_for_log(&format!("listening on unix:@{name} "));
    assert_eq!(listening("-x", &["src", &format!("@{name}")]), [(5, format!("@{name}"))]);
}

/// Serves what an upstream at a unix socket answers, at another one. Stopped when dropped.
struct Nginx(std::process::Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nginx_passes_requests_on_to_a_unix_socket(backend: &str) {
    let daemon = Daemon::start(backend, 2, PORT_AND_SOCKET);
    let dir = daemon.dir.path().display();
    let configuration = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
         access_log off; client_body_temp_path {dir}/1; proxy_temp_path {dir}/2;\n\
         fastcgi_temp_path {dir}/3; uwsgi_temp_path {dir}/4; scgi_temp_path {dir}/5;\n\
         upstream ashttpd {{ server unix:{dir}/a.sock; keepalive 4; }}\n\
         server {{ listen unix:{dir}/front.sock; location / {{\n\
         proxy_pass http://ashttpd; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header Host $host; }} }} }}\n"
    );
    fs::write(daemon.path("nginx.conf"), configuration).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(daemon.dir.path()).args(["-c", "nginx.conf", "-e", "error.log"]);
    let Ok(child) = nginx.spawn() else {
        eprintln!("skipped: nginx is not installed");
        return;
    };
    let _nginx = Nginx(child);
    let front = daemon.path("front.sock");
    until(PATIENCE, "nginx listens", || UnixStream::connect(&front).is_ok());
    let mut stream = connect(&front);
    for _ in 0..5 {
        send(&mut stream, "/huge");
        assert!(Response::read(&mut stream, false).body == numbered("huge", HUGE));
        send(&mut stream, "/");
        assert_eq!(Response::read(&mut stream, false).body, b"page");
    }
}

fn the_file_of_a_socket_is_removed_at_the_end(backend: &str) {
    let mut daemon = Daemon::start(backend, 2, PORT_AND_SOCKET);
    let path = daemon.path("a.sock");
    assert_answers(&path);
    daemon.server.signal(Signal::SIGTERM);
    assert_eq!(daemon.server.wait(), Some(0));
    assert!(!path.exists());
}

#[test]
fn everybody_may_connect_unless_the_mode_says_otherwise() {
    let listen = format!("{PORT_AND_SOCKET}[[listen]]\naddress = \"unix:b.sock\"\nmode = 0o640");
    let daemon = Daemon::start("sendfile", 1, &listen);
    let mode = |name| fs::metadata(daemon.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a.sock"), mode("b.sock")), (0o666, 0o640));
}

#[test]
fn a_socket_that_a_daemon_left_behind_is_replaced() {
    let mut killed = Daemon::start("sendfile", 1, PORT_AND_SOCKET);
    killed.server.signal(Signal::SIGKILL);
    killed.server.wait();
    assert!(killed.path("a.sock").exists());
    let next = Daemon::start_in(killed.dir, "sendfile", 1, PORT_AND_SOCKET);
    assert_answers(&next.path("a.sock"));
}

#[test]
fn a_socket_at_which_a_daemon_answers_is_left_to_it() {
    let daemon = Daemon::start("sendfile", 1, PORT_AND_SOCKET);
    let path = daemon.path("a.sock");
    let vhosts = daemon.path("vhosts");
    fs::create_dir(&vhosts).unwrap();
    lay(&vhosts);
    let mut other = Command::new(env!("CARGO_BIN_EXE_httpd"));
    let address = format!("unix:{}", path.display());
    let output = other.arg(&vhosts).args(["--listen", &address]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("can't listen on {address}: ")), "{told}");
    assert!(told.contains("another server answers there"), "{told}");
    assert_answers(&path);
}
