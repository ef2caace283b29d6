//! The text format, as the tools of Prometheus read it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::ask::start;
use super::lay;
use crate::on_every_backend;

on_every_backend!(promtool_has_nothing_to_say, the_process_and_the_build_are_told);

fn promtool_has_nothing_to_say(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    server.get("one.example", "/small");
    server.get("old.example", "/");
    server.get("none.example", "/");
    let answer = admin.get("/metrics");
    assert!(answer.head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's prometheus, is there");
    promtool.stdin.take().unwrap().write_all(answer.body.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && told.is_empty(), "{}", String::from_utf8_lossy(&told));
}

fn the_process_and_the_build_are_told(backend: &str) {
    let (server, admin) = start(backend, &[], lay);
    let metrics = admin.metrics();
    let (build, value) = metrics.family("ashttpd_build_info")[0];
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(build.contains(&version) && value == 1.0, "{build}");
    assert!(build.contains(&format!("backend=\"{backend}\"")), "{build}");
    let resident = metrics.get("process_resident_memory_bytes");
    let actual = server.resident() as f64;
    assert!((0.5..2.0).contains(&(resident / actual)), "{resident} {actual}");
    assert!(metrics.get("process_virtual_memory_bytes") > resident);
    assert!(metrics.get("process_cpu_seconds_total") > 0.0);
    assert!(metrics.get("process_max_fds") >= metrics.get("process_open_fds"));
    let before = metrics.get("process_open_fds");
    let streams: Vec<_> = (0..50).map(|_| server.connect()).collect();
    let all_are_open = || admin.metrics().get("process_open_fds") >= before + 50.0;
    crate::common::until(crate::common::PATIENCE, "they are open", all_are_open);
    drop(streams);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age = now.as_secs_f64() - metrics.get("process_start_time_seconds");
    assert!((0.0..60.0).contains(&age), "{age}");
}
