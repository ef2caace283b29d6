//! The rules for a path: those that match are found in their order, most others are left out, and
//! damage is an error.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use proptest::collection::vec;
use proptest::prelude::*;
use webroot::{
    Captures, Pattern, PatternPiece, Rule, RuleKind, RuleSpec, Template, TemplatePiece, Webroot,
    Writer,
};

/// A pattern from text in which `:` is a placeholder and `*` the splat; `None` if it is none.
fn pattern(text: &str) -> Option<Pattern<'static>> {
    let pieces = text.split_inclusive([':', '*']).flat_map(|part| {
        let mark = match part.as_bytes().last() {
            Some(b':') => Some(PatternPiece::Placeholder),
            Some(b'*') => Some(PatternPiece::Splat),
            _ => None,
        };
        let literal = part.trim_end_matches([':', '*']).as_bytes();
        std::iter::once(PatternPiece::Literal(literal)).chain(mark)
    });
    Pattern::new(&pieces.collect::<Vec<_>>()).ok()
}

/// A webroot of rules, given as pattern and whether a slash at the end does not matter, and its
/// file.
fn webroot_of<'t>(rules: impl Iterator<Item = (&'t str, bool)>) -> (Webroot, File) {
    let file = tempfile::tempfile().unwrap();
    let mut writer = Writer::new(file.try_clone().unwrap(), "leads").unwrap();
    let (to, none) = (Template::new(&[TemplatePiece::Literal(b"/")]).unwrap(), Template::default());
    for (from, normalise) in rules {
        let rule = RuleSpec {
            line: None,
            kind: RuleKind::Show,
            status: 200,
            normalise,
            forced: false,
            keep_query: false,
            from: &pattern(from).unwrap(),
            to: &to,
            fragment: &none,
            conditions: &[],
        };
        writer.rule(&rule).unwrap();
    }
    writer.finish().unwrap();
    (Webroot::from_file(file.try_clone().unwrap()).unwrap(), file)
}

/// Numbers of the rules that are tried on a path.
fn tried(webroot: &Webroot, path: &str) -> Vec<u32> {
    webroot.rules_for(path.as_bytes()).map(|rule| rule.unwrap().number()).collect()
}

/// Numbers and captures of those of some rules that match a path.
fn matching<'w>(
    rules: impl Iterator<Item = Result<Rule<'w>, webroot::Damage>>,
    path: &str,
) -> Vec<(u32, Vec<Range<usize>>)> {
    let mut captures = Captures::default();
    rules
        .map(Result::unwrap)
        .filter_map(|rule| {
            let matched = rule.matches(path.as_bytes(), &mut captures).unwrap();
            let ranges = (1..=captures.len() as u8).filter_map(|number| captures.get(number));
            matched.then(|| (rule.number(), ranges.collect()))
        })
        .collect()
}

#[test]
fn only_rules_whose_lead_a_path_has_are_tried() {
    let rules = ["/b/*", "/a/*", "/a/x/:", "/*.css", "/a/y/:", "/", "/a/x", "/a/x/:/z", "/a/x/1/*"];
    let (webroot, _) = webroot_of(rules.into_iter().map(|rule| (rule, false)));
    for (path, expected) in [
        ("/", &[3, 5][..]),
        ("/c", &[3, 5]),
        ("/a", &[1, 3, 5]),
        ("/ab", &[3, 5]),
        ("/a/x", &[1, 2, 3, 5, 6, 7]),
        ("/a/x/1", &[1, 2, 3, 5, 6, 7, 8]),
        ("/a/y/1", &[1, 3, 4, 5]),
        ("/b/x", &[0, 3, 5]),
        ("", &[3, 5]),
        ("b", &[]),
    ] {
        assert_eq!(tried(&webroot, path), expected, "{path}");
    }
}

#[test]
fn a_site_may_have_any_number_of_rules() {
    let patterns: Vec<String> = (0..30_000).map(|n| format!("/{n}/*")).collect();
    let (webroot, _) = webroot_of(patterns.iter().map(|pattern| (pattern.as_str(), true)));
    webroot.verify().unwrap();
    assert_eq!(webroot.rules().count(), 30_000);
    for (path, expected) in [("/0", &[0][..]), ("/29999/x/y", &[29_999]), ("/30000/x", &[])] {
        assert_eq!(tried(&webroot, path), expected, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_rules_that_match_are_those_that_a_scan_of_all_finds(
        rules in vec(("/[ab/:*]{0,9}|(/[ab]){0,6}/[:*]?|/[ab]?/?[*]?", any::<bool>()), 1..24),
        paths in vec("/[ab/\0]{0,10}|(/[ab]){0,6}/?|[ab/]{0,3}", 1..12),
    ) {
        let rules = rules.iter().map(|(text, normalise)| (text.as_str(), *normalise));
        let (webroot, _) = webroot_of(rules.filter(|(text, _)| pattern(text).is_some()));
        prop_assert!(webroot.verify().is_ok());
        for path in &paths {
            let numbers = tried(&webroot, path);
            prop_assert!(numbers.is_sorted_by(|one, next| one < next), "{path}: {numbers:?}");
            let found = matching(webroot.rules_for(path.as_bytes()), path);
            prop_assert_eq!(found, matching(webroot.rules(), path), "{}", path);
        }
    }
}

/// Rules whose slots are written over, and what is right about the file all the same.
struct Slots {
    file: File,
    page: Vec<u8>,
    /// Of the section of rules in the table of sections.
    record: usize,
    start: u64,
    section: Vec<u8>,
}

const RULES: [(&str, bool); 3] = [("/a/*", true), ("/b/:", false), ("/a/b/:", false)];

impl Slots {
    fn new() -> Self {
        let (_, file) = webroot_of(RULES.into_iter());
        let mut page = vec![0; 4096];
        file.read_exact_at(&mut page, 0).unwrap();
        let record = (64..4096).step_by(64).find(|at| page[*at] == 5).unwrap();
        let number = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().unwrap());
        let (start, size) = (number(record + 8), number(record + 16));
        let mut section = vec![0; size as usize];
        file.read_exact_at(&mut section, start).unwrap();
        Self { file, page, record, start, section }
    }

    /// The slots: tag, number and place of each.
    fn slots(&mut self) -> &mut [[u8; 12]] {
        let size = self.section.len();
        self.section[size - 12 * RULES.len()..].as_chunks_mut().0
    }

    /// The webroot with these slots and this depth, its digests made right.
    fn open(&mut self, depth: u32) -> Webroot {
        let (page, record) = (&mut self.page, self.record);
        page[record + 28..record + 32].copy_from_slice(&depth.to_le_bytes());
        page[record + 32..record + 64].copy_from_slice(blake3::hash(&self.section).as_bytes());
        page[24..56].fill(0);
        let identity = blake3::hash(page);
        page[24..56].copy_from_slice(identity.as_bytes());
        self.file.write_all_at(page, 0).unwrap();
        self.file.write_all_at(&self.section, self.start).unwrap();
        Webroot::from_file(self.file.try_clone().unwrap()).unwrap()
    }
}

/// What `verify` finds first, if anything.
fn fault(webroot: &Webroot) -> Option<&'static str> {
    webroot.verify().err().map(|findings| findings[0].damage.what)
}

#[test]
fn slots_that_contradict_the_rules_are_found_though_the_digests_are_right() {
    assert_eq!(fault(&Slots::new().open(2)), None);
    let wrong = "slot of a rule contradicts the rules";
    let changes: [fn(&mut [[u8; 12]]); 4] = [
        |slots| slots.swap(0, 1),
        |slots| slots[2] = slots[1],
        |slots| slots[0][4] ^= 1,
        |slots| slots[0][8] ^= 1,
    ];
    for change in changes {
        let mut file = Slots::new();
        change(file.slots());
        assert_eq!(fault(&file.open(2)), Some(wrong));
    }
    for depth in [0, 1, 3, u32::MAX] {
        let found = fault(&Slots::new().open(depth));
        assert_eq!(found, Some("depth of rules contradicts the header"), "{depth}");
    }
}

#[test]
fn a_slot_outside_of_the_rules_is_damage() {
    let mut file = Slots::new();
    for slot in file.slots() {
        slot[8..].fill(0xff);
    }
    let webroot = file.open(2);
    let damage = webroot.rules_for(b"/a/b").next().unwrap().unwrap_err();
    assert_eq!(damage.what, "slot of a rule outside of the rules");
    assert!(webroot.rules_for(b"/c").next().is_none());
}

proptest! {
    #[test]
    fn any_slots_are_read_in_bounded_time(
        slots in vec((0usize..3, prop_oneof![0u32..4, Just(u32::MAX)], 0u32..20), 3),
        depth in prop_oneof![0u32..6, Just(u32::MAX)],
    ) {
        let mut file = Slots::new();
        let tags: Vec<[u8; 4]> = file.slots().iter().map(|s| s[..4].try_into().unwrap()).collect();
        for (slot, (tag, number, place)) in file.slots().iter_mut().zip(slots) {
            slot[..4].copy_from_slice(&tags[tag]);
            slot[4..8].copy_from_slice(&number.to_le_bytes());
            slot[8..].copy_from_slice(&place.to_le_bytes());
        }
        let webroot = file.open(depth);
        for path in ["/", "/a", "/a/b", "/a/b/a/b/a/b", "//", ""] {
            let most = RULES.len() * 5;
            prop_assert!(webroot.rules_for(path.as_bytes()).count() <= most);
        }
        let _ = webroot.verify();
    }
}
