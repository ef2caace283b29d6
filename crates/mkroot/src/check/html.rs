//! One pass over an HTML document: what it refers to, and the code that it holds inline.
//!
//! `html5gum` reads the markup as browsers do (HTML Standard §13.2.5); what a tree builder would
//! add is imitated where it decides what is markup at all: raw text, SVG and MathML.

use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use super::css;
use super::element::{Kind, Name, Tag, Value};
use super::foreign::Foreign;

/// Documents inside of documents, by `srcdoc`, that are looked into.
const MOST_NESTED: u8 = 3;

/// A reference as it stands in a document, entities decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'d> {
    pub(super) kind: Kind,
    pub(super) url: &'d [u8],
    /// Where it begins in the document; where the whole value does, if that has entities.
    pub(super) offset: usize,
}

/// What inline code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// The text of a `script` that is not empty: an empty one never runs.
    Script,
    /// The value of an event handler attribute.
    Handler,
    /// The text of a `style`.
    Style,
    /// The value of a `style` attribute.
    StyleAttribute,
}

/// Takes what is found, in the order of the document.
pub(super) trait Sink {
    /// A reference. Those in templates are left out: scripts decide what becomes of them.
    fn reference(&mut self, _reference: Reference<'_>) {}

    /// The first `<base href>`.
    fn base(&mut self, _href: &[u8]) {}

    /// Code, as a browser hands it to its interpreter: entities decoded, line ends as LF.
    fn code(&mut self, _code: Code, _text: &[u8]) {}
}

/// Looks at all of a document. Never fails: any bytes are HTML.
pub(super) fn scan(html: &[u8], sink: &mut impl Sink) {
    scan_nested(html, sink, None, MOST_NESTED);
}

/// `origin`: the place in the outer document that stands for all places in this one.
fn scan_nested(html: &[u8], sink: &mut dyn Sink, origin: Option<usize>, nested: u8) {
    let scan = Scan {
        html,
        sink,
        origin,
        nested,
        position: 0,
        markup: 0,
        tag: Tag::default(),
        last_start: Vec::new(),
        foreign: Foreign::default(),
        templates: Vec::new(),
        inert: 0,
        based: false,
        element: None,
    };
    let Ok(()) = Tokenizer::new_with_emitter(html, scan).finish();
}

struct Scan<'d, 's> {
    html: &'d [u8],
    sink: &'s mut dyn Sink,
    origin: Option<usize>,
    nested: u8,
    /// Bytes read.
    position: usize,
    /// Where the last markup began: its `<`.
    markup: usize,
    tag: Tag,
    last_start: Vec<u8>,
    foreign: Foreign,
    /// The open templates, and of each whether it does nothing by itself.
    templates: Vec<bool>,
    /// How many of them do nothing.
    inert: usize,
    based: bool,
    /// The `script` or `style` whose text is being read.
    element: Option<Element>,
}

/// A `script` or `style`.
#[derive(Debug)]
struct Element {
    /// `None`: its text is not code.
    code: Option<Code>,
    text: Vec<u8>,
    /// Where its text begins in the document.
    start: usize,
    is_foreign: bool,
}

impl Scan<'_, '_> {
    fn start_tag(&mut self) -> Option<State> {
        let is_foreign = self.foreign.start(&self.tag.name, self.tag.self_closing);
        let is_open = !(is_foreign && self.tag.self_closing);
        if !self.tag.is_bare() {
            self.attributes(is_foreign);
        }
        let raw = match self.tag.name.as_slice() {
            b"script" => {
                let sources: &[Name] =
                    if is_foreign { &[Name::Href, Name::XlinkHref] } else { &[Name::Src] };
                let is_inline = sources.iter().all(|name| self.tag.value(*name).is_none());
                let runs = is_inline && self.tag.is_script();
                self.open(runs.then_some(Code::Script), is_foreign, is_open);
                State::ScriptData
            }
            b"style" => {
                self.open(self.tag.is_style().then_some(Code::Style), is_foreign, is_open);
                State::RawText
            }
            b"template" if !is_foreign => {
                let is_inert = self.tag.value(Name::ShadowRootMode).is_none();
                self.templates.push(is_inert);
                self.inert += usize::from(is_inert);
                return None;
            }
            b"textarea" | b"title" => State::RcData,
            b"iframe" | b"noembed" | b"noframes" | b"xmp" => State::RawText,
            b"plaintext" => State::PlainText,
            _ => return None,
        };
        (!is_foreign).then_some(raw)
    }

    /// Begins to read the text of a `script` or `style`.
    fn open(&mut self, code: Option<Code>, is_foreign: bool, is_open: bool) {
        let start = self.position;
        self.element = is_open.then_some(Element { code, text: Vec::new(), start, is_foreign });
    }

    fn end_tag(&mut self) {
        match self.tag.name.as_slice() {
            b"script" | b"style" => self.close(self.markup),
            b"template" => {
                let was_inert = self.templates.pop() == Some(true);
                self.inert = self.inert.saturating_sub(usize::from(was_inert));
            }
            _ => {}
        }
        self.foreign.end(&self.tag.name);
    }

    /// The text of the element being read is complete; it ends at `end` in the document.
    fn close(&mut self, end: usize) {
        let Some(element) = self.element.take() else { return };
        let Some(code) = element.code else { return };
        if code != Code::Script || !element.text.is_empty() {
            self.sink.code(code, &element.text);
        }
        if code == Code::Style && !self.is_inert() {
            let written = self.html.get(element.start..end).unwrap_or_default();
            // They differ in line ends only, but for entities and CDATA in SVG.
            let text = if element.is_foreign { &element.text } else { written };
            let exact = written.starts_with(text);
            css::scan(text, |kind, url, offset| {
                let place = element.start + if exact { offset } else { 0 };
                let offset = self.origin.unwrap_or(place);
                self.sink.reference(Reference { kind, url, offset });
            });
        }
    }

    fn is_inert(&self) -> bool {
        self.inert > 0
    }

    fn attributes(&mut self, is_foreign: bool) {
        let mut places = Places { html: self.html, origin: self.origin, last: None };
        let tag = &self.tag;
        if !self.is_inert() {
            if tag.name == b"base"
                && !is_foreign
                && !self.based
                && let Some(href) = tag.value(Name::Href)
            {
                self.based = true;
                if self.origin.is_none() {
                    self.sink.base(href.text);
                } else {
                    // Of its own, for an inner document: what follows is not looked at.
                    self.inert += 1;
                }
            }
            tag.references(is_foreign, |kind, value, part| {
                let url = value.text.get(part.clone()).unwrap_or_default();
                self.sink.reference(Reference { kind, url, offset: places.of(value, part.start) });
            });
            if let Some(style) = tag.value(Name::Style) {
                css::scan(style.text, |kind, url, offset| {
                    let offset = places.of(style, offset);
                    self.sink.reference(Reference { kind, url, offset });
                });
            }
        }
        if let Some(style) = tag.value(Name::Style) {
            self.sink.code(Code::StyleAttribute, style.text);
        }
        for handler in tag.handlers() {
            self.sink.code(Code::Handler, handler.text);
        }
        if let Some(document) = tag.value(Name::SrcDoc)
            && tag.name == b"iframe"
            && let Some(nested) = self.nested.checked_sub(1)
        {
            let origin = self.origin.unwrap_or(document.offset);
            scan_nested(document.text, self.sink, Some(origin), nested);
        }
    }
}

/// Finds the places of parts of values in the document.
struct Places<'d> {
    html: &'d [u8],
    origin: Option<usize>,
    /// Where the last value begins, and whether it stands there as it is, without entities.
    last: Option<(usize, bool)>,
}

impl Places<'_> {
    fn of(&mut self, value: Value<'_>, part: usize) -> usize {
        let exact = match self.last {
            Some((offset, exact)) if offset == value.offset => exact,
            _ => {
                let written = self.html.get(value.offset..).unwrap_or_default();
                let exact = written.starts_with(value.text);
                self.last = Some((value.offset, exact));
                exact
            }
        };
        self.origin.unwrap_or(value.offset + if exact { part } else { 0 })
    }
}

impl Emitter for Scan<'_, '_> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start.clear();
        self.last_start.extend_from_slice(name.unwrap_or_default());
    }

    fn emit_eof(&mut self) {
        // A style sheet without an end is one all the same; a script without an end never runs.
        if self.element.as_ref().is_some_and(|element| element.code == Some(Code::Style)) {
            self.close(self.html.len());
        }
    }

    #[inline]
    fn emit_error(&mut self, _: Error) {}

    #[inline]
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    #[inline]
    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    #[inline]
    fn emit_string(&mut self, text: &[u8]) {
        if let Some(element) = &mut self.element
            && element.code.is_some()
        {
            element.text.extend_from_slice(text);
        }
    }

    fn init_start_tag(&mut self) {
        self.tag.begin(false);
    }

    fn init_end_tag(&mut self) {
        self.tag.begin(true);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        if self.tag.is_end {
            self.end_tag();
            return None;
        }
        self.last_start.clone_from(&self.tag.name);
        self.start_tag()
    }

    fn set_self_closing(&mut self) {
        self.tag.self_closing = true;
    }

    #[inline]
    fn push_tag_name(&mut self, name: &[u8]) {
        self.tag.name.extend_from_slice(name);
    }

    fn init_attribute(&mut self) {
        self.tag.begin_attribute();
    }

    fn init_attribute_value(&mut self) {
        self.tag.begin_value(self.position);
    }

    #[inline]
    fn push_attribute_name(&mut self, name: &[u8]) {
        self.tag.push_name(name);
    }

    #[inline]
    fn push_attribute_value(&mut self, value: &[u8]) {
        self.tag.push_value(value);
    }

    fn start_open_tag(&mut self) {
        self.markup = self.position.saturating_sub(1);
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && self.tag.name == self.last_start
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.foreign.is_here()
    }

    #[inline]
    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    // Comments and the doctype hold nothing that matters.
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn emit_current_doctype(&mut self) {}
}
