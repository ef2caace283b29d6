//! What `mkroot` prints while it works and when it is done.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mkroot::{Error, Finding, Progress, Report};
use serde_json::{Value, json};
use webroot::Coding;

use crate::cli::Format;

/// A bar on standard error if that is a terminal, else nothing.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = !quiet && io::stderr().is_terminal();
        Self(if shown { ProgressBar::new(0) } else { ProgressBar::hidden() })
    }
}

impl Progress for Bar {
    fn begin(&self, files: usize, bytes: u64) {
        let template = "{bar:40} {bytes} of {total_bytes} in {msg} files, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        self.0.set_message(files.to_string());
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The codings that variants are made in.
const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Br, Coding::Zstd];

/// Prints findings and the number of those that are not among them.
///
/// The webroot is in its place whether or not somebody reads it, so a closed output is no error,
/// here and below.
pub(crate) fn findings(findings: &[Finding], more: usize, format: Format) {
    match format {
        Format::Text => {
            let mut out = io::stderr().lock();
            for finding in findings {
                let _ = writeln!(out, "{finding}");
            }
            if more > 0 {
                let _ = writeln!(out, "and {more} more findings");
            }
        }
        Format::Json => {
            let mut out = io::stdout().lock();
            for finding in findings {
                let _ = writeln!(out, "{}", finding_value(finding));
            }
        }
    }
}

fn finding_value(finding: &Finding) -> Value {
    json!({
        "finding": finding.kind,
        "severity": finding.severity.name(),
        "file": text(&finding.file),
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
    })
}

/// Bytes that are mostly UTF-8; others are escaped as in `\xff`.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

/// Prints what stopped the packer.
pub(crate) fn failure(error: &Error, format: Format) {
    eprintln!("mkroot: {error}");
    if format == Format::Json {
        let path = text(error.path.as_os_str().as_encoded_bytes());
        let value = json!({ "error": error.to_string(), "path": path });
        let _ = writeln!(io::stdout(), "{value}");
    }
}

/// Prints the report, and writes it to a file.
///
/// # Errors
/// The file can't be written. The webroot is in its place.
pub(crate) fn success(
    out: &Path,
    report: &Report,
    elapsed: Duration,
    format: Format,
    quiet: bool,
    file: Option<PathBuf>,
) -> Result<(), String> {
    let value = value(out, report, elapsed);
    match format {
        Format::Json => {
            let _ = writeln!(io::stdout(), "{value}");
        }
        Format::Text if !quiet => {
            let _ = io::stdout().write_all(summary(out, report, elapsed).as_bytes());
        }
        Format::Text => {}
    }
    match file {
        Some(path) => fs::write(&path, format!("{value:#}\n"))
            .map_err(|error| format!("{}: the report can't be written: {error}", path.display())),
        None => Ok(()),
    }
}

/// The lines that sum up.
fn summary(out: &Path, report: &Report, elapsed: Duration) -> String {
    let Report { totals, webroot, .. } = report;
    let identity = webroot.identity.to_string();
    let mut lines = format!(
        "{}: {} files, {} bytes in, {} bytes out, {} distinct bodies, {:.2} seconds, identity {}\n",
        out.display(),
        totals.files,
        totals.bytes,
        webroot.file_size,
        webroot.bodies,
        elapsed.as_secs_f64(),
        identity.get(..12).unwrap_or(&identity),
    );
    for coding in CODINGS {
        let of = totals.coding(coding);
        if of.variants + of.dropped == 0 {
            continue;
        }
        let percent = 100.0 * of.bytes as f64 / of.of_bytes.max(1) as f64;
        lines += &format!(
            "  {:5} {} variants, {} bytes for {} ({percent:.1} %), {} not worth it, {} reused\n",
            coding.name(),
            of.variants,
            of.bytes,
            of.of_bytes,
            of.dropped,
            of.reused,
        );
    }
    let more = [
        (totals.redirects, "redirects"),
        (totals.rules, "rules matched at run time"),
        (totals.listings, "directory listings"),
        (totals.kept, "files kept of earlier generations"),
        (report.findings.len() + report.more_findings, "warnings"),
    ];
    let more: Vec<String> = more
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !more.is_empty() {
        lines += &format!("  {}\n", more.join(", "));
    }
    lines
}

/// The report for programs. Sizes are in bytes, times in seconds.
fn value(out: &Path, report: &Report, elapsed: Duration) -> Value {
    let Report { totals, webroot, findings, more_findings, phases } = report;
    let seconds = |time: &Duration| time.as_secs_f64();
    let codings: serde_json::Map<String, Value> = CODINGS
        .into_iter()
        .map(|coding| {
            let of = totals.coding(coding);
            let value = json!({
                "variants": of.variants,
                "bytes": of.bytes,
                "of_bytes": of.of_bytes,
                "dropped": of.dropped,
                "reused": of.reused,
                "beside": of.beside,
            });
            (coding.name().to_owned(), value)
        })
        .collect();
    let slowest: Vec<Value> = totals
        .slowest
        .iter()
        .map(|(time, path)| json!({ "path": text(path), "seconds": seconds(time) }))
        .collect();
    let [laid_out, written, synchronised] = phases;
    json!({
        "webroot": text(out.as_os_str().as_encoded_bytes()),
        "identity": webroot.identity.to_string(),
        "seconds": seconds(&elapsed),
        "files": totals.files,
        "bytes_in": totals.bytes,
        "bytes_out": webroot.file_size,
        "entries": webroot.entries,
        "bodies": webroot.bodies,
        "codings": codings,
        "redirects": totals.redirects,
        "rules": totals.rules,
        "listings": totals.listings,
        "kept": totals.kept,
        "phases": {
            "lay_out": seconds(laid_out),
            "prepare_and_write": seconds(written),
            "synchronise": seconds(synchronised),
        },
        "steps_over_all_threads": {
            "read": seconds(&totals.steps.read),
            "check": seconds(&totals.steps.check),
            "compress": seconds(&totals.steps.compress),
        },
        "slowest_files": slowest,
        "findings": findings.iter().map(finding_value).collect::<Vec<_>>(),
        "more_findings": more_findings,
    })
}
