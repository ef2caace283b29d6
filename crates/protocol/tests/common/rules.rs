//! Rules from text, for suites: `:` is a placeholder, `*` the splat, `$1` a capture.

use webroot::{Condition, Pattern, PatternPiece, RuleKind, RuleSpec, Template, TemplatePiece};

/// A rule in the making.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    from: Pattern<'static>,
    to: Template<'static>,
    fragment: Template<'static>,
    conditions: Vec<Condition<'static>>,
    kind: RuleKind,
    status: u16,
    normalise: bool,
    forced: bool,
    keep_query: bool,
}

impl Rule {
    /// A redirect for a status of 3xx; else what shows another path. A fragment may follow `#`.
    pub(crate) fn new(from: &str, to: &str, status: u16) -> Self {
        let (to, fragment) = to.split_at(to.find('#').unwrap_or(to.len()));
        let redirect = (300..400).contains(&status);
        Self {
            from: pattern(from),
            to: template(to),
            fragment: template(fragment),
            conditions: Vec::new(),
            kind: if redirect { RuleKind::Redirect } else { RuleKind::Show },
            status,
            normalise: false,
            forced: false,
            keep_query: redirect && !to.contains('?'),
        }
    }

    pub(crate) fn when(mut self, condition: Condition<'static>) -> Self {
        self.conditions.push(condition);
        self
    }

    pub(crate) fn normalised(self) -> Self {
        Self { normalise: true, ..self }
    }

    pub(crate) fn forced(self) -> Self {
        Self { forced: true, ..self }
    }

    pub(crate) fn spec(&self) -> RuleSpec<'_> {
        RuleSpec {
            line: None,
            kind: self.kind,
            status: self.status,
            normalise: self.normalise,
            forced: self.forced,
            keep_query: self.keep_query,
            from: &self.from,
            to: &self.to,
            fragment: &self.fragment,
            conditions: &self.conditions,
        }
    }
}

fn pattern(text: &str) -> Pattern<'static> {
    let pieces = text.split_inclusive([':', '*']).flat_map(|part| {
        let literal = PatternPiece::Literal(part.trim_end_matches([':', '*']).as_bytes());
        match part.as_bytes() {
            [.., b':'] => [literal, PatternPiece::Placeholder],
            [.., b'*'] => [literal, PatternPiece::Splat],
            _ => [literal, PatternPiece::Literal(b"")],
        }
    });
    Pattern::new(&pieces.collect::<Vec<_>>()).unwrap()
}

fn template(text: &str) -> Template<'static> {
    let mut parts = text.split('$');
    let mut pieces = vec![TemplatePiece::Literal(parts.next().unwrap().as_bytes())];
    for part in parts {
        let (number, literal) = part.split_at(1);
        pieces.push(TemplatePiece::Capture(number.parse().unwrap()));
        pieces.push(TemplatePiece::Literal(literal.as_bytes()));
    }
    Template::new(&pieces).unwrap()
}
