//! Virtual hosts: a directory of names, the webroots behind them, and the table that workers read.

mod scan;
mod snapshot;
mod watch;

pub(crate) use scan::Scanner;
pub use snapshot::{Generation, Snapshot};
pub(crate) use watch::watch;

/// Name of the entry that answers for every name without an entry of its own.
pub const DEFAULT: &str = "__default__";
