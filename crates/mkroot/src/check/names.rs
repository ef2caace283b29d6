//! Names that differ only in case: two files here, one on a file system that ignores case, and a
//! trap for whoever types a link.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::links::shown;
use crate::{Finding, Severity};

/// Looks for names in the same directory that differ only in case. `paths` are those of files,
/// relative to the root of the tree and without a slash in front; names of directories count, too.
/// Each group of such names is one finding.
pub fn check_names<'p>(paths: impl Iterator<Item = &'p [u8]>) -> Vec<Finding> {
    // By directory and name without regard to case: the whole paths.
    let mut groups = BTreeMap::<_, BTreeSet<&[u8]>>::new();
    for path in paths {
        let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
        let mut directory: &[u8] = b"";
        for end in ends {
            let name = path.get(directory.len()..end).unwrap_or_default();
            let whole = path.get(..end).unwrap_or_default();
            groups.entry((directory, folded(name))).or_default().insert(whole);
            directory = path.get(..=end).unwrap_or_default();
        }
    }
    groups.values().filter_map(finding).collect()
}

fn finding(group: &BTreeSet<&[u8]>) -> Option<Finding> {
    /// Names of a group that are named.
    const MOST: usize = 8;
    let first = group.first().filter(|_| group.len() > 1)?;
    let mut others: Vec<String> = group.iter().skip(1).take(MOST).map(|path| shown(path)).collect();
    let rest = group.len() - 1 - others.len();
    if rest > 0 {
        others.push(format!("{rest} more"));
    }
    let others = others.join(", ");
    Some(Finding {
        severity: Severity::Warning,
        kind: "names-differ-in-case",
        file: first.to_vec(),
        line: 0,
        column: 0,
        message: format!("differs only in case from {others}; rename one, and what refers to it"),
    })
}

/// A name without regard to case: each character in lower case if it is UTF-8 (where that is one
/// character, too), otherwise the ASCII letters.
pub(super) fn folded(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.iter().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        return Cow::Borrowed(name);
    }
    match std::str::from_utf8(name) {
        Ok(name) => Cow::Owned(name.chars().map(lower).collect::<String>().into_bytes()),
        Err(_) => Cow::Owned(name.to_ascii_lowercase()),
    }
}

fn lower(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(paths: &[&[u8]]) -> Vec<String> {
        check_names(paths.iter().copied()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_group_of_names_is_one_finding() {
        let paths: [&[u8]; 4] = [b"img/b.PNG", b"img/a.png", b"img/B.png", b"img/b.png"];
        assert_eq!(
            findings(&paths),
            ["img/B.png: warning: differs only in case from img/b.PNG, img/b.png; \
              rename one, and what refers to it [names-differ-in-case]"]
        );
    }

    #[test]
    fn directories_that_differ_are_named_and_not_all_that_is_in_them() {
        let findings = findings(&[b"Img/a", b"Img/b", b"img/a", b"img/b"]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("Img: warning: differs only in case from img;"));
    }

    #[test]
    fn letters_beyond_ascii_have_case_in_utf8_only() {
        assert_eq!(findings(&["É".as_bytes(), "é".as_bytes()]).len(), 1);
        assert_eq!(findings(&[b"A\xc9", b"a\xc9"]).len(), 1);
        assert_eq!(findings(&[b"\xc9", b"\xe9"]).len(), 0);
        assert_eq!(findings(&["İ".as_bytes(), b"i"]).len(), 0);
    }

    #[test]
    fn names_in_different_directories_and_equal_paths_do_not_matter() {
        assert!(findings(&[b"a/x", b"b/X", b"x", b"a/x", b"", b"a-x"]).is_empty());
    }

    #[test]
    fn a_large_group_is_named_in_part() {
        let names: Vec<Vec<u8>> = (0..16_u8)
            .map(|bits| (0..4).map(|bit| if bits >> bit & 1 == 0 { b'a' } else { b'A' }).collect())
            .collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let findings = findings(&names);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains(", 7 more;"), "{}", findings[0]);
    }
}
