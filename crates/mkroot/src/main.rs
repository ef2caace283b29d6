//! `mkroot DIR OUT`: packs a directory into a webroot.

mod allocator;
mod cli;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use mkroot::ErrorKind;

use cli::{Flags, Format};

fn main() -> ExitCode {
    let flags: Flags = manual::parse(1);
    let (format, quiet) = (flags.format, flags.quiet);
    let report_file = flags.report.clone();
    let began = Instant::now();
    // For the webroot that is replaced.
    if let Err(error) = webroot::contain_faults() {
        eprintln!("mkroot: can't handle SIGBUS: {error}");
        return ExitCode::FAILURE;
    }
    let options = match flags.resolve() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("mkroot: {error}");
            return ExitCode::FAILURE;
        }
    };
    allocator::give_back_large_blocks(options.effort);
    let packed = mkroot::pack(&options, &report::Bar::new(quiet || format == Format::Json));
    let told = match &packed {
        Ok(packed) => {
            report::findings(&packed.findings, packed.more_findings, format);
            report::success(&options.out, packed, began.elapsed(), format, quiet, report_file)
        }
        Err(error) => {
            if let ErrorKind::Findings(found) = &error.kind {
                report::findings(found, 0, format);
            }
            report::failure(error, format);
            Ok(())
        }
    };
    if let Err(error) = told {
        eprintln!("mkroot: {error}");
        return ExitCode::FAILURE;
    }
    if packed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
