//! Entries as they are read: resources and their variants.

use zerocopy::FromBytes;

use crate::error::Damage;
use crate::header::Header;
use crate::layout::{ALIGN, EntryRecord, KEEP_QUERY, NO_TIME, RULES_FIRST, VariantRecord, align};
use crate::reader::Span;

/// How the bytes of a variant are coded (RFC 9110 §8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Coding {
    /// As the author wrote them.
    Identity = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Brotli, RFC 7932.
    Br = 2,
    /// Zstandard, RFC 8878.
    Zstd = 3,
}

impl Coding {
    /// All codings, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Br, Self::Zstd];

    /// Name of the coding in `Content-Encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// What one path answers.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'w> {
    record: &'w EntryRecord,
    path: &'w [u8],
    variants: &'w [VariantRecord],
    file: &'w [u8],
}

impl<'w> Resource<'w> {
    /// Reads the entry at `offset` of the section of entries and checks all that it points to.
    pub(crate) fn read(file: &'w [u8], header: &Header, offset: u64) -> Result<Self, Damage> {
        let section = file.get(header.entries.bytes.clone()).unwrap_or_default();
        let place = header.entries.bytes.start as u64 + offset;
        let damage = |what| Damage { what, offset: place };
        let bytes = usize::try_from(offset).ok().and_then(|at| section.get(at..));
        let bytes = bytes.ok_or(damage("entry outside its section"))?;
        let (record, rest) =
            EntryRecord::ref_from_prefix(bytes).map_err(|_| damage("entry cut short"))?;
        let path_size = usize::from(record.path_size.get());
        let padded = align(path_size as u64, ALIGN) as usize;
        let count = usize::from(record.variant_count);
        let size = size_of::<EntryRecord>() + padded + count * size_of::<VariantRecord>();
        if record.size.get() as usize != size || count == 0 {
            return Err(damage("entry size contradicts its parts"));
        }
        let path = rest.get(..path_size).ok_or(damage("entry cut short"))?;
        let variants = rest.get(padded..).ok_or(damage("entry cut short"))?;
        let (variants, _) = <[VariantRecord]>::ref_from_prefix_with_elems(variants, count)
            .map_err(|_| damage("entry cut short"))?;
        for variant in variants {
            check(variant, header).map_err(damage)?;
        }
        Ok(Self { record, path, variants, file })
    }

    /// The path, percent-decoded, beginning with a slash.
    pub fn path(&self) -> &'w [u8] {
        self.path
    }

    /// `None` for what answers its path, else a status: with it answers what lies below its path,
    /// if that ends with a slash, and rules that show its path.
    pub fn scope(&self) -> Option<u16> {
        Some(self.record.scope.get()).filter(|scope| *scope != 0)
    }

    /// Status of the stored answer, 200 for most.
    pub fn status(&self) -> u16 {
        self.record.status.get()
    }

    /// Last modification in seconds since 1970.
    pub fn modified(&self) -> Option<i64> {
        Some(self.record.modified.get()).filter(|time| *time != NO_TIME)
    }

    /// Whether a redirect hands on the query of the request.
    pub fn keeps_query(&self) -> bool {
        self.record.flags & KEEP_QUERY != 0
    }

    /// Whether the forced rules are tried before it is answered.
    pub fn rules_first(&self) -> bool {
        self.record.flags & RULES_FIRST != 0
    }

    /// Line of the rule that made it.
    pub fn rule(&self) -> Option<u32> {
        Some(self.record.rule.get()).filter(|line| *line != 0)
    }

    /// Its codings, at least one.
    pub fn variants(&self) -> impl ExactSizeIterator<Item = Variant<'w>> + use<'w> {
        let file = self.file;
        self.variants.iter().map(move |record| Variant::new(record, file))
    }

    /// The variant that was packed first: identity unless only coded ones are stored.
    pub fn first(&self) -> Variant<'w> {
        match self.variants {
            [first, ..] => Variant::new(first, self.file),
            [] => unreachable!("an entry without variants is refused when it is read"),
        }
    }

    /// Bytes that the entry takes in its section.
    pub(crate) fn entry_size(&self) -> usize {
        let padded = align(self.path.len() as u64, ALIGN) as usize;
        size_of::<EntryRecord>() + padded + size_of_val(self.variants)
    }
}

/// Whether what a variant points to lies in the section of data, and its marks in its head.
fn check(variant: &VariantRecord, header: &Header) -> Result<(), &'static str> {
    let data = header.data.bytes.start as u64..header.data.bytes.end as u64;
    let inside = |offset: u64, size: u64| {
        offset >= data.start && offset.checked_add(size).is_some_and(|end| end <= data.end)
    };
    if !inside(variant.head_offset.get(), u64::from(variant.head_size.get())) {
        return Err("head outside the data");
    }
    if !inside(variant.body_offset.get(), variant.body_size.get()) {
        return Err("body outside the data");
    }
    let marks = [
        variant.validators_end.get(),
        variant.common_end.get(),
        variant.fields_end.get(),
        variant.head_size.get(),
    ];
    if !marks.is_sorted() {
        return Err("marks of a head out of order");
    }
    if usize::from(variant.etag_size) + ETAG.len() > usize::from(variant.validators_end.get())
        && variant.etag_size != 0
    {
        return Err("entity tag outside its head");
    }
    if Coding::from_byte(variant.coding).is_none() {
        return Err("unknown coding");
    }
    Ok(())
}

/// What stands before the size of the body at the end of a head.
const LENGTH: &[u8] = b"Content-Length: ";

/// What stands before the entity tag at the start of a head.
const ETAG: &str = "ETag: ";

/// One coding of a resource: a stored head and a body.
#[derive(Debug, Clone, Copy)]
pub struct Variant<'w> {
    record: &'w VariantRecord,
    head: &'w [u8],
}

impl<'w> Variant<'w> {
    fn new(record: &'w VariantRecord, file: &'w [u8]) -> Self {
        let start = usize::try_from(record.head_offset.get()).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(record.head_size.get()));
        Self { record, head: file.get(start..end).unwrap_or_default() }
    }

    /// How its body is coded.
    pub fn coding(&self) -> Coding {
        Coding::from_byte(self.record.coding).unwrap_or(Coding::Identity)
    }

    /// The quoted entity tag, as it stands in the head.
    pub fn etag(&self) -> Option<&'w [u8]> {
        let size = usize::from(self.record.etag_size);
        self.head.get(ETAG.len()..ETAG.len() + size).filter(|tag| !tag.is_empty())
    }

    /// Where its body lies.
    pub fn body(&self) -> Span {
        Span { offset: self.record.body_offset.get(), size: self.record.body_size.get() }
    }

    /// Number of its body in the table of bodies.
    pub fn body_number(&self) -> u32 {
        self.record.body.get()
    }

    /// The whole head with its empty line, for a 200. Its body may lie right behind it.
    pub fn head(&self) -> Span {
        self.up_to(self.record.head_size.get())
    }

    /// What a 304 repeats; of a redirect, `Location` without its line end.
    pub fn validators(&self) -> Span {
        self.up_to(self.record.validators_end.get())
    }

    /// What any 206 repeats.
    pub fn common(&self) -> Span {
        self.up_to(self.record.common_end.get())
    }

    /// What a 206 of one range repeats.
    pub fn fields(&self) -> Span {
        self.up_to(self.record.fields_end.get())
    }

    /// The `Content-Type` line, which each part of a multipart 206 repeats.
    pub fn content_type(&self) -> Span {
        self.between(self.record.common_end.get(), self.record.fields_end.get())
    }

    /// The head from the end of [`Variant::validators`] on.
    pub fn after_validators(&self) -> Span {
        self.between(self.record.validators_end.get(), self.record.head_size.get())
    }

    /// Whether the head says the size of the body. A head that says another would leave a peer
    /// waiting, or take what follows for content.
    pub fn is_framed(&self) -> bool {
        let end = usize::from(self.record.fields_end.get());
        let text = self.head.get(end..).and_then(|text| text.strip_prefix(LENGTH));
        let digits = text.and_then(|text| text.strip_suffix(b"\r\n\r\n")).unwrap_or_default();
        let number = digits.iter().try_fold(0u64, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        });
        !digits.is_empty() && number == Some(self.record.body_size.get())
    }

    /// Bytes of the head.
    pub fn head_bytes(&self) -> &'w [u8] {
        self.head
    }

    pub(crate) fn head_digest(&self) -> &'w [u8; 16] {
        &self.record.head_digest
    }

    fn up_to(&self, end: u16) -> Span {
        self.between(0, end)
    }

    /// The head between two marks. They were checked when the entry was read, but the file may
    /// have changed since.
    fn between(&self, start: u16, end: u16) -> Span {
        let offset = self.record.head_offset.get().saturating_add(start.into());
        Span { offset, size: end.saturating_sub(start).into() }
    }
}
