//! docs/SAFETY.md names every place where code is unsafe, and no other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Uses of the word, by file and item: `("crates/webroot/src/map.rs", "new")`.
type Places = BTreeMap<(String, String), usize>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Rust files of ours, relative to the repository.
fn sources() -> Vec<String> {
    let root = repository();
    let mut found = Vec::new();
    let mut directories = vec![root.join("crates"), root.join("benches")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// The words and marks of a source, without its comments and what is in quotes.
fn words(source: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let size = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|character| {
                let ends = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').unwrap() + 1;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if first == '\'' {
            // A character, if there is one between two of these, and else a lifetime.
            let mut inside = rest.chars().skip(1);
            match (inside.next(), inside.next()) {
                (Some('\\'), Some(_)) => rest[3..].find('\'').map_or(rest.len(), |end| end + 4),
                (Some(character), Some('\'')) => character.len_utf8() + 2,
                _ => 1,
            }
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |character: char| character.is_alphanumeric() || character == '_';
            let size = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
            words.push(&rest[..size]);
            size
        } else {
            if !first.is_whitespace() {
                words.push(&rest[..first.len_utf8()]);
            }
            first.len_utf8()
        };
        rest = &rest[size..];
    }
    words
}

/// Whether a raw string begins here, and how many hashes its quotes have.
fn raw(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    behind[hashes..].starts_with('"').then_some(hashes)
}

/// Where a source is unsafe: the function, or the implementation that is.
fn places(source: &str) -> BTreeMap<String, usize> {
    let words = words(source);
    let mut places = BTreeMap::new();
    let mut function = "";
    for (at, word) in words.iter().enumerate() {
        let next = |by: usize| words.get(at + by).copied().unwrap_or_default();
        match *word {
            // Not the type of a pointer to one.
            "fn" if next(1) != "(" => function = next(1),
            "unsafe" => {
                let item = match next(1) {
                    "fn" => next(2),
                    "impl" | "trait" => next(2),
                    _ => function,
                };
                *places.entry(item.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    places
}

/// What the sources say.
fn found() -> Places {
    let mut found = Places::new();
    for path in sources() {
        let source = fs::read_to_string(repository().join(&path)).unwrap();
        for (item, count) in places(&source) {
            found.insert((path.clone(), item), count);
        }
    }
    found
}

/// What the page says: a heading with the file, and below it rows that begin with an item and how
/// often the word is in it.
fn told() -> Places {
    let page = fs::read_to_string(repository().join("docs/SAFETY.md")).unwrap();
    let mut told = Places::new();
    let mut file = None;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let name = heading.trim_start_matches('#').trim().trim_matches('`');
            file = name.ends_with(".rs").then(|| name.to_owned());
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let (Some(file), [_, item, count, _, argument, _]) = (&file, &cells[..])
            && let Ok(count) = count.parse()
        {
            assert!(argument.len() > 10, "docs/SAFETY.md: {file}, {item}: no argument");
            let place = (file.clone(), item.trim_matches('`').to_owned());
            assert!(told.insert(place, count).is_none(), "docs/SAFETY.md: {file}, {item}: twice");
        }
    }
    told
}

#[test]
fn every_unsafe_place_is_argued_for_in_the_document() {
    let (found, told) = (found(), told());
    for ((file, item), count) in &found {
        assert_eq!(
            told.get(&(file.clone(), item.clone())),
            Some(count),
            "docs/SAFETY.md needs, below `### {file}`: | `{item}` | {count} | what | why it is sound \
             |"
        );
    }
    for place in told.keys() {
        assert!(found.contains_key(place), "docs/SAFETY.md has {place:?}, which is not there");
    }
}

#[test]
fn only_code_counts() {
    let source = r##"
        // unsafe
        /* unsafe */
        const TEXT: &str = "unsafe \" unsafe";
        const RAW: &str = r#"unsafe " unsafe"#;
        fn one<'a>(x: &'a u8, quote: char, call: fn(u8)) {
            if quote == '"' || quote == '\'' { unsafe { two() } }
        }
        unsafe fn two() { unsafe { three() }; unsafe { four() } }
        unsafe impl Send for Five {}
    "##;
    let expected = [("Send", 1), ("one", 1), ("two", 3)];
    let found = places(source);
    assert!(found.iter().map(|(item, count)| (item.as_str(), *count)).eq(expected), "{found:?}");
}
