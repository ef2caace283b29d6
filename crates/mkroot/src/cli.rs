//! The command line: flags as typed, and options as resolved.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use mkroot::policy::Dialect;
use mkroot::{Effort, Options, PreviousWebroot};
use webroot::Coding;

/// Packs the directory DIR into the webroot OUT, one file that httpd serves.
///
/// Hidden files are left out, except .well-known. Symbolic links are followed inside of DIR.
/// webroot.toml, _headers and _redirects at the root of DIR say how the site is served, and are
/// not served. OUT is replaced when the new webroot is complete. With SOURCE_DATE_EPOCH in the
/// environment, files that were modified later count as modified then.
///
/// Exit status: 0 when OUT was written, 1 when not, 2 for a wrong command line.
#[derive(Debug, Parser)]
#[command(name = "mkroot", version)]
pub(crate) struct Flags {
    /// The directory that holds the site
    dir: PathBuf,
    /// The file to write, outside of DIR
    out: PathBuf,
    /// How much time to spend on compressed variants
    #[arg(long, value_enum, default_value_t = Compress::Fast)]
    compress: Compress,
    /// Codings of the variants: any of gzip, br, zstd
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CODING,...")]
    codings: Option<Vec<CodingName>>,
    /// Threads that compress [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// The webroot of the last generation, from which coded bodies of unchanged content are taken
    /// [default: the file that is replaced]
    #[arg(long, value_name = "WEBROOT", conflicts_with = "fresh")]
    previous: Option<PathBuf>,
    /// Take nothing from a webroot of the last generation
    #[arg(long)]
    fresh: bool,
    /// Keep fingerprinted files that are gone from DIR for N generations, for pages that are open
    /// since before a deploy
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "fresh")]
    keep_assets: u8,
    /// The configuration, in place of webroot.toml in DIR
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Whose reading of _headers and _redirects counts; strict is what Netlify and Cloudflare
    /// agree on
    #[arg(long, value_enum, default_value_t)]
    dialect: Dialect,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// How findings and the report are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write the report to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print nothing but findings and errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compress {
    /// No variants, but for coded files in DIR
    None,
    /// gzip 9, brotli 5, zstd 9: most of what can be saved
    Fast,
    /// gzip 12, brotli 11, zstd 19: all that can be saved, in 27 times the time
    Best,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CodingName {
    Gzip,
    Br,
    Zstd,
}

/// How findings and the report are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Findings on standard error, a line each; the report on standard output
    Text,
    /// All on standard output, a JSON object a line
    Json,
}

impl Flags {
    /// The options that they and the environment stand for.
    ///
    /// # Errors
    /// `SOURCE_DATE_EPOCH` is no time.
    pub(crate) fn resolve(self) -> Result<Options, String> {
        let source_date_epoch = match std::env::var_os("SOURCE_DATE_EPOCH") {
            Some(value) => Some(source_date_epoch(&value)?),
            None => None,
        };
        Ok(Options {
            dir: self.dir,
            out: self.out,
            source_date_epoch,
            config: self.config,
            dialect: self.dialect,
            effort: match self.compress {
                Compress::None => Effort::None,
                Compress::Fast => Effort::Fast,
                Compress::Best => Effort::Best,
            },
            codings: self.codings.map(|names| codings(&names)),
            previous: match (self.fresh, self.previous) {
                (true, _) => PreviousWebroot::Nowhere,
                (false, Some(path)) => PreviousWebroot::Named(path),
                (false, None) => PreviousWebroot::Replaced,
            },
            keep_assets: self.keep_assets,
            strict: self.strict,
            threads: self.threads.map(usize::from),
        })
    }
}

/// Each coding once, in the order in which they are stored.
fn codings(names: &[CodingName]) -> Vec<Coding> {
    let all = [
        (CodingName::Gzip, Coding::Gzip),
        (CodingName::Br, Coding::Br),
        (CodingName::Zstd, Coding::Zstd),
    ];
    all.into_iter().filter(|(name, _)| names.contains(name)).map(|(_, coding)| coding).collect()
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn codings_are_ordered_and_single() {
        let flags = ["mkroot", "a", "b", "--codings", "zstd,gzip,zstd"];
        let options = Flags::parse_from(flags).resolve().unwrap();
        assert_eq!(options.codings, Some(vec![Coding::Gzip, Coding::Zstd]));
    }

    #[test]
    fn a_previous_webroot_is_the_replaced_one_unless_told_otherwise() {
        let previous = |more: &[&str]| {
            let flags = ["mkroot", "a", "b"].iter().chain(more);
            Flags::parse_from(flags).resolve().unwrap().previous
        };
        assert_eq!(previous(&[]), PreviousWebroot::Replaced);
        assert_eq!(previous(&["--fresh"]), PreviousWebroot::Nowhere);
        assert_eq!(previous(&["--previous", "x"]), PreviousWebroot::Named("x".into()));
    }
}
