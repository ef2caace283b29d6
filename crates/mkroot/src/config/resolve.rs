//! From the text, by way of what was typed, to what holds.

use toml::Spanned;
use webroot::Coding;

use super::document::{self, Faults, Lines, finding};
use super::glob::{Glob, Globs};
use super::typed::Typed;
use super::values::{self, Autoindex, Fallback, GlobList, GlobTable};
use super::{
    COMPRESSED, Cache, Config, Csp, Defaults, ErrorPage, GlobMap, Ignored, Immutable, Limits,
    Listed, MOST_BYTES, Page, REVALIDATED, TrailingSlash,
};
use crate::finding::Finding;

impl Default for Config {
    /// What holds without a file.
    fn default() -> Self {
        Self::new(&Defaults::default())
    }
}

impl Config {
    /// What holds without a file on a platform.
    pub fn new(defaults: &Defaults) -> Self {
        let fallback = defaults.fallback.clone();
        Self {
            types: GlobMap::default(),
            cache: Cache {
                rules: GlobMap::default(),
                immutable: Immutable::Auto,
                default: REVALIDATED.to_owned(),
            },
            ignored: Ignored::default(),
            listed: Listed::Globs(Globs::default()),
            html: defaults.html,
            trailing_slash: TrailingSlash::default(),
            fallback: fallback.map(|path| Page { path, line: 0, column: 0 }),
            error_pages: Vec::new(),
            codings: vec![Coding::Gzip, Coding::Br, Coding::Zstd],
            precompressed: true,
            csp: Csp::default(),
            limits: Limits { file: None, site: None, files: None, compress: COMPRESSED },
        }
    }

    /// Reads `text`, the content of the file that findings call `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text: errors, a hundred at most and
    /// one that counts the others. Of what is no TOML, the first fault.
    pub fn parse(file: &[u8], text: &[u8], defaults: &Defaults) -> Result<Self, Vec<Finding>> {
        if text.len() > MOST_BYTES {
            let message =
                format!("{} bytes are too many; at most {MOST_BYTES} are read", text.len());
            return Err(vec![finding(file, 0, 0, message)]);
        }
        let text = std::str::from_utf8(text).map_err(|error| {
            let valid = text.get(..error.valid_up_to()).unwrap_or_default();
            let valid = String::from_utf8_lossy(valid);
            let (line, column) = Lines::new(&valid).position(valid.len());
            vec![finding(file, line, column, "no UTF-8; save the file in UTF-8".to_owned())]
        })?;
        let document = document::parse(text);
        let document = document.map_err(|faults| faults.into_findings(file, text))?;
        let mut faults = Faults::default();
        let typed = Typed::read(document, &mut faults);
        let config = Self::new(defaults).with(typed, text, &mut faults);
        if faults.is_empty() { Ok(config) } else { Err(faults.into_findings(file, text)) }
    }

    /// Puts what was typed into the place of defaults.
    fn with(mut self, typed: Typed, text: &str, faults: &mut Faults) -> Self {
        let Typed { types, cache, urls, errors, ignore, compress, csp, limits } = typed;
        self.types = map("types", types, faults);

        if let Some(values::CacheControl(default)) = cache.default {
            self.cache.default = default;
        }
        match cache.immutable {
            None | Some(values::Immutable::Auto) => {}
            Some(values::Immutable::Off) => {
                self.cache.immutable = Immutable::Globs(Globs::default());
            }
            Some(values::Immutable::Globs(list)) => {
                let globs = globs("cache.immutable", &list, Globs::of_files, faults);
                self.cache.immutable = Immutable::Globs(globs);
            }
        }
        if let Some(rules) = cache.rules {
            self.cache.rules = map("cache.rules", rules, faults);
        }

        self.html = urls.html.unwrap_or(self.html);
        self.trailing_slash = urls.trailing_slash.unwrap_or(self.trailing_slash);
        match urls.fallback {
            None => {}
            Some(Fallback::Off) => self.fallback = None,
            Some(Fallback::Page(path)) => self.fallback = Some(page(path, text)),
        }
        match urls.autoindex {
            None | Some(Autoindex::Off) => {}
            Some(Autoindex::All) => self.listed = Listed::All,
            Some(Autoindex::Globs(list)) => {
                let globs = globs("urls.autoindex", &list, Globs::of_directories, faults);
                self.listed = Listed::Globs(globs);
            }
        }

        let pages = errors.into_iter();
        let pages = pages.map(|(status, path)| ErrorPage { status, page: page(path, text) });
        self.error_pages = pages.collect();
        self.error_pages.sort_unstable_by_key(|page| page.status);

        if let Some(list) = ignore {
            self.ignored = Ignored {
                files: globs("files.ignore", &list, Globs::of_files, faults),
                directories: globs("files.ignore", &list, Globs::of_directories, faults),
            };
        }

        self.codings = compress.codings.unwrap_or(self.codings);
        self.precompressed = compress.precompressed.unwrap_or(self.precompressed);
        self.csp = csp.unwrap_or(self.csp);

        self.limits = Limits {
            file: limits.file.map(|size| size.0),
            site: limits.site.map(|size| size.0),
            files: limits.files.map(|count| count.0),
            compress: limits.compress.map_or(self.limits.compress, |size| size.0),
        };
        self
    }
}

/// A page with its place in the text.
fn page(values::Page(path): values::Page, text: &str) -> Page {
    let (line, column) = Lines::new(text).position(path.span().start);
    Page { path: path.into_inner(), line, column }
}

/// Values by globs of files.
fn map<V: Into<String>>(name: &str, table: GlobTable<V>, faults: &mut Faults) -> GlobMap {
    let at = table.span();
    let (globs, values): (Vec<Glob>, Vec<V>) = table.into_inner().into_iter().unzip();
    let globs = self::globs(name, &Spanned::new(at, globs), Globs::of_files, faults);
    GlobMap { globs, values: values.into_iter().map(Into::into).collect() }
}

/// A list of globs, prepared for matching by `prepare`; none if that is refused, which is said.
fn globs(
    name: &str,
    list: &GlobList,
    prepare: fn(&[Glob]) -> Result<Globs, String>,
    faults: &mut Faults,
) -> Globs {
    prepare(list.get_ref()).unwrap_or_else(|message| {
        faults.add(name, list.span(), &message);
        Globs::default()
    })
}
