//! `_redirects` and `_headers` as their authors write them, in each dialect.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod checks;
mod corpus;
mod fields;
mod headers;
mod projects;
mod properties;
mod redirects;
mod show;
mod speed;
