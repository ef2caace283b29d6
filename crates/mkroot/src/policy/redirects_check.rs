//! Rules of `_redirects` against each other: which are never reached, which lead in a circle.

use std::collections::HashSet;

use super::dialect::Dialect;
use super::index::Index;
use super::lines::Findings;
use super::pattern::{Pattern, Piece};
use super::redirects::Redirect;
use super::syntax::trim_slash;
use super::target::TargetPiece;
use super::uri;
use crate::finding::{Finding, Severity};

/// Looks for rules that are never reached, that redirect to themselves in the end, or that redirect
/// to what is redirected again.
///
/// `stored` says whether a file is stored at a path: a rule that is not forced is not for that one.
pub fn check_redirects(
    rules: &[Redirect],
    dialect: Dialect,
    file: &[u8],
    stored: &dyn Fn(&[u8]) -> bool,
) -> Vec<Finding> {
    let mut findings = Findings::new(file);
    let rules = Rules::new(rules, dialect, stored);
    rules.find_shadowed(&mut findings);
    let next: Vec<_> = rules.list.iter().map(|rule| rules.next(rule)).collect();
    let in_loop = rules.find_loops(&next, &mut findings);
    rules.find_chains(&next, &in_loop, &mut findings);
    rules.find_growing(&mut findings);
    findings.finish()
}

struct Rules<'r> {
    list: &'r [Redirect],
    dialect: Dialect,
    stored: &'r dyn Fn(&[u8]) -> bool,
    /// The unconditional ones.
    index: Index,
    /// Hosts that rules name, which so are hosts of the site.
    hosts: HashSet<&'r str>,
}

/// A URL of the site: host, if it is known, and decoded path.
type Url<'u> = (Option<&'u str>, Vec<u8>);

impl<'r> Rules<'r> {
    fn new(list: &'r [Redirect], dialect: Dialect, stored: &'r dyn Fn(&[u8]) -> bool) -> Self {
        let mut index = Index::new();
        for (number, rule) in (0..).zip(list) {
            if rule.is_unconditional() {
                index.insert(&rule.from, number);
            }
        }
        let hosts = list.iter().filter_map(|rule| rule.from.host.as_deref()).collect();
        Self { list, dialect, stored, index, hosts }
    }

    /// Rules by numbers from the index.
    fn get(&self, numbers: Vec<u32>) -> impl Iterator<Item = (usize, &'r Redirect)> {
        let numbers = numbers.into_iter().filter_map(|number| usize::try_from(number).ok());
        numbers.filter_map(|number| Some((number, self.list.get(number)?)))
    }

    /// Whether a rule is for stored paths too; in strict as far as one platform says so.
    fn wins(&self, rule: &Redirect) -> bool {
        rule.forced || self.dialect == Dialect::Strict
    }

    fn find_shadowed(&self, findings: &mut Findings<'_>) {
        let mut earlier = Index::new();
        for (number, rule) in (0..).zip(self.list) {
            let first = self
                .get(earlier.covering(&rule.from))
                .find(|(_, first)| (first.forced || !rule.forced) && first.from.covers(&rule.from));
            if let Some((_, first)) = first {
                let message = format!(
                    "never reached: line {} takes all of its paths. Put this rule in front of it, \
                     or leave it out",
                    first.line
                );
                findings.note(Severity::Warning, "shadowed-redirect", rule.line, message);
            } else if rule.is_unconditional() {
                earlier.insert(&rule.from, number);
            }
        }
    }

    /// The rule that redirects again what a rule redirects to, if that is one path.
    fn next(&self, rule: &'r Redirect) -> Option<usize> {
        if !rule.redirects() {
            return None;
        }
        let (host, path) = self.literal_target(rule)?;
        let is_stored = (self.stored)(&path);
        let path = rule.from.matching.canonical(&path);
        let (number, next) = self.get(self.index.matching(&path)).find(|(_, next)| {
            next.from.host.as_deref().is_none_or(|of| host == Some(of))
                && (!is_stored || self.wins(next))
                && next.from.matches(&path)
        })?;
        next.redirects().then_some(number)
    }

    /// The URL that a rule leads to, if it is always the same one and of this site.
    fn literal_target(&self, rule: &'r Redirect) -> Option<Url<'r>> {
        let text = std::str::from_utf8(rule.target.as_literal()?).ok()?;
        let (host, path) = if rule.target.absolute {
            let (_, rest) = text.split_once("://")?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, path) = rest.split_at_checked(end)?;
            (Some(*self.hosts.get(host.to_ascii_lowercase().as_str())?), path)
        } else {
            (rule.from.host.as_deref(), text)
        };
        let path = path.split('?').next().filter(|path| !path.is_empty()).unwrap_or("/");
        Some((host, uri::decode(path, 0, "").ok()?))
    }

    /// Reports each circle once; which rules are in one.
    fn find_loops(&self, next: &[Option<usize>], findings: &mut Findings<'_>) -> Vec<bool> {
        let mut in_loop = vec![false; next.len()];
        // The walk on which a rule was first seen, by the rule where that began.
        let mut seen: Vec<Option<usize>> = vec![None; next.len()];
        for start in 0..next.len() {
            let mut at = start;
            let end = loop {
                match seen.get_mut(at) {
                    Some(mark @ None) => *mark = Some(start),
                    Some(Some(walk)) => break (*walk == start).then_some(at),
                    None => break None,
                }
                match next.get(at).copied().flatten() {
                    Some(further) => at = further,
                    None => break None,
                }
            };
            let Some(first) = end else { continue };
            let further = |at: &usize| next.get(*at).copied().flatten();
            let around = std::iter::successors(further(&first), further);
            let mut members = vec![first];
            members.extend(around.take_while(|at| *at != first));
            for member in &members {
                if let Some(mark) = in_loop.get_mut(*member) {
                    *mark = true;
                }
            }
            self.report_loop(&members, findings);
        }
        in_loop
    }

    fn report_loop(&self, members: &[usize], findings: &mut Findings<'_>) {
        /// Most lines that a message names.
        const NAMED: usize = 8;
        let mut lines: Vec<u32> =
            members.iter().filter_map(|at| self.list.get(*at)).map(|rule| rule.line).collect();
        lines.sort_unstable();
        let Some((first, others)) = lines.split_first() else { return };
        let named: Vec<_> = others.iter().take(NAMED).map(ToString::to_string).collect();
        let message = match others.len() {
            0 => {
                "the target matches the rule itself: it redirects to itself without end".to_owned()
            }
            1 => {
                format!("this rule and line {} redirect to each other without end", named.join(""))
            }
            count => {
                let more = if count > NAMED { " and others" } else { "" };
                format!("this rule and lines {}{more} redirect in a circle", named.join(", "))
            }
        };
        findings.note(Severity::Error, "redirect-loop", *first, message);
    }

    fn find_chains(&self, next: &[Option<usize>], in_loop: &[bool], findings: &mut Findings<'_>) {
        for (rule, next) in self.list.iter().zip(next) {
            let Some(next) = next.filter(|next| in_loop.get(*next) == Some(&false)) else {
                continue;
            };
            let Some(next) = self.list.get(next) else { continue };
            let to = match next.target.as_literal() {
                Some(text) => format!(" to {}", text.escape_ascii()),
                None => String::new(),
            };
            let message = format!(
                "line {} redirects the target again{to}: redirect there at once",
                next.line
            );
            findings.note(Severity::Warning, "redirect-chain", rule.line, message);
        }
    }

    /// Rules of which every target is matched by the rule again, as `/a/* /a/b/:splat`.
    fn find_growing(&self, findings: &mut Findings<'_>) {
        for rule in self.list.iter().filter(|rule| rule.redirects() && rule.query.is_empty()) {
            let Some(targets) = self.targets(rule) else { continue };
            let mut others = self.get(self.index.covering(&targets));
            let is_taken =
                others.any(|(_, other)| other.line < rule.line && other.from.covers(&targets));
            if is_taken || !rule.from.covers(&targets) {
                continue;
            }
            let message = "every target matches the rule itself: it redirects to itself without \
                           end";
            if self.wins(rule) {
                findings.note(Severity::Error, "redirect-loop", rule.line, message.to_owned());
            } else {
                let message = format!("{message}, unless a file is stored there");
                findings.note(Severity::Warning, "redirect-loop", rule.line, message);
            }
        }
    }

    /// The targets of a rule as a pattern, if something is captured and they are of this site.
    fn targets(&self, rule: &Redirect) -> Option<Pattern> {
        if rule.target.as_literal().is_some() {
            return None;
        }
        let captured: Vec<_> =
            rule.from.pieces.iter().filter(|piece| !matches!(piece, Piece::Literal(_))).collect();
        let mut host = rule.from.host.clone();
        let mut pieces = Vec::new();
        for (number, piece) in rule.target.pieces.iter().enumerate() {
            let text = match piece {
                TargetPiece::Literal(text) => std::str::from_utf8(text).ok()?,
                // What a query has may be anything.
                TargetPiece::Capture(number) => {
                    pieces
                        .push(captured.get(*number).map_or(Piece::Splat, |piece| (*piece).clone()));
                    continue;
                }
            };
            let mut path = text;
            if number == 0 && rule.target.absolute {
                let (_, rest) = text.split_once("://")?;
                let (of, rest) = rest.split_at_checked(rest.find('/')?)?;
                let of = *self.hosts.get(of.to_ascii_lowercase().as_str())?;
                (host, path) = (Some(of.to_owned()), rest);
            }
            let (path, has_query) = match path.split_once('?') {
                Some((path, _)) => (path, true),
                None => (path, false),
            };
            if !path.is_empty() {
                pieces.push(Piece::Literal(uri::decode(path, 0, "").ok()?));
            }
            if has_query {
                break;
            }
        }
        let splats = pieces.iter().filter(|piece| **piece == Piece::Splat).count();
        if splats > 1 || !matches!(pieces.first(), Some(Piece::Literal(_))) {
            return None;
        }
        let matching = rule.from.matching;
        if matching.ignores_trailing_slash {
            trim_slash(&mut pieces);
        }
        Some(Pattern { host, pieces, matching })
    }
}
