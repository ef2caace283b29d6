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
use opened::Opened;
use out::Out;
use trouble::{Outcome, Trouble};

fn main() -> ExitCode {
    let flags: Flags = manual::parse(1);
    let mut out = Out::new();
    let contained = webroot::contain_faults()
        .map_err(|error| Trouble::plain(format_args!("can't handle SIGBUS: {error}")));
    let outcome = contained.and_then(|()| run(&flags.command, &mut out));
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
        Command::Ls(flags) => Opened::look(&flags.file, |opened| ls::run(flags, opened, out)),
        Command::Cat(flags) => Opened::look(&flags.file, |opened| cat::run(flags, opened, out)),
        Command::Explain(flags) => {
            Opened::look(&flags.file, |opened| explain::run(flags, opened, out))
        }
        Command::Verify(flags) => verify::run(flags, out),
        Command::Diff(flags) => Opened::look(&flags.old, |old| {
            Opened::look(&flags.new, |new| diff::run(flags, old, new, out))
        }),
        Command::Extract(flags) => {
            Opened::look(&flags.file, |opened| extract::run(flags, opened, out))
        }
        Command::Stat(flags) => Opened::look(&flags.file, |opened| stat::run(flags, opened, out)),
    }
}
