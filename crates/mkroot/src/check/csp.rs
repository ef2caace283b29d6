//! A `Content-Security-Policy` for the code that a page holds inline.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::element::Kind;
use super::html::{self, Code, Reference, Sink};

/// Hashes of the inline code of a page, and where else it takes code from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InlineCode {
    scripts: Sources,
    styles: Sources,
    /// Inline code is not UTF-8, as far as can be told.
    is_unknown: bool,
}

/// What `script-src` or `style-src` lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sources {
    hashes: BTreeSet<String>,
    /// Whether there is code in attributes.
    in_attributes: bool,
    /// URLs at other origins.
    elsewhere: BTreeSet<String>,
}

/// Collects the inline code of an HTML document.
pub fn inline_code(html: &[u8]) -> InlineCode {
    let is_utf16 = html.starts_with(b"\xfe\xff") || html.starts_with(b"\xff\xfe");
    let mut code = InlineCode { is_unknown: is_utf16, ..InlineCode::default() };
    html::scan(html, &mut code);
    code
}

/// The value of a `Content-Security-Policy` that allows the scripts and styles of the page and no
/// others (CSP Level 3): its own by their hashes (§2.3.1), files of this site, and files at other
/// origins that its markup names. Code in attributes needs `'unsafe-hashes'` (§6.7.3.3), which
/// allows no code but that of the hashes.
///
/// `None` if inline code is not UTF-8: a browser hashes what it made of the bytes by an encoding
/// that is not known here.
///
/// Images, fonts, frames and connections are not restricted: they run nothing, and where scripts
/// get them from can't be read from the page. What scripts themselves do is not foreseen: `eval`,
/// WebAssembly, inserting style sheets or loading scripts from other origins is refused, and so are
/// `javascript:` URLs.
pub fn policy(page: &InlineCode) -> Option<String> {
    if page.is_unknown {
        return None;
    }
    let scripts = page.scripts.list();
    let styles = page.styles.list();
    Some(format!("script-src {scripts}; style-src {styles}; base-uri 'self'; object-src 'none'"))
}

impl Sources {
    fn list(&self) -> String {
        let mut list = "'self'".to_owned();
        if self.in_attributes {
            list += " 'unsafe-hashes'";
        }
        for source in self.hashes.iter().chain(&self.elsewhere) {
            list.push(' ');
            list += source;
        }
        list
    }
}

impl Sink for InlineCode {
    fn reference(&mut self, reference: Reference<'_>) {
        let sources = match reference.kind {
            Kind::Script => &mut self.scripts,
            Kind::StyleSheet => &mut self.styles,
            Kind::Link | Kind::Asset => return,
        };
        sources.elsewhere.extend(source_elsewhere(reference.url));
    }

    fn code(&mut self, code: Code, text: &[u8]) {
        let sources = match code {
            Code::Script | Code::Handler => &mut self.scripts,
            Code::Style | Code::StyleAttribute => &mut self.styles,
        };
        sources.in_attributes |= matches!(code, Code::Handler | Code::StyleAttribute);
        sources.hashes.insert(format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text))));
        self.is_unknown |= std::str::from_utf8(text).is_err();
    }
}

/// The source expression (CSP Level 3 §2.3.1) of a URL that names a host; `None` if it names none,
/// or one that has no source expression.
fn source_elsewhere(url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok()?.trim();
    let (scheme, rest) = match url.split_once("//")? {
        ("", rest) => ("", rest),
        (scheme, rest) if scheme.eq_ignore_ascii_case("https:") => ("https://", rest),
        (scheme, rest) if scheme.eq_ignore_ascii_case("http:") => ("http://", rest),
        _ => return None,
    };
    let rest = rest.split(['?', '#']).next()?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    if host.is_empty() || !host.bytes().all(in_host) {
        return None;
    }
    let mut source = format!("{scheme}{}", host.to_ascii_lowercase());
    for byte in path.bytes() {
        // A policy is a list: these end an element of it, or the whole.
        if byte.is_ascii_graphic() && !matches!(byte, b';' | b',') {
            source.push(char::from(byte));
        } else {
            source += &format!("%{byte:02X}");
        }
    }
    Some(source)
}
