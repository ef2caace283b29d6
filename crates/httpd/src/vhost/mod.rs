//! Virtual hosts: a directory of names, the webroots behind them, and the table that workers read.
//!
//! | room | what |
//! |---|---|
//! | `table` | the table: from a host to a virtual host |
//! | `entry` | a virtual host |
//! | `generation` | a webroot that is open |
//! | `direct` | its file, to be read past the page cache |
//! | `shelf` | which generations are open, and what becomes of those that were replaced |
//! | `reaper` | the thread that drops what was replaced |
//! | `open` | opening what an entry leads to |
//! | `verify` | verification in the background |
//! | `name`, `redirect` | what the name of an entry says; what is in a redirect |
//! | `scan`, `previews` | reading the directories |
//! | `watch` | the thread that keeps the table true |
//! | `notice`, `chain`, `hint` | being told of changes; what a path depends on |
//! | `fingerprint` | telling states of a file apart |

mod chain;
mod direct;
mod entry;
mod fingerprint;
mod generation;
mod hint;
mod name;
mod notice;
mod open;
mod previews;
mod reaper;
mod redirect;
mod scan;
mod shelf;
mod sync;
mod table;
mod verify;
mod watch;

pub(crate) use chain::chain;
pub use entry::Vhost;
pub(crate) use entry::{Content, STATES};
pub use generation::Generation;
pub(crate) use hint::Hints;
pub use name::Name;
pub(crate) use open::Opener;
pub use table::Snapshot;
pub(crate) use verify::Verifier;
pub(crate) use watch::Watcher;

/// Name of the entry that answers for every name without an entry of its own.
pub const DEFAULT: &str = "__default__";
