//! The configuration as its author typed it: what isn't written is `None`.

use toml::Spanned;
use webroot::Coding;

use super::document::{Faults, Section, Value};
use super::glob::Glob;
use super::values::{
    Autoindex, CacheControl, Count, Fallback, GlobList, GlobTable, Immutable, MediaType, Page,
    Size, for_files,
};
use super::{Csp, Html, TrailingSlash};

/// All sections.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) types: GlobTable<MediaType>,
    pub(super) cache: Cache,
    pub(super) urls: Urls,
    /// Statuses and their pages.
    pub(super) errors: Vec<(u16, Page)>,
    /// `files.ignore`.
    pub(super) ignore: Option<GlobList>,
    pub(super) compress: Compress,
    /// `security.csp`.
    pub(super) csp: Option<Csp>,
    pub(super) limits: Limits,
}

/// `[cache]`.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) default: Option<CacheControl>,
    pub(super) immutable: Option<Immutable>,
    pub(super) rules: Option<GlobTable<CacheControl>>,
}

/// `[urls]`.
#[derive(Debug)]
pub(super) struct Urls {
    pub(super) html: Option<Html>,
    pub(super) trailing_slash: Option<TrailingSlash>,
    pub(super) fallback: Option<Fallback>,
    pub(super) autoindex: Option<Autoindex>,
}

/// `[compress]`.
#[derive(Debug)]
pub(super) struct Compress {
    pub(super) codings: Option<Vec<Coding>>,
    pub(super) precompressed: Option<bool>,
}

/// `[limits]`.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) file: Option<Size>,
    pub(super) site: Option<Size>,
    pub(super) files: Option<Count>,
    pub(super) compress: Option<Size>,
}

impl Typed {
    /// Takes everything out of a document. What is faulty is left out, and said.
    pub(super) fn read(mut document: Section<'_>, faults: &mut Faults) -> Self {
        let types = types(document.section("types", faults), faults);

        let mut section = document.section("cache", faults);
        let cache = Cache {
            default: section.take("default", faults),
            immutable: section.take("immutable", faults),
            rules: section.take("rules", faults),
        };
        section.finish(faults);

        let mut section = document.section("urls", faults);
        let urls = Urls {
            html: section.take("html", faults),
            trailing_slash: section.take("trailing-slash", faults),
            fallback: section.take("fallback", faults),
            autoindex: section.take("autoindex", faults),
        };
        section.finish(faults);

        let errors = errors(document.section("errors", faults), faults);

        let mut section = document.section("files", faults);
        let ignore = section.take("ignore", faults);
        section.finish(faults);

        let mut section = document.section("compress", faults);
        let compress = Compress {
            codings: section.take("codings", faults),
            precompressed: section.take("precompressed", faults),
        };
        section.finish(faults);

        let mut section = document.section("security", faults);
        let csp = section.take("csp", faults);
        section.finish(faults);

        let mut section = document.section("limits", faults);
        let limits = Limits {
            file: section.take("file", faults),
            site: section.take("site", faults),
            files: section.take("files", faults),
            compress: section.take("compress", faults),
        };
        section.finish(faults);

        document.finish(faults);
        Self { types, cache, urls, errors, ignore, compress, csp, limits }
    }
}

/// `[types]`: the keys are globs.
fn types(section: Section<'_>, faults: &mut Faults) -> GlobTable<MediaType> {
    let entries = section.entries();
    let at = entries.first().map(|(key, _)| key.span()).unwrap_or_default();
    let mut types = Vec::new();
    for (key, value) in entries {
        let name = format!("types.\"{}\"", key.get_ref());
        let media_type = MediaType::read(&name, value, faults);
        match Glob::parse(key.get_ref()) {
            Ok(glob) => {
                let usable = for_files(&name, std::slice::from_ref(&glob), key.span(), faults);
                types.extend(usable.and(media_type).map(|media_type| (glob, media_type)));
            }
            Err(message) => faults.add(&name, key.span(), &message),
        }
    }
    Spanned::new(at, types)
}

/// `[errors]`: the keys are statuses of errors (RFC 9110 §15.5, §15.6).
fn errors(section: Section<'_>, faults: &mut Faults) -> Vec<(u16, Page)> {
    let mut errors = Vec::new();
    for (key, value) in section.entries() {
        let name = format!("errors.{}", key.get_ref());
        let page = Page::read(&name, value, faults);
        match key.get_ref().parse() {
            Ok(status @ 400..=599) if key.get_ref().len() == 3 => {
                errors.extend(page.map(|page| (status, page)));
            }
            _ => faults.add(&name, key.span(), "no status of an error; write one from 400 to 599"),
        }
    }
    errors
}
