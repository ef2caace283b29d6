//! Where the admin listener listens, and where it does not.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::ask::{Answer, start};
use crate::common::Server;

/// What a daemon says that ends with this status because of these flags.
fn refused(flags: &[&str], status: i32) -> String {
    let vhosts = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_httpd")])
        .arg(vhosts.path())
        .args(["sync", "--listen", "127.0.0.1:0"])
        .args(flags)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(status));
    String::from_utf8(output.stderr).unwrap()
}

fn end(server: &mut Server) {
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
}

fn refused_at(path: &Path) -> String {
    refused(&["--admin", path.to_str().unwrap()], 1)
}

#[test]
fn the_socket_of_a_daemon_that_runs_no_more_is_replaced_and_that_of_another_is_not() {
    let (server, admin) = start("sync", &[], |_| {});
    let path = admin.path();
    let told = refused_at(&path);
    assert!(told.contains("another server answers there"), "{told}");
    // Dropping it kills it, so that its socket stays.
    drop(server);
    assert!(path.exists());
    let _server = Server::start_with("sync", &["--admin", path.to_str().unwrap()], |_| {});
    assert_eq!(admin.get("/readyz").status, 200);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin");
    fs::write(&path, "precious").unwrap();
    let told = refused_at(&path);
    assert!(told.contains("/admin: ") && told.contains("it is no socket"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let told = refused_at(&dir.path().join("nothing/admin"));
    assert!(told.contains("can't listen on ") && told.contains("/nothing/admin: "), "{told}");
}

#[test]
fn a_loopback_address_is_listened_on() {
    let server = Server::start_with("sync", &["--admin", "127.0.0.1:0"], |_| {});
    let line = server.wait_for_log("admin: ");
    let address = line.rsplit(' ').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(Answer::read(stream).status, 200);
}

#[test]
fn an_address_that_others_reach_has_to_be_meant() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9117", "[::ffff:192.0.2.1]:9117"] {
        let told = refused(&["--admin", address], 2);
        assert!(told.contains("other machines may reach") && told.contains("public"), "{told}");
    }
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "[admin]\nlisten = \"0.0.0.0:0\"\npublic = true\n").unwrap();
    let flags = ["--config", config.to_str().unwrap()];
    let mut server = Server::start_with("sync", &flags, |_| {});
    let line = server.wait_for_log("admin: ");
    assert!(line.contains(" at 0.0.0.0:"), "{line}");
    end(&mut server);
}

#[test]
fn a_socket_has_the_mode_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "[admin]\nlisten = \"unix:admin.sock\"\nmode = 0o660\n").unwrap();
    let _server = Server::start_with("sync", &["--config", config.to_str().unwrap()], |_| {});
    let mode = fs::metadata(dir.path().join("admin.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    fs::write(&config, "[admin]\nlisten = \"127.0.0.1:0\"\nmode = 0o660\n").unwrap();
    let told = refused(&["--config", config.to_str().unwrap()], 2);
    assert!(told.contains("mode is that of a unix socket"), "{told}");
}

#[test]
fn a_path_in_the_file_is_relative_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "[admin]\nlisten = \"admin.sock\"\n").unwrap();
    let mut server = Server::start_with("sync", &["--config", config.to_str().unwrap()], |_| {});
    assert!(dir.path().join("admin.sock").exists());
    end(&mut server);
    assert!(!dir.path().join("admin.sock").exists(), "it is removed at the end");
}
