//! `httpd`: see `httpd --help`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let config = match httpd::cli::Flags::parse().resolve() {
        Ok(config) => config,
        Err(error) => error.exit(),
    };
    match httpd::server::run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("httpd: {error}");
            ExitCode::FAILURE
        }
    }
}
