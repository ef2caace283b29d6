//! The io_uring backend: a ring per worker, connections accepted and received by operations that
//! stay armed, responses sent from the connection's text and from the mapping.
//!
//! | room | what |
//! |---|---|
//! | `ring` | the ring: set up, operations submitted, completions taken; the promises of a raw submission |
//! | `buffers` | the ring of receive buffers that the kernel picks from |
//! | `peer` | a connection and what of it is in flight |
//! | `worker` | the event loop |
//! | `probe` | whether all this works on this machine |

mod buffers;
mod peer;
mod probe;
mod ring;
mod worker;

pub(crate) use probe::probe;
pub(super) use worker::run;
