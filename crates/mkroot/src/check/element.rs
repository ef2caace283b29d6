//! What the attributes of an element refer to, by the names of both.

use std::ops::Range;

use super::attribute;

/// What a reference is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place to go to.
    Link,
    /// A script that the page loads.
    Script,
    /// A style sheet that the page loads.
    StyleSheet,
    /// Anything else that the page loads.
    Asset,
}

/// The attributes that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    As,
    Background,
    Content,
    Data,
    Href,
    HttpEquiv,
    ImageSrcset,
    Poster,
    Rel,
    ShadowRootMode,
    Src,
    SrcDoc,
    Srcset,
    Style,
    Type,
    XlinkHref,
    /// An event handler: `onclick` and its like.
    Handler,
}

impl Name {
    /// The name of an attribute in lower case; `None` if it does not matter.
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"as" => Self::As,
            b"background" => Self::Background,
            b"content" => Self::Content,
            b"data" => Self::Data,
            b"href" => Self::Href,
            b"http-equiv" => Self::HttpEquiv,
            b"imagesrcset" => Self::ImageSrcset,
            b"poster" => Self::Poster,
            b"rel" => Self::Rel,
            b"shadowrootmode" => Self::ShadowRootMode,
            b"src" => Self::Src,
            b"srcdoc" => Self::SrcDoc,
            b"srcset" => Self::Srcset,
            b"style" => Self::Style,
            b"type" => Self::Type,
            b"xlink:href" => Self::XlinkHref,
            [b'o', b'n', rest @ ..] if rest.first()?.is_ascii_alphabetic() => Self::Handler,
            _ => return None,
        })
    }
}

/// A value, entities decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'t> {
    pub(super) text: &'t [u8],
    /// Where it begins in the document.
    pub(super) offset: usize,
}

/// A tag while it is read. Of its attributes only those that matter are kept, and of those with
/// the same name the first.
#[derive(Debug, Default)]
pub(super) struct Tag {
    pub(super) name: Vec<u8>,
    pub(super) is_end: bool,
    pub(super) self_closing: bool,
    /// The name of the attribute being read, until its value begins.
    attribute: Vec<u8>,
    /// The attribute whose value is being read, if it is kept.
    kept: Option<Name>,
    /// At most one of each name.
    attributes: Vec<Attribute>,
    handlers: Vec<Attribute>,
    /// What the attributes are ranges of.
    values: Vec<u8>,
}

#[derive(Debug)]
struct Attribute {
    name: Name,
    value: Range<usize>,
    offset: usize,
}

impl Tag {
    /// Begins the next tag.
    pub(super) fn begin(&mut self, is_end: bool) {
        self.name.clear();
        self.is_end = is_end;
        self.self_closing = false;
        self.attribute.clear();
        self.kept = None;
        self.attributes.clear();
        self.handlers.clear();
        self.values.clear();
    }

    /// Begins an attribute.
    pub(super) fn begin_attribute(&mut self) {
        self.attribute.clear();
        self.kept = None;
    }

    /// Appends to the name of the attribute.
    pub(super) fn push_name(&mut self, name: &[u8]) {
        self.attribute.extend_from_slice(name);
    }

    /// Begins the value of the attribute, at `offset` in the document.
    pub(super) fn begin_value(&mut self, offset: usize) {
        self.kept = None;
        let Some(name) = Name::of(&self.attribute) else { return };
        let end = self.values.len();
        let attribute = Attribute { name, value: end..end, offset };
        if name == Name::Handler {
            self.handlers.push(attribute);
        } else if self.value(name).is_none() {
            self.attributes.push(attribute);
        } else {
            return;
        }
        self.kept = Some(name);
    }

    /// Appends to the value of the attribute.
    pub(super) fn push_value(&mut self, value: &[u8]) {
        let list = match self.kept {
            None => return,
            Some(Name::Handler) => &mut self.handlers,
            Some(_) => &mut self.attributes,
        };
        self.values.extend_from_slice(value);
        if let Some(attribute) = list.last_mut() {
            attribute.value.end = self.values.len();
        }
    }

    /// The value of an attribute.
    pub(super) fn value(&self, name: Name) -> Option<Value<'_>> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|it| self.text(it))
    }

    /// The values of all event handlers.
    pub(super) fn handlers(&self) -> impl Iterator<Item = Value<'_>> {
        self.handlers.iter().map(|it| self.text(it))
    }

    /// Whether any attribute matters.
    pub(super) fn is_bare(&self) -> bool {
        self.attributes.is_empty() && self.handlers.is_empty()
    }

    fn text(&self, attribute: &Attribute) -> Value<'_> {
        let text = self.values.get(attribute.value.clone()).unwrap_or_default();
        Value { text, offset: attribute.offset }
    }

    /// Calls `found` with each reference of this tag: its kind, the attribute's value, and the
    /// part of that which is the URL. `is_foreign`: it is in SVG or MathML.
    pub(super) fn references<'t>(
        &'t self,
        is_foreign: bool,
        mut found: impl FnMut(Kind, Value<'t>, Range<usize>),
    ) {
        let mut url = |kind, name| {
            if let Some(value) = self.value(name) {
                found(kind, value, 0..value.text.len());
            }
        };
        if is_foreign {
            let kind = match self.name.as_slice() {
                b"a" => Kind::Link,
                b"script" if self.is_script() => Kind::Script,
                b"image" | b"use" | b"feimage" => Kind::Asset,
                _ => return,
            };
            // With both, `href` is the one that counts (SVG 2 §16.1.5).
            let old = self.value(Name::Href).is_none();
            return url(kind, if old { Name::XlinkHref } else { Name::Href });
        }
        match self.name.as_slice() {
            b"a" | b"area" => url(Kind::Link, Name::Href),
            b"audio" | b"embed" | b"frame" | b"iframe" | b"track" => url(Kind::Asset, Name::Src),
            b"body" | b"table" | b"td" | b"th" => url(Kind::Asset, Name::Background),
            b"image" | b"img" | b"source" => {
                url(Kind::Asset, Name::Src);
                self.candidates(Name::Srcset, found);
            }
            b"input" if self.value(Name::Type).is_some_and(|it| is(it.text, "image")) => {
                url(Kind::Asset, Name::Src);
            }
            b"link" => {
                if let Some(kind) = self.link_kind() {
                    url(kind, Name::Href);
                    self.candidates(Name::ImageSrcset, found);
                }
            }
            b"meta" if self.value(Name::HttpEquiv).is_some_and(|it| is(it.text, "refresh")) => {
                if let Some(content) = self.value(Name::Content)
                    && let Some((url, offset)) = attribute::refresh(content.text)
                {
                    found(Kind::Link, content, offset..offset + url.len());
                }
            }
            b"object" => url(Kind::Asset, Name::Data),
            b"script" if self.is_script() => url(Kind::Script, Name::Src),
            b"video" => {
                url(Kind::Asset, Name::Src);
                url(Kind::Asset, Name::Poster);
            }
            _ => {}
        }
    }

    fn candidates<'t>(&'t self, name: Name, mut found: impl FnMut(Kind, Value<'t>, Range<usize>)) {
        if let Some(value) = self.value(name) {
            attribute::srcset(value.text, |url, offset| {
                found(Kind::Asset, value, offset..offset + url.len());
            });
        }
    }

    /// Whether a `script` runs, or tells the browser what to load, rather than being data.
    pub(super) fn is_script(&self) -> bool {
        const JAVASCRIPT: [&str; 16] = [
            "application/ecmascript",
            "application/javascript",
            "application/x-ecmascript",
            "application/x-javascript",
            "text/ecmascript",
            "text/javascript",
            "text/javascript1.0",
            "text/javascript1.1",
            "text/javascript1.2",
            "text/javascript1.3",
            "text/javascript1.4",
            "text/javascript1.5",
            "text/jscript",
            "text/livescript",
            "text/x-ecmascript",
            "text/x-javascript",
        ];
        let Some(value) = self.value(Name::Type) else { return true };
        let others = ["", "module", "importmap", "speculationrules"];
        JAVASCRIPT.iter().chain(&others).any(|known| is(value.text, known))
    }

    /// Whether a `style` is CSS.
    pub(super) fn is_style(&self) -> bool {
        let Some(value) = self.value(Name::Type) else { return true };
        value.text.is_empty() || is(value.text, "text/css")
    }

    /// What a `link` is for, by its `rel` (HTML Standard, "link types"); `None` if nothing of this
    /// site is behind it: it connects ahead, or its type is unknown.
    fn link_kind(&self) -> Option<Kind> {
        let rel = self.value(Name::Rel)?.text.to_ascii_lowercase();
        let has = |token: &[u8]| rel.split(u8::is_ascii_whitespace).any(|it| it == token);
        let destination = |name| self.value(Name::As).is_some_and(|it| is(it.text, name));
        let assets: [&[u8]; 9] = [
            b"apple-touch-icon",
            b"apple-touch-icon-precomposed",
            b"apple-touch-startup-image",
            b"icon",
            b"manifest",
            b"mask-icon",
            b"prefetch",
            b"preload",
            b"prerender",
        ];
        let links: [&[u8]; 10] = [
            b"alternate",
            b"author",
            b"canonical",
            b"help",
            b"license",
            b"next",
            b"prev",
            b"privacy-policy",
            b"search",
            b"terms-of-service",
        ];
        if has(b"stylesheet") || (has(b"preload") && destination("style")) {
            Some(Kind::StyleSheet)
        } else if has(b"modulepreload") || (has(b"preload") && destination("script")) {
            Some(Kind::Script)
        } else if assets.iter().any(|token| has(token)) {
            Some(Kind::Asset)
        } else {
            links.iter().any(|token| has(token)).then_some(Kind::Link)
        }
    }
}

/// Whether a value is a keyword: white space around it and case do not matter.
fn is(value: &[u8], keyword: &str) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(keyword.as_bytes())
}
