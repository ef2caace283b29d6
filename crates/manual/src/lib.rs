//! Manual pages and completions of the programs, which print them from the very definitions of
//! their command lines: `PROGRAM [SUBCOMMAND] --generate man|bash|elvish|fish|powershell|zsh`. They
//! are about the program under the name that it was called by, as packages may rename it.
//!
//! `scripts/manual` puts all of them where a package has them.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Command, Parser, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

/// What is asked for by `--generate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Man,
    Completions(Shell),
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "man" => Some(Self::Man),
            shell => Shell::from_str(shell, false).ok().map(Self::Completions),
        }
    }

    /// What may stand behind `--generate`.
    fn names() -> String {
        let shells = Shell::value_variants().iter().map(|shell| format!(", {shell}"));
        format!("man{}", shells.collect::<String>())
    }
}

/// Parses the command line of a program whose manual page is in `section`. Ends the program if the
/// command line is wrong, or asks for nothing but the program's version, help, manual page or
/// completions.
pub fn parse<P: Parser>(section: u8) -> P {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match asked(P::command(), &arguments) {
        None => P::parse_from(arguments),
        Some((mut command, kind)) => {
            let Some(kind) = kind.to_str().and_then(Kind::parse) else {
                let text = format!("--generate takes one of {}\n", Kind::names());
                command.error(ErrorKind::InvalidValue, text).exit()
            };
            match print(command, kind, section) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    eprintln!("{}: standard output: {error}", P::command().get_name());
                    std::process::exit(1)
                }
                _ => std::process::exit(0),
            }
        }
    }
}

/// The command or subcommand whose name stands before `--generate`, and what stands behind it.
/// `None` if that is not the whole of the command line.
fn asked(command: Command, arguments: &[OsString]) -> Option<(Command, &OsString)> {
    let [called, names @ .., flag, kind] = arguments else { return None };
    if flag != "--generate" {
        return None;
    }
    let mut command = command.disable_help_subcommand(true);
    if let Some(name) = Path::new(called).file_name().and_then(OsStr::to_str) {
        command = command.display_name(name).bin_name(name);
    }
    // Gives subcommands their full names.
    command.build();
    let mut found = &command;
    for name in names {
        found = found.find_subcommand(name)?;
    }
    Some((found.clone(), kind))
}

fn print(mut command: Command, kind: Kind, section: u8) -> io::Result<()> {
    let mut text = Vec::new();
    match kind {
        Kind::Man => Man::new(command)
            .section(section.to_string())
            .source(concat!("ashttpd ", env!("CARGO_PKG_VERSION")))
            .render(&mut text)?,
        Kind::Completions(shell) => {
            let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
            clap_complete::generate(shell, &mut command, name, &mut text);
        }
    }
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arguments: &[&str]) -> Option<(String, String)> {
        let command = Command::new("p").subcommand(Command::new("ls")).arg(clap::arg!([file]));
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let (command, kind) = asked(command, &arguments)?;
        let name = command.get_display_name().unwrap_or(command.get_name());
        Some((name.to_owned(), kind.to_str()?.to_owned()))
    }

    #[test]
    fn a_command_line_of_nothing_else_asks_for_a_page() {
        let of = |name: &str, kind: &str| Some((name.to_owned(), kind.to_owned()));
        assert_eq!(found(&["p", "--generate", "man"]), of("p", "man"));
        assert_eq!(found(&["p", "ls", "--generate", "man"]), of("p-ls", "man"));
        assert_eq!(found(&["p", "--generate", "tea"]), of("p", "tea"));
    }

    #[test]
    fn a_page_is_about_the_name_that_the_program_was_called_by() {
        let of = |name: &str| Some((name.to_owned(), "man".to_owned()));
        assert_eq!(found(&["/usr/bin/renamed", "--generate", "man"]), of("renamed"));
        assert_eq!(found(&["renamed", "ls", "--generate", "man"]), of("renamed-ls"));
    }

    #[test]
    fn a_command_line_of_more_than_that_is_left_alone() {
        for arguments in [
            &["p"][..],
            &["p", "--generate"],
            &["p", "file", "--generate", "man"],
            &["p", "--generate", "man", "file"],
            &["p", "--", "--generate", "man"],
        ] {
            assert_eq!(found(arguments), None, "{arguments:?}");
        }
    }

    #[test]
    fn every_shell_has_its_name() {
        for name in Kind::names().split(", ") {
            assert!(Kind::parse(name).is_some(), "{name}");
        }
        assert_eq!(Kind::parse("tea"), None);
    }
}
