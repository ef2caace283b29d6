//! `httpd`: see `httpd --help`.

use std::process::ExitCode;

use httpd::cli::{Command, Flags};

fn main() -> ExitCode {
    let mut flags = manual::parse::<Flags>(8);
    if let Some(Command::Top(top)) = flags.command.take() {
        return end(top.run().map_err(|error| error.to_string()));
    }
    let config = match flags.resolve() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("httpd: {error}");
            // As for a wrong flag.
            return ExitCode::from(2);
        }
    };
    let done = if flags.check {
        config.to_toml().map(|text| print!("{text}"))
    } else {
        httpd::server::run(config, || flags.resolve()).map_err(|error| error.to_string())
    };
    end(done)
}

fn end(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("httpd: {error}");
            ExitCode::FAILURE
        }
    }
}
