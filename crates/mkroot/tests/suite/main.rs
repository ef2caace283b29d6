//! The packer as its users see it: a tree goes in, a webroot that verifies comes out, or an error
//! that names what is wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod changes;
mod cli;
mod config;
mod crash;
mod fingerprint;
mod kept;
mod links;
mod names;
mod output;
mod policy;
mod references;
mod reproducible;
mod site;
mod site_policy;
mod times;
mod variants;
mod walk;
