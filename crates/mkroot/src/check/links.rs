//! References that lead nowhere.

use super::css;
use super::element::Kind;
use super::html::{self, Reference, Sink};
use super::names::folded;
use super::paths::Paths;
use super::place::Places;
use super::url::{Base, Lead, Resolver};
use crate::{Finding, Severity};

/// Findings of one file that are told one by one; the rest is counted.
const MOST_FINDINGS: usize = 100;
/// Characters of a path or reference that are shown.
const MOST_SHOWN: usize = 200;

/// Checks what an HTML document refers to: `broken-link` for places to go to, `missing-asset` for
/// what it loads.
///
/// `file` is what the findings name. `url_path` is the path under which the document is asked for,
/// in the form that a webroot knows; of several, the canonical one.
pub fn check_html(file: &[u8], url_path: &[u8], html: &[u8], paths: &impl Paths) -> Vec<Finding> {
    let mut links = Links::new(file, url_path, html, paths);
    html::scan(html, &mut links);
    if let Some(base) = links.late_base.take() {
        // Links in front of the base are relative to it, too.
        links =
            Links { link_base: base, is_based: true, ..Links::new(file, url_path, html, paths) };
        html::scan(html, &mut links);
    }
    links.finish()
}

/// Checks what a style sheet refers to: `missing-asset`. `file` and `url_path` as in
/// [`check_html`].
pub fn check_css(file: &[u8], url_path: &[u8], css: &[u8], paths: &impl Paths) -> Vec<Finding> {
    let mut links = Links::new(file, url_path, css, paths);
    css::scan(css, |kind, url, offset| links.reference(Reference { kind, url, offset }));
    links.finish()
}

/// The check of one file.
struct Links<'f, P> {
    file: &'f [u8],
    paths: &'f P,
    places: Places<'f>,
    resolver: Resolver,
    /// What links are relative to: they are followed when the document is complete.
    link_base: Base,
    /// What is loaded is relative to this: it is loaded as soon as it is read.
    asset_base: Base,
    /// Whether the base of links is final.
    is_based: bool,
    has_links: bool,
    /// A base that came behind the first link.
    late_base: Option<Base>,
    findings: Vec<Finding>,
    /// Findings beyond the most, and the kind of the first.
    rest: Option<(usize, &'static str)>,
}

impl<'f, P: Paths> Links<'f, P> {
    fn new(file: &'f [u8], url_path: &[u8], content: &'f [u8], paths: &'f P) -> Self {
        let base = Base::of(url_path);
        Self {
            file,
            paths,
            places: Places::of(content),
            resolver: Resolver::default(),
            link_base: base.clone(),
            asset_base: base,
            is_based: false,
            has_links: false,
            late_base: None,
            findings: Vec::new(),
            rest: None,
        }
    }

    fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| (finding.line, finding.column));
        if let Some((count, kind)) = self.rest {
            let message = format!("{count} more references of this file lead nowhere");
            self.findings.push(finding(self.file, kind, (0, 0), message));
        }
        self.findings
    }
}

impl<P: Paths> Sink for Links<'_, P> {
    fn reference(&mut self, reference: Reference<'_>) {
        let (base, kind) = match reference.kind {
            Kind::Link => (&self.link_base, "broken-link"),
            Kind::Asset | Kind::Script | Kind::StyleSheet => (&self.asset_base, "missing-asset"),
        };
        self.has_links |= reference.kind == Kind::Link;
        let path = match self.resolver.resolve(base, reference.url) {
            Lead::Away => return,
            Lead::Path(path) if self.paths.answers(path) => return,
            Lead::Path(path) => Some(path),
            Lead::Invalid => None,
        };
        if is_placeholder(reference.url) {
            return;
        }
        if self.findings.len() == MOST_FINDINGS {
            self.rest.get_or_insert((0, kind)).0 += 1;
            return;
        }
        let message = message(reference.url, path, self.paths);
        let place = self.places.find(reference.offset);
        self.findings.push(finding(self.file, kind, place, message));
    }

    fn base(&mut self, href: &[u8]) {
        let base = self.asset_base.join(href);
        if !self.is_based && self.has_links {
            self.late_base = Some(base.clone());
        } else if !self.is_based {
            self.link_base = base.clone();
        }
        self.asset_base = base;
    }
}

fn finding(file: &[u8], kind: &'static str, place: (u32, u32), message: String) -> Finding {
    let (line, column) = place;
    Finding { severity: Severity::Warning, kind, file: file.to_vec(), line, column, message }
}

/// What is wrong with a reference that leads to `path`; to nothing at all if that is `None`.
fn message(written: &[u8], path: Option<&[u8]>, paths: &impl Paths) -> String {
    let quoted = shown(written);
    let Some(path) = path else {
        return format!("\"{quoted}\" is no URL; write a percent sign as %25");
    };
    if path.contains(&0) {
        return format!("\"{quoted}\" leads nowhere; write a slash as it is, not as %2F");
    }
    let mut message = format!("nothing answers {}", shown(path));
    if written != path {
        message += &format!(", written as \"{quoted}\"");
    }
    if let Some(nearest) = paths.nearest(path) {
        let name = shown(&nearest);
        message += &if nearest.strip_suffix(b"/") == Some(path) {
            format!("; add a slash: {name}")
        } else if folded(&nearest) == folded(path) {
            format!("; it differs in case from {name}")
        } else {
            format!("; the file is {name}")
        };
    }
    message
}

/// Whether a reference is to be filled in by a template engine.
fn is_placeholder(url: &[u8]) -> bool {
    let marks: [&[u8]; 6] = [b"{{", b"{%", b"${", b"<%", b"%7B%7B", b"%7b%7b"];
    marks.iter().any(|mark| memchr::memmem::find(url, mark).is_some())
}

/// A path or reference as it is printed: one line, and not endless.
pub(super) fn shown(text: &[u8]) -> String {
    let beginning = text.get(..4 * MOST_SHOWN).unwrap_or(text);
    let mut shown = String::new();
    for (number, character) in String::from_utf8_lossy(beginning).chars().enumerate() {
        if number == MOST_SHOWN {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
