//! Logs that are slow, full, or can't be opened.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc::O_NONBLOCK;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Logged, ask_for, end, lay, lines_of};
use crate::common::{Response, Server};
use crate::on_every_backend;

on_every_backend!(
    a_reader_that_stalls_holds_up_no_request,
    a_full_device_is_told_and_what_fits_is_kept_until_it_recovers,
    a_path_that_cannot_be_opened_anew_leaves_the_old_file,
    standard_output_is_a_log,
    a_log_that_cannot_be_opened_ends_the_daemon,
);

fn start(backend: &str, log: &Path) -> Server {
    let flags = ["--workers", "1", "--access-log", log.to_str().unwrap()];
    Server::start_with(backend, &flags, lay)
}

/// Requests whose records fill every buffer on the way.
const MANY: usize = 3000;

fn a_reader_that_stalls_holds_up_no_request(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let mut reader = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(&path).unwrap();
    let mut server = start(backend, &path);
    let mut stream = server.connect();
    let target = "a".repeat(2000);
    let request = format!("HEAD /{target} HTTP/1.1\r\nHost: one.example\r\n\r\n");
    let mut slowest = Duration::ZERO;
    for _ in 0..MANY {
        let start = Instant::now();
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(Response::read(&mut stream, true).status, 404);
        slowest = slowest.max(start.elapsed());
    }
    // Nobody waits as long as a stalled reader: for ever. The machine may be busy, though.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    server.wait_for_log(" requests were not written because ");

    // Read from now on, to the end.
    let ended = AtomicBool::new(false);
    let lines = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut all, mut piece) = (Vec::new(), vec![0; 1 << 16]);
            loop {
                let was_ended = ended.load(Ordering::Acquire);
                match reader.read(&mut piece) {
                    Ok(size) if size > 0 => all.extend_from_slice(&piece[..size]),
                    _ if was_ended => break,
                    _ => thread::sleep(Duration::from_millis(1)),
                }
            }
            all.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        end(&mut server);
        ended.store(true, Ordering::Release);
        reading.join().unwrap()
    });
    let tail = format!("\"HEAD /{target} HTTP/1.1\" 404 0 \"-\" \"-\"\n");
    assert!(lines.iter().all(|line| line.ends_with(tail.as_bytes())));
    let told = server.log().into_iter().filter_map(|line| {
        let (start, _) = line.split_once(" requests were not written because ")?;
        start.rsplit(' ').next()?.parse::<usize>().ok()
    });
    assert_eq!(lines.len() + told.sum::<usize>(), MANY);
}

fn a_full_device_is_told_and_what_fits_is_kept_until_it_recovers(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    symlink("/dev/full", &path).unwrap();
    let mut server = start(backend, &path);
    ask_for(&server, 0, 0..10);
    let told = server.wait_for_log("can't write to ");
    assert!(told.contains("error: access log: ") && told.contains("No space left"), "{told}");
    ask_for(&server, 0, 10..20);
    fs::remove_file(&path).unwrap();
    server.signal(nix::sys::signal::Signal::SIGUSR1);
    server.wait_for_log("is written to again");
    end(&mut server);
    let expected: Vec<_> = (0..20).map(|number| format!("0-{number}")).collect();
    assert_eq!(super::queries(&lines_of(&path)), expected);
    let count = |text: &str| server.log().iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("can't write"), count("not written")), (1, 0), "{:#?}", server.log());

    // One that stays full does not keep the daemon from its end, and is told.
    let mut server = start(backend, Path::new("/dev/full"));
    ask_for(&server, 0, 0..10);
    end(&mut server);
    server.wait_for_log(" 10 requests were not written because /dev/full can't be written to");
}

fn a_path_that_cannot_be_opened_anew_leaves_the_old_file(backend: &str) {
    let mut logged = Logged::start(backend, "combined");
    ask_for(&logged.server, 0, 0..1);
    logged.lines(1);
    let old = logged.dir.path().join("old");
    fs::rename(logged.path(), &old).unwrap();
    fs::create_dir(logged.path()).unwrap();
    logged.reopen();
    let told = logged.server.wait_for_log("can't open");
    assert!(told.contains("Is a directory") && told.contains("is written on"), "{told}");
    ask_for(&logged.server, 0, 1..3);
    logged.end();
    assert_eq!(lines_of(&old).len(), 3);
}

fn standard_output_is_a_log(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    let setup = format!("exec > >(cat > {})", path.display());
    let flags = ["--access-log", "-"];
    let mut server = Server::start_after(&setup, backend, &flags, lay);
    ask_for(&server, 0, 0..5);
    // There is nothing to open anew, and nothing is harmed by asking.
    server.signal(nix::sys::signal::Signal::SIGUSR1);
    ask_for(&server, 0, 5..10);
    end(&mut server);
    let start = Instant::now();
    while lines_of(&path).len() < 10 && start.elapsed() < crate::common::PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(super::queries(&lines_of(&path)).len(), 10);
}

fn a_log_that_cannot_be_opened_ends_the_daemon(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("none/log");
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_httpd"));
    daemon.arg(dir.path()).args([backend, "--listen", "127.0.0.1:0", "--access-log"]);
    let output = daemon.arg(&log).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let expected = format!("httpd: access log: can't open {}: No such file", log.display());
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn a_format_without_a_log_is_refused() {
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_httpd"));
    let output = daemon.args([".", "--access-log-format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("name one with --access-log"));
}
