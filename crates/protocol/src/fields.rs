//! The request fields that matter to an origin of static content.

use httparse::Header;

use crate::limits::MAX_FIELDS;

/// A request field that something here reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub enum Field {
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    Expect,
    AcceptEncoding,
    Range,
    IfRange,
    IfMatch,
    IfNoneMatch,
    IfModifiedSince,
    IfUnmodifiedSince,
}

const COUNT: usize = Field::IfUnmodifiedSince as usize + 1;

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Connection => "connection",
            Self::ContentLength => "content-length",
            Self::TransferEncoding => "transfer-encoding",
            Self::Expect => "expect",
            Self::AcceptEncoding => "accept-encoding",
            Self::Range => "range",
            Self::IfRange => "if-range",
            Self::IfMatch => "if-match",
            Self::IfNoneMatch => "if-none-match",
            Self::IfModifiedSince => "if-modified-since",
            Self::IfUnmodifiedSince => "if-unmodified-since",
        }
    }

    /// The field of this name, compared without case (RFC 9110 §5.1).
    fn of(name: &str) -> Option<Self> {
        let candidate = match name.len() {
            4 => Self::Host,
            5 => Self::Range,
            6 => Self::Expect,
            8 if name.as_bytes().get(3).is_some_and(|b| b.eq_ignore_ascii_case(&b'r')) => {
                Self::IfRange
            }
            8 => Self::IfMatch,
            10 => Self::Connection,
            13 => Self::IfNoneMatch,
            14 => Self::ContentLength,
            15 => Self::AcceptEncoding,
            17 if name.as_bytes().first().is_some_and(|b| b.eq_ignore_ascii_case(&b't')) => {
                Self::TransferEncoding
            }
            17 => Self::IfModifiedSince,
            19 => Self::IfUnmodifiedSince,
            _ => return None,
        };
        name.eq_ignore_ascii_case(candidate.name()).then_some(candidate)
    }
}

/// Room for the field lines of one request.
pub type Storage<'b> = [Header<'b>; MAX_FIELDS];

/// The field lines of a request.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'r> {
    lines: &'r [Header<'r>],
    /// Number of the first line of each field plus one, zero for none.
    first: [u8; COUNT],
    /// A bit for each field that has several lines.
    repeated: u16,
}

const _: () = assert!(COUNT <= u16::BITS as usize && MAX_FIELDS < u8::MAX as usize);

impl<'r> Fields<'r> {
    /// Notes where the fields are that matter.
    pub(crate) fn new(lines: &'r [Header<'r>]) -> Self {
        let mut fields = Self { lines, first: [0; COUNT], repeated: 0 };
        for (number, line) in (1u8..).zip(lines) {
            if let Some(field) = Field::of(line.name)
                && let Some(first) = fields.first.get_mut(field as usize)
            {
                if *first == 0 {
                    *first = number;
                } else {
                    fields.repeated |= 1 << field as u16;
                }
            }
        }
        fields
    }

    /// Whether the field is there.
    pub fn has(&self, field: Field) -> bool {
        self.first.get(field as usize).is_some_and(|first| *first != 0)
    }

    /// Whether the field has more than one line.
    pub fn is_repeated(&self, field: Field) -> bool {
        self.repeated & (1 << field as u16) != 0
    }

    /// The value of a field that is there exactly once.
    pub fn single(&self, field: Field) -> Option<&'r [u8]> {
        if self.is_repeated(field) { None } else { self.lines(field).next() }
    }

    /// The values of a field, line by line. Of a list they are parts of one list (RFC 9110 §5.3).
    pub fn lines(&self, field: Field) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let first = self.first.get(field as usize).map_or(0, |first| usize::from(*first));
        let rest = match first {
            0 => &[],
            number => self.lines.get(number - 1..).unwrap_or_default(),
        };
        let matching = rest.iter().filter(move |line| line.name.eq_ignore_ascii_case(field.name()));
        matching.map(|line| line.value)
    }

    /// The values of a field of any name, line by line. Goes through all fields: for what few
    /// requests need.
    pub(crate) fn named(&self, name: &'static str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let matching = self.lines.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
        matching.map(|line| line.value)
    }

    /// The members of a list-valued field, without the white space around them; no empty ones
    /// (RFC 9110 §5.6.1). Not for lists whose members may hold quoted commas.
    pub fn members(&self, field: Field) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.lines(field).flat_map(members)
    }
}

/// The members of one line of a list.
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

/// Without optional white space at both ends (RFC 9110 §5.6.3).
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(name: &'a str, value: &'a str) -> Header<'a> {
        Header { name, value: value.as_bytes() }
    }

    #[test]
    fn every_field_is_known_by_its_name_in_any_case() {
        for number in 0..COUNT as u8 {
            let all = [
                Field::Host,
                Field::Connection,
                Field::ContentLength,
                Field::TransferEncoding,
                Field::Expect,
                Field::AcceptEncoding,
                Field::Range,
                Field::IfRange,
                Field::IfMatch,
                Field::IfNoneMatch,
                Field::IfModifiedSince,
                Field::IfUnmodifiedSince,
            ];
            let field = all[usize::from(number)];
            assert_eq!(field as u8, number);
            assert_eq!(Field::of(&field.name().to_uppercase()), Some(field));
        }
        assert_eq!(Field::of("hose"), None);
    }

    #[test]
    fn lines_of_a_list_are_one_list() {
        let lines = [header("Connection", "a, ,b"), header("X", "y"), header("connection", "\tc ")];
        let fields = Fields::new(&lines);
        let found: Vec<_> = fields.members(Field::Connection).collect();
        assert_eq!(found, [b"a", b"b", b"c"]);
        assert!(fields.is_repeated(Field::Connection));
        assert_eq!(fields.single(Field::Connection), None);
        assert!(!fields.has(Field::Host));
        assert_eq!(fields.lines(Field::Host).count(), 0);
    }
}
