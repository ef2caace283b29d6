//! The daemon under a service manager: sockets that it is given, and what it says of itself.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "systemd/manager.rs"]
mod manager;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{PATIENCE, Response, Server, Site, until};
use manager::Manager;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

const TWO: &[&str] = &["--workers", "2"];

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("__default__")).file("/", "text/plain", b"page").finish();
}

/// A listening socket that a child inherits, and what its shell does to have it as descriptor
/// `number`.
fn listening(number: i32) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl(listener.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let own = listener.as_raw_fd();
    (listener, format!("exec {number}<&{own}"))
}

fn get(address: SocketAddr) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Response::read(&mut answer.as_slice(), false)
}

on_every_backend!(a_socket_that_is_given_is_listened_on_by_all_workers);
fn a_socket_that_is_given_is_listened_on_by_all_workers(backend: &str) {
    let (listener, setup) = listening(3);
    let setup = format!("{setup}; export LISTEN_PID=$$ LISTEN_FDS=1");
    let server = Server::start_after(&setup, backend, TWO, lay);
    // Port 0 of the address is asked for: the socket that is there is taken.
    assert_eq!(server.address, listener.local_addr().unwrap());
    drop(listener);
    for _ in 0..20 {
        assert_eq!(get(server.address).body, b"page");
    }
}

#[test]
fn a_socket_that_is_given_survives_an_upgrade() {
    let (listener, setup) = listening(3);
    let setup = format!("{setup}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=httpd.socket");
    let mut server = Server::start_after(&setup, "sendfile", TWO, lay);
    drop(listener);
    server.signal(Signal::SIGUSR2);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(get(server.address).body, b"page");
    let line = server.wait_for_log("has taken over: ");
    let pid = line.split_once(" process ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let (listener, setup) = listening(3);
    let setup = format!("{setup}; export LISTEN_PID=1 LISTEN_FDS=1");
    let server = Server::start_after(&setup, "sendfile", TWO, lay);
    assert_ne!(server.address, listener.local_addr().unwrap());
}

#[test]
fn a_socket_that_is_not_asked_for_is_told() {
    let (listener, setup) = listening(3);
    let setup = format!("{setup}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=other");
    let flags = ["--workers", "1", "--listen", "127.0.0.2:0"];
    // The address that all suites ask for takes it; the other one is opened.
    let server = Server::start_after(&setup, "sendfile", &flags, lay);
    server.wait_for_log("listening on http://127.0.0.2:");
    drop(server);
    let (other, more) = listening(4);
    let setup = format!("{setup}; {more}; export LISTEN_FDS=2 LISTEN_FDNAMES=one:other");
    let server = Server::start_after(&setup, "sendfile", TWO, lay);
    let address = other.local_addr().unwrap();
    server.wait_for_log(&format!("the socket other at {address} that this process was started"));
    drop(listener);
}

#[test]
fn what_is_no_listening_socket_is_an_error() {
    for (setup, complaint) in [
        ("exec 3</dev/null", "LISTEN_FDS: descriptor 3 (unknown): "),
        ("exec 3<&-", "LISTEN_FDS: descriptor 3 (unknown): Bad file descriptor"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("{setup}; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$1\"");
        let output = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_httpd")])
            .arg(directory.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(complaint), "{text}");
    }
}

/// A daemon that was started in another way than the suites do.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn without_an_address_what_is_given_is_listened_on() {
    let directory = tempfile::tempdir().unwrap();
    lay(directory.path());
    let (listener, setup) = listening(3);
    let script = format!("{setup}; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$1\"");
    let daemon = Command::new("bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_httpd")])
        .arg(directory.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut daemon = Started(daemon);
    let lines = BufReader::new(daemon.0.stderr.take().unwrap()).lines();
    let mut told = lines.map_while(Result::ok).filter(|line| line.contains("listening on"));
    let address = listener.local_addr().unwrap();
    assert!(told.next().unwrap().contains(&format!("http://{address}/")));
    assert_eq!(get(address).body, b"page");
}

#[test]
fn the_tool_of_systemd_starts_it_at_the_first_connection() {
    let directory = tempfile::tempdir().unwrap();
    lay(directory.path());
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tool = Command::new("systemd-socket-activate")
        .args(["--listen", &address.to_string(), env!("CARGO_BIN_EXE_httpd")])
        .arg(directory.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _daemon = Started(tool);
    until(PATIENCE, "the tool listens", || TcpStream::connect(address).is_ok());
    for _ in 0..10 {
        assert_eq!(get(address).body, b"page");
    }
}

#[test]
fn the_manager_is_told_how_the_daemon_comes_reloads_and_goes() {
    let manager = Manager::new();
    let flags = ["--workers", "2", "--drain", "7"];
    let mut server = Server::start_after(&manager.setup(), "sendfile", &flags, lay);
    let status = format!("STATUS=2 workers serve at {}", server.address);
    assert_eq!(manager.hear(), ["READY=1", &status]);
    assert_eq!(get(server.address).status, 200);
    server.signal(Signal::SIGHUP);
    let reloading = manager.hear();
    assert_eq!(reloading[0], "RELOADING=1");
    let time: u64 = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(time > 0);
    assert_eq!(manager.hear(), ["READY=1", &status]);
    server.signal(Signal::SIGTERM);
    let stopping =
        ["STOPPING=1", "STATUS=finishing responses in flight", "EXTEND_TIMEOUT_USEC=12000000"];
    assert_eq!(manager.hear(), stopping);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(manager.hear_within(Duration::from_millis(100)), None);
}

#[test]
fn the_manager_is_told_which_process_replaces_the_main_one() {
    let manager = Manager::new();
    let mut server = Server::start_after(&manager.setup(), "sendfile", TWO, lay);
    assert_eq!(manager.hear()[0], "READY=1");
    server.signal(Signal::SIGUSR2);
    // The new one first, then the old one, which may be the only one that is believed.
    let new = manager.hear();
    assert_eq!(new[0], "READY=1");
    let old = manager.hear();
    assert_eq!(old, [new[1].as_str(), "READY=1"]);
    let pid = new[1].strip_prefix("MAINPID=").unwrap().parse().unwrap();
    assert_eq!(server.wait(), Some(0));
    // The end of the old one is none of the manager's business.
    assert_eq!(manager.hear_within(Duration::from_millis(100)), None);
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    assert_eq!(manager.hear()[0], "STOPPING=1");
}

#[test]
fn a_manager_that_is_gone_does_not_disturb() {
    let manager = Manager::new();
    let mut server = Server::start_after(&manager.setup(), "sendfile", TWO, lay);
    assert_eq!(manager.hear()[0], "READY=1");
    drop(manager);
    server.signal(Signal::SIGHUP);
    server.wait_for_log("the configuration was read again");
    assert_eq!(get(server.address).status, 200);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    let nowhere = "export NOTIFY_SOCKET=/no/such/socket";
    let server = Server::start_after(nowhere, "sendfile", TWO, lay);
    server.wait_for_log("NOTIFY_SOCKET=/no/such/socket: ");
    assert_eq!(get(server.address).status, 200);
}

/// The thread of a worker.
fn worker(server: &Server, name: &str) -> Pid {
    let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let mut threads = threads.map(|entry| entry.unwrap());
    let thread = threads
        .find(|thread| fs::read_to_string(thread.path().join("comm")).unwrap().trim() == name);
    Pid::from_raw(thread.unwrap().file_name().to_str().unwrap().parse().unwrap())
}

on_every_backend!(a_worker_that_is_stuck_silences_the_watchdog);
fn a_worker_that_is_stuck_silences_the_watchdog(backend: &str) {
    let period = Duration::from_millis(250);
    let manager = Manager::new();
    let setup = format!("{}; export WATCHDOG_USEC=500000 WATCHDOG_PID=$$", manager.setup());
    let server = Server::start_after(&setup, backend, TWO, lay);
    assert_eq!(manager.hear()[0], "READY=1");
    for _ in 0..4 {
        assert_eq!(manager.hear(), ["WATCHDOG=1"]);
    }
    // A debugger stops a thread alone, which a signal can't.
    let stuck = worker(&server, "worker-1");
    ptrace::seize(stuck, ptrace::Options::empty()).unwrap();
    ptrace::interrupt(stuck).unwrap();
    waitpid(stuck, Some(WaitPidFlag::__WALL)).unwrap();
    server.wait_for_log("worker 1 has not turned for 0.25 s");
    while manager.hear_within(Duration::from_millis(1)).is_some() {}
    assert_eq!(manager.hear_within(4 * period), None);
    ptrace::detach(stuck, None).unwrap();
    assert_eq!(manager.hear(), ["WATCHDOG=1"]);
    server.wait_for_log("all workers turn again");
}
