//! Rules in their order, to be asked which paths they take.

use super::index::Index;
use super::redirects::Redirect;

/// Rules of one dialect, in their order.
#[derive(Debug)]
pub(crate) struct RuleTable<'a> {
    list: Vec<&'a Redirect>,
    index: Index,
}

impl Default for RuleTable<'_> {
    fn default() -> Self {
        Self { list: Vec::new(), index: Index::new() }
    }
}

impl<'a> RuleTable<'a> {
    /// Adds a rule behind the others.
    pub(crate) fn push(&mut self, rule: &'a Redirect) {
        if let Ok(number) = u32::try_from(self.list.len()) {
            self.index.insert(&rule.from, number);
        }
        self.list.push(rule);
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a Redirect> {
        self.list.iter().copied()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether any rule is for a path, conditions aside.
    pub(crate) fn takes(&self, path: &[u8]) -> bool {
        let Some(first) = self.list.first() else { return false };
        let compared = first.from.matching.canonical(path);
        let numbers = self.index.matching(&compared).into_iter();
        let mut candidates = numbers.filter_map(|number| self.list.get(number as usize));
        candidates.any(|rule| rule.from.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Dialect, parse_redirects};

    #[test]
    fn a_path_is_taken_if_any_rule_matches_it() {
        let text = b"/a/* /x/:splat\n/b/:name /y/:name\n/c /z 302 Language=de\n";
        let rules = parse_redirects(b"_redirects", text, Dialect::Netlify).rules;
        let mut table = RuleTable::default();
        assert!(!table.takes(b"/a/b"));
        rules.iter().for_each(|rule| table.push(rule));
        for (path, taken) in [
            ("/a", true),
            ("/a/", true),
            ("/a/b/c", true),
            ("/ab", false),
            ("/b", false),
            ("/b/x/", true),
            ("/b/x/y", false),
            ("/c/", true),
            ("/", false),
        ] {
            assert_eq!(table.takes(path.as_bytes()), taken, "{path}");
            let any = rules.iter().any(|rule| rule.from.matches(path.as_bytes()));
            assert_eq!(any, taken, "{path}");
        }
        assert_eq!(table.len(), 3);
        assert!(table.iter().eq(&rules));
    }
}
