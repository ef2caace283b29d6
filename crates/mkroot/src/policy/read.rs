//! The policy of a site, read from its tree: `webroot.toml`, `_headers` and `_redirects` at the
//! root, which are never served.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;

use super::{Dialect, Headers, Redirect, parse_headers, parse_redirects};
use crate::config::{Config, Defaults, Html, MOST_BYTES};
use crate::error::{Error, ErrorKind};
use crate::finding::{Finding, Severity};
use crate::prepare::read_whole;
use crate::source::{Snapshot, SourceFile};
use crate::tree::{FileKind, Tree};

const CONFIG: &[u8] = b"webroot.toml";
const HEADERS: &[u8] = b"_headers";
pub(crate) const REDIRECTS: &[u8] = b"_redirects";

/// What the author of a site says about it.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) config: Config,
    /// Where the configuration was read, for findings.
    pub(crate) config_name: Vec<u8>,
    pub(crate) headers: Headers,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) dialect: Dialect,
    /// The files at the root of the tree that say it.
    pub(crate) files: Vec<SourceFile>,
    /// What is wrong with them, but no reason to stop.
    pub(crate) findings: Vec<Finding>,
}

impl Policy {
    /// Reads the policy of a tree. `config` is read in place of its `webroot.toml`.
    ///
    /// # Errors
    /// A file can't be read, or all that is wrong with what they say.
    pub(crate) fn read(
        tree: &Tree,
        config: Option<&Path>,
        dialect: Dialect,
    ) -> Result<Self, Error> {
        let mut files = Vec::new();
        let mut texts = [None, None, None];
        for (name, text) in [CONFIG, HEADERS, REDIRECTS].into_iter().zip(&mut texts) {
            if let Some(file) = find(tree, name)? {
                *text = Some(read_whole(tree, &file)?);
                files.push(file);
            }
        }
        let [in_tree, headers, redirects] = texts;
        let (config_name, text) = match config {
            Some(path) => {
                let text = read_outside(path)?;
                (path.as_os_str().as_encoded_bytes().to_vec(), Some(text))
            }
            None => (CONFIG.to_vec(), in_tree),
        };
        let mut findings = Vec::new();
        let config = Config::parse(
            &config_name,
            text.as_deref().unwrap_or_default(),
            &defaults(tree, dialect)?,
        );
        let config = config.unwrap_or_else(|faults| {
            findings.extend(faults);
            Config::new(&Defaults::default())
        });
        let headers = parse_headers(HEADERS, headers.as_deref().unwrap_or_default(), dialect);
        findings.extend(headers.findings);
        let redirects =
            parse_redirects(REDIRECTS, redirects.as_deref().unwrap_or_default(), dialect);
        findings.extend(redirects.findings);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(Error::new(tree.root(), ErrorKind::Findings(findings)));
        }
        Ok(Self {
            config,
            config_name,
            headers: Headers::new(headers.rules, dialect),
            redirects: redirects.rules,
            dialect,
            files,
            findings,
        })
    }

    /// Whether a path is no content: it is policy, or is to be ignored.
    pub(crate) fn ignores(&self, path: &[u8]) -> bool {
        let name = path.strip_prefix(b"/").unwrap_or(path);
        [CONFIG, HEADERS, REDIRECTS].contains(&name) || self.config.ignores(path)
    }

    /// Checks the site against the limits of its configuration.
    ///
    /// # Errors
    /// The first that it exceeds.
    pub(crate) fn check_limits(&self, tree: &Tree, files: &[SourceFile]) -> Result<(), Error> {
        let limits = &self.config.limits;
        let refuse = |path, what| Err(Error::new(path, ErrorKind::Limit(what)));
        if let Some(most) = limits.files.filter(|most| files.len() as u64 > *most) {
            let what = format!("{} files, limits.files is {most}", files.len());
            return refuse(tree.root().to_owned(), what);
        }
        let mut all = 0_u64;
        for file in files {
            let size = file.seen.size;
            if let Some(most) = limits.file.filter(|most| size > *most) {
                let what = format!("{size} bytes, limits.file is {most}");
                return refuse(tree.path(file.place()), what);
            }
            all = all.saturating_add(size);
        }
        match limits.site.filter(|most| all > *most) {
            Some(most) => {
                refuse(tree.root().to_owned(), format!("{all} bytes, limits.site is {most}"))
            }
            None => Ok(()),
        }
    }
}

/// What a site does that does not say so itself: as the platform does that its files are written
/// for.
fn defaults(tree: &Tree, dialect: Dialect) -> Result<Defaults, Error> {
    let html = match dialect {
        Dialect::Strict => Html::Off,
        Dialect::Netlify => Html::Serve,
        Dialect::Cloudflare => Html::Redirect,
    };
    // At Cloudflare a site without an error page at its root is taken for one page that does all.
    let is_single_page = dialect == Dialect::Cloudflare
        && find(tree, b"404.html")?.is_none()
        && find(tree, b"index.html")?.is_some();
    Ok(Defaults { html, fallback: is_single_page.then(|| "/index.html".to_owned()) })
}

/// A regular file at the root of the tree, by its name or through a link.
fn find(tree: &Tree, name: &[u8]) -> Result<Option<SourceFile>, Error> {
    let stat = |place: &[u8]| tree.open_place(place, OFlag::O_PATH).and_then(fstat);
    let path = [b"/", name].concat();
    let failed = |errno| Error::io(tree.path(name), "stat", errno);
    let found = match stat(name) {
        Err(Errno::ENOENT) => return Ok(None),
        found => found.map_err(failed)?,
    };
    let (linked, found) = match FileKind::of(found.st_mode) {
        FileKind::Link => {
            let place = tree.resolve(name)?;
            let found = stat(&place).map_err(failed)?;
            (Some(place), found)
        }
        _ => (None, found),
    };
    if FileKind::of(found.st_mode) != FileKind::Regular {
        return Err(Error::new(tree.path(name), ErrorKind::NotAFile));
    }
    Ok(Some(SourceFile { path, linked, seen: Snapshot::from(&found) }))
}

/// Reads a configuration that is named on the command line.
fn read_outside(path: &Path) -> Result<Vec<u8>, Error> {
    let size = fs::metadata(path).map_err(|error| Error::io(path, "open", error))?.len();
    if size > MOST_BYTES as u64 {
        let what = format!("{size} bytes, a configuration has at most {MOST_BYTES}");
        return Err(Error::new(path, ErrorKind::Limit(what)));
    }
    fs::read(path).map_err(|error| Error::io(path, "read", error))
}
