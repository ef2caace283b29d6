//! Another user than the one that started it. Needs root, as the daemon does for it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, Server, until};
use crate::{of_threads, on_every_backend, pack, shows};

/// A user and a group that nobody else is.
const USER: &str = "61234:61235";

/// That everybody may look into a directory.
pub(crate) fn open() -> Permissions {
    Permissions::from_mode(0o755)
}

/// That only the owner may read a file.
pub(crate) fn closed() -> Permissions {
    Permissions::from_mode(0o600)
}

on_every_backend!(it_serves_and_swaps_and_rotates_and_reloads_as_another_user);
fn it_serves_and_swaps_and_rotates_and_reloads_as_another_user(backend: &str) {
    let logs = tempfile::tempdir().unwrap();
    chown(logs.path(), Some(61234), Some(61235)).unwrap();
    let log = logs.path().join("access");
    let config = logs.path().join("httpd.toml");
    fs::write(&config, "grace = 1\n").unwrap();
    let paths = [&log, &config].map(|path| path.to_str().unwrap());
    let flags = ["--user", USER, "--sandbox=require", "--workers", "2"];
    let files = ["--access-log", paths[0], "--config", paths[1]];
    let mut server = Server::start_with(backend, &[&flags[..], &files].concat(), |vhosts| {
        fs::set_permissions(vhosts.parent().unwrap(), open()).unwrap();
        pack(&vhosts.with_file_name("first"), "first");
        pack(&vhosts.with_file_name("second"), "second");
        symlink("../first", vhosts.join("one.example")).unwrap();
    });
    let line = server.wait_for_log("user 61234 (uid 61234, gid 61235)");
    assert!(line.contains("no capabilities"), "{line}");
    for (name, expected) in [
        ("Uid", "61234\t61234\t61234\t61234"),
        ("Gid", "61235\t61235\t61235\t61235"),
        ("Groups", "61235"),
        ("CapPrm", "0000000000000000"),
        ("CapEff", "0000000000000000"),
        ("CapInh", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
    ] {
        let found = of_threads(&server, name);
        assert!(found.iter().all(|value| value == expected), "{name}: {found:?}");
    }

    assert!(shows(&server, "one.example", "first"));
    symlink("../second", server.vhosts().join(".new")).unwrap();
    fs::rename(server.vhosts().join(".new"), server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "the second is served", || shows(&server, "one.example", "second"));

    // The log was opened by root, and is opened anew by the user.
    fs::rename(&log, logs.path().join("access.1")).unwrap();
    server.signal(Signal::SIGUSR1);
    server.wait_for_log("is opened anew");
    assert_eq!(fs::metadata(&log).unwrap().uid(), 61234);
    assert!(shows(&server, "one.example", "second"));
    until(PATIENCE, "the new log has a line", || fs::metadata(&log).unwrap().len() > 0);

    // As editors do it: another file takes its place.
    fs::write(logs.path().join("new"), "grace = 2\n").unwrap();
    fs::rename(logs.path().join("new"), &config).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for_log("changed grace");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_log_that_the_user_can_not_write_is_told_at_the_start() {
    let logs = tempfile::tempdir().unwrap();
    fs::set_permissions(logs.path(), open()).unwrap();
    let log = logs.path().join("access");
    let flags = ["--user", USER, "--access-log", log.to_str().unwrap()];
    let server = Server::start_with("sync", &flags, |vhosts| {
        fs::set_permissions(vhosts.parent().unwrap(), open()).unwrap();
    });
    let line = server.wait_for_log("can't be opened anew on SIGUSR1");
    assert!(line.contains("as 61234 (uid 61234, gid 61235)"), "{line}");
}

#[test]
fn root_without_a_user_is_told_so_and_keeps_few_capabilities() {
    let server = Server::start("sync", |vhosts| pack(&vhosts.join("one.example"), "page"));
    server.wait_for_log("warning: runs as root");
    // CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_IPC_LOCK: bits 1, 2 and 14.
    let found = of_threads(&server, "CapPrm");
    assert!(found.iter().all(|bits| u64::from_str_radix(bits, 16).unwrap() & !0x4006 == 0));
}

#[test]
fn only_root_can_become_another_user() {
    let vhosts = tempfile::tempdir().unwrap();
    fs::set_permissions(vhosts.path(), open()).unwrap();
    let program = vhosts.path().join("httpd");
    fs::copy(env!("CARGO_BIN_EXE_httpd"), &program).unwrap();
    let run = |user: &str| {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid=61234", "--regid=61235", "--clear-groups"]).arg(&program);
        setpriv.arg(vhosts.path()).args(["--listen", "127.0.0.1:0", "--user", user]);
        let output = setpriv.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let text = run("0:0");
    assert!(text.contains("only root can become root (uid 0, gid 0)"), "{text}");
    let text = run("nobody-of-that-name");
    assert!(text.contains("--user: there is no user nobody-of-that-name"), "{text}");
}
