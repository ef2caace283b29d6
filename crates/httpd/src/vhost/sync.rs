//! What the shelf is built of. A model checker compiles the shelf with its own in their place, see
//! `tests/model.rs`.

pub(super) use std::sync::atomic::{AtomicBool, Ordering};
pub(super) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A pointer that is replaced at once, and read without waiting.
pub(super) use arc_swap::ArcSwapOption as Place;
pub(super) use arc_swap::Guard;
