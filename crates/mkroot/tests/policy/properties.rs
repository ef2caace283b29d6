//! Whatever is in a file: no panic, and what is written is read again.

use mkroot::policy::{
    Headers, Pattern, Piece, Redirect, check_redirects, parse_headers, parse_redirects,
};
use proptest::prelude::*;
use webroot::{Captures, PatternPiece};

use crate::show::{DIALECTS, block, redirect, said};

/// Text that looks like these files now and then.
fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => "(/[a-c:*.%]{0,4}){1,4}",
        1 => Just("https://a.example:80/:x/:splat?q=:y#f".to_owned()),
        1 => Just("/* /index.html".to_owned()),
        1 => "[a-c]=:?[a-c=]{0,2}",
        1 => "[0-9]{3}!?",
        1 => "(Language|Cookie|Country)=[a-c,]{0,3}",
        1 => "(!|X-[A-Z]):? ?[ -~]{0,6}",
        1 => "\\PC{0,5}",
    ];
    let line = prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "));
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

/// The pattern by trying every way.
fn matches(pieces: &[Piece], path: &[u8]) -> bool {
    match pieces {
        [] => path.is_empty(),
        [Piece::Literal(bytes), rest @ ..] => {
            path.strip_prefix(bytes.as_slice()).is_some_and(|path| matches(rest, path))
        }
        [Piece::Placeholder(_), rest @ ..] => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (1..=end).any(|size| matches(rest, &path[size..]))
        }
        [Piece::Splat, rest @ ..] => (0..=path.len()).any(|size| matches(rest, &path[size..])),
    }
}

/// The pattern as a webroot stores it says the same, and captures the same.
fn agrees_with_the_format(pattern: &Pattern, path: &str) -> Result<(), TestCaseError> {
    let pieces = pattern.pieces.iter().map(|piece| match piece {
        Piece::Literal(bytes) => PatternPiece::Literal(bytes),
        Piece::Placeholder(_) => PatternPiece::Placeholder,
        Piece::Splat => PatternPiece::Splat,
    });
    let stored = webroot::Pattern::new(&pieces.collect::<Vec<_>>()).unwrap();
    let normalise = pattern.matching.ignores_trailing_slash;
    let mut captures = Captures::default();
    let matches = stored.matches(path.as_bytes(), normalise, &mut captures);
    prop_assert_eq!(pattern.matches(path.as_bytes()), matches, "{:?} {}", pattern, path);
    if let Some(found) = pattern.capture(path.as_bytes()) {
        let numbers = 1..=stored.captures();
        let expected: Vec<_> = numbers.map(|number| captures.get(number).unwrap()).collect();
        prop_assert_eq!(found, expected, "{:?} {}", pattern, path);
    }
    Ok(())
}

fn agrees(pattern: &Pattern, path: &str) -> Result<(), TestCaseError> {
    if !pattern.matching.ignores_trailing_slash {
        prop_assert_eq!(
            pattern.matches(path.as_bytes()),
            matches(&pattern.pieces, path.as_bytes()),
            "{:?} {}",
            pattern,
            path
        );
    }
    Ok(())
}

/// A rule of strict and what it shows as.
fn rule() -> impl Strategy<Value = (String, String)> {
    let segments =
        prop::collection::vec(prop_oneof![Just(None), "[a-z]{1,6}".prop_map(Some)], 1..6);
    let code = prop_oneof![Just(301u16), Just(302), Just(307), Just(308)];
    (segments, any::<bool>(), code, any::<bool>()).prop_map(|(segments, splat, code, absolute)| {
        let (mut from, mut shown, mut to, mut shown_to) =
            (String::new(), String::new(), String::new(), String::new());
        let mut captures = 0;
        for segment in segments {
            match segment {
                Some(text) => {
                    from += &format!("/{text}");
                    shown += &format!("/{text}");
                }
                None => {
                    from += &format!("/:p{captures}");
                    shown += &format!("/{{p{captures}}}");
                    to += &format!("/:p{captures}");
                    shown_to += &format!("/{{{captures}}}");
                    captures += 1;
                }
            }
        }
        if splat {
            from += "/*";
            shown += "/{*}";
            to += "/:splat";
            shown_to += &format!("/{{{captures}}}");
        }
        let base = if absolute { "https://h.example:81/t" } else { "/t" };
        (format!("{from} {base}{to} {code}"), format!("{shown} → {base}{shown_to} {code}"))
    })
}

fn check_all(rules: &[Redirect], dialect: mkroot::policy::Dialect) {
    check_redirects(rules, dialect, b"_redirects", &|path| path.len().is_multiple_of(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for dialect in DIALECTS {
            check_all(&parse_redirects(b"_redirects", &bytes, dialect).rules, dialect);
            let blocks = parse_headers(b"_headers", &bytes, dialect).rules;
            Headers::new(blocks, dialect).for_path(&bytes);
        }
    }

    #[test]
    fn whatever_is_read_matches_as_it_says(text in lines(), path in "/([a-c.:]{1,3}(/[a-c.:]{1,3}){0,3}/?)?") {
        for dialect in DIALECTS {
            let parsed = parse_redirects(b"_redirects", text.as_bytes(), dialect);
            check_all(&parsed.rules, dialect);
            for rule in &parsed.rules {
                agrees(&rule.from, &path)?;
                agrees_with_the_format(&rule.from, &path)?;
            }
            let blocks = parse_headers(b"_headers", text.as_bytes(), dialect).rules;
            for block in &blocks {
                agrees(&block.pattern, &path)?;
            }
            // The index finds what trying all would find.
            let expected: usize = blocks
                .iter()
                .filter(|block| block.pattern.matches(path.as_bytes()))
                .map(|block| block.set.len() + block.unset.len())
                .sum();
            let headers = Headers::new(blocks, dialect);
            let changes = headers.for_path(path.as_bytes());
            prop_assert_eq!(changes.is_empty(), expected == 0);
            prop_assert!(changes.len() <= expected);
        }
    }

    #[test]
    fn a_valid_rule_is_read_as_it_is_written((line, shown) in rule()) {
        for dialect in &DIALECTS[..2] {
            let parsed = parse_redirects(b"_redirects", line.as_bytes(), *dialect);
            prop_assert_eq!(said(&parsed.findings), "");
            prop_assert_eq!(parsed.rules.len(), 1);
            prop_assert_eq!(redirect(&parsed.rules[0]), shown.as_str());
        }
    }

    #[test]
    fn a_valid_block_is_read_as_it_is_written(
        path in "(/[a-z]{1,5}){1,3}(/[*])?",
        fields in prop::collection::vec(("X-[A-Za-z]{1,6}", "[!-9;-~]([ -9;-~]{0,8}[!-9;-~])?"), 1..5),
    ) {
        let mut text = format!("{path}\n");
        let mut shown = path.replace('*', "{*}");
        for (name, value) in &fields {
            text += &format!("  {name}: {value}\n");
            shown += &format!(" | {name}: {value}");
        }
        for dialect in DIALECTS {
            let parsed = parse_headers(b"_headers", text.as_bytes(), dialect);
            prop_assert_eq!(said(&parsed.findings), "");
            prop_assert_eq!(parsed.rules.iter().map(block).collect::<Vec<_>>(), vec![shown.clone()]);
        }
    }
}
