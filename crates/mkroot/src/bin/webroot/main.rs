//! `webroot`: looks inside of webroots. One file a subcommand; see `docs/INSPECT.md`.
#![forbid(unsafe_code)]

mod cat;
mod cli;
mod diff;
mod escape;
mod explain;
mod extract;
mod ls;
mod opened;
mod out;
mod place;
mod shown_rule;
mod stat;
mod stored;
mod trouble;
mod verify;

use std::process::ExitCode;

use cli::{Command, Flags};
use out::Out;
use trouble::{Outcome, Trouble};

fn main() -> ExitCode {
    let flags: Flags = manual::parse(1);
    let mut out = Out::new();
    let outcome = run(&flags.command, &mut out);
    // What was written before the trouble came is shown before it is told.
    let flushed = out.finish();
    match outcome.and_then(|outcome| flushed.map(|()| outcome)) {
        Ok(Outcome::Yes) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(trouble) => {
            eprintln!("webroot: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command, out: &mut Out) -> Result<Outcome, Trouble> {
    match command {
        Command::Ls(arguments) => ls::run(arguments, out),
        Command::Cat(arguments) => cat::run(arguments, out),
        Command::Explain(arguments) => explain::run(arguments, out),
        Command::Verify(arguments) => verify::run(arguments, out),
        Command::Diff(arguments) => diff::run(arguments, out),
        Command::Extract(arguments) => extract::run(arguments, out),
        Command::Stat(arguments) => stat::run(arguments, out),
    }
}
