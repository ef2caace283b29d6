//! The admin listener: who may ask what, and for how long.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "admin/ask.rs"]
#[allow(dead_code, reason = "each suite uses its own part")]
mod ask;
#[path = "admin/health.rs"]
mod health;
#[path = "admin/listening.rs"]
mod listening;
#[path = "admin/peers.rs"]
mod peers;
#[path = "admin/vhosts.rs"]
mod vhosts;

use std::path::Path;

use common::Site;

fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}
