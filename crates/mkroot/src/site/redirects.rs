//! `_redirects` on the paths of a site: what can be settled now becomes an answer, the rest a rule
//! that is matched at run time.

use std::collections::HashMap;

use super::{Answer, Answered, Page, Site};
use crate::finding::{Finding, Severity};
use crate::heads::percent_encoded;
use crate::policy::{Dialect, Pattern, Piece, Policy, REDIRECTS, Redirect, TargetPiece};

/// Applies the rules in their order; the first that matches a path counts.
pub(super) fn add<'a>(site: &mut Site<'a>, policy: &'a Policy) {
    let paths = Paths::of(site);
    let mut laying = Laying { site, policy, paths, made: HashMap::new() };
    for rule in &policy.redirects {
        laying.lay(rule);
    }
}

/// The paths that were answered before the first rule, in order.
struct Paths(Vec<Vec<u8>>);

impl Paths {
    fn of(site: &Site<'_>) -> Self {
        let mut paths: Vec<_> = site.answers.iter().map(|(path, _)| path.to_vec()).collect();
        paths.sort_unstable();
        Self(paths)
    }

    /// Those that a pattern matches.
    fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = &[u8]> {
        let prefix = match pattern.pieces.first() {
            Some(Piece::Literal(prefix)) => prefix.as_slice(),
            _ => b"/",
        };
        // A pattern for which a slash at the end does not matter may match a path that is shorter.
        let prefix = prefix.strip_suffix(b"/").unwrap_or(prefix);
        let start = self.0.partition_point(|path| path.as_slice() < prefix);
        let rest = self.0.get(start..).unwrap_or_default().iter().map(Vec::as_slice);
        rest.take_while(move |path| path.starts_with(prefix))
            .filter(move |path| pattern.matches(path))
    }
}

struct Laying<'s, 'a> {
    site: &'s mut Site<'a>,
    policy: &'a Policy,
    paths: Paths,
    /// Paths that a rule has taken, with its line.
    made: HashMap<Vec<u8>, u32>,
}

impl<'a> Laying<'_, 'a> {
    fn lay(&mut self, rule: &'a Redirect) {
        if let Some(host) = &rule.from.host {
            let message = format!(
                "a webroot answers for whatever host it is linked to, so a rule can't be for \
                 {host} alone; put it into the site of that host"
            );
            self.find(Severity::Error, rule, "rule-for-host", message);
            return;
        }
        if let Err(message) = self.check_target(rule) {
            self.find(Severity::Error, rule, "missing-target", message);
            return;
        }
        let wins = rule.forced || self.policy.dialect == Dialect::Cloudflare;
        let taken: Vec<Vec<u8>> = self
            .paths
            .matching(&rule.from)
            .filter(|path| !self.made.contains_key(*path))
            .map(<[u8]>::to_vec)
            .collect();
        if let Some(first) = taken.first() {
            let first = percent_encoded(first);
            if self.policy.dialect == Dialect::Strict {
                let message = format!(
                    "the site answers {first} itself, which Netlify lets it do and Cloudflare \
                     does not; remove one of them, or choose a dialect"
                );
                self.find(Severity::Error, rule, "rule-over-file", message);
                return;
            }
            if !wins && rule.from.as_literal().is_some() {
                let message = format!("the site answers {first} itself, so the rule is not used");
                self.find(Severity::Warning, rule, "unused-rule", message);
            }
        }
        if wins {
            for path in taken {
                self.take(&path, rule);
            }
        }
        if let Some(path) = rule.from.as_literal()
            && rule.is_unconditional()
            && !self.site.rules.takes(path)
        {
            for path in forms(path, &rule.from) {
                if self.site.answers.get(&path).is_none() {
                    self.take(&path, rule);
                }
            }
            return;
        }
        self.site.rules.push(rule);
    }

    /// Lets a rule answer a path that it matches.
    fn take(&mut self, path: &[u8], rule: &Redirect) {
        if !rule.is_unconditional() {
            if let Some(answered) = self.site.answers.get_mut(path) {
                answered.rules_first = true;
            }
            return;
        }
        let Some(answer) = self.answer(path, rule) else { return };
        self.made.insert(path.to_vec(), rule.line);
        let rule = Some(rule.line);
        self.site.answers.put(path, Answered { answer, rule, rules_first: false });
    }

    /// What a rule answers at a path that it matches.
    fn answer(&self, path: &[u8], rule: &Redirect) -> Option<Answer> {
        let captures = rule.from.capture(path)?;
        let capture = |number: usize| {
            captures.get(number).and_then(|range| path.get(range.clone())).unwrap_or_default()
        };
        if rule.redirects() {
            let fragment = rule.target.fragment.as_deref();
            let mark = [TargetPiece::Literal(b"#".to_vec())];
            let fragment = fragment.into_iter().flat_map(|pieces| mark.iter().chain(pieces));
            let mut location = String::new();
            for piece in rule.target.pieces.iter().chain(fragment) {
                match piece {
                    TargetPiece::Literal(text) => location.push_str(&String::from_utf8_lossy(text)),
                    TargetPiece::Capture(number) => {
                        location.push_str(&percent_encoded(capture(*number)));
                    }
                }
            }
            let keeps_query = !rule.target.has_query;
            return Some(Answer::Redirect { status: rule.status, location, keeps_query });
        }
        let mut target = Vec::new();
        for piece in &rule.target.pieces {
            match piece {
                TargetPiece::Literal(text) => target.extend_from_slice(text),
                TargetPiece::Capture(number) => target.extend_from_slice(capture(*number)),
            }
        }
        let item = self.site.answers.get(&target)?.answer.item()?;
        Some(match rule.status {
            200 => Answer::Content { item },
            status => Answer::Status { item, status },
        })
    }

    /// Whether what a rule shows is there, as far as that is known now. A status other than 200
    /// needs a page of its own, with a head that has no validators.
    fn check_target(&mut self, rule: &'a Redirect) -> Result<(), String> {
        let Some(path) = shown(rule) else { return Ok(()) };
        let Some(path) = path else { return Ok(()) };
        let item = self.site.answers.get(path).and_then(|answered| answered.answer.item());
        let Some(item) = item else {
            return Err(format!("{} is no file of the site", percent_encoded(path)));
        };
        let page = Page { directory: path, status: rule.status, item };
        if rule.status != 200 && !self.site.pages.contains(&page) {
            self.site.pages.push(page);
        }
        Ok(())
    }

    fn find(&mut self, severity: Severity, rule: &Redirect, kind: &'static str, message: String) {
        let file = REDIRECTS.to_vec();
        let finding = Finding { severity, kind, file, line: rule.line, column: 0, message };
        self.site.findings.push(finding);
    }
}

/// The path of what a rule shows: `None` if it redirects, `Some(None)` if the path depends on the
/// request.
fn shown(rule: &Redirect) -> Option<Option<&[u8]>> {
    if rule.redirects() { None } else { Some(rule.target.as_literal()) }
}

/// The forms of a literal path that a rule matches: with and without its slash, if that does not
/// matter.
fn forms(path: &[u8], pattern: &Pattern) -> Vec<Vec<u8>> {
    let bare = path.strip_suffix(b"/").unwrap_or(path);
    if !pattern.matching.ignores_trailing_slash || bare.is_empty() {
        return vec![path.to_vec()];
    }
    vec![bare.to_vec(), [bare, b"/"].concat()]
}
