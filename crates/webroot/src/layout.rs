//! The bytes of a webroot as constants and records; `docs/FORMAT.md` is the same in prose.
//!
//! All integers are little-endian. Records have no padding and no alignment of their own, so they
//! are read in place from the mapping whatever its contents.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First eight bytes of every webroot. The first is outside ASCII and the last two are LF and
/// SUB, so that a copy made in text mode is noticed.
pub const MAGIC: [u8; 8] = *b"\x89WROOT\n\x1a";
/// Version of the format this crate writes, and the only one it reads.
pub const VERSION: u32 = 1;
/// Bytes of the header page: file header, section table, zeros.
pub const HEADER_SIZE: usize = 4096;
/// Most sections that a header page holds.
pub const MAX_SECTIONS: usize = 16;
/// Alignment in bytes of a large body.
pub const PAGE: u64 = 4096;
/// Alignment in bytes of sections, heads and entries.
pub const ALIGN: u64 = 8;
/// Largest body in bytes that is stored behind its head; a larger one starts on a page of its own.
pub const SMALL_BODY: u64 = 64 * 1024;
/// Longest path in bytes.
pub const MAX_PATH: usize = 8 * 1024;
/// Most slots that a lookup looks at before it gives up; a writer grows the table to keep to it.
pub const MAX_PROBES: usize = 256;

/// Kind of the section that holds heads and bodies.
pub const DATA: u32 = 1;
/// Kind of the section that lists the distinct bodies.
pub const BODIES: u32 = 2;
/// Kind of the section that holds the entries in order of scope and path.
pub const ENTRIES: u32 = 3;
/// Kind of the section that holds the hash table.
pub const INDEX: u32 = 4;
/// Kind of the section that holds the rules in the order in which they are tried.
pub const RULES: u32 = 5;
/// Kind of the optional section that lists the files of the tree.
pub const FILES: u32 = 6;
/// Kind of the optional section that says which coded body was made from which.
pub const CODINGS: u32 = 7;
/// Section flag: a reader that does not know the kind may ignore the section.
pub const OPTIONAL: u32 = 1;

/// Entry flag: a redirect whose target takes the query of the request.
pub const KEEP_QUERY: u8 = 1;
/// Entry flag: rules that win over what is stored are tried before it is answered.
pub const RULES_FIRST: u8 = 2;

/// The first 64 bytes of the file.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FileHeader {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: U32,
    /// [`HEADER_SIZE`].
    pub header_size: U32,
    /// Bytes of the whole file.
    pub file_size: U64,
    /// blake3 of the header page with these 32 bytes zero.
    pub identity: [u8; 32],
    /// Records in the section table, which follows.
    pub section_count: U32,
    /// Zero.
    pub reserved: U32,
}

/// One record of the section table.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SectionRecord {
    /// [`DATA`], [`BODIES`], [`ENTRIES`], [`INDEX`] or a kind of a later version.
    pub kind: U32,
    /// [`OPTIONAL`] or zero.
    pub flags: U32,
    /// Offset in the file of its first byte.
    pub offset: U64,
    /// Bytes.
    pub size: U64,
    /// Bodies, codings: records. Entries, rules, files: their number. Index: slots. Data: zero.
    pub count: U32,
    /// Entries: slashes in the deepest path of an error page, zero without one. Rules: slashes in
    /// the deepest lead. Else zero.
    pub depth: U32,
    /// blake3 of the section; zero for data, which the digests of heads and bodies cover.
    pub digest: [u8; 32],
}

/// One distinct body. Records are in order of offset.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BodyRecord {
    /// Offset in the file.
    pub offset: U64,
    /// Bytes.
    pub size: U64,
    /// blake3 of the bytes.
    pub digest: [u8; 32],
}

/// The fixed part of an entry. The path follows, zeros up to the next multiple of [`ALIGN`], then
/// the variants.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct EntryRecord {
    /// Bytes of the whole entry, a multiple of [`ALIGN`].
    pub size: U32,
    /// Bytes of the path.
    pub path_size: U16,
    /// Zero: answers its path. Else a status: with it answers what lies below its path, if that
    /// ends with a slash, and rules that show its path.
    pub scope: U16,
    /// Status of the stored answer.
    pub status: U16,
    /// Variants, at least one.
    pub variant_count: u8,
    /// [`KEEP_QUERY`], [`RULES_FIRST`].
    pub flags: u8,
    /// Line of the rule that made the entry, zero for none.
    pub rule: U32,
    /// Last modification in seconds since 1970; [`NO_TIME`] without one.
    pub modified: I64,
}

/// `modified` of an entry that has no time of modification.
pub const NO_TIME: i64 = i64::MIN;

/// One coding of a resource.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct VariantRecord {
    /// Offset in the file of the head.
    pub head_offset: U64,
    /// Offset in the file of the body.
    pub body_offset: U64,
    /// Bytes of the body.
    pub body_size: U64,
    /// Number of the body in the table of bodies.
    pub body: U32,
    /// End in the head of what a 304 repeats, or of the `Location` of a redirect.
    pub validators_end: U16,
    /// End in the head of what a 206 of any form repeats.
    pub common_end: U16,
    /// End in the head of what a 206 of one range repeats: the above and `Content-Type`.
    pub fields_end: U16,
    /// Bytes of the head, which ends with the empty line.
    pub head_size: U16,
    /// Bytes of the quoted entity tag, which stands behind `ETag: ` at the start of the head; zero
    /// without one.
    pub etag_size: u8,
    /// 0 identity, 1 gzip, 2 br, 3 zstd.
    pub coding: u8,
    /// Zero.
    pub reserved: U16,
    /// First 16 bytes of the blake3 of the head.
    pub head_digest: [u8; 16],
}

/// The fixed part of a rule. Pattern, target, fragment and conditions follow, then zeros up to the
/// next multiple of [`ALIGN`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RuleRecord {
    /// Bytes of the whole record, a multiple of [`ALIGN`].
    pub size: U32,
    /// Line of the file that the rule was read from, zero for none.
    pub line: U32,
    /// Status of the answer.
    pub status: U16,
    /// 1 redirect, 2 show.
    pub kind: u8,
    /// [`NORMALISE`], [`FORCED`], [`RULE_KEEPS_QUERY`].
    pub flags: u8,
    /// Bytes of the pattern of paths.
    pub from_size: U16,
    /// Bytes of the template of the target, without its fragment.
    pub to_size: U16,
    /// Bytes of the template of the fragment, which begins with `#`; zero without one.
    pub fragment_size: U16,
    /// Bytes of the conditions.
    pub conditions_size: U16,
}

/// Rule flag: a slash at the end of the path does not matter.
pub const NORMALISE: u8 = 1;
/// Rule flag: it wins over what is stored.
pub const FORCED: u8 = 2;
/// Rule flag: a redirect whose target takes the query of the request.
pub const RULE_KEEPS_QUERY: u8 = 4;

/// Which paths a rule has to be tried on. The slots of all rules stand behind the last rule, in
/// order of tag, then number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct LeadSlot {
    /// Low half of the hash of the lead: of the segments that its pattern begins with.
    pub tag: U32,
    /// Number of the rule, counted from zero.
    pub number: U32,
    /// Offset of the rule in its section in units of [`ALIGN`].
    pub rule: U32,
}

/// Most segments of a lead.
pub const MAX_LEAD: usize = 4;
/// Most captures of a rule, those of its conditions included.
pub const MAX_CAPTURES: usize = 32;
/// Most conditions of a rule.
pub const MAX_CONDITIONS: usize = 32;
/// Most bytes of one condition.
pub const MAX_CONDITION: usize = 1024;

/// The fixed part of the record of a file. Its path follows, then zeros up to the next multiple of
/// [`ALIGN`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FileRecord {
    /// Bytes of the whole record, a multiple of [`ALIGN`].
    pub size: U32,
    /// Bytes of the path.
    pub path_size: U16,
    /// 0 content, 1 policy, 2 kept content.
    pub kind: u8,
    /// Generations since the file was last in the tree; zero unless it is kept.
    pub age: u8,
    /// Number of its body in the table of bodies.
    pub body: U32,
    /// [`CHECKED`] or zero.
    pub flags: U32,
    /// Last modification in seconds since 1970.
    pub modified: I64,
}

/// File flag: its content was checked, and nothing was found.
pub const CHECKED: u32 = 1;

/// What an encoder made of a body.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CodingRecord {
    /// Number of the body that was coded.
    pub source: U32,
    /// Number of the coded body; [`NO_BODY`] if it was not worth storing.
    pub coded: U32,
    /// The encoder and its parameters: first 8 bytes of the blake3 of their text.
    pub encoder: [u8; 8],
    /// 1 gzip, 2 br, 3 zstd.
    pub coding: u8,
    /// Zero.
    pub reserved: [u8; 7],
}

/// `coded` where nothing was stored.
pub const NO_BODY: u32 = u32::MAX;

/// One slot of the hash table.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Slot {
    /// Low half of the hash.
    pub tag: U32,
    /// Zero when empty, else one more than the offset of the entry in its section in units of
    /// [`ALIGN`].
    pub entry: U32,
}

const _: () = {
    assert!(size_of::<FileHeader>() == 64);
    assert!(size_of::<SectionRecord>() == 64);
    assert!(size_of::<BodyRecord>() == 48);
    assert!(size_of::<EntryRecord>() == 24);
    assert!(size_of::<VariantRecord>() == 56);
    assert!(size_of::<RuleRecord>() == 20);
    assert!(size_of::<LeadSlot>() == 12);
    assert!(size_of::<FileRecord>() == 24);
    assert!(size_of::<CodingRecord>() == 24);
    assert!(size_of::<Slot>() == 8);
    assert!(
        size_of::<FileHeader>() + MAX_SECTIONS * size_of::<SectionRecord>() <= HEADER_SIZE,
        "the section table outgrows the header page"
    );
    assert!(MAX_PATH <= u16::MAX as usize);
};

/// Rounds up to a multiple of `to`, a power of two.
pub(crate) const fn align(offset: u64, to: u64) -> u64 {
    (offset + to - 1) & !(to - 1)
}
