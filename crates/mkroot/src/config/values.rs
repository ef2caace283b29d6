//! What single keys can be set to, checked as they are read.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;
use webroot::Coding;

use super::document::{Faults, Section, Value};
use super::glob::Glob;
use super::grammar;
use super::{Csp, Html, TrailingSlash};

/// `cache.immutable` as typed.
#[derive(Debug)]
pub(super) enum Immutable {
    Auto,
    Off,
    Globs(GlobList),
}

/// `urls.autoindex` as typed.
#[derive(Debug)]
pub(super) enum Autoindex {
    All,
    Off,
    Globs(GlobList),
}

/// `urls.fallback` as typed.
#[derive(Debug)]
pub(super) enum Fallback {
    Off,
    Page(Page),
}

/// A list of globs, and where it stands.
pub(super) type GlobList = Spanned<Vec<Glob>>;

/// Globs with a value each, in the order in which they are written.
pub(super) type GlobTable<V> = Spanned<Vec<(Glob, V)>>;

/// A value of `Cache-Control` (RFC 9111 §5.2).
#[derive(Debug)]
pub(super) struct CacheControl(pub(super) String);

impl From<CacheControl> for String {
    fn from(value: CacheControl) -> Self {
        value.0
    }
}

/// A media type (RFC 9110 §8.3.1).
#[derive(Debug)]
pub(super) struct MediaType(String);

impl From<MediaType> for String {
    fn from(value: MediaType) -> Self {
        value.0
    }
}

/// The path of a page, and where it stands.
#[derive(Debug)]
pub(super) struct Page(pub(super) Spanned<String>);

/// A number of bytes.
#[derive(Debug)]
pub(super) struct Size(pub(super) u64);

/// A number, at least one.
#[derive(Debug)]
pub(super) struct Count(pub(super) u64);

/// Reads one of a few words.
fn choice<T: Copy>(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Faults,
    choices: &[(&str, T)],
) -> Option<T> {
    let word = value.get_ref().as_str();
    let found = choices.iter().find(|(choice, _)| Some(*choice) == word).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let allowed = match words.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} or {last}", others.join(", "))
            }
            _ => words.concat(),
        };
        faults.refuse(name, value.span(), value.get_ref(), &allowed);
    }
    found
}

/// Reads a string that a grammar allows.
fn checked<T>(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Faults,
    expected: &str,
    check: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(text) = value.get_ref().as_str() else {
        faults.refuse(name, value.span(), value.get_ref(), expected);
        return None;
    };
    let checked = check(text);
    checked.map_err(|message| faults.add(name, value.span(), &message)).ok()
}

/// Reads a list. Every element is looked at, so that each fault is said.
fn list<T: Value>(
    name: &str,
    value: Spanned<DeValue<'_>>,
    faults: &mut Faults,
    expected: &str,
) -> Option<Spanned<Vec<T>>> {
    let at = value.span();
    match value.into_inner() {
        DeValue::Array(elements) => {
            let count = elements.len();
            let elements = elements.into_iter().filter_map(|value| T::read(name, value, faults));
            let elements: Vec<T> = elements.collect();
            (elements.len() == count).then(|| Spanned::new(at, elements))
        }
        other => {
            faults.refuse(name, at, &other, expected);
            None
        }
    }
}

impl Value for bool {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            faults.refuse(name, value.span(), value.get_ref(), "true or false");
        }
        found
    }
}

impl Value for Html {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let choices = [("off", Self::Off), ("serve", Self::Serve), ("redirect", Self::Redirect)];
        choice(name, &value, faults, &choices)
    }
}

impl Value for TrailingSlash {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let choices = [("add", Self::Add), ("remove", Self::Remove), ("keep", Self::Keep)];
        choice(name, &value, faults, &choices)
    }
}

impl Value for Csp {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        choice(name, &value, faults, &[("off", Self::Off), ("hash", Self::Hash)])
    }
}

impl Value for Coding {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let choices = [("gzip", Self::Gzip), ("br", Self::Br), ("zstd", Self::Zstd)];
        choice(name, &value, faults, &choices)
    }
}

impl Value for Vec<Coding> {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let list = list(name, value, faults, "a list of \"gzip\", \"br\" and \"zstd\"")?;
        let mut codings: Self = list.into_inner();
        codings.sort_unstable();
        codings.dedup();
        Some(codings)
    }
}

impl Value for CacheControl {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let expected = "directives, as in \"public, max-age=3600\"";
        checked(name, &value, faults, expected, grammar::cache_control).map(Self)
    }
}

impl Value for MediaType {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let expected = "a media type, as in \"text/x-foo\"";
        checked(name, &value, faults, expected, grammar::media_type).map(Self)
    }
}

impl Value for Glob {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        checked(name, &value, faults, "a glob, as in \"*.psd\" or \"/drafts/**\"", Self::parse)
    }
}

impl Value for GlobList {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        list(name, value, faults, "a list of globs")
    }
}

impl Value for Immutable {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(word) if word == "auto" => Some(Self::Auto),
            DeValue::String(word) if word == "off" => Some(Self::Off),
            _ => {
                let expected = "\"auto\", \"off\" or a list of globs";
                let globs = list(name, value, faults, expected)?;
                for_files(name, globs.get_ref(), globs.span(), faults)?;
                Some(Self::Globs(globs))
            }
        }
    }
}

impl Value for Autoindex {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(true) => Some(Self::All),
            DeValue::Boolean(false) => Some(Self::Off),
            _ => {
                let expected = "true, false or a list of globs of directories";
                list(name, value, faults, expected).map(Self::Globs)
            }
        }
    }
}

impl Value for Page {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let expected = "the path of a page, as in \"/index.html\"";
        let path = checked(name, &value, faults, expected, grammar::page)?;
        Some(Self(Spanned::new(value.span(), path)))
    }
}

impl Value for Fallback {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(word) if word == "off" => Some(Self::Off),
            DeValue::String(_) => Page::read(name, value, faults).map(Self::Page),
            other => {
                let expected = "the path of a page, as in \"/index.html\", or \"off\"";
                faults.refuse(name, value.span(), other, expected);
                None
            }
        }
    }
}

impl Value for Size {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let size = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            DeValue::String(text) => grammar::size(text),
            _ => None,
        };
        if size.is_none() {
            let expected = "a number of bytes, or one with a unit (KiB, MiB, GiB, TiB) in quotes, \
                            as in \"64 MiB\"";
            faults.refuse(name, value.span(), value.get_ref(), expected);
        }
        size.map(Self)
    }
}

impl Value for Count {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        if number.is_none() {
            faults.refuse(name, value.span(), value.get_ref(), "a number");
        }
        number.map(Self)
    }
}

/// A rule of `cache.rules`.
impl Value for (Glob, CacheControl) {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        let at = value.span();
        let table = match value.into_inner() {
            DeValue::Table(table) => table,
            other => {
                let expected = "a rule, as in { match = \"/img/**\", value = \"no-cache\" }";
                faults.refuse(name, at, &other, expected);
                return None;
            }
        };
        let mut rule = Section::of(name, table);
        for key in ["match", "value"].into_iter().filter(|key| !rule.has(key)) {
            faults.add(name, at.clone(), &format!("the rule has no \"{key}\""));
        }
        let glob: Option<Glob> = rule.take("match", faults);
        let value = rule.take("value", faults);
        rule.finish(faults);
        let glob = glob?;
        for_files(name, std::slice::from_ref(&glob), at, faults)?;
        Some((glob, value?))
    }
}

impl Value for GlobTable<CacheControl> {
    fn read(name: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Self> {
        list(name, value, faults, "a list of rules { match = …, value = … }")
    }
}

/// Says that a glob for directories matches no file. `None` if there is one.
pub(super) fn for_files(
    name: &str,
    globs: &[Glob],
    at: Range<usize>,
    faults: &mut Faults,
) -> Option<()> {
    if globs.iter().any(Glob::directories_only) {
        let message = "a glob with a slash at the end matches no file; for those in a directory \
                       write \"/directory/**\"";
        faults.add(name, at, message);
        return None;
    }
    Some(())
}
