//! `/healthz` and `/readyz`.

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::ask::{Answer, start};
use super::site;
use crate::common::{PATIENCE, Server, Site, numbered, until};
use crate::on_every_backend;

on_every_backend!(
    a_daemon_that_serves_is_ready_and_healthy,
    one_that_drains_is_healthy_and_not_ready,
);

fn a_daemon_that_serves_is_ready_and_healthy(backend: &str) {
    let (server, admin) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "one"));
    // It says that it listens a moment before.
    until(PATIENCE, "it is ready", || admin.get("/readyz").status == 200);
    for _ in 0..3 {
        // Workers with nothing to do are woken.
        let start = Instant::now();
        let answer = admin.get("/healthz");
        assert_eq!((answer.status, &*answer.body), (200, "healthy\n"));
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
    assert_eq!(server.get("one.example", "/").body, b"one");
}

fn one_that_drains_is_healthy_and_not_ready(backend: &str) {
    let (mut server, admin) = start(backend, &["--drain", "60"], |vhosts| {
        let body = numbered("large", 20_000_000);
        Site::create(&vhosts.join("__default__")).file("/", "text/plain", &body).finish();
    });
    let mut stream = server.connect_narrow(4096);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    server.signal(Signal::SIGTERM);
    until(PATIENCE, "it drains", || admin.get("/readyz").status == 503);
    assert_eq!(admin.get("/readyz").body, "draining\n");
    // The worker that has ended is not waited for.
    assert_eq!(admin.get("/healthz").status, 200);
    assert_eq!(admin.metrics().connections("sending"), 1.0);
    drop(stream);
    assert_eq!(server.wait(), Some(0));
}

/// A thread that is stopped, its process going on.
struct Stopped(Pid);

impl Stopped {
    /// Stops the thread of a name.
    fn new(server: &Server, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
        let mut tasks = tasks.map(|task| task.unwrap());
        let is_it = |task: &fs::DirEntry| {
            fs::read_to_string(task.path().join("comm")).unwrap().trim_end() == name
        };
        let task = tasks.find(is_it).unwrap().file_name();
        let thread = Pid::from_raw(task.to_str().unwrap().parse().unwrap());
        ptrace::seize(thread, ptrace::Options::empty()).unwrap();
        ptrace::interrupt(thread).unwrap();
        waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
        Self(thread)
    }

    fn go_on(self) {
        ptrace::detach(self.0, None).unwrap();
    }
}

#[test]
fn a_worker_that_does_not_turn_is_told() {
    let (server, admin) = start("sync", &[], |vhosts| site(&vhosts.join("one.example"), "one"));
    assert_eq!(admin.get("/healthz").status, 200);
    let stopped = Stopped::new(&server, "worker-0");
    let mut waiting = admin.connect();
    let start = Instant::now();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    // Others are told other things meanwhile.
    assert_eq!(admin.get("/metrics").status, 200);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let answer = Answer::read(waiting);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "worker 0 has not turned for 5 s\n");
    assert!(start.elapsed() >= Duration::from_secs(5), "{:?}", start.elapsed());
    stopped.go_on();
    until(PATIENCE, "it turns again", || admin.get("/healthz").status == 200);
}
