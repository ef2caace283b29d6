//! What holds for every request: however it is split, whatever it says, and as the RFCs say it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "properties/conditional.rs"]
mod conditional;
#[path = "properties/grammar.rs"]
mod grammar;
#[path = "properties/proxy.rs"]
mod proxy;
#[path = "properties/ranges.rs"]
mod ranges;
#[path = "properties/robust.rs"]
mod robust;
#[path = "properties/rules.rs"]
mod rules;
#[path = "properties/spans.rs"]
mod spans;
#[path = "properties/split.rs"]
mod split;
#[path = "properties/without.rs"]
mod without;
