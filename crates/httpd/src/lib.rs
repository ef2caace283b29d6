//! Serves webroots over HTTP/1.1.
//!
//! Each worker is a thread with an event loop and listeners of its own. A request goes one way:
//! accept (backend) → parse, route, plan ([`session`]) → transmit (backend). Workers read the table
//! of virtual hosts from a [`vhost::Snapshot`] that the watcher replaces as a whole.

mod access;
mod admin;
mod admission;
mod answers;
pub mod cli;
pub mod config;
mod control;
mod door;
mod gather;
pub mod io;
mod launcher;
mod lifecycle;
mod listen;
mod log;
mod metrics;
mod notify;
mod outgoing;
mod pid_file;
mod sandbox;
pub mod server;
mod service;
mod session;
mod timer;
pub mod vhost;
mod watchdog;
