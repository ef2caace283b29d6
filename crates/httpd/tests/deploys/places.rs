//! Where targets lie: on other file systems, behind mounts, in directories that are moved.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::common::Server;
use crate::on_every_backend;
use crate::site::{FOUND, NOTICED, TOLD, run, start};
use crate::visitor::visited;

/// A daemon that looks ten times a second.
const LOOKS_OFTEN: [&str; 4] = ["--workers", "2", "--poll-interval", "0.1"];
/// A daemon that looks every second, as it does by default.
const LOOKS: [&str; 2] = ["--workers", "2"];

/// A target in a directory of a directory.
const DEEP: &str = "mkdir -p data/sites/one; cp A data/sites/one/site; ln -s ../data/sites/one/site vhosts/one.example";

/// A file system over a directory; taken away at the end.
struct Mount(PathBuf);

impl Mount {
    /// Puts `from` over `to`, both beside the vhosts directory. `None`, and why, where that is not
    /// allowed.
    fn bind(server: &Server, from: &str, to: &str) -> Option<Self> {
        let at = |name: &str| server.dir.path().join(name);
        let to = at(to);
        let output = Command::new("mount").arg("--bind").arg(at(from)).arg(&to).output().unwrap();
        if !output.status.success() {
            eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
            return None;
        }
        Some(Self(to))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Whether mounting is allowed here; says so if not.
fn may_mount(server: &Server) -> bool {
    run(server, "mkdir probe");
    Mount::bind(server, "probe", "probe").is_some()
}

/// Mounts over the directory of the target, then takes the mount away.
fn mount_over(backend: &str, flags: &[&str], limit: Duration) {
    let script = format!("{DEEP}; mkdir other; cp B other/site");
    let server = start(backend, flags, &script);
    if !may_mount(&server) {
        return;
    }
    visited(&server, "one.example", "A", |deploys| {
        let mut mount = None;
        deploys.deploy_by("B", limit, |server| {
            mount = Mount::bind(server, "other", "data/sites/one");
        });
        // What happens inside is told from now on.
        deploys.deploy(
            "C",
            NOTICED,
            "cp C data/sites/one/new; mv data/sites/one/new data/sites/one/site",
        );
        deploys.deploy_by("A", limit, |_| drop(mount));
    });
}

on_every_backend!(a_mount_over_the_directory_of_the_target_is_found);
fn a_mount_over_the_directory_of_the_target_is_found(backend: &str) {
    mount_over(backend, &LOOKS, FOUND);
}

on_every_backend!(a_mount_is_found_sooner_by_looking_more_often);
fn a_mount_is_found_sooner_by_looking_more_often(backend: &str) {
    mount_over(backend, &LOOKS_OFTEN, Duration::from_millis(500));
}

on_every_backend!(a_mount_over_the_vhosts_directory_is_found);
fn a_mount_over_the_vhosts_directory_is_found(backend: &str) {
    let script = "ln -s ../A vhosts/one.example; mkdir other; ln -s ../B other/one.example";
    let server = start(backend, &LOOKS, script);
    if !may_mount(&server) {
        return;
    }
    visited(&server, "one.example", "A", |deploys| {
        let mut mount = None;
        deploys.deploy_by("B", FOUND, |server| mount = Mount::bind(server, "other", "vhosts"));
        deploys.deploy("C", NOTICED, "ln -sfn ../C vhosts/one.example");
        deploys.deploy_by("A", FOUND, |_| drop(mount));
    });
}

/// Whether there is a file system in memory that is not the one of the vhosts directory.
fn memory() -> Option<tempfile::TempDir> {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    let memory = Path::new("/dev/shm");
    let here = std::env::temp_dir();
    match (device(memory), device(&here)) {
        (Ok(one), Ok(other)) if one != other => tempfile::tempdir_in(memory).ok(),
        _ => {
            eprintln!("skipped: /dev/shm is no file system apart from {}", here.display());
            None
        }
    }
}

on_every_backend!(a_target_on_another_file_system_is_deployed);
fn a_target_on_another_file_system_is_deployed(backend: &str) {
    let Some(memory) = memory() else { return };
    let read = [std::env::temp_dir(), memory.path().to_owned()];
    let read = read.each_ref().map(|path| path.to_str().unwrap());
    let flags = [&TOLD[..], &["--read", read[0], "--read", read[1]]].concat();
    let server = start(backend, &flags, "ln -s ../A vhosts/one.example");
    let there = memory.path().join("site");
    let there = there.display();
    visited(&server, "one.example", "A", |deploys| {
        let script = format!("cp B {there}; ln -sfn {there} vhosts/one.example");
        deploys.deploy("B", NOTICED, &script);
        deploys.deploy("C", NOTICED, &format!("cp C {there}.new; mv {there}.new {there}"));
        deploys.deploy("A", NOTICED, "ln -sfn ../A vhosts/one.example");
    });
}

on_every_backend!(mv_from_another_file_system_removes_and_copies);
fn mv_from_another_file_system_removes_and_copies(backend: &str) {
    let Some(memory) = memory() else { return };
    let server = start(backend, &TOLD, "cp A live; ln -s ../live vhosts/one.example");
    let there = memory.path().join("new");
    let there = there.display();
    visited(&server, "one.example", "A", |deploys| {
        for name in ["B", "C"] {
            deploys.deploy(name, NOTICED, &format!("cp {name} {there}; mv {there} live"));
        }
    });
}

on_every_backend!(a_directory_above_the_target_is_replaced);
fn a_directory_above_the_target_is_replaced(backend: &str) {
    let script = format!("{DEEP}; mkdir -p new/sites/one; cp B new/sites/one/site");
    let server = start(backend, &LOOKS, &script);
    visited(&server, "one.example", "A", |deploys| {
        deploys.deploy("B", FOUND, "mv data old; mv new data");
        let script = "cp C data/sites/one/new; mv data/sites/one/new data/sites/one/site";
        deploys.deploy("C", NOTICED, script);
        deploys.deploy("A", FOUND, "rm -r data; mv old data");
    });
}

on_every_backend!(a_directory_above_the_target_is_replaced_and_found_sooner);
fn a_directory_above_the_target_is_replaced_and_found_sooner(backend: &str) {
    let script = format!("{DEEP}; mkdir -p new/sites/one; cp B new/sites/one/site");
    let server = start(backend, &LOOKS_OFTEN, &script);
    visited(&server, "one.example", "A", |deploys| {
        let soon = Duration::from_millis(500);
        deploys.deploy("B", soon, "mv data old; mv new data");
        deploys.deploy("A", soon, "mv data new; mv old data");
    });
}
