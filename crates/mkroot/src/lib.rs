//! The packer: compiles a directory into a webroot.
//!
//! [`pack`] is the whole of it: walk → classify → layout → write, one stage a module.
#![forbid(unsafe_code)]

pub mod check;
mod classify;
pub mod config;
mod error;
mod extension;
mod finding;
mod layout;
mod output;
mod progress;
mod source;
mod text;
mod tree;
mod walk;
mod write;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

pub use error::{Error, ErrorKind};
pub use finding::{Finding, Severity};
pub use progress::Progress;

use output::Output;
use tree::Tree;
use write::SiteWriter;

/// What is packed, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that holds the site.
    pub dir: PathBuf,
    /// The webroot, outside of `dir`: a new file, or a regular file that is replaced at the end.
    pub out: PathBuf,
    /// Latest time of modification in seconds since 1970, as in `SOURCE_DATE_EPOCH`; later ones
    /// are taken for it. `None` is now, because a `Last-Modified` in the future is not allowed
    /// (RFC 9110 §8.8.2.1).
    pub source_date_epoch: Option<i64>,
}

/// What was packed.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Files that were read.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// The webroot that came of them.
    pub webroot: webroot::Summary,
}

/// Packs a directory into a webroot and puts that in the place of `options.out`.
///
/// The same tree and options give the same bytes, whatever the order of names in the directories.
///
/// # Errors
/// The first thing that can't be packed, read or written, by name. What was at `options.out` is
/// untouched then, unless the very last step failed: synchronising its directory.
pub fn pack(options: &Options, progress: &dyn Progress) -> Result<Report, Error> {
    let tree = Tree::open(&options.dir)?;
    let output = Output::create(&options.out, tree.root())?;
    let latest = options.source_date_epoch.unwrap_or_else(now);

    let files = walk::walk(&tree)?;
    let bytes = files.iter().map(|file| file.seen.size).sum();
    progress.begin(files.len(), bytes);

    let mut site = SiteWriter::new(&tree, output.writable()?, &options.out, latest)?;
    for file in &files {
        let media_type = classify::by_name(&file.path);
        let answers = layout::answers(&file.path);
        site.write(file, media_type, &answers)?;
        progress.advance(file.seen.size);
    }
    let webroot = site.finish()?;
    output.commit()?;
    Ok(Report { files: files.len(), bytes, webroot })
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
