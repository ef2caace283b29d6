//! docs/grafana.json and docs/alerts.yml ask for what the daemon has, and are of the form that
//! Grafana and Prometheus read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Server, Site};
use serde_json::Value;

fn doc(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(doc("grafana.json")).unwrap()).unwrap()
}

/// All that is said under a key, wherever it is.
fn under<'v>(key: &str, value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.push(value);
                }
                under(key, value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| under(key, value, found)),
        _ => {}
    }
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| word.starts_with("ashttpd_") || word.starts_with("process_");
    words.filter(is_metric).map(str::to_owned).collect()
}

/// The series that a daemon has, those of histograms with their suffixes.
fn exported() -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    let admin = dir.path().join("admin");
    let flags = ["--workers", "2", "--admin", admin.to_str().unwrap()];
    let _server = Server::start_with("sendfile", &flags, |vhosts| {
        Site::create(&vhosts.join("a.example")).file("/", "text/plain", b"a").finish();
    });
    let mut socket = UnixStream::connect(admin).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types
        .flat_map(|(name, kind)| match kind {
            "histogram" => ["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
            _ => vec![name.to_owned()],
        })
        .collect()
}

#[test]
fn only_what_the_daemon_has_is_asked_for() {
    let exported = exported();
    let dashboard = dashboard();
    let mut asked = Vec::new();
    under("expr", &dashboard, &mut asked);
    under("definition", &dashboard, &mut asked);
    let asked = asked.into_iter().map(|expr| expr.as_str().unwrap().to_owned());
    let alerts = fs::read_to_string(doc("alerts.yml")).unwrap();
    for text in asked.chain([alerts]) {
        let names = named(&text);
        assert!(!names.is_empty(), "no metric in {text}");
        let unknown: Vec<_> = names.difference(&exported).collect();
        assert!(unknown.is_empty(), "{unknown:?} is not exported: {text}");
    }
}

#[test]
fn panels_have_numbers_and_places_of_their_own() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut cells = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{} lies over another", panel["title"]);
        }
    }
}

#[test]
fn the_data_source_is_a_variable() {
    let dashboard = dashboard();
    let mut sources = Vec::new();
    under("datasource", &dashboard, &mut sources);
    assert!(sources.len() > 20);
    assert!(sources.iter().all(|source| source["uid"] == "${datasource}"), "{sources:?}");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|found| found["name"] == "datasource"));
}

/// Has Prometheus check rules, or test them.
fn promtool(task: &str, file: &Path) {
    let output = Command::new("promtool").args([task, "rules"]).arg(file).output();
    let output = output.expect("promtool is not installed: scripts/test does it");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn prometheus_takes_the_alerts() {
    promtool("check", &doc("alerts.yml"));
}

#[test]
fn prometheus_takes_every_expression() {
    let dashboard = dashboard();
    let mut asked = Vec::new();
    under("expr", &dashboard, &mut asked);
    assert!(asked.len() > 20);
    let mut rules = String::from("groups:\n- name: panels\n  rules:\n");
    for (number, expr) in asked.iter().enumerate() {
        let expr = expr.as_str().unwrap().replace("$__rate_interval", "5m");
        rules += &format!("  - record: panel:{number}\n    expr: {}\n", Value::String(expr));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml");
    fs::write(&file, rules).unwrap();
    promtool("check", &file);
}

#[test]
fn every_alert_fires_for_a_daemon_in_trouble_and_none_for_a_calm_one() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dashboard/alerts.yml");
    promtool("test", &scenario);
    let (tested, alerts) = (fs::read_to_string(scenario).unwrap(), doc("alerts.yml"));
    let alerts = fs::read_to_string(alerts).unwrap();
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tested.contains(&format!("alertname=\"{alert}\"")), "{alert} is not tested");
    }
}
