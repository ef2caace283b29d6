//! SVG and MathML inside of HTML, as far as they change how markup is read: there a tag may close
//! itself, `<title>` has markup inside, and CDATA sections exist.

/// Most elements that are kept track of. What is deeper is read as HTML.
const DEEPEST: usize = 128;

/// The open elements from the outermost `svg` or `math` on (HTML Standard, "the rules for parsing
/// tokens in foreign content").
#[derive(Debug, Default)]
pub(super) struct Foreign {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    name: Name,
    /// Whether HTML is inside of it again.
    holds_html: bool,
}

/// The beginning of a name. No two names that matter here have the same.
type Name = [u8; 14];

fn shortened(name: &[u8]) -> Name {
    let mut short = Name::default();
    short.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    short
}

impl Foreign {
    /// Whether markup at this point is SVG or MathML.
    pub(super) fn is_here(&self) -> bool {
        self.open.last().is_some_and(|open| !open.holds_html)
    }

    /// Takes note of a start tag, and says whether its element is SVG or MathML.
    pub(super) fn start(&mut self, name: &[u8], self_closing: bool) -> bool {
        if !self.is_here() {
            if !matches!(name, b"svg" | b"math") {
                return false;
            }
        } else if ends_foreign(name) {
            self.open.clear();
            return false;
        }
        if !self_closing {
            if self.open.len() == DEEPEST {
                self.open.clear();
                return false;
            }
            let holds_html = matches!(
                name,
                b"foreignobject"
                    | b"desc"
                    | b"title"
                    | b"annotation-xml"
                    | b"mi"
                    | b"mo"
                    | b"mn"
                    | b"ms"
                    | b"mtext"
            );
            self.open.push(Open { name: shortened(name), holds_html });
        }
        true
    }

    /// Takes note of an end tag. In foreign content, one that no element there waits for ends an
    /// HTML element around, and with it all that was left open.
    pub(super) fn end(&mut self, name: &[u8]) {
        let name = shortened(name);
        match self.open.iter().rposition(|open| open.name == name) {
            Some(closed) => self.open.truncate(closed),
            None if self.is_here() => self.open.clear(),
            None => {}
        }
    }
}

/// Whether a start tag is HTML even in foreign content, which it ends.
fn ends_foreign(name: &[u8]) -> bool {
    matches!(
        name,
        b"b" | b"big"
            | b"blockquote"
            | b"body"
            | b"br"
            | b"center"
            | b"code"
            | b"dd"
            | b"div"
            | b"dl"
            | b"dt"
            | b"em"
            | b"embed"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"head"
            | b"hr"
            | b"i"
            | b"img"
            | b"li"
            | b"listing"
            | b"menu"
            | b"meta"
            | b"nobr"
            | b"ol"
            | b"p"
            | b"pre"
            | b"ruby"
            | b"s"
            | b"small"
            | b"span"
            | b"strong"
            | b"strike"
            | b"sub"
            | b"sup"
            | b"table"
            | b"tt"
            | b"u"
            | b"ul"
            | b"var"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is foreign after tags, written as `svg`, `path/` and `/svg`.
    fn after(tags: &str) -> bool {
        let mut foreign = Foreign::default();
        for tag in tags.split_whitespace() {
            match (tag.strip_prefix('/'), tag.strip_suffix('/')) {
                (Some(name), _) => foreign.end(name.as_bytes()),
                (None, Some(name)) => drop(foreign.start(name.as_bytes(), true)),
                (None, None) => drop(foreign.start(tag.as_bytes(), false)),
            }
        }
        foreign.is_here()
    }

    #[test]
    fn foreign_content_begins_and_ends() {
        for (tags, expected) in [
            ("p", false),
            ("svg", true),
            ("svg/", false),
            ("svg path/ g", true),
            ("svg g /g", true),
            ("svg g /svg", false),
            ("svg svg /svg", true),
            ("math mrow", true),
            ("svg foreignobject", false),
            ("svg foreignobject p /p /div", false),
            ("svg foreignobject p /foreignobject", true),
            ("svg foreignobject svg", true),
            ("svg title /title", true),
            ("svg title/", true),
            // Left open: an HTML element begins, or one around ends.
            ("div svg path div", false),
            ("button svg path /button", false),
        ] {
            assert_eq!(after(tags), expected, "{tags}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(after(&format!("svg {}", "g ".repeat(DEEPEST - 1))));
        assert!(!after(&format!("svg {}", "g ".repeat(DEEPEST))));
    }
}
