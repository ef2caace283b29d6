//! Whether two patterns have a path in common.

use super::pattern::{Pattern, Piece};

/// A segment: its text, or `None` for a placeholder.
type Segment<'a> = Option<&'a [u8]>;

/// Whether a path matches both patterns.
///
/// Exact for patterns with one splat at most whose placeholders are whole segments, and that are
/// compared with case and trailing slash. Takes time linear in their lengths.
pub(super) fn overlap(one: &Pattern, other: &Pattern) -> bool {
    match (Sides::of(one), Sides::of(other)) {
        (Sides { front, tail: None }, Sides { front: whole, tail: None }) => {
            front.len() == whole.len() && pairs(&front, &whole)
        }
        (Sides { front, tail: Some(tail) }, Sides { front: whole, tail: None })
        | (Sides { front: whole, tail: None }, Sides { front, tail: Some(tail) }) => {
            within(&front, &tail, &whole)
        }
        (
            Sides { front, tail: Some(mut tail) },
            Sides { front: other_front, tail: Some(mut other_tail) },
        ) => {
            // Either splat takes what the other pattern has more.
            tail.reverse();
            other_tail.reverse();
            begins_alike(&front, &other_front, <[u8]>::starts_with)
                && begins_alike(&tail, &other_tail, <[u8]>::ends_with)
        }
    }
}

/// The segments of a pattern before and behind its splat. Those next to the splat are the literal
/// parts of its segment.
struct Sides<'a> {
    front: Vec<Segment<'a>>,
    tail: Option<Vec<Segment<'a>>>,
}

impl<'a> Sides<'a> {
    fn of(pattern: &'a Pattern) -> Self {
        let mut sides = pattern.pieces.splitn(2, |piece| *piece == Piece::Splat).map(segments);
        Self { front: sides.next().unwrap_or_default(), tail: sides.next() }
    }
}

fn segments(pieces: &[Piece]) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut current: Segment<'_> = Some(b"");
    for piece in pieces {
        let Piece::Literal(bytes) = piece else {
            current = None;
            continue;
        };
        for (number, part) in bytes.split(|byte| *byte == b'/').enumerate() {
            if number > 0 {
                let before = current.replace(part);
                found.push(before);
            } else if current == Some(b"") {
                current = Some(part);
            }
        }
    }
    found.push(current);
    found
}

/// Whether two segments have a text in common. That of a placeholder is not empty.
fn meet(one: Segment<'_>, other: Segment<'_>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        (Some(text), None) | (None, Some(text)) => !text.is_empty(),
        (None, None) => true,
    }
}

fn pairs(one: &[Segment<'_>], other: &[Segment<'_>]) -> bool {
    one.iter().zip(other).all(|(one, other)| meet(*one, *other))
}

/// Whether a path can begin with both, each of which ends with a part of a segment.
fn begins_alike(
    one: &[Segment<'_>],
    other: &[Segment<'_>],
    touches: impl Fn(&[u8], &[u8]) -> bool,
) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let Some((part, whole)) = short.split_last() else { return true };
    let ends = match (part, long.get(whole.len()).copied().flatten()) {
        // A part of its segment only, like the other.
        (Some(part), Some(text)) if short.len() == long.len() => {
            touches(part, text) || touches(text, part)
        }
        (Some(part), Some(text)) => touches(text, part),
        _ => true,
    };
    ends && pairs(whole, long)
}

/// Whether the pattern `front*tail` has a path in common with one that has no splat.
fn within(front: &[Segment<'_>], tail: &[Segment<'_>], whole: &[Segment<'_>]) -> bool {
    let (Some((before, first)), Some((behind, rest))) = (front.split_last(), tail.split_first())
    else {
        return false;
    };
    let (before, behind) = (before.unwrap_or_default(), behind.unwrap_or_default());
    // The segments that the splat reaches into.
    let Some(middle) = whole.len().checked_sub(first.len() + rest.len()).filter(|size| *size > 0)
    else {
        return false;
    };
    let reached = whole.get(first.len()..first.len() + middle).unwrap_or_default();
    let touches = match reached {
        [Some(text)] => {
            text.strip_prefix(before).is_some_and(|behind_it| behind_it.ends_with(behind))
        }
        [start, .., end] => {
            start.is_none_or(|text| text.starts_with(before))
                && end.is_none_or(|text| text.ends_with(behind))
        }
        _ => true,
    };
    let ending = whole.get(first.len() + middle..).unwrap_or_default();
    touches && pairs(first, whole) && pairs(rest, ending)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Matching;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Step {
        Byte(u8),
        NoSlash,
        NoSlashes,
        Anything,
    }

    fn steps(pattern: &Pattern) -> Vec<Step> {
        let mut steps = Vec::new();
        for piece in &pattern.pieces {
            match piece {
                Piece::Literal(bytes) => steps.extend(bytes.iter().copied().map(Step::Byte)),
                Piece::Placeholder(_) => steps.extend([Step::NoSlash, Step::NoSlashes]),
                Piece::Splat => steps.push(Step::Anything),
            }
        }
        steps
    }

    /// Both patterns walked byte by byte, each in every way.
    fn by_steps(one: &[Step], other: &[Step]) -> bool {
        let repeats = |step: &Step| matches!(step, Step::NoSlashes | Step::Anything);
        let meets = |a: Step, b: Step| match (a, b) {
            (Step::Byte(a), Step::Byte(b)) => a == b,
            (Step::Byte(byte), Step::NoSlash | Step::NoSlashes)
            | (Step::NoSlash | Step::NoSlashes, Step::Byte(byte)) => byte != b'/',
            _ => true,
        };
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![(0, 0)];
        while let Some((i, j)) = open.pop() {
            if !seen.insert((i, j)) {
                continue;
            }
            let (a, b) = (one.get(i), other.get(j));
            if a.is_none() && b.is_none() {
                return true;
            }
            if a.is_some_and(repeats) {
                open.push((i + 1, j));
            }
            if b.is_some_and(repeats) {
                open.push((i, j + 1));
            }
            if let (Some(a), Some(b)) = (a, b)
                && meets(*a, *b)
            {
                open.push((i + usize::from(!repeats(a)), j + usize::from(!repeats(b))));
            }
        }
        false
    }

    /// Segments of one or two letters and placeholders, with a splat put somewhere.
    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let segment = prop_oneof![Just(":"), Just("a"), Just("b"), Just("ab"), Just("aba")];
        let splat = prop_oneof![
            Just(None),
            ("[ab]{0,2}", "[ab]{0,2}", any::<prop::sample::Index>()).prop_map(Some)
        ];
        (prop::collection::vec(segment, 0..4), splat, any::<bool>()).prop_map(
            |(segments, splat, ends_in_slash)| {
                let mut segments: Vec<_> = segments.iter().map(ToString::to_string).collect();
                if let Some((before, behind, index)) = splat {
                    let at = index.index(segments.len() + 1);
                    segments.insert(at, format!("{before}*{behind}"));
                }
                let mut text = format!("/{}", segments.join("/"));
                if ends_in_slash && text != "/" {
                    text.push('/');
                }
                let mut pieces: Vec<Piece> = Vec::new();
                for byte in text.bytes() {
                    match (byte, pieces.last_mut()) {
                        (b':', _) => pieces.push(Piece::Placeholder("x".to_owned())),
                        (b'*', _) => pieces.push(Piece::Splat),
                        (_, Some(Piece::Literal(bytes))) => bytes.push(byte),
                        _ => pieces.push(Piece::Literal(vec![byte])),
                    }
                }
                Pattern { host: None, pieces, matching: Matching::default() }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn segments_say_the_same_as_bytes(one in any_pattern(), other in any_pattern()) {
            let expected = by_steps(&steps(&one), &steps(&other));
            prop_assert_eq!(overlap(&one, &other), expected);
            prop_assert_eq!(overlap(&other, &one), expected);
        }
    }
}
