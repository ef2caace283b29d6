//! The request fields that matter to an origin of static content.

use crate::parse::Rejection;
use crate::plan::Accepted;
use crate::section;

pub(crate) use crate::section::trim;

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
    Referer,
    UserAgent,
}

const COUNT: usize = Field::UserAgent as usize + 1;

impl Field {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Host => b"host",
            Self::Connection => b"connection",
            Self::ContentLength => b"content-length",
            Self::TransferEncoding => b"transfer-encoding",
            Self::Expect => b"expect",
            Self::AcceptEncoding => b"accept-encoding",
            Self::Range => b"range",
            Self::IfRange => b"if-range",
            Self::IfMatch => b"if-match",
            Self::IfNoneMatch => b"if-none-match",
            Self::IfModifiedSince => b"if-modified-since",
            Self::IfUnmodifiedSince => b"if-unmodified-since",
            Self::Referer => b"referer",
            Self::UserAgent => b"user-agent",
        }
    }

    /// The field of this name, compared without case (RFC 9110 §5.1).
    fn of(name: &[u8]) -> Option<Self> {
        let candidate = match name.len() {
            4 => Self::Host,
            5 => Self::Range,
            6 => Self::Expect,
            7 => Self::Referer,
            8 if name.get(3).is_some_and(|b| b.eq_ignore_ascii_case(&b'r')) => Self::IfRange,
            8 => Self::IfMatch,
            10 if name.first().is_some_and(|b| b.eq_ignore_ascii_case(&b'u')) => Self::UserAgent,
            10 => Self::Connection,
            13 => Self::IfNoneMatch,
            14 => Self::ContentLength,
            15 => Self::AcceptEncoding,
            17 if name.first().is_some_and(|b| b.eq_ignore_ascii_case(&b't')) => {
                Self::TransferEncoding
            }
            17 => Self::IfModifiedSince,
            19 => Self::IfUnmodifiedSince,
            _ => return None,
        };
        name.eq_ignore_ascii_case(candidate.name()).then_some(candidate)
    }
}

/// Where the fields are that matter in a field section.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    /// The value of the first line of each field.
    values: [Place; COUNT],
    /// A bit for each field that is there.
    present: u16,
    /// A bit for each field that has several lines.
    repeated: u16,
    /// What `Accept-Encoding` says.
    accepted: Accepted,
}

/// A part of a field section.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    start: u16,
    end: u16,
    /// Where its line begins.
    line: u16,
}

const _: () = assert!(COUNT <= u16::BITS as usize);

impl Marks {
    /// Reads a field section of at most so many lines.
    pub(crate) fn read(section: &[u8], most: usize) -> Result<Self, Rejection> {
        let mut marks = Self::default();
        section::read(section, most, |line| {
            let Some(field) = Field::of(line.name) else { return };
            let bit = 1 << field as u16;
            if marks.present & bit != 0 {
                marks.repeated |= bit;
            } else if let Some(place) = marks.values.get_mut(field as usize) {
                marks.present |= bit;
                // A section is no longer than a place can name.
                let start = line.value.as_ptr().addr() - section.as_ptr().addr();
                *place = Place {
                    start: start as u16,
                    end: (start + line.value.len()) as u16,
                    line: line.start as u16,
                };
            }
        })?;
        marks.accepted = Accepted::read(&Fields::new(section, &marks));
        Ok(marks)
    }
}

/// The field lines of a request.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'r> {
    section: &'r [u8],
    marks: &'r Marks,
}

impl<'r> Fields<'r> {
    /// The lines of a section, with the marks that were read from it or from its equal.
    pub(crate) fn new(section: &'r [u8], marks: &'r Marks) -> Self {
        Self { section, marks }
    }

    pub(crate) fn section(&self) -> &'r [u8] {
        self.section
    }

    /// Whether the field is there.
    pub fn has(&self, field: Field) -> bool {
        self.marks.present & (1 << field as u16) != 0
    }

    /// Whether the field has more than one line.
    pub fn is_repeated(&self, field: Field) -> bool {
        self.marks.repeated & (1 << field as u16) != 0
    }

    /// The value of a field that is there exactly once.
    pub fn single(&self, field: Field) -> Option<&'r [u8]> {
        if self.is_repeated(field) { None } else { self.first(field) }
    }

    /// Where in the section the value of a field is that is there exactly once.
    pub(crate) fn place(&self, field: Field) -> Option<(u16, u16)> {
        let is_single = self.has(field) && !self.is_repeated(field);
        let place = self.marks.values.get(field as usize).filter(|_| is_single)?;
        Some((place.start, place.end))
    }

    /// The value of the first line of a field.
    pub fn first(&self, field: Field) -> Option<&'r [u8]> {
        let place = self.marks.values.get(field as usize).filter(|_| self.has(field))?;
        self.section.get(usize::from(place.start)..usize::from(place.end))
    }

    /// The values of a field, line by line. Of a list they are parts of one list (RFC 9110 §5.3).
    pub fn lines(&self, field: Field) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let place = self.marks.values.get(field as usize).copied().unwrap_or_default();
        // What follows the first is looked for only if there is something.
        let rest = self.section.get(..).filter(|_| self.is_repeated(field)).unwrap_or_default();
        let rest = section::lines(rest, usize::from(place.line)).skip(1);
        let matching = rest.filter(move |line| line.name.eq_ignore_ascii_case(field.name()));
        self.first(field).into_iter().chain(matching.map(|line| line.value))
    }

    /// The values of a field of any name, line by line. Goes through all fields: for what few
    /// requests need.
    pub(crate) fn named(&self, name: &'static str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let name = name.as_bytes();
        let all = section::lines(self.section, 0);
        all.filter(move |line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value)
    }

    /// The members of a list-valued field, without the white space around them; no empty ones
    /// (RFC 9110 §5.6.1). Not for lists whose members may hold quoted commas.
    pub fn members(&self, field: Field) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.lines(field).flat_map(members)
    }

    /// The codings that the request accepts.
    pub(crate) fn accepted(&self) -> Accepted {
        self.marks.accepted
    }
}

/// The members of one line of a list.
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
impl Fields<'static> {
    /// The fields of a section that lives as long as the tests do.
    pub(crate) fn of_lines(lines: &[(&str, &str)]) -> Self {
        let lines = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let section = lines.chain(["\r\n".to_owned()]).collect::<String>().into_bytes().leak();
        let marks = Box::leak(Box::new(Marks::read(section, 100).unwrap()));
        Self::new(section, marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                Field::Referer,
                Field::UserAgent,
            ];
            let field = all[usize::from(number)];
            assert_eq!(field as u8, number);
            assert_eq!(Field::of(&field.name().to_ascii_uppercase()), Some(field));
        }
        assert_eq!(Field::of(b"hose"), None);
    }

    #[test]
    fn lines_of_a_list_are_one_list() {
        let lines = [("Connection", "a, ,b"), ("X", "y"), ("connection", "\tc ")];
        let fields = Fields::of_lines(&lines);
        let found: Vec<_> = fields.members(Field::Connection).collect();
        assert_eq!(found, [b"a", b"b", b"c"]);
        assert!(fields.is_repeated(Field::Connection));
        assert_eq!(fields.single(Field::Connection), None);
        assert!(!fields.has(Field::Host));
        assert_eq!(fields.lines(Field::Host).count(), 0);
    }
}
