//! What the programs that measure share: webroots to serve, a daemon of one's own, bounds on it, a
//! client or a crowd of them, and figures.
#![forbid(unsafe_code)]

mod client;
mod crowd;
mod daemon;
mod figures;
mod group;
mod instructions;
mod sites;

pub use client::{Answer, Client};
pub use crowd::{Crowd, allow_files, connect_from};
pub use daemon::{Daemon, Memory};
pub use figures::{Latencies, machine, median, medians};
pub use group::Group;
pub use instructions::instructions;
pub use sites::{FILES, host, is_generation, link, page, put, scattered, write};

/// What ends a program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
