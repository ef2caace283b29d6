//! The command line as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use webroot::Coding;

/// Looks inside of webroots, the files that mkroot makes and httpd serves.
///
/// Exit status: 0 when all is well, 1 when what was looked for is not there, differs or is
/// damaged, 2 for trouble: a file that can't be read or is no webroot, or a wrong command line.
#[derive(Debug, Parser)]
#[command(name = "webroot", version, disable_help_subcommand = true)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(Ls),
    Cat(Cat),
    Explain(Explain),
    Verify(Verify),
    Diff(Diff),
    Extract(Extract),
    Stat(Stat),
}

/// How a subcommand prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Printed {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

impl Printed {
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Lists the paths that a webroot answers, then its error pages.
///
/// A redirect is followed by its target, an error page by what it is for.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// The webroot
    pub(crate) file: PathBuf,
    /// Only paths that begin with this
    pub(crate) prefix: Option<OsString>,
    /// Status, size, sizes of coded variants and media type as well
    #[arg(short)]
    pub(crate) long: bool,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Prints the body of what answers a path, byte for byte.
#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// The webroot
    pub(crate) file: PathBuf,
    /// The path, not percent-encoded
    pub(crate) path: OsString,
    /// The coding in which the body is stored
    #[arg(long, value_enum, default_value = "identity")]
    pub(crate) coding: CodingName,
    /// The page for this error status that is stored for PATH, as ls shows it; 200 for the page for
    /// navigations
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) page: Option<u16>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CodingName {
    Identity,
    Gzip,
    Br,
    Zstd,
}

impl From<CodingName> for Coding {
    fn from(name: CodingName) -> Self {
        match name {
            CodingName::Identity => Self::Identity,
            CodingName::Gzip => Self::Gzip,
            CodingName::Br => Self::Br,
            CodingName::Zstd => Self::Zstd,
        }
    }
}

/// Prints what httpd would answer to a request, and why.
///
/// The answer is made by the very code that httpd makes it with: its bytes are the same but for
/// the date.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The webroot
    pub(crate) file: PathBuf,
    /// The request line, as in 'GET /x'; without a method it is GET, without a version HTTP/1.1
    pub(crate) request: OsString,
    /// A field of the request, as in 'Accept-Encoding: br'
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    pub(crate) fields: Vec<OsString>,
    /// The host that is asked for
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub(crate) host: String,
    /// Print nothing but the answer, head and body, as it would go over the wire
    #[arg(long, conflicts_with = "format")]
    pub(crate) body: bool,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Checks every byte of a webroot against its digest.
///
/// Exit status: 1 if it is damaged.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The webroot
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Compares the answers of two webroots, and says what a returning visitor would fetch again.
///
/// Exit status: 0 if they answer alike, 1 if not.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The webroot as it was
    pub(crate) old: PathBuf,
    /// The webroot as it is
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Writes the tree back that a webroot was packed from, byte for byte.
///
/// Files get their times of modification. Files that mkroot kept from earlier generations are left
/// out.
#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// The webroot
    pub(crate) file: PathBuf,
    /// Where to, a directory that is empty or does not exist
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Sums up what a webroot is made of.
#[derive(Debug, Args)]
pub(crate) struct Stat {
    /// The webroot
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Flags::command().debug_assert();
    }
}
