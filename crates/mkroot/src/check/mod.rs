//! Checks of a site's content while it is packed: what its pages refer to, what they hold inline,
//! how its files are named, and whether they are what their names say.
//!
//! All of it is pure: bytes in, [`Finding`](crate::Finding)s out. The kinds of findings are in
//! docs/CHECKS.md.

mod attribute;
mod content;
mod csp;
mod css;
mod element;
mod foreign;
mod html;
mod links;
mod names;
mod paths;
mod place;
mod url;

pub use content::{BEGINNING, check_type};
pub use csp::{InlineCode, inline_code, policy};
pub use links::{check_css, check_html};
pub use names::check_names;
pub use paths::{PathSet, Paths};
