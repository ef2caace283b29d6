//! Webroots and the configuration, as they come and go.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::SystemTime;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::ask::start;
use super::{lay, site};
use crate::common::{PATIENCE, Response, until};
use crate::on_every_backend;

on_every_backend!(
    what_is_open_and_what_is_refused_is_counted,
    what_verification_found_is_counted,
    requests_that_the_log_drops_are_counted,
    whether_the_configuration_holds_is_told,
);

fn what_is_open_and_what_is_refused_is_counted(backend: &str) {
    let (server, admin) = start(backend, &["--max-open", "2"], |vhosts| {
        for name in ["a.example", "b.example", "c.example"] {
            site(&vhosts.join("..").join(name), name);
            symlink(format!("../{name}"), vhosts.join(name)).unwrap();
        }
        fs::write(vhosts.join("old.example.redirect"), "https://a.example").unwrap();
        fs::write(vhosts.join("bad.example.redirect"), "nowhere").unwrap();
    });
    let states = || {
        let metrics = admin.metrics();
        ["live", "redirect", "dormant", "failed"]
            .map(|state| metrics.get(&format!("ashttpd_vhosts{{state=\"{state}\"}}")))
    };
    assert_eq!(states(), [0.0, 1.0, 3.0, 1.0]);
    for name in ["a.example", "b.example", "c.example"] {
        assert_eq!(server.get(name, "/").status, 200);
    }
    until(PATIENCE, "one is evicted", || states() == [2.0, 1.0, 1.0, 1.0]);
    assert_eq!(admin.metrics().get("ashttpd_generations_open"), 2.0);
    until(PATIENCE, "it is dropped", || admin.metrics().get("ashttpd_generations_retired") == 0.0);
    assert_eq!(admin.metrics().get("ashttpd_swaps_total"), 0.0);
    // The link leads to what is no webroot, then to a good one again.
    let place = |name: &str, to: &str| {
        let link = server.dir.path().join("link");
        symlink(to, &link).unwrap();
        fs::rename(link, server.vhosts().join(name)).unwrap();
    };
    fs::write(server.dir.path().join("bad"), "bad").unwrap();
    let refused = || admin.metrics().get("ashttpd_webroots_refused_total");
    assert_eq!(refused(), 0.0);
    place("c.example", "../bad");
    until(PATIENCE, "it is refused", || refused() == 1.0);
    place("c.example", "../a.example");
    until(PATIENCE, "it is swapped", || admin.metrics().get("ashttpd_swaps_total") == 1.0);
    let file = fs::File::options().write(true).open(server.dir.path().join("a.example")).unwrap();
    file.set_len(5000).unwrap();
    until(PATIENCE, "it is seen", || {
        admin.metrics().get("ashttpd_webroots_changed_in_place_total") == 1.0
    });
}

fn what_verification_found_is_counted(backend: &str) {
    let (_server, admin) = start(backend, &["--verify", "full"], |vhosts| {
        site(&vhosts.join("good.example"), "good");
        site(&vhosts.join("spoilt.example"), "spoilt");
        let mut bytes = fs::read(vhosts.join("spoilt.example")).unwrap();
        let at = bytes.windows(6).rposition(|text| text == b"spoilt").unwrap();
        bytes[at] ^= 1;
        fs::write(vhosts.join("spoilt.example"), bytes).unwrap();
    });
    until(PATIENCE, "both are verified", || {
        let metrics = admin.metrics();
        metrics.get("ashttpd_verifications_total{result=\"good\"}") == 1.0
            && metrics.get("ashttpd_verifications_total{result=\"damaged\"}") == 1.0
            && metrics.get("ashttpd_verifications_waiting") == 0.0
    });
}

fn requests_that_the_log_drops_are_counted(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    // Open, and never read from.
    let _reader = fs::File::options().read(true).write(true).open(&path).unwrap();
    let (server, admin) = start(backend, &["--access-log", path.to_str().unwrap()], lay);
    let mut stream = server.connect();
    let target = "a".repeat(2000);
    let request = format!("HEAD /{target} HTTP/1.1\r\nHost: one.example\r\n\r\n");
    for _ in 0..3000 {
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        assert_eq!(Response::read(&mut stream, true).status, 404);
    }
    let dropped = || admin.metrics().get("ashttpd_access_log_dropped_total");
    until(PATIENCE, "some are dropped", || dropped() > 0.0);
    assert!(dropped() < 3000.0);
    let line = server.wait_for_log(" requests were not written because ");
    let told = line.split("access log: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(told.parse::<f64>().unwrap() <= dropped(), "{line}");
}

fn whether_the_configuration_holds_is_told(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "grace = 1\n").unwrap();
    let (server, admin) = start(backend, &["--config", config.to_str().unwrap()], lay);
    let told = || {
        let metrics = admin.metrics();
        (
            metrics.get("ashttpd_config_last_reload_successful"),
            metrics.get("ashttpd_config_last_reload_success_timestamp_seconds"),
        )
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let (is_good, since) = told();
    assert!(is_good == 1.0 && (now - since).abs() < 60.0, "{since} {now}");
    fs::write(&config, "grease = 1\n").unwrap();
    server.signal(Signal::SIGHUP);
    until(PATIENCE, "it is refused", || told().0 == 0.0);
    assert_eq!(told().1, since);
    fs::write(&config, "grace = 2\n").unwrap();
    server.signal(Signal::SIGHUP);
    until(PATIENCE, "it is taken over", || told().0 == 1.0);
}
