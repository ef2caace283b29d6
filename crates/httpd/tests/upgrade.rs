//! One process takes the place of another, and nobody notices.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "upgrade/clients.rs"]
mod clients;
#[path = "upgrade/running.rs"]
mod running;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clients::Counts;
use common::{PATIENCE, Response, Site, ask, numbered, until};
use nix::sys::signal::Signal;
use running::{Running, runs};

/// Upgrades under load; scripts/upgrade-under-load asks for more.
const UPGRADES: usize = 20;
/// Clients of each kind.
const CLIENTS: usize = 6;
/// Bytes of the page: more than one send, less than a socket holds.
const PAGE: usize = 40 * 1024;
/// Bytes of a body that no socket buffer holds.
const HUGE: usize = 16 * 1024 * 1024;
/// What a process says that was replaced.
const REPLACED: &str = "has taken over: finishing responses in flight, 300 s at most";
/// Two workers, each with a listener.
const TWO: &[&str] = &["--workers", "2"];

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example"))
        .file("/", "text/plain", &numbered("page", PAGE))
        .file("/huge", "text/plain", &numbered("huge", HUGE))
        .finish();
}

/// Gets the page on a fresh connection from whoever serves.
fn assert_serves(running: &Running) {
    assert!(running.server.get("one.example", "/").body == numbered("page", PAGE));
}

/// Asks for the huge page and reads the beginning of the answer.
fn begin_huge(running: &Running) -> (TcpStream, Vec<u8>) {
    let mut stream = running.server.connect_narrow(64 * 1024);
    stream.write_all(b"GET /huge HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    (stream, beginning)
}

on_every_backend!(no_request_is_lost_in_upgrades_under_load);
fn no_request_is_lost_in_upgrades_under_load(backend: &str) {
    let upgrades = std::env::var("ASHTTPD_UPGRADES").ok();
    let upgrades = upgrades.map_or(UPGRADES, |upgrades| upgrades.parse().unwrap());
    let running = Running::start(backend, TWO, lay);
    let page = numbered("page", PAGE);
    let (counts, stop) = (Counts::default(), AtomicBool::new(false));
    let address = running.server.address;
    let mut pids = vec![running.server.pid()];
    thread::scope(|scope| {
        let (page, counts, stop) = (page.as_slice(), &counts, &stop);
        let clients: Vec<_> = (0..CLIENTS)
            .flat_map(|_| {
                [
                    scope.spawn(move || clients::keep(address, page, stop, counts)),
                    scope.spawn(move || clients::renew(address, page, stop, counts)),
                ]
            })
            .collect();
        for _ in 0..upgrades {
            let before = counts.fresh.load(Ordering::Relaxed);
            let (_, new) = running.upgrade();
            pids.push(new);
            // Each is asked, and so are those that drain beside it.
            until(PATIENCE, "requests are answered", || {
                let is_over = clients.iter().any(thread::ScopedJoinHandle::is_finished);
                is_over || counts.fresh.load(Ordering::Relaxed) > before + 50
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
    let [kept, fresh, ended, cut] = [&counts.kept, &counts.fresh, &counts.ended, &counts.cut]
        .map(|count| count.load(Ordering::Relaxed));
    println!(
        "{backend}: {upgrades} upgrades, {kept} requests on kept connections, of which {ended} were \
         ended with an answer and {cut} without, {fresh} on fresh ones"
    );
    assert_eq!(cut, 0);
    pids.dedup();
    assert_eq!(pids.len(), upgrades + 1);
    until(PATIENCE, "those that were replaced have ended", || {
        pids[..upgrades].iter().all(|pid| !runs(*pid))
    });
}

on_every_backend!(a_response_in_flight_is_finished_by_the_process_that_began_it);
fn a_response_in_flight_is_finished_by_the_process_that_began_it(backend: &str) {
    let running = Running::start(backend, TWO, lay);
    let (stream, beginning) = begin_huge(&running);
    let (old, _) = running.upgrade();
    assert_serves(&running);
    running.server.wait_for_log(REPLACED);
    assert!(runs(old));
    let response = Response::read(&mut beginning.chain(stream), false);
    assert!(response.body == numbered("huge", HUGE));
    until(PATIENCE, "the old process has ended", || !runs(old));
}

on_every_backend!(a_connection_at_rest_is_answered_once_more);
fn a_connection_at_rest_is_answered_once_more(backend: &str) {
    let running = Running::start(backend, TWO, lay);
    let mut stream = running.server.connect();
    assert_eq!(ask(&mut stream, "one.example", "/").field("Connection"), None);
    let (old, _) = running.upgrade();
    running.server.wait_for_log(REPLACED);
    // Its worker may hear of that a moment later.
    until(PATIENCE, "an answer is the last of its connection", || {
        let response = ask(&mut stream, "one.example", "/");
        assert_eq!(response.status, 200);
        response.field("Connection") == Some("close")
    });
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    drop(stream);
    until(PATIENCE, "the old process has ended", || !runs(old));
}

on_every_backend!(a_process_that_was_replaced_stops_as_any_other);
fn a_process_that_was_replaced_stops_as_any_other(backend: &str) {
    let mut running = Running::start(backend, TWO, lay);
    let mut idle = running.server.connect();
    ask(&mut idle, "one.example", "/");
    running.upgrade();
    running.server.wait_for_log(REPLACED);
    running.server.signal(Signal::SIGTERM);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert_eq!(running.server.wait(), Some(0));
    assert_serves(&running);
}

on_every_backend!(another_number_of_workers_takes_over_every_socket);
fn another_number_of_workers_takes_over_every_socket(backend: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let configure = |workers: usize| fs::write(&file, format!("workers = {workers}\n")).unwrap();
    configure(3);
    let running = Running::start(backend, &["--config", file.path().to_str().unwrap()], lay);
    for workers in [1, 4] {
        configure(workers);
        running.upgrade();
        running.server.wait_for_log(&format!("({backend}, {workers} workers)"));
        // So many that every socket has its share.
        let mut crowd: Vec<_> = (0..60).map(|_| running.server.connect()).collect();
        for stream in &mut crowd {
            assert_eq!(ask(stream, "one.example", "/").status, 200);
        }
    }
}

on_every_backend!(a_unix_socket_is_handed_on_and_removed_by_the_last_process);
fn a_unix_socket_is_handed_on_and_removed_by_the_last_process(backend: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let address = format!("unix:{}", path.display());
    let mut running = Running::start(backend, &["--workers", "2", "--listen", &address], lay);
    for _ in 0..2 {
        running.upgrade();
        assert_eq!(running.server.wait(), Some(0));
        let mut stream = UnixStream::connect(&path).unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
        stream.write_all(request).unwrap();
        assert_eq!(Response::read(&mut stream, false).status, 200);
    }
    running.signal(Signal::SIGTERM);
    until(PATIENCE, "the socket is removed", || !path.exists());
}

/// Whether an admin socket answers.
fn is_admin_there(path: &Path) -> bool {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200 OK\r\n")
}

#[test]
fn the_admin_listener_is_handed_on_and_removed_by_the_last_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin");
    let flags = ["--workers", "2", "--admin", path.to_str().unwrap()];
    let mut running = Running::start("sendfile", &flags, lay);
    // A connection at rest keeps the old process.
    let mut idle = running.server.connect();
    ask(&mut idle, "one.example", "/");
    running.upgrade();
    running.server.wait_for_log(REPLACED);
    // Until its thread has heard of that, it answers that it is not ready.
    until(PATIENCE, "the new process answers", || is_admin_there(&path));
    for _ in 0..20 {
        assert!(is_admin_there(&path));
    }
    drop(idle);
    assert_eq!(running.server.wait(), Some(0));
    assert!(is_admin_there(&path));
    running.signal(Signal::SIGTERM);
    until(PATIENCE, "the socket is removed", || !path.exists());
}

#[test]
fn the_binary_that_is_at_the_path_by_then_is_started() {
    let running = Running::start_copy("sendfile", "", lay);
    let binary = running.dir.path().join("httpd");
    let next = running.dir.path().join("next");
    let mut inodes = vec![fs::metadata(&binary).unwrap().ino()];
    for _ in 0..2 {
        fs::copy(env!("CARGO_BIN_EXE_httpd"), &next).unwrap();
        fs::rename(&next, &binary).unwrap();
        let (old, new) = running.upgrade();
        let inode = |pid| fs::metadata(format!("/proc/{pid}/exe")).unwrap().ino();
        assert_eq!(inode(new), fs::metadata(&binary).unwrap().ino());
        inodes.push(inode(new));
        until(PATIENCE, "the old process has ended", || !runs(old));
        assert_serves(&running);
    }
    inodes.dedup();
    assert_eq!(inodes.len(), 3);
}

/// Puts a script in the place of the binary.
fn replace(running: &Running, script: &str) {
    let next = running.dir.path().join("next");
    fs::write(&next, script).unwrap();
    fs::set_permissions(&next, PermissionsExt::from_mode(0o755)).unwrap();
    fs::rename(next, running.dir.path().join("httpd")).unwrap();
}

/// A daemon that gives its heir a second to get ready.
const IMPATIENT: &str = "[upgrade]\nready = 1\n";

#[test]
fn a_new_binary_that_fails_leaves_the_old_one_serving() {
    let running = Running::start_copy("sendfile", IMPATIENT, lay);
    let binary = running.dir.path().join("httpd");
    let first = running.server.pid();
    let assert_stays = |why: &str| {
        running.signal(Signal::SIGUSR2);
        let why = format!("SIGUSR2: {} {why}; this process serves on", binary.display());
        running.server.wait_for_log(&why);
        assert_serves(&running);
        assert_eq!(running.serving(), Some(first));
    };
    replace(&running, "#!/bin/sh\nexit 3\n");
    assert_stays("ended before it was ready, with status 3");
    replace(&running, "#!/bin/sh\nkill -ABRT $$\n");
    assert_stays("ended before it was ready, by SIGABRT");
    replace(&running, "#!/bin/sh\nexec sleep 1000\n");
    assert_stays("was not ready within 1 s and was ended");
    fs::remove_file(&binary).unwrap();
    assert_stays("can't be started: ENOENT: No such file or directory");
    // And then one that works.
    fs::copy(env!("CARGO_BIN_EXE_httpd"), &binary).unwrap();
    assert_eq!(running.upgrade().0, first);
    assert_serves(&running);
}

#[test]
fn a_configuration_that_is_wrong_leaves_the_old_process_serving() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let running = Running::start("sendfile", &["--config", file.path().to_str().unwrap()], lay);
    fs::write(&file, "wrokers = 1\n").unwrap();
    running.signal(Signal::SIGUSR2);
    running.server.wait_for_log("ended before it was ready, with status 2; this process serves on");
    running.server.wait_for_log("wrokers");
    assert_serves(&running);
    assert_eq!(running.serving(), Some(running.server.pid()));
}

#[test]
fn a_signal_to_stop_calls_off_what_is_being_started() {
    let mut running = Running::start_copy("sendfile", "", lay);
    let marker = running.dir.path().join("marker");
    replace(&running, &format!("#!/bin/sh\necho $$ > {}\nexec sleep 1000\n", marker.display()));
    running.signal(Signal::SIGUSR2);
    let started = || fs::read_to_string(&marker).ok()?.trim().parse::<u32>().ok();
    until(PATIENCE, "the new binary runs", || started().is_some());
    running.signal(Signal::SIGTERM);
    assert_eq!(running.server.wait(), Some(0));
    let pid = started().unwrap();
    until(PATIENCE, "the new binary has ended", || !runs(pid));
}

#[test]
fn one_whose_daemon_was_killed_meanwhile_takes_over_all_the_same() {
    let mut running = Running::start_copy("sendfile", "", lay);
    let binary = running.dir.path().join("httpd");
    let real = env!("CARGO_BIN_EXE_httpd");
    // The descriptors are meant for the shell's own process, which becomes the daemon.
    let marker = running.dir.path().join("marker");
    let script = format!(
        "#!/bin/sh\ntouch {}\nsleep 1\nexec -a {} {real} \"$@\"\n",
        marker.display(),
        binary.display()
    );
    replace(&running, &script.replace("/bin/sh", "/bin/bash"));
    running.signal(Signal::SIGUSR2);
    until(PATIENCE, "the new binary runs", || marker.exists());
    running.server.signal(Signal::SIGKILL);
    assert_eq!(running.server.wait(), None);
    let old = running.server.pid();
    until(PATIENCE, "the new process serves", || running.serving() != Some(old));
    assert_serves(&running);
}

#[test]
fn the_pid_file_is_removed_by_the_last_process() {
    let mut running = Running::start("sendfile", TWO, lay);
    let (_, new) = running.upgrade();
    assert_eq!(running.server.wait(), Some(0));
    assert_eq!(running.serving(), Some(new));
    running.signal(Signal::SIGTERM);
    until(PATIENCE, "the pid file is gone", || !running.pid_file().exists());
    until(PATIENCE, "the process has ended", || !runs(new));
}

#[test]
fn a_pid_file_that_can_not_be_written_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = std::process::Command::new(env!("CARGO_BIN_EXE_httpd"))
        .arg(directory.path())
        .args(["--listen", "127.0.0.1:0", "--pid-file", "/no/such/directory/pid"])
        .output()
        .unwrap();
    assert_eq!(daemon.status.code(), Some(1));
    let text = String::from_utf8(daemon.stderr).unwrap();
    assert!(text.contains("can't write /no/such/directory/pid: "), "{text}");
}

#[test]
fn a_launcher_ends_with_its_daemon() {
    let launchers = |parent: u32| {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children = children.unwrap_or_default();
        children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut running = Running::start("sendfile", TWO, lay);
        let launchers = launchers(running.server.pid());
        assert_eq!(launchers.len(), 1);
        let name = fs::read_to_string(format!("/proc/{}/comm", launchers[0])).unwrap();
        assert_eq!(name, "httpd-launcher\n");
        // It keeps nothing of the daemon's open but the way to it and the standard descriptors.
        let open = fs::read_dir(format!("/proc/{}/fd", launchers[0])).unwrap().count();
        assert!(open <= 4, "{open}");
        running.server.signal(signal);
        running.server.wait();
        until(PATIENCE, "the launcher has ended", || !runs(launchers[0]));
    }
}

#[test]
fn a_second_upgrade_at_the_same_time_is_told_that_one_is_on_its_way() {
    let mut running = Running::start_copy("sendfile", "", lay);
    replace(&running, "#!/bin/sh\nexec sleep 1000\n");
    running.signal(Signal::SIGUSR2);
    running.server.wait_for_log("SIGUSR2: starting a new process, which gets ");
    running.signal(Signal::SIGUSR2);
    running.server.wait_for_log("SIGUSR2: a new process is starting");
    assert_serves(&running);
    running.server.signal(Signal::SIGTERM);
    assert_eq!(running.server.wait(), Some(0));
}
