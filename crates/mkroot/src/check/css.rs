//! What a style sheet refers to: `url(…)`, `@import` and `image-set(…)`.
//!
//! A scanner over bytes (CSS Syntax Level 3 §4.3) that knows comments, strings and escapes and
//! skips all else. `cssparser` reads text that is UTF-8 and descends into every block.

use std::borrow::Cow;

use super::element::Kind;

/// Calls `found` with each URL of a style sheet, or of declarations, and its offset. Never fails.
pub(super) fn scan(css: &[u8], mut found: impl FnMut(Kind, &[u8], usize)) {
    let mut scanner = Scanner { css, position: 0, rule: Rule::Other, depth: 0, image_set: None };
    while let Some((kind, url, offset)) = scanner.next() {
        found(kind, &url, offset);
    }
}

/// The at-rule whose prelude the scanner is in, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Import,
    /// Its URL is a name.
    Namespace,
    Other,
}

struct Scanner<'c> {
    css: &'c [u8],
    position: usize,
    rule: Rule,
    /// Parentheses open.
    depth: usize,
    /// The depth inside of an `image-set(`: strings there are URLs.
    image_set: Option<usize>,
}

impl<'c> Scanner<'c> {
    fn next(&mut self) -> Option<(Kind, Cow<'c, [u8]>, usize)> {
        loop {
            let rest = self.css.get(self.position..)?;
            let skipped = rest.iter().position(|byte| {
                matches!(byte, b'/' | b'"' | b'\'' | b'(' | b')' | b'@' | b'\\' | b';')
            })?;
            self.position += skipped;
            let byte = self.css.get(self.position)?;
            self.position += 1;
            match byte {
                b'/' => self.skip_comment(),
                b'\\' => self.position += 1,
                b'@' => self.begin_rule(),
                b';' => self.rule = Rule::Other,
                b')' => self.close(),
                b'(' if self.names_function(b"url") => {
                    let (url, offset) = self.url();
                    if let Some(kind) = self.kind() {
                        return Some((kind, url, offset));
                    }
                }
                b'(' => self.open(),
                quote => {
                    let offset = self.position;
                    let string = self.string(*quote);
                    let is_url = self.rule == Rule::Import || self.image_set == Some(self.depth);
                    if let Some(kind) = self.kind().filter(|_| is_url) {
                        return Some((kind, string, offset));
                    }
                }
            }
        }
    }

    /// What the next URL is for; `None` if it is only a name.
    fn kind(&mut self) -> Option<Kind> {
        match std::mem::replace(&mut self.rule, Rule::Other) {
            Rule::Import => Some(Kind::StyleSheet),
            Rule::Namespace => None,
            Rule::Other => Some(Kind::Asset),
        }
    }

    /// Behind a slash.
    fn skip_comment(&mut self) {
        let Some([b'*', comment @ ..]) = self.css.get(self.position..) else { return };
        let length = memchr::memmem::find(comment, b"*/").map_or(comment.len(), |end| end + 2);
        self.position += 1 + length;
    }

    /// Behind an at sign.
    fn begin_rule(&mut self) {
        let rest = self.css.get(self.position..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        self.rule = if name.eq_ignore_ascii_case(b"import") {
            Rule::Import
        } else if name.eq_ignore_ascii_case(b"namespace") {
            Rule::Namespace
        } else {
            Rule::Other
        };
        self.position += length;
    }

    /// Whether what stands before the parenthesis just read is this name as a whole.
    fn names_function(&self, name: &[u8]) -> bool {
        let before = self.css.get(..self.position - 1).unwrap_or_default();
        let Some((rest, last)) = before.len().checked_sub(name.len()).map(|at| before.split_at(at))
        else {
            return false;
        };
        last.eq_ignore_ascii_case(name)
            && !rest.last().is_some_and(|byte| is_name(*byte) || *byte == b'\\')
    }

    fn open(&mut self) {
        self.depth += 1;
        if self.names_function(b"image-set") || self.names_function(b"-webkit-image-set") {
            self.image_set = Some(self.depth);
        }
    }

    fn close(&mut self) {
        if self.image_set == Some(self.depth) {
            self.image_set = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Behind `url(`: the URL, and its offset.
    fn url(&mut self) -> (Cow<'c, [u8]>, usize) {
        let rest = self.css.get(self.position..).unwrap_or_default();
        let white = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.position += white.unwrap_or(rest.len());
        if let Some(quote @ (b'"' | b'\'')) = self.css.get(self.position) {
            self.position += 1;
            // Up to the parenthesis there may be modifiers.
            self.depth += 1;
            let offset = self.position;
            return (self.string(*quote), offset);
        }
        let offset = self.position;
        let end = self.end_of(|byte| byte == b')');
        self.position = (end + 1).min(self.css.len());
        let url = self.css.get(offset..end).unwrap_or_default();
        (unescaped(url.trim_ascii_end()), offset)
    }

    /// Behind a quote: the string.
    fn string(&mut self, quote: u8) -> Cow<'c, [u8]> {
        let start = self.position;
        // A string does not go beyond its line.
        let end = self.end_of(|byte| byte == quote || matches!(byte, b'\n' | b'\r' | 0x0c));
        let closed = self.css.get(end) == Some(&quote);
        self.position = end + usize::from(closed);
        unescaped(self.css.get(start..end).unwrap_or_default())
    }

    /// Where the first byte is that ends something and is not escaped.
    fn end_of(&self, ends: impl Fn(u8) -> bool) -> usize {
        let mut position = self.position;
        while let Some(byte) = self.css.get(position) {
            match byte {
                b'\\' if self.css.get(position + 1..position + 3) == Some(b"\r\n") => position += 3,
                b'\\' => position += 2,
                byte if ends(*byte) => return position,
                _ => position += 1,
            }
        }
        self.css.len()
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || !byte.is_ascii()
}

/// Resolves escapes (CSS Syntax Level 3 §4.3.7).
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let code = rest
            .iter()
            .take(digits)
            .fold(0, |code, digit| code * 16 + char::from(*digit).to_digit(16).unwrap_or_default());
        rest = rest.get(digits..).unwrap_or_default();
        match rest {
            _ if digits > 0 => {
                let character = char::from_u32(code).filter(|character| *character != '\0');
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                // White space ends the digits and belongs to them.
                rest = match rest {
                    [b'\r', b'\n', after @ ..] => after,
                    [white, after @ ..] if white.is_ascii_whitespace() => after,
                    rest => rest,
                };
            }
            [b'\r', b'\n', after @ ..] | [b'\n' | b'\r' | 0x0c, after @ ..] => rest = after,
            [byte, after @ ..] => {
                plain.push(*byte);
                rest = after;
            }
            [] => {}
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn urls(css: &str) -> Vec<String> {
        let mut urls = Vec::new();
        scan(css.as_bytes(), |kind, url, offset| {
            let url = String::from_utf8(url.to_vec()).unwrap();
            if !css.contains('\\') {
                assert_eq!(css.get(offset..offset + url.len()), Some(url.as_str()));
            }
            urls.push(if kind == Kind::StyleSheet { format!("import {url}") } else { url });
        });
        urls
    }

    #[test]
    fn urls_and_imports_are_found() {
        for (css, expected) in [
            ("", &[][..]),
            ("a { color: red }", &[]),
            ("a{background:url(a.png)}", &["a.png"]),
            ("a{background:URL( 'a b.png' )}", &["a b.png"]),
            ("a{background:url(\n\ta.png\r\n)}", &["a.png"]),
            ("a{background:url(\"a).png\"),url(b.png)}", &["a).png", "b.png"]),
            ("a{background:url()}", &[""]),
            ("a{background:url(a.png", &["a.png"]),
            ("a{background:url('a.png", &["a.png"]),
            ("src:url(a.eot?#iefix) format('x'),url('a.woff2')", &["a.eot?#iefix", "a.woff2"]),
            ("@import 'a.css';", &["import a.css"]),
            ("@IMPORT \"a.css\" screen;", &["import a.css"]),
            ("@import url(a.css) layer(x);", &["import a.css"]),
            ("@import/* x */url('a.css');@import 'b';", &["import a.css", "import b"]),
            ("@important 'a.css';", &[]),
            ("@import ; a{content:'x'}", &[]),
            ("@namespace svg url(http://www.w3.org/2000/svg);a{b:url(c)}", &["c"]),
            ("@namespace 'x'; a{b:url(c)}", &["c"]),
            ("/* url(a.png) @import 'b'; */ a{b:url(c)}", &["c"]),
            ("/* url(a.png)", &[]),
            ("a{b:1/2;c:url(d)}", &["d"]),
            ("a{content:'url(a.png)'}", &[]),
            ("a{content:\"/*\";b:url(c);content:\"*/\"}", &["c"]),
            ("a{content:'it\\'s url(a)';b:url(c)}", &["c"]),
            ("a{content:'broken\n;b:url(c)}", &["c"]),
            ("a{content:'over \\\r\nlines url(a)';b:url(c)}", &["c"]),
            (".\\'a{b:url(c)}", &["c"]),
            ("a{b:curl(a);c:-url(b);d:éurl(e)}", &[]),
            ("a{b:url(c\\)d.png)}", &["c)d.png"]),
            ("a{b:url(\\63 \\000064e)}", &["cde"]),
            ("a{b:url('c\\\nd\\0  e\\')}", &["cd\u{fffd} e')}"]),
            (
                "a{b:image-set('c.png' 1x, url(d.png) 2x, 'e' type('image/x')) 'f'}",
                &["c.png", "d.png", "e"],
            ),
            ("a{b:-webkit-image-set( \"c\" 1x)}", &["c"]),
            ("a{b:calc((1px + 2px) * 3) url(c)}", &["c"]),
            ("a{--x:url(data:image/svg+xml;utf8,<svg/>)}", &["data:image/svg+xml;utf8,<svg/>"]),
        ] {
            assert_eq!(urls(css), expected, "{css:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(css in r#"(url\(|image-set\(|@import |[\\/*"'();@ \r\n0afé]){0,30}"#) {
            urls(&css);
        }
    }
}
