//! What is installed: the configuration file that a package brings, the unit, and the life of the
//! Debian package from installing to purging. `scripts/package-test` does more, with the static
//! programs of `scripts/dist`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use toml::{Table, Value};

/// Keys that the package sets itself, or that depend on the machine.
const OF_ITS_OWN: [&str; 5] =
    ["vhosts", "workers", "max_open", "limits.connections", "sandbox.read"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn installed() -> String {
    fs::read_to_string(repository().join("packaging/httpd.toml")).unwrap()
}

/// The file with every key that it shows behind `#`.
fn with_every_key() -> String {
    let is_key =
        |rest: &str| rest.starts_with(|first: char| "[abcdefghijklmnopqrstuvwxyz".contains(first));
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    installed().lines().map(line).collect()
}

/// What `httpd --check` says of a configuration file.
fn check(text: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("httpd.toml");
    fs::write(&file, text).unwrap();
    let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
    httpd.arg(dir.path()).arg("--config").arg(file).arg("--check").output().unwrap()
}

fn resolved(text: &str) -> Table {
    let output = check(text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

/// The keys that a section can have, which the complaint about one that it can't have lists. `section`
/// is its head, or nothing for the keys before the first section.
fn known(section: &str) -> BTreeSet<String> {
    let output = check(&format!("{section}\nno_such_key = 1\n"));
    let complaint = String::from_utf8(output.stderr).unwrap();
    let (_, names) = complaint.split_once("expected").unwrap_or_else(|| panic!("{complaint}"));
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_installed_configuration_is_good_as_it_is() {
    let config = resolved(&installed());
    assert_eq!(config["listen"][0]["address"].as_str(), Some("[::]:80"));
}

#[test]
fn the_installed_configuration_shows_every_key() {
    let shown: Table = with_every_key().parse().unwrap();
    let keys = |table: &Table| table.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&shown), known(""));
    for (name, value) in &shown {
        match value {
            Value::Table(section) => {
                assert_eq!(keys(section), known(&format!("[{name}]")), "{name}")
            }
            Value::Array(sections) if sections.iter().any(Value::is_table) => {
                let shown = sections.iter().flat_map(|section| keys(section.as_table().unwrap()));
                assert_eq!(shown.collect::<BTreeSet<_>>(), known(&format!("[[{name}]]")), "{name}");
            }
            _ => {}
        }
    }
}

#[test]
fn the_installed_configuration_shows_the_defaults() {
    let shown: Table = with_every_key().parse().unwrap();
    let compare = |name: &str, shown: &Value, default: &Value| {
        assert!(shown == default || OF_ITS_OWN.contains(&name), "{name} is {default}, not {shown}");
    };
    for (name, default) in &resolved("") {
        match (&shown[name], default) {
            (Value::Table(shown), Value::Table(defaults)) => {
                for (key, default) in defaults {
                    compare(&format!("{name}.{key}"), &shown[key], default);
                }
            }
            // Without an address of its own a daemon has a default that no section says.
            (_, Value::Array(none)) if name == "listen" && none.is_empty() => {}
            (shown, default) => compare(name, shown, default),
        }
    }
}

#[test]
fn the_unit_exposes_little() {
    let unit = repository().join("packaging/systemd/ashttpd.service");
    let mut analyze = Command::new("systemd-analyze");
    // In tenths: the overall exposure level is 2.0 at most.
    analyze.args(["security", "--offline=true", "--no-pager", "--threshold=20"]).arg(unit);
    let output = analyze.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("exposure level"), "{said}");
}

/// The programs as a package has them, without what is for debuggers.
fn programs(to: &Path) {
    for name in ["httpd", "mkroot", "webroot"] {
        let from = common::program(name);
        let strip = Command::new("strip").arg("-o").arg(to.join(name)).arg(from).status().unwrap();
        assert!(strip.success());
    }
}

#[test]
fn a_package_is_installed_used_upgraded_and_purged() {
    let dir = tempfile::tempdir().unwrap();
    programs(dir.path());
    let run = |script: &str, arguments: &[&Path]| {
        let output = Command::new(repository().join(script)).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let package = run("scripts/package-deb", &[dir.path(), dir.path()]);
    let said = run("packaging/tests/debian", &[Path::new(package.trim())]);
    let last = said.lines().last().unwrap();
    assert_eq!(last, "ok: removed and purged; nothing but the sites is left", "{said}");
}
