//! The clients that people use, over every backend: each fetches, resumes, revalidates and mirrors
//! in its own way, and each must get the bytes of the tree.
//!
//! A client that is not installed is named on standard error and passed over; `scripts/test`
//! installs all.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "clients/browser.rs"]
mod browser;
#[path = "clients/curl.rs"]
mod curl;
#[path = "clients/downloads.rs"]
mod downloads;
#[path = "clients/languages.rs"]
mod languages;
#[path = "clients/site.rs"]
mod site;
#[path = "clients/sites.rs"]
mod sites;
#[path = "clients/tools.rs"]
mod tools;
