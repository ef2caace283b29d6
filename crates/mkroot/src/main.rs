//! `mkroot DIR OUT`: packs a directory into a webroot.
#![forbid(unsafe_code)]

mod report;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use mkroot::Options;

/// Packs the directory DIR into the webroot OUT, one file that httpd serves.
///
/// Hidden files are left out, except .well-known. Symbolic links are followed inside of DIR. OUT
/// is replaced when the new webroot is complete. With SOURCE_DATE_EPOCH in the environment, files
/// that were modified later count as modified then.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The directory that holds the site
    dir: PathBuf,
    /// The file to write, outside of DIR
    out: PathBuf,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    let Cli { dir, out, quiet } = manual::parse(1);
    match run(dir, out, quiet) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mkroot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(dir: PathBuf, out: PathBuf, quiet: bool) -> Result<(), Box<dyn std::error::Error>> {
    let began = Instant::now();
    let source_date_epoch = match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(value) => Some(source_date_epoch(&value)?),
        None => None,
    };
    let options = Options { dir, out, source_date_epoch };
    let report = mkroot::pack(&options, &report::Bar::new(quiet))?;
    if !quiet {
        report::summary(&options.out, &report, began.elapsed());
    }
    Ok(())
}

/// Seconds since 1970 (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn source_date_epoch(value: &OsStr) -> Result<i64, String> {
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        format!(
            "SOURCE_DATE_EPOCH={value:?} is not a number of seconds since 1970; correct or unset it"
        )
    })
}
