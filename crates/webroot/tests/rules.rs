//! Rules: what is written is what is read, patterns match as a backtracking matcher would, and
//! damage is an error.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use webroot::{
    Captures, Condition, Error, ErrorKind, Pattern, PatternPiece, Rule, RuleError, RuleKind,
    RuleSpec, Template, TemplatePiece, Webroot, Writer,
};

fn pattern(pieces: &[PatternPiece<'_>]) -> Pattern<'static> {
    Pattern::new(pieces).unwrap()
}

fn template(pieces: &[TemplatePiece<'_>]) -> Template<'static> {
    Template::new(pieces).unwrap()
}

const LANGUAGES: Condition<'static> = Condition::Language(b"de,fr-CA");
const COOKIE: Condition<'static> = Condition::Cookie(b"member");

/// Writes a webroot of three rules.
fn write_rules(path: &Path) -> Result<(), Error> {
    let mut writer = Writer::new(fs::File::create(path).unwrap(), path)?;
    let none = Template::default();
    writer.rule(&RuleSpec {
        line: Some(3),
        kind: RuleKind::Redirect,
        status: 308,
        normalise: true,
        forced: false,
        keep_query: true,
        from: &pattern(&[PatternPiece::Literal(b"/old/"), PatternPiece::Splat]),
        to: &template(&[TemplatePiece::Literal(b"/new/"), TemplatePiece::Capture(1)]),
        fragment: &template(&[TemplatePiece::Literal(b"#top")]),
        conditions: &[],
    })?;
    writer.rule(&RuleSpec {
        line: None,
        kind: RuleKind::Show,
        status: 404,
        normalise: false,
        forced: true,
        keep_query: false,
        from: &pattern(&[PatternPiece::Literal(b"/"), PatternPiece::Placeholder]),
        to: &template(&[TemplatePiece::Literal(b"/lost-"), TemplatePiece::Capture(2)]),
        fragment: &none,
        conditions: &[LANGUAGES, Condition::Capture(b"id"), COOKIE],
    })?;
    writer.rule(&RuleSpec {
        line: Some(9),
        kind: RuleKind::Show,
        status: 200,
        normalise: false,
        forced: false,
        keep_query: false,
        from: &pattern(&[PatternPiece::Literal(b"/"), PatternPiece::Splat]),
        to: &template(&[TemplatePiece::Literal(b"/app")]),
        fragment: &none,
        conditions: &[Condition::Parameter { name: b"v", value: b"2" }],
    })?;
    writer.finish().map(drop)
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.webroot");
    write_rules(&path).unwrap();
    (dir, path)
}

#[test]
fn rules_are_read_in_the_order_in_which_they_were_written() {
    let (_dir, path) = file();
    let webroot = Webroot::open(&path).unwrap();
    webroot.verify().unwrap();
    let rules: Vec<Rule<'_>> = webroot.rules().map(Result::unwrap).collect();
    let [first, second, third] = rules[..] else { panic!("{} rules", rules.len()) };
    let seen: Vec<_> =
        rules.iter().map(|rule| (rule.number(), rule.line(), rule.kind(), rule.status())).collect();
    let expected = [
        (0, Some(3), RuleKind::Redirect, 308),
        (1, None, RuleKind::Show, 404),
        (2, Some(9), RuleKind::Show, 200),
    ];
    assert_eq!(seen, expected);
    assert!(first.normalises() && first.keeps_query() && !first.is_forced());
    assert!(second.is_forced() && !second.normalises() && !second.keeps_query());
    assert!(
        first
            .to()
            .unwrap()
            .pieces()
            .eq([TemplatePiece::Literal(b"/new/"), TemplatePiece::Capture(1),])
    );
    assert!(first.fragment().unwrap().pieces().eq([TemplatePiece::Literal(b"#top")]));
    let conditions: Vec<_> = second.conditions().map(Result::unwrap).collect();
    assert_eq!(conditions, [LANGUAGES, Condition::Capture(b"id"), COOKIE]);
    assert!(third.fragment().unwrap().is_empty());
    let mut captures = Captures::default();
    assert!(first.matches(b"/old", &mut captures).unwrap());
    assert!(first.matches(b"/old/x", &mut captures).unwrap());
    assert_eq!(captures.get(1), Some(5..6));
    assert!(!first.matches(b"/older", &mut captures).unwrap());
}

#[test]
fn a_webroot_without_rules_has_no_section_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.webroot");
    let writer = Writer::new(fs::File::create(&path).unwrap(), &path).unwrap();
    writer.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap()[56], 4, "sections");
    assert_eq!(Webroot::open(&path).unwrap().rules().count(), 0);
}

#[test]
fn what_no_rule_can_be_is_refused() {
    use TemplatePiece::{Capture, Literal};
    let from = pattern(&[PatternPiece::Literal(b"/a/"), PatternPiece::Splat]);
    let (to, none) = (template(&[Literal(b"/b/"), Capture(1)]), Template::default());
    let good = RuleSpec {
        line: Some(1),
        kind: RuleKind::Redirect,
        status: 301,
        normalise: false,
        forced: false,
        keep_query: false,
        from: &from,
        to: &to,
        fragment: &none,
        conditions: &[],
    };
    good.check().unwrap();
    let shown = RuleSpec { kind: RuleKind::Show, status: 200, ..good };
    shown.check().unwrap();
    let absolute = template(&[Literal(b"https://h/"), Capture(1)]);
    RuleSpec { to: &absolute, ..good }.check().unwrap();
    let with_query = template(&[Literal(b"/b?c="), Capture(1)]);
    RuleSpec { to: &with_query, ..good }.check().unwrap();

    let second = template(&[Literal(b"/b/"), Capture(2)]);
    let captured = template(&[Capture(1)]);
    let line_end = template(&[Literal(b"/b\r\nX: y")]);
    let encoded = template(&[Literal("/ä".as_bytes())]);
    let fragment_inside = template(&[Literal(b"/b#c")]);
    let fragment = template(&[Literal(b"#c")]);
    let no_fragment = template(&[Literal(b"c")]);
    let spaced = template(&[Literal(b"#a b")]);
    let ids = [Condition::Capture(b"id"); 32];
    let many = [LANGUAGES; 33];
    for (rule, error) in [
        (RuleSpec { status: 304, ..good }, RuleError::BadStatus),
        (RuleSpec { status: 200, ..good }, RuleError::BadStatus),
        (RuleSpec { status: 302, ..shown }, RuleError::BadStatus),
        (RuleSpec { status: 204, ..shown }, RuleError::BadStatus),
        (RuleSpec { status: 100, ..shown }, RuleError::BadStatus),
        (RuleSpec { to: &second, ..good }, RuleError::NoSuchCapture),
        (RuleSpec { conditions: &ids, ..good }, RuleError::TooManyCaptures),
        (RuleSpec { conditions: &many, ..good }, RuleError::TooManyConditions),
        (RuleSpec { conditions: &[Condition::Cookie(b"")], ..good }, RuleError::BadCondition),
        (RuleSpec { to: &none, ..good }, RuleError::BadTarget),
        (RuleSpec { to: &captured, ..good }, RuleError::BadTarget),
        (RuleSpec { to: &line_end, ..good }, RuleError::BadTarget),
        (RuleSpec { to: &encoded, ..good }, RuleError::BadTarget),
        (RuleSpec { to: &fragment_inside, ..good }, RuleError::BadTarget),
        (RuleSpec { to: &with_query, keep_query: true, ..good }, RuleError::TwoQueries),
        (RuleSpec { fragment: &no_fragment, ..good }, RuleError::BadFragment),
        (RuleSpec { fragment: &spaced, ..good }, RuleError::BadFragment),
        (RuleSpec { to: &captured, ..shown }, RuleError::BadPath),
        (RuleSpec { to: &absolute, ..shown }, RuleError::BadPath),
        (RuleSpec { fragment: &fragment, ..shown }, RuleError::BadFragment),
        (RuleSpec { keep_query: true, ..shown }, RuleError::TwoQueries),
    ] {
        assert_eq!(rule.check(), Err(error), "{rule:?}");
        let mut writer = Writer::new(tempfile::tempfile().unwrap(), "x").unwrap();
        let refused = writer.rule(&rule).unwrap_err();
        assert!(matches!(refused.kind, ErrorKind::Rule(found) if found == error), "{refused}");
    }
    let conditions = [Condition::Capture(b"id")];
    RuleSpec { to: &second, conditions: &conditions, ..good }.check().unwrap();
}

/// Where the section of rules lies: the record of the first section of kind 5.
fn section(bytes: &[u8]) -> std::ops::Range<usize> {
    let record = bytes[64..].chunks(64).find(|record| record[0] == 5).unwrap();
    let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap()) as usize;
    number(8)..number(8) + number(16)
}

/// Uses everything that rules offer.
fn exercise(webroot: &Webroot) {
    let paths = [&b"/"[..], b"/old", b"/old/x", b"/lost/", b"/\0", b"//", b""];
    for rule in
        paths.iter().flat_map(|path| webroot.rules_for(path)).chain(webroot.rules()).flatten()
    {
        let mut captures = Captures::default();
        for path in paths {
            if let Ok(true) = rule.matches(path, &mut captures) {
                for number in 0..=u8::MAX {
                    assert!(captures.get(number).is_none_or(|range| path.get(range).is_some()));
                }
            }
        }
        let _ = rule.pattern().map(|pattern| pattern.pieces().count());
        let _ = rule.to().map(|template| template.pieces().count());
        let _ = rule.fragment().map(|template| template.pieces().count());
        assert!(rule.conditions().count() <= 32);
    }
}

#[test]
fn any_changed_byte_of_the_rules_is_noticed_and_harmless() {
    let (_dir, path) = file();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let webroot = Webroot::open(&path).unwrap();
    for at in section(&bytes) {
        for change in [1, 0x20, 0x80, 0xff] {
            file.write_all_at(&[bytes[at] ^ change], at as u64).unwrap();
            exercise(&webroot);
            assert!(webroot.verify().is_err(), "byte {at}");
        }
        file.write_all_at(&bytes[at..=at], at as u64).unwrap();
    }
    webroot.verify().unwrap();
}

#[test]
fn a_reader_that_knows_no_rules_is_told_not_to_ignore_them() {
    let (_dir, path) = file();
    let bytes = fs::read(&path).unwrap();
    let record = bytes[64..].chunks(64).find(|record| record[0] == 5).unwrap();
    assert_eq!(&record[4..8], [0; 4], "flags");
    assert_eq!(&record[24..28], 3u32.to_le_bytes(), "count");
}

proptest! {
    #[test]
    fn any_bytes_as_rules_are_read_without_a_panic(
        noise in vec((0usize..1000, any::<u8>()), 1..40),
    ) {
        let (_dir, path) = file();
        let mut bytes = fs::read(&path).unwrap();
        let place = section(&bytes);
        for (at, value) in noise {
            bytes[place.start + at % place.len()] = value;
        }
        fs::write(&path, bytes).unwrap();
        exercise(&Webroot::open(&path).unwrap());
    }
}

/// A pattern byte by byte.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Byte(u8),
    Placeholder,
    Splat,
}

/// All ways in which the tokens match the path from `at` on, found by trying.
fn ways(
    tokens: &[Token],
    path: &[u8],
    at: usize,
    taken: &mut Vec<(usize, usize)>,
    found: &mut Vec<Vec<(usize, usize)>>,
) {
    let Some((token, rest)) = tokens.split_first() else {
        if at == path.len() {
            found.push(taken.clone());
        }
        return;
    };
    if let Token::Byte(byte) = token {
        if path.get(at) == Some(byte) {
            ways(rest, path, at + 1, taken, found);
        }
        return;
    }
    let least = if *token == Token::Splat { at } else { at + 1 };
    for end in least..=path.len() {
        if *token == Token::Placeholder && path[at..end].contains(&b'/') {
            break;
        }
        taken.push((at, end));
        ways(rest, path, end, taken, found);
        taken.pop();
    }
}

/// The one way in which tokens match.
fn naive(tokens: &[Token], path: &[u8]) -> Option<Vec<(usize, usize)>> {
    let mut found = Vec::new();
    ways(tokens, path, 0, &mut Vec::new(), &mut found);
    assert!(found.len() <= 1, "{tokens:?} matches {path:?} in several ways");
    found.pop()
}

fn naive_normalised(tokens: &[Token], path: &[u8]) -> Option<Vec<(usize, usize)>> {
    let other = match path {
        [path @ .., b'/'] => path.to_vec(),
        path => [path, b"/"].concat(),
    };
    naive(tokens, path).or_else(|| naive(tokens, &other))
}

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let byte = prop_oneof![Just(Token::Byte(b'a')), Just(Token::Byte(b'b'))];
    let slash = Just(Token::Byte(b'/'));
    let token = prop_oneof![
        4 => byte, 4 => slash, 2 => Just(Token::Placeholder), 1 => Just(Token::Splat)
    ];
    vec(token, 0..9).prop_map(|mut tokens| {
        tokens.insert(0, Token::Byte(b'/'));
        tokens
    })
}

fn of_tokens(tokens: &[Token]) -> Result<Pattern<'static>, RuleError> {
    let literals: Vec<_> =
        tokens.iter().map(|token| if let Token::Byte(byte) = token { *byte } else { 0 }).collect();
    let pieces: Vec<_> = tokens
        .iter()
        .zip(literals.chunks(1))
        .map(|(token, literal)| match token {
            Token::Byte(_) => PatternPiece::Literal(literal),
            Token::Placeholder => PatternPiece::Placeholder,
            Token::Splat => PatternPiece::Splat,
        })
        .collect();
    Pattern::new(&pieces)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn patterns_match_as_a_backtracking_matcher_would(
        tokens in tokens(),
        path in "/[ab/\0]{0,10}",
    ) {
        let Ok(pattern) = of_tokens(&tokens) else { return Ok(()) };
        let path = path.as_bytes();
        let mut captures = Captures::default();
        let mut match_with = |normalise| {
            let matched = pattern.matches(path, normalise, &mut captures);
            let ranges = (1..=captures.len() as u8).filter_map(|number| captures.get(number));
            matched.then(|| ranges.map(|range| (range.start, range.end)).collect::<Vec<_>>())
        };
        prop_assert_eq!(match_with(false), naive(&tokens, path));
        // A splat that takes nothing stands where the path ends, with or without the slash.
        let inside = |ranges: Vec<(usize, usize)>| {
            let end = |at: usize| at.min(path.len());
            ranges.into_iter().map(|(from, to)| (end(from), end(to))).collect::<Vec<_>>()
        };
        let expected = naive_normalised(&tokens, path).map(inside);
        prop_assert_eq!(match_with(true), expected);
    }
}
