//! What a request says besides its path, where a rule asks: query parameters, the preferred
//! language, cookies. Fields are looked up by name here, because few requests come this far.

use webroot::{Captures, Condition, Damage, Rule};

use super::negotiate::weighted;
use super::vary::Vary;
use crate::fields::{Fields, trim};
use crate::parse::Request;

/// Whether all conditions of a rule hold. Values that they capture are written behind each other
/// to `values`, decoded, with NUL for a slash as in paths; `ranges` says where. What the outcome
/// depends on besides the target is added to `vary`.
pub(super) fn hold(
    rule: &Rule<'_>,
    request: &Request<'_>,
    values: &mut Vec<u8>,
    ranges: &mut Captures,
    vary: &mut Vary,
) -> Result<bool, Damage> {
    values.clear();
    ranges.clear();
    let query = request.target.query.unwrap_or_default();
    // A cache keys on the target in any case: what that decides needs no `Vary`.
    for condition in rule.conditions() {
        let holds = match condition? {
            Condition::Capture(name) => capture(query, name, values, ranges),
            Condition::Parameter { name, value } => {
                parameter(query, name).is_some_and(|found| decoded(found).eq(bytes(value)))
            }
            Condition::Language(_) | Condition::Cookie(_) => true,
        };
        if !holds {
            return Ok(false);
        }
    }
    for condition in rule.conditions() {
        let holds = match condition? {
            Condition::Language(tags) => {
                vary.add(Vary::LANGUAGE);
                preferred_language(&request.fields).is_some_and(|language| {
                    tags.split(|byte| *byte == b',').any(|tag| is_kind_of(language, tag))
                })
            }
            Condition::Cookie(names) => {
                vary.add(Vary::COOKIE);
                cookies(&request.fields)
                    .any(|cookie| names.split(|byte| *byte == b',').any(|name| name == cookie))
            }
            Condition::Capture(_) | Condition::Parameter { .. } => true,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Captures the value of a parameter, if it is there and has no NUL.
fn capture(query: &[u8], name: &[u8], values: &mut Vec<u8>, ranges: &mut Captures) -> bool {
    let Some(value) = parameter(query, name).filter(|value| decoded(value).all(|byte| byte != 0))
    else {
        return false;
    };
    let start = values.len();
    values.extend(decoded(value).map(|byte| if byte == b'/' { 0 } else { byte }));
    ranges.push(start..values.len());
    true
}

/// The value of the first parameter of a name, as it was sent.
fn parameter<'q>(query: &'q [u8], name: &[u8]) -> Option<&'q [u8]> {
    query.split(|byte| *byte == b'&').find_map(|parameter| {
        let end = memchr::memchr(b'=', parameter).unwrap_or(parameter.len());
        let (found, value) = parameter.split_at_checked(end)?;
        decoded(found).eq(bytes(name)).then(|| value.strip_prefix(b"=").unwrap_or_default())
    })
}

fn bytes(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    text.iter().copied()
}

/// A name or value of a query as forms write it (application/x-www-form-urlencoded): a plus is a
/// space, and a percent sign that begins no escape is one.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let [byte, after @ ..] = rest else { return None };
        rest = after;
        match (byte, after) {
            (b'+', _) => Some(b' '),
            (b'%', [high, low, behind @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                let Some((high, low)) = digit(*high).zip(digit(*low)) else { return Some(b'%') };
                rest = behind;
                Some((high << 4 | low) as u8)
            }
            (byte, _) => Some(*byte),
        }
    })
}

/// The language with the largest weight in `Accept-Language`, of equals the first (RFC 9110
/// §12.5.4).
fn preferred_language<'r>(fields: &Fields<'r>) -> Option<&'r [u8]> {
    let members = fields.named("accept-language").flat_map(|line| line.split(|byte| *byte == b','));
    let weighted = members.map(|member| weighted(trim(member)));
    let mut best: Option<(&[u8], u16)> = None;
    for (language, weight) in weighted.filter(|(language, _)| !language.is_empty()) {
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

/// Whether a language is the one of a tag or of its kind, as `en-GB` is of `en` (RFC 4647 §3.3.1).
fn is_kind_of(language: &[u8], tag: &[u8]) -> bool {
    language.split_at_checked(tag.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(tag) && matches!(rest, [] | [b'-', ..])
    })
}

/// The names of the cookies of a request (RFC 6265 §4.2).
fn cookies<'r>(fields: &Fields<'r>) -> impl Iterator<Item = &'r [u8]> {
    let pairs = fields.named("cookie").flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.map(|pair| {
        let end = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        trim(pair.get(..end).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_decoded_names() {
        let query = b"a=1&&b&%61=2&c+d=e%20f+g&x=%zz%4&h=i=j&=k";
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("")),
            ("c d", Some("e f g")),
            ("x", Some("%zz%4")),
            ("h", Some("i=j")),
            ("i", None),
            ("A", None),
        ] {
            let found = parameter(query, name.as_bytes())
                .map(|value| String::from_utf8(decoded(value).collect()).unwrap());
            assert_eq!(found.as_deref(), value, "{name}");
        }
    }

    #[test]
    fn captured_values_are_data_and_never_separators() {
        let (mut values, mut ranges) = (Vec::new(), Captures::default());
        let query = b"a=x%2Fy/z&b=%00&c=";
        assert!(capture(query, b"a", &mut values, &mut ranges));
        assert!(!capture(query, b"b", &mut values, &mut ranges));
        assert!(capture(query, b"c", &mut values, &mut ranges));
        assert_eq!((values.as_slice(), ranges.len()), (&b"x\0y\0z"[..], 2));
        assert_eq!((ranges.get(1), ranges.get(2)), (Some(0..5), Some(5..5)));
    }

    #[test]
    fn the_preferred_language_is_that_of_the_largest_weight() {
        let preferred = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("Accept-Language", *line)).collect();
            let language = preferred_language(&Fields::of_lines(&lines));
            language.map(|language| String::from_utf8(language.to_vec()).unwrap())
        };
        for (lines, expected) in [
            (&[][..], None),
            (&["de"], Some("de")),
            (&["en;q=0.5, de;q=0.9, fr;q=0.1"], Some("de")),
            (&["en, de"], Some("en")),
            (&["en;q=0.9", "de"], Some("de")),
            (&["en;q=0"], None),
            (&["en ; Q=0.4 ,\tde;q=0.401"], Some("de")),
            (&[", ,"], None),
            (&["*, de;q=0.5"], Some("*")),
        ] {
            assert_eq!(preferred(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_language_is_of_a_kind_by_whole_subtags() {
        for (language, tag, expected) in [
            ("en", "en", true),
            ("EN-gb", "en", true),
            ("en-GB", "en-gb", true),
            ("en", "en-GB", false),
            ("eng", "en", false),
            ("*", "en", false),
        ] {
            assert_eq!(is_kind_of(language.as_bytes(), tag.as_bytes()), expected, "{language}");
        }
    }

    #[test]
    fn cookies_are_told_by_their_names() {
        let lines = [("Cookie", "a=1; b=2;c=\"x;d=y\""), ("cookie", " e = 3; =f; g")];
        let names: Vec<_> = cookies(&Fields::of_lines(&lines)).map(<[u8]>::escape_ascii).collect();
        let names: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "", "g"]);
    }
}
