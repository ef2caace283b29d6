//! What `mkroot` prints while it works and when it is done.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mkroot::{Progress, Report};

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

/// Prints the one line that sums up. The webroot is in its place whether or not somebody reads it,
/// so a closed standard output is not an error.
pub(crate) fn summary(out: &Path, report: &Report, elapsed: Duration) {
    let Report { files, bytes, webroot } = report;
    let identity = webroot.identity.to_string();
    let _ = writeln!(
        io::stdout(),
        "{}: {files} files, {bytes} bytes in, {} bytes out, {} distinct bodies, {:.2} seconds, \
         identity {}",
        out.display(),
        webroot.file_size,
        webroot.bodies,
        elapsed.as_secs_f64(),
        identity.get(..12).unwrap_or(&identity),
    );
}
