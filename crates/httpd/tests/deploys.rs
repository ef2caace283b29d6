//! Every way in which people deploy, as they type it, while a visitor never pauses.
//!
//! Lines of shell run in the directory that has the vhosts directory in it. Unless a test is about
//! polling, the daemon polls once a minute only, so that what it notices it was told of.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "deploys/in_place.rs"]
mod in_place;
#[path = "deploys/links.rs"]
mod links;
#[path = "deploys/names.rs"]
mod names;
#[path = "deploys/places.rs"]
mod places;
#[path = "deploys/previews.rs"]
mod previews;
#[path = "deploys/redirects.rs"]
mod redirects;
#[path = "deploys/releases.rs"]
mod releases;
#[path = "deploys/site.rs"]
mod site;
#[path = "deploys/trouble.rs"]
mod trouble;
#[path = "deploys/visitor.rs"]
mod visitor;
