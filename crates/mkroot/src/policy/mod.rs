//! What the author of a site says in `_redirects` and `_headers`: text in, rules and findings out.
//!
//! Nothing here reads a file or knows what the site holds. docs/POLICY.md has the grammar.

mod conflicts;
mod dialect;
mod fields;
mod headers;
mod index;
mod lines;
mod overlap;
mod pattern;
mod read;
mod redirect_fields;
mod redirects;
mod redirects_check;
mod syntax;
mod table;
mod target;
mod uri;

pub use dialect::Dialect;
pub use fields::{FieldChange, Headers};
pub use headers::{HeaderBlock, HeaderField, ValuePiece, parse_headers};
pub use pattern::{Matching, Pattern, Piece};
pub(crate) use read::{Policy, REDIRECTS};
pub use redirects::{QueryMatch, QueryValue, Redirect, parse_redirects};
pub use redirects_check::check_redirects;
pub(crate) use table::RuleTable;
pub use target::{Target, TargetPiece};

/// Most placeholders and splats of a pattern, query parameters that are captured included.
pub use webroot::layout::MAX_CAPTURES;

use crate::finding::Finding;

/// Most bytes of a line.
pub const MAX_LINE: usize = 16 << 10;
/// Most bytes of a file.
pub const MAX_FILE: usize = 64 << 20;
/// Most findings of a file that are listed. One more says how many there are besides.
pub const MAX_FINDINGS: usize = 1000;

/// What a file says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// Rules without an error, in the order of the file.
    pub rules: Vec<T>,
    /// Everything that is wrong, in the order of the file.
    pub findings: Vec<Finding>,
}
