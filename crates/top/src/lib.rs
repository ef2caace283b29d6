//! `httpd top`: what a running daemon does, live in a terminal, or once as plain text.
//!
//! The daemon is asked at its admin listener for `/metrics` and `/vhosts`, as often as the interval
//! says. What is shown is the difference of two such samples.
//!
//! ```text
//! fetch → exposition, vhosts → sample → model → view or plain
//! ```
//!
//! What the listener says is not trusted: its size, its time and its characters are bounded, and
//! nothing of it reaches the terminal as a control character.
#![forbid(unsafe_code)]

mod exposition;
mod fetch;
mod figures;
mod latency;
mod model;
mod plain;
mod run;
mod sample;
mod screen;
mod vhosts;
mod view;

pub use fetch::Target;
pub use run::{Options, run};
