//! The `webroot` command as its users see it, over webroots made by hand.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod cat;
mod diff;
mod explain;
mod extract;
mod hostile;
mod ls;
mod made;
mod manual;
mod stat;
mod verify;
