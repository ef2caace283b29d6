//! Rules: what answers paths that are known only when they are asked for.

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, IntoBytes};

use crate::condition::{self, Condition};
use crate::error::{Damage, ErrorKind, RuleError};
use crate::layout::{
    ALIGN, FORCED, LeadSlot, MAX_CAPTURES, MAX_CONDITIONS, NORMALISE, RULE_KEEPS_QUERY, RuleRecord,
    align,
};
use crate::leads::Leads;
use crate::pattern::{self, Captures, Pattern};
use crate::reader::Webroot;
use crate::template::{Template, TemplatePiece};

/// What a rule does with the paths that match it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RuleKind {
    /// Answers with `Location`: 301, 302, 303, 307 or 308.
    Redirect = 1,
    /// Answers with what is stored for another path: with 200 as that path itself would, with a
    /// status of 400 to 599 by the entry whose scope is that status and whose path is just that.
    Show = 2,
}

impl RuleKind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Redirect, Self::Show].into_iter().find(|kind| *kind as u8 == byte)
    }

    fn has(self, status: u16) -> bool {
        match self {
            Self::Redirect => matches!(status, 301..=303 | 307 | 308),
            Self::Show => matches!(status, 200 | 400..=599),
        }
    }
}

/// A rule as it is handed to the writer.
#[derive(Debug, Clone, Copy)]
pub struct RuleSpec<'a> {
    /// Line of the file that it was read from.
    pub line: Option<u32>,
    /// What it does.
    pub kind: RuleKind,
    /// Status of the answer.
    pub status: u16,
    /// Whether a slash at the end of the path does not matter.
    pub normalise: bool,
    /// Whether it wins over what is stored, where the entry says that rules come first.
    pub forced: bool,
    /// Whether a redirect hands on the query of the request.
    pub keep_query: bool,
    /// The paths that match.
    pub from: &'a Pattern<'a>,
    /// Where they go: of a redirect a URI reference without its fragment, else a decoded path.
    pub to: &'a Template<'a>,
    /// The fragment of a redirect, `#` included; empty without one.
    pub fragment: &'a Template<'a>,
    /// What the request must say besides; all of it.
    pub conditions: &'a [Condition<'a>],
}

impl RuleSpec<'_> {
    /// Whether it can be stored.
    ///
    /// # Errors
    /// The first of its parts that contradicts itself or another.
    pub fn check(&self) -> Result<(), RuleError> {
        if !self.kind.has(self.status) {
            return Err(RuleError::BadStatus);
        }
        if self.conditions.len() > MAX_CONDITIONS {
            return Err(RuleError::TooManyConditions);
        }
        self.conditions.iter().try_for_each(Condition::check)?;
        let conditions = self.conditions.iter().filter(|condition| condition.captures());
        let captures = usize::from(self.from.captures()) + conditions.count();
        check_captures(captures, self.to, self.fragment)?;
        let no_uri = |template: &Template<'_>, other: u8| {
            template.has_literal(|byte| !byte.is_ascii_graphic() || byte == other)
        };
        let begins_with = |template: &Template<'_>, wanted: fn(&u8) -> bool| {
            matches!(template.pieces().next(), Some(TemplatePiece::Literal(literal))
                if literal.first().is_some_and(wanted))
        };
        match self.kind {
            // A target that begins with a capture would lead wherever a request says.
            RuleKind::Redirect if !begins_with(self.to, |_| true) || no_uri(self.to, b'#') => {
                Err(RuleError::BadTarget)
            }
            RuleKind::Redirect if self.keep_query && self.to.has_literal(|b| b == b'?') => {
                Err(RuleError::TwoQueries)
            }
            RuleKind::Redirect if self.fragment.is_empty() => Ok(()),
            RuleKind::Redirect
                if !begins_with(self.fragment, |b| *b == b'#') || no_uri(self.fragment, 0) =>
            {
                Err(RuleError::BadFragment)
            }
            RuleKind::Redirect => Ok(()),
            RuleKind::Show if !begins_with(self.to, |b| *b == b'/') => Err(RuleError::BadPath),
            RuleKind::Show if !self.fragment.is_empty() => Err(RuleError::BadFragment),
            RuleKind::Show if self.keep_query => Err(RuleError::TwoQueries),
            RuleKind::Show => Ok(()),
        }
    }
}

fn check_captures(count: usize, to: &Template, fragment: &Template) -> Result<(), RuleError> {
    match u8::try_from(count) {
        Ok(count) if usize::from(count) <= MAX_CAPTURES => {
            let made = to.is_made_of(count) && fragment.is_made_of(count);
            if made { Ok(()) } else { Err(RuleError::NoSuchCapture) }
        }
        _ => Err(RuleError::TooManyCaptures),
    }
}

/// Records of rules on their way to the file, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct RuleBuffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) leads: Leads,
}

impl RuleBuffer {
    pub(crate) fn push(&mut self, rule: &RuleSpec<'_>) -> Result<(), ErrorKind> {
        rule.check().map_err(ErrorKind::Rule)?;
        let mut conditions = Vec::new();
        rule.conditions.iter().for_each(|condition| condition.encode(&mut conditions));
        let parts = [rule.from.bytes(), rule.to.bytes(), rule.fragment.bytes(), &conditions];
        let [from, to, fragment, conditions] = parts.map(|part| u16::try_from(part.len()));
        let size = |size: Result<u16, _>| size.map_err(|_| ErrorKind::Rule(RuleError::TooLong));
        let size_of_all = parts.iter().map(|part| part.len()).sum::<usize>();
        let padded = align((size_of::<RuleRecord>() + size_of_all) as u64, ALIGN) as usize;
        let flags = [
            (rule.normalise, NORMALISE),
            (rule.forced, FORCED),
            (rule.keep_query, RULE_KEEPS_QUERY),
        ];
        let record = RuleRecord {
            size: (padded as u32).into(),
            line: rule.line.unwrap_or(0).into(),
            status: rule.status.into(),
            kind: rule.kind as u8,
            flags: flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag),
            from_size: size(from)?.into(),
            to_size: size(to)?.into(),
            fragment_size: size(fragment)?.into(),
            conditions_size: size(conditions)?.into(),
        };
        if !self.leads.push(rule.from.bytes(), self.bytes.len() as u64) {
            return Err(ErrorKind::TooLarge("more rules than the format numbers"));
        }
        let end = self.bytes.len() + padded;
        self.bytes.extend_from_slice(record.as_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.resize(end, 0);
        Ok(())
    }
}

/// A rule as it stands in a webroot. Its parts are checked when they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'w> {
    record: &'w RuleRecord,
    kind: RuleKind,
    number: u32,
    /// Offset in the file.
    offset: u64,
    from: &'w [u8],
    to: &'w [u8],
    fragment: &'w [u8],
    conditions: &'w [u8],
}

impl<'w> Rule<'w> {
    /// Reads the rule that `bytes` begin with, and what follows it. `offset` is theirs in the file.
    pub(crate) fn read(
        bytes: &'w [u8],
        number: u32,
        offset: u64,
    ) -> Result<(Self, &'w [u8]), Damage> {
        let damaged = |what| Damage { what, offset };
        let cut = damaged("rule cut short");
        let (record, parts) = RuleRecord::ref_from_prefix(bytes).map_err(|_| cut)?;
        let sizes =
            [record.from_size, record.to_size, record.fragment_size, record.conditions_size];
        let sum = sizes.iter().map(|size| usize::from(size.get())).sum::<usize>();
        let size = align((size_of::<RuleRecord>() + sum) as u64, ALIGN);
        if u64::from(record.size.get()) != size {
            return Err(damaged("size of a rule contradicts its parts"));
        }
        let (_, rest) = bytes.split_at_checked(size as usize).ok_or(cut)?;
        let [from_size, to_size, fragment_size, conditions_size] = sizes;
        let split =
            |bytes: &'w [u8], size: U16| bytes.split_at_checked(usize::from(size.get())).ok_or(cut);
        let (from, parts) = split(parts, from_size)?;
        let (to, parts) = split(parts, to_size)?;
        let (fragment, parts) = split(parts, fragment_size)?;
        let (conditions, _) = split(parts, conditions_size)?;
        let kind = RuleKind::from_byte(record.kind).ok_or(damaged("rule of an unknown kind"))?;
        if !kind.has(record.status.get()) {
            return Err(damaged(RuleError::BadStatus.what()));
        }
        Ok((Self { record, kind, number, offset, from, to, fragment, conditions }, rest))
    }

    /// Its number in the table, counted from zero.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its pattern as it stands in the webroot, and its offset in the file.
    pub(crate) fn place(&self) -> (&'w [u8], u64) {
        (self.from, self.offset)
    }

    /// Line of the file that it was read from.
    pub fn line(&self) -> Option<u32> {
        Some(self.record.line.get()).filter(|line| *line != 0)
    }

    /// What it does.
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// Status of the answer, one that its kind can have.
    pub fn status(&self) -> u16 {
        self.record.status.get()
    }

    /// Whether a slash at the end of the path does not matter.
    pub fn normalises(&self) -> bool {
        self.record.flags & NORMALISE != 0
    }

    /// Whether it wins over what is stored.
    pub fn is_forced(&self) -> bool {
        self.record.flags & FORCED != 0
    }

    /// Whether a redirect hands on the query of the request.
    pub fn keeps_query(&self) -> bool {
        self.record.flags & RULE_KEEPS_QUERY != 0
    }

    /// Whether a percent-decoded path matches its pattern.
    ///
    /// # Errors
    /// The pattern is none.
    pub fn matches(&self, path: &[u8], captures: &mut Captures) -> Result<bool, Damage> {
        // Most rules are passed over here.
        if !pattern::may_match(self.from, path, self.normalises()) {
            return Ok(false);
        }
        Ok(self.pattern()?.matches(path, self.normalises(), captures))
    }

    /// The paths that match.
    ///
    /// # Errors
    /// The pattern is none.
    pub fn pattern(&self) -> Result<Pattern<'w>, Damage> {
        Pattern::parse(self.from).map_err(|error| self.damage(error))
    }

    /// Where they go.
    ///
    /// # Errors
    /// The template is none.
    pub fn to(&self) -> Result<Template<'w>, Damage> {
        Template::parse(self.to).map_err(|error| self.damage(error))
    }

    /// The fragment of a redirect.
    ///
    /// # Errors
    /// The template is none.
    pub fn fragment(&self) -> Result<Template<'w>, Damage> {
        Template::parse(self.fragment).map_err(|error| self.damage(error))
    }

    /// What a request must say besides; at most [`MAX_CONDITIONS`].
    ///
    /// # Errors
    /// A condition is none; it is the last.
    pub fn conditions(&self) -> impl Iterator<Item = Result<Condition<'w>, Damage>> + use<'w> {
        let rule = *self;
        let read = condition::read(self.conditions).take(MAX_CONDITIONS);
        read.map(move |condition| condition.map_err(|error| rule.damage(error)))
    }

    /// Whether all of it could have been written.
    pub(crate) fn check(&self) -> Result<(), Damage> {
        let conditions = condition::read(self.conditions).collect::<Result<Vec<_>, _>>();
        let spec = RuleSpec {
            line: self.line(),
            kind: self.kind,
            status: self.status(),
            normalise: self.normalises(),
            forced: self.is_forced(),
            keep_query: self.keeps_query(),
            from: &self.pattern()?,
            to: &self.to()?,
            fragment: &self.fragment()?,
            conditions: &conditions.map_err(|error| self.damage(error))?,
        };
        spec.check().map_err(|error| self.damage(error))
    }

    fn damage(&self, error: RuleError) -> Damage {
        Damage { what: error.what(), offset: self.offset }
    }
}

/// The rules of a webroot in the order in which they are tried.
#[derive(Debug)]
pub struct Rules<'w> {
    rest: &'w [u8],
    /// Offset in the file of what is left.
    offset: u64,
    number: u32,
    count: u32,
}

impl Webroot {
    /// Its rules, in the order in which they are tried.
    pub fn rules(&self) -> Rules<'_> {
        let (rest, slots, offset) = self.rule_parts();
        Rules { rest, offset, number: 0, count: slots.len() as u32 }
    }

    /// The records of rules, the slots behind them, and the offset in the file of the records.
    pub(crate) fn rule_parts(&self) -> (&[u8], &[LeadSlot], u64) {
        let section = self.header().rules.as_ref();
        let (bytes, offset) = self.section_bytes(section);
        let count = section.map_or(0, |section| section.count as usize);
        let (records, slots) =
            <[LeadSlot]>::ref_from_suffix_with_elems(bytes, count).unwrap_or_default();
        (records, slots, offset)
    }
}

impl<'w> Iterator for Rules<'w> {
    type Item = Result<Rule<'w>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        // Behind damage the place of the next rule is not known.
        let rest = std::mem::take(&mut self.rest);
        if self.number >= self.count {
            let what = "more rules than the header counts";
            return Some(Err(Damage { what, offset: self.offset }));
        }
        let read = Rule::read(rest, self.number, self.offset);
        Some(read.map(|(rule, after)| {
            self.offset += (rest.len() - after.len()) as u64;
            self.rest = after;
            self.number += 1;
            rule
        }))
    }
}
