//! `httpd`: see `httpd --help`.

use std::process::ExitCode;

use httpd::cli::Flags;

fn main() -> ExitCode {
    let config = match manual::parse::<Flags>(8).resolve() {
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
