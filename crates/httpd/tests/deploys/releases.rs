//! Directories of releases: Capistrano's `current`, and volumes of Kubernetes.

use std::time::Duration;

use crate::on_every_backend;
use crate::site::{FOUND, NOTICED, TOLD, start};
use crate::visitor::visited;

/// Capistrano's tree: a directory for each release, and the link `current`.
const RELEASES: &str = "
    mkdir -p app/releases/1 app/releases/2 app/releases/3
    cp A app/releases/1/site.webroot
    cp B app/releases/2/site.webroot
    cp C app/releases/3/site.webroot
    ln -s releases/1 app/current
    ln -s ../app/current/site.webroot vhosts/one.example";

on_every_backend!(ln_replaces_current);
fn ln_replaces_current(backend: &str) {
    let server = start(backend, &TOLD, RELEASES);
    visited(&server, "one.example", "A", |deploys| {
        for (number, name) in [(2, "B"), (3, "C"), (1, "A")] {
            deploys.deploy(name, NOTICED, &format!("ln -sfn releases/{number} app/current"));
        }
    });
}

on_every_backend!(mv_replaces_current_and_old_releases_are_removed);
fn mv_replaces_current_and_old_releases_are_removed(backend: &str) {
    let server = start(backend, &TOLD, RELEASES);
    visited(&server, "one.example", "A", |deploys| {
        for (number, name) in [(2, "B"), (3, "C")] {
            let script = format!("ln -s releases/{number} app/next; mv -T app/next app/current");
            deploys.deploy(name, NOTICED, &script);
            let script = format!("rm -r app/releases/{}", number - 1);
            deploys.unchanged(Duration::from_millis(50), &script);
        }
        // The same release again, in a directory of another name.
        let script = "mkdir app/releases/4; cp A app/releases/4/site.webroot; \
                      ln -s releases/4 app/next; mv -T app/next app/current; rm -r app/releases/3";
        deploys.deploy("A", NOTICED, script);
    });
}

on_every_backend!(a_release_is_removed_while_it_is_current);
fn a_release_is_removed_while_it_is_current(backend: &str) {
    let server = start(backend, &TOLD, RELEASES);
    visited(&server, "one.example", "A", |deploys| {
        deploys.unchanged(Duration::from_millis(200), "rm -r app/releases/1");
        deploys.deploy("B", NOTICED, "ln -sfn releases/2 app/current");
    });
}

on_every_backend!(current_is_replaced_two_links_deep);
fn current_is_replaced_two_links_deep(backend: &str) {
    let script = format!(
        "{RELEASES}; ln -s app sites; ln -sfn ../sites/current/site.webroot vhosts/one.example"
    );
    let server = start(backend, &TOLD, &script);
    visited(&server, "one.example", "A", |deploys| {
        deploys.deploy("B", NOTICED, "ln -sfn releases/2 app/current");
        // The outer link: another tree with a `current` of its own.
        let script = "mkdir -p app2/releases/1; cp C app2/releases/1/site.webroot; \
                      ln -s releases/1 app2/current; ln -sfn app2 sites";
        deploys.deploy("C", NOTICED, script);
        // Its inner link is what counts from now on.
        let script = "mkdir app2/releases/2; cp A app2/releases/2/site.webroot; \
                      ln -sfn releases/2 app2/current";
        deploys.deploy("A", NOTICED, script);
    });
}

on_every_backend!(current_is_a_directory_that_is_renamed_away);
fn current_is_a_directory_that_is_renamed_away(backend: &str) {
    let script = format!("{RELEASES}; rm app/current; mv app/releases/1 app/current");
    let flags = ["--workers", "2"];
    let server = start(backend, &flags, &script);
    visited(&server, "one.example", "A", |deploys| {
        let script = "mv app/current app/old; mv app/releases/2 app/current";
        deploys.deploy("B", FOUND, script);
        deploys.deploy("C", NOTICED, "mv app/releases/3/site.webroot app/current/site.webroot");
    });
}

/// A volume as the kubelet writes it: data in a directory with a date for its name, `..data`, and a
/// link through it for each file.
const VOLUME: &str = "
    mkdir -p volume/..2026_11_25_1
    cp A volume/..2026_11_25_1/site.webroot
    ln -s ..2026_11_25_1 volume/..data
    ln -s ..data/site.webroot volume/site.webroot";

/// Brings generation NEXT into a volume whose file is FILE: a directory, a link, a rename; the old
/// directory is removed.
const UPDATE: &str = "
    old=$(readlink volume/..data)
    mkdir volume/..2026_11_25_NEXT
    cp NEXT volume/..2026_11_25_NEXT/FILE
    ln -s ..2026_11_25_NEXT volume/..data_tmp
    mv -T volume/..data_tmp volume/..data
    rm -r volume/$old";

fn update(name: &str, file: &str) -> String {
    UPDATE.replace("NEXT", name).replace("FILE", file)
}

on_every_backend!(a_volume_of_kubernetes_is_updated);
fn a_volume_of_kubernetes_is_updated(backend: &str) {
    let script = format!("{VOLUME}; ln -s ../volume/site.webroot vhosts/one.example");
    let server = start(backend, &TOLD, &script);
    visited(&server, "one.example", "A", |deploys| {
        for name in ["B", "C"] {
            deploys.deploy(name, NOTICED, &update(name, "site.webroot"));
        }
    });
}

on_every_backend!(a_volume_of_kubernetes_is_the_vhosts_directory);
fn a_volume_of_kubernetes_is_the_vhosts_directory(backend: &str) {
    let script = VOLUME.replace("site.webroot", "one.example");
    let script = format!("{script}; rmdir vhosts; ln -s volume vhosts");
    let server = start(backend, &TOLD, &script);
    visited(&server, "one.example", "A", |deploys| {
        for name in ["B", "C"] {
            deploys.deploy(name, NOTICED, &update(name, "one.example"));
        }
    });
    // Names that begin with a dot are none.
    let log = server.log();
    let is_told = |line: &&String| line.contains("warning") && !line.contains("runs as root");
    assert_eq!(log.iter().find(is_told), None, "{log:#?}");
}
