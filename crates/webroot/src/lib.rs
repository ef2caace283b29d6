//! The webroot: a website as one file.
//!
//! A webroot holds every answer of a site: response heads, bodies in their codings, redirects and
//! error pages, with a hash index over the paths. It is written once by a [`Writer`] and from then
//! on only mapped and read by a [`Webroot`]. `docs/FORMAT.md` describes it byte by byte.
//!
//! Opening looks at one page. Every later access is bounds-checked: a hostile or damaged file
//! yields [`Damage`], never a panic and never a byte from outside the file.

mod check;
mod codings;
mod condition;
mod encode;
mod entry;
mod error;
mod fault;
mod files;
mod head;
mod header;
mod index;
pub mod layout;
mod leads;
mod map;
mod parts;
mod pattern;
mod reader;
mod rules;
mod template;
mod writer;

pub use check::{Finding, Verified};
pub use codings::{Encoded, StoredCoding};
pub use condition::Condition;
pub use entry::{Coding, Resource, Variant};
pub use error::{Damage, Error, ErrorKind, RuleError};
pub use fault::contain_faults;
pub use files::{FileKind, Files, StoredFile, TreeFile};
pub use head::{Head, HeadBuilder, HeadError};
pub use header::{Header, Identity};
pub use leads::RulesFor;
pub use parts::{SectionPart, StoredBody};
pub use pattern::{Captures, Pattern, PatternPiece};
pub use reader::{Resources, Span, Webroot};
pub use rules::{Rule, RuleKind, RuleSpec, Rules};
pub use template::{Template, TemplatePiece};
pub use writer::{Content, Entry, StoredVariant, Summary, Writer};

/// A blake3 digest of some bytes of the file.
pub type Digest = blake3::Hash;
