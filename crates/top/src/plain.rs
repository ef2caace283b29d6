//! A report as plain text, for scripts and for where there is no terminal. Numbers are whole, without
//! prefixes.

use std::fmt::{self, Display, Write};

use crate::figures::age;
use crate::latency::Quantile;
use crate::model::{Report, Row};
use crate::sample::STATES;
use crate::screen::Sort;

/// What is not known.
const NONE: &str = "-";

/// Writes all of a report: a line for each total, an empty one, then the table of all virtual hosts
/// by rate.
pub(crate) fn write(report: &Report, out: &mut String) -> fmt::Result {
    writeln!(out, "{:<24} {} {}", "httpd", report.version, report.backend)?;
    let uptime = report.uptime.map(age);
    writeln!(out, "{:<24} {}", "up", uptime.as_deref().unwrap_or(NONE))?;
    let mut total = |name: &str, value: &dyn Display| writeln!(out, "{name:<24} {value}");
    if let Some(rates) = &report.rates {
        let mut rate = |name: &str, value: f64| total(name, &format_args!("{value:.1}"));
        rate("requests/s", rates.requests)?;
        for (name, value) in ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(rates.classes)
        {
            rate(&format!("requests/s {name}"), value)?;
        }
        rate("requests/s for no host", rates.strangers)?;
        rate("bytes/s", rates.bytes)?;
        for (at, name) in ["p50", "p90", "p99"].iter().enumerate() {
            let value = match rates.latency.and_then(|latency| latency.get(at).copied()) {
                Some(Quantile::About(time)) => format!("{time:.6} s"),
                Some(Quantile::Above(time)) => format!(">{time:.6} s"),
                None => NONE.to_owned(),
            };
            total(&format!("latency {name}"), &value)?;
        }
        let mut rate = |name: &str, value: f64| total(name, &format_args!("{value:.1}"));
        rate("connections/s", rates.accepted)?;
        rate("refused connections/s", rates.refused)?;
        rate("worker turns/s", rates.loops)?;
        rate("worker events/s", rates.events)?;
    }
    let totals = &report.totals;
    for (state, count) in STATES.iter().zip(totals.connections) {
        total(&format!("connections {state}"), &count)?;
    }
    for (name, value) in [
        ("refused connections", totals.refused),
        ("workers", totals.workers),
        ("open webroots", totals.generations),
        ("swaps", totals.swaps),
        ("refused files", totals.refused_files),
        ("log lines lost", totals.drops),
    ] {
        total(name, &value)?;
    }
    total("vhosts", &report.rows.len())?;
    write_table(report, out)
}

fn write_table(report: &Report, out: &mut String) -> fmt::Result {
    let order = Sort::Rate.order(&report.rows, "");
    let rows = || order.iter().filter_map(|index| report.rows.get(*index));
    let name = rows().map(|row| row.vhost.name.chars().count()).max().unwrap_or_default().max(5);
    writeln!(
        out,
        "\n{:<name$} {:>10} {:>12} {:>5} {:>5} {:>5} {:>5} {:>8} {:<64} STATE",
        "VHOST", "REQ/S", "REQUESTS", "2xx%", "3xx%", "4xx%", "5xx%", "SINCE", "ID",
    )?;
    for row in rows() {
        write_row(row, report, name, out)?;
    }
    Ok(())
}

fn write_row(row: &Row, report: &Report, name: usize, out: &mut String) -> fmt::Result {
    let vhost = &row.vhost;
    let text = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let rate = text(row.rate.map(|rate| format!("{rate:.1}")));
    let requests = text(vhost.requests.map(|requests| requests.to_string()));
    write!(out, "{:<name$} {rate:>10} {requests:>12}", vhost.name)?;
    for class in 2..6 {
        let share = text(row.share(class).map(|share| format!("{:.1}", share * 100.0)));
        write!(out, " {share:>5}")?;
    }
    let since = text(vhost.since.and_then(|since| report.ago(since)).map(age));
    let id = vhost.id.as_deref().unwrap_or(NONE);
    write!(out, " {since:>8} {id:<64} {}", vhost.state)?;
    match &vhost.complaint {
        Some(complaint) => writeln!(out, ": {complaint}"),
        None => writeln!(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::{example, report};

    fn written(report: &Report) -> String {
        let mut out = String::new();
        write(report, &mut out).unwrap();
        out
    }

    #[test]
    fn every_total_and_every_host_has_its_line() {
        let text = written(&example());
        for line in [
            "httpd                    0.1.0 sendfile",
            "requests/s               90.0",
            "requests/s 4xx           10.0",
            "latency p99              0.009100 s",
            "connections idle         7",
            "log lines lost           4",
            "vhosts                   3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let table: Vec<Vec<_>> = text
            .lines()
            .skip_while(|line| !line.starts_with("VHOST"))
            .map(|line| line.split_whitespace().collect())
            .collect();
        let busy = ["busy.example", "80.0", "1080", "87.5", "0.0", "12.5", "0.0", "1h00m"];
        assert_eq!(table[1][..8], busy);
        assert_eq!(table[2][..2], ["calm.example", "10.0"]);
        assert_eq!(table[3][9..], ["failed:", "not", "a", "webroot"]);
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let text = written(&report(1, ("", "[]"), ("", r#"[{"name":"a"}]"#)));
        let row: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(row, ["a", "-", "-", "-", "-", "-", "-", "-", "-"]);
        assert!(text.contains("latency p50              -\n"), "{text}");
    }
}
