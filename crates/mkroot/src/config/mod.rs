//! `webroot.toml`: what the author of a site decides about it, in the root of the tree.
//!
//! [`Config::parse`] reads the text into what was typed (`typed`), and makes of it what holds
//! (`resolve`), with all defaults filled in. Nothing here touches a file.

mod document;
mod fingerprint;
mod glob;
mod grammar;
mod resolve;
mod typed;
mod values;

use webroot::Coding;

use glob::Globs;

pub use fingerprint::is_fingerprinted;

/// Name of the file, in the root of the tree. It is never served.
pub const FILE: &str = "webroot.toml";

/// Largest file, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// `Cache-Control` of what may change: to be asked for again before every use.
const REVALIDATED: &str = "public, max-age=0, must-revalidate";

/// `Cache-Control` of what never changes under its name (RFC 8246).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Larger files are not compressed, in bytes, if nothing else is said.
const COMPRESSED: u64 = 64 << 20;

/// Which URLs a page `/about.html` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Html {
    /// `/about.html` alone.
    #[default]
    Off,
    /// `/about` too.
    Serve,
    /// `/about`, to which `/about.html` redirects; and `/d/`, to which `/d/index.html` redirects.
    Redirect,
}

/// Which URL a directory with an index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingSlash {
    /// `/d/`, to which `/d` redirects.
    #[default]
    Add,
    /// `/d`, to which `/d/` redirects.
    Remove,
    /// Both.
    Keep,
}

/// Whether pages get a `Content-Security-Policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Csp {
    /// No.
    #[default]
    Off,
    /// One that allows the inline scripts and styles of the page by their hashes.
    Hash,
}

/// A page that is named in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Path of the file from the root of the tree, with a slash in front.
    pub path: String,
    /// Line of [`FILE`] that names it, from 1; 0 if none does.
    pub line: u32,
    /// Column in bytes, from 1; 0 if there is no line.
    pub column: u32,
}

/// The page for a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPage {
    /// From 400 to 599.
    pub status: u16,
    /// Which page.
    pub page: Page,
}

/// What a site may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub file: Option<u64>,
    /// All files together, in bytes.
    pub site: Option<u64>,
    /// Number of files.
    pub files: Option<u64>,
    /// Larger files are stored as they are, in bytes.
    pub compress: u64,
}

/// What holds where the file says nothing. The platform that the site was written for decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    /// `urls.html`.
    pub html: Html,
    /// `urls.fallback`: the path of a page from the root of the tree, with a slash in front.
    pub fallback: Option<String>,
}

/// The configuration of a site, complete.
///
/// Paths that its methods take are those of files in the tree, with a slash in front, and of
/// directories with one at the end.
#[derive(Debug, Clone)]
pub struct Config {
    types: GlobMap,
    cache: Cache,
    ignored: Ignored,
    listed: Listed,
    /// Which URLs pages have.
    pub html: Html,
    /// Which URLs directories have.
    pub trailing_slash: TrailingSlash,
    /// The page for navigations to paths that nothing else answers.
    pub fallback: Option<Page>,
    /// Pages for errors anywhere on the site, in order of status, each status at most once.
    pub error_pages: Vec<ErrorPage>,
    /// Codings of which variants are made, in order.
    pub codings: Vec<Coding>,
    /// Whether `FILE.br`, `FILE.gz` and `FILE.zst` are variants of `FILE`.
    pub precompressed: bool,
    /// Whether pages get a `Content-Security-Policy`.
    pub csp: Csp,
    /// What the site may not exceed.
    pub limits: Limits,
}

/// Values by globs; the first that matches counts.
#[derive(Debug, Clone, Default)]
struct GlobMap {
    globs: Globs,
    values: Vec<String>,
}

impl GlobMap {
    fn get(&self, path: &[u8]) -> Option<&str> {
        self.values.get(self.globs.first(path)?).map(String::as_str)
    }
}

#[derive(Debug, Clone)]
struct Cache {
    rules: GlobMap,
    immutable: Immutable,
    default: String,
}

#[derive(Debug, Clone)]
enum Immutable {
    /// What [`is_fingerprinted`].
    Auto,
    /// What the globs match.
    Globs(Globs),
}

#[derive(Debug, Clone)]
enum Listed {
    /// Every directory.
    All,
    /// Those that the globs match.
    Globs(Globs),
}

#[derive(Debug, Clone, Default)]
struct Ignored {
    files: Globs,
    directories: Globs,
}

impl Config {
    /// Whether a file or directory is left out: a glob matches it or a directory that it is in.
    pub fn ignores(&self, path: &[u8]) -> bool {
        let slashes = path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/');
        let mut directories = slashes.filter_map(|(slash, _)| path.get(..slash));
        directories.any(|directory| self.ignored.directories.is_match(directory))
            || (!path.ends_with(b"/") && self.ignored.files.is_match(path))
    }

    /// The media type that the author gave a file, with the parameters that he wrote.
    pub fn media_type(&self, path: &[u8]) -> Option<&str> {
        self.types.get(path)
    }

    /// The value of `Cache-Control` for a file.
    pub fn cache_control(&self, path: &[u8]) -> &str {
        match self.cache.rules.get(path) {
            Some(value) => value,
            None if self.is_immutable(path) => IMMUTABLE,
            None => &self.cache.default,
        }
    }

    /// Whether a file never changes under its name.
    pub fn is_immutable(&self, path: &[u8]) -> bool {
        match &self.cache.immutable {
            Immutable::Auto => is_fingerprinted(path),
            Immutable::Globs(globs) => globs.is_match(path),
        }
    }

    /// Whether any directory may answer with a listing.
    pub fn lists_any(&self) -> bool {
        match &self.listed {
            Listed::All => true,
            Listed::Globs(globs) => !globs.is_empty(),
        }
    }

    /// Whether a directory without an index answers with a listing.
    pub fn lists(&self, directory: &[u8]) -> bool {
        match &self.listed {
            Listed::All => true,
            Listed::Globs(globs) => {
                globs.is_match(directory.strip_suffix(b"/").unwrap_or(directory))
            }
        }
    }
}
