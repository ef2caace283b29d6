//! HTTP/1.1 for an origin of static content, without I/O: bytes and time in, a plan out.
//!
//! A connection's bytes go through [`Conn::next`], which finds the requests in them. A
//! [`Request`] and the webroot of its host go through [`plan()`], which decides the response once,
//! as a [`Plan`]. [`Plan::render`] hands the plan to a [`Sink`] as text and spans of the webroot
//! file; nothing edits a response afterwards. Sockets and virtual hosts are the daemon's.
#![forbid(unsafe_code)]

mod body;
mod clock;
mod conn;
mod fields;
mod host;
mod limits;
mod parse;
mod plan;
pub mod proxy;
mod recent;
mod scan;
mod section;
mod status;
mod target;

pub use clock::Clock;
pub use conn::{Conn, Known, Next};
pub use fields::{Field, Fields};
pub use host::{Host, MAX_HOST};
pub use limits::Limits;
pub use parse::{Method, Rejection, Request, Version};
pub use plan::{
    About, DIGITS, Part, Plan, Reply, SMALL, Scratch, Sink, accepts, decimal, elsewhere, plan,
    reject, too_many, unavailable,
};
pub use recent::Recent;
pub use status::Status;
pub use target::Target;
