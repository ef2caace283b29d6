//! Conditions of rules: what a request must say besides its path.

use crate::error::RuleError;
use crate::layout::MAX_CONDITION;

/// What a request must say for a rule to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Its query has a parameter of this name, whose value is a capture. The numbers of such
    /// captures follow those of the pattern, in the order of the conditions.
    Capture(&'a [u8]),
    /// The first parameter of this name in its query has just this value.
    Parameter {
        /// Name of the parameter, decoded.
        name: &'a [u8],
        /// Its value, decoded.
        value: &'a [u8],
    },
    /// The language that its `Accept-Language` prefers is one of these or of their kind (basic
    /// filtering, RFC 4647 §3.3.1): `en` holds for `en-GB`. Tags with commas between them.
    Language(&'a [u8]),
    /// It has a cookie of one of these names (RFC 6265 §4.2), whatever its value. Names with
    /// commas between them.
    Cookie(&'a [u8]),
}

const CAPTURE: u8 = 1;
const PARAMETER: u8 = 2;
const LANGUAGE: u8 = 3;
const COOKIE: u8 = 4;

impl<'a> Condition<'a> {
    /// Whether it can stand in a rule.
    ///
    /// # Errors
    /// A name is empty or has a NUL, a list has an empty or misspelt member, or it takes more than
    /// [`MAX_CONDITION`] bytes.
    pub fn check(&self) -> Result<(), RuleError> {
        let is_tag = |tag: &[u8]| tag.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        // RFC 9110 §5.6.2, without the bytes that only a name of a field has use for.
        let is_name = |name: &[u8]| {
            name.iter().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(b))
        };
        let each = |list: &[u8], good: &dyn Fn(&[u8]) -> bool| {
            list.split(|byte| *byte == b',').all(|member| !member.is_empty() && good(member))
        };
        let (good, size) = match self {
            Self::Capture(name) => (is_parameter(name), name.len()),
            Self::Parameter { name, value } => {
                (is_parameter(name) && !value.contains(&0), name.len() + 1 + value.len())
            }
            Self::Language(tags) => (each(tags, &is_tag), tags.len()),
            Self::Cookie(names) => (each(names, &is_name), names.len()),
        };
        match (good, size) {
            (false, _) => Err(RuleError::BadCondition),
            (_, size) if size > MAX_CONDITION => Err(RuleError::TooLong),
            _ => Ok(()),
        }
    }

    /// Writes it behind `bytes` as it stands in a webroot.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let (kind, parts): (_, [&[u8]; 3]) = match self {
            Self::Capture(name) => (CAPTURE, [name, b"", b""]),
            Self::Parameter { name, value } => (PARAMETER, [name, b"\0", value]),
            Self::Language(tags) => (LANGUAGE, [tags, b"", b""]),
            Self::Cookie(names) => (COOKIE, [names, b"", b""]),
        };
        let size: usize = parts.iter().map(|part| part.len()).sum();
        bytes.push(kind);
        bytes.extend_from_slice(&(size as u16).to_le_bytes());
        bytes.extend_from_slice(&parts.concat());
    }

    /// Reads the first of `bytes`, and what follows it.
    fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), RuleError> {
        let [kind, low, high, rest @ ..] = bytes else { return Err(RuleError::BadCondition) };
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let (body, rest) = rest.split_at_checked(size).ok_or(RuleError::BadCondition)?;
        let condition = match *kind {
            CAPTURE => Self::Capture(body),
            PARAMETER => {
                let mut halves = body.splitn(2, |byte| *byte == 0);
                let name = halves.next().unwrap_or_default();
                Self::Parameter { name, value: halves.next().ok_or(RuleError::BadCondition)? }
            }
            LANGUAGE => Self::Language(body),
            COOKIE => Self::Cookie(body),
            _ => return Err(RuleError::BadCondition),
        };
        condition.check()?;
        Ok((condition, rest))
    }

    /// Whether it makes a capture.
    pub(crate) fn captures(&self) -> bool {
        matches!(self, Self::Capture(_))
    }
}

fn is_parameter(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&0)
}

/// Reads conditions as they stand in a webroot. The first that is none is the last.
pub(crate) fn read(bytes: &[u8]) -> impl Iterator<Item = Result<Condition<'_>, RuleError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = Condition::decode(std::mem::take(&mut rest));
        Some(read.map(|(condition, after)| {
            rest = after;
            condition
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_back_as_given() {
        let all = [
            Condition::Capture(b"id"),
            Condition::Parameter { name: b"a b", value: b"" },
            Condition::Parameter { name: b"x", value: b"=,&" },
            Condition::Language(b"de,pt-BR"),
            Condition::Cookie(b"is_member,nf_ab"),
        ];
        let mut bytes = Vec::new();
        for condition in &all {
            condition.check().unwrap();
            condition.encode(&mut bytes);
        }
        assert_eq!(read(&bytes).map(Result::unwrap).collect::<Vec<_>>(), all);
        for size in 0..bytes.len() {
            let cut = read(&bytes[..size]).count();
            assert!(cut <= all.len());
        }
    }

    #[test]
    fn conditions_that_say_nothing_or_are_misspelt_are_refused() {
        for condition in [
            Condition::Capture(b""),
            Condition::Capture(b"a\0"),
            Condition::Parameter { name: b"", value: b"x" },
            Condition::Parameter { name: b"x", value: b"\0" },
            Condition::Language(b""),
            Condition::Language(b"de,,en"),
            Condition::Language(b"de, en"),
            Condition::Language(b"*"),
            Condition::Cookie(b"a;b"),
            Condition::Cookie(b"a="),
        ] {
            assert_eq!(condition.check(), Err(RuleError::BadCondition), "{condition:?}");
        }
        let long = vec![b'a'; MAX_CONDITION + 1];
        assert_eq!(Condition::Capture(&long).check(), Err(RuleError::TooLong));
    }
}
