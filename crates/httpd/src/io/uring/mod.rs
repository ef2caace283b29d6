//! The io_uring backend: a ring per worker, connections accepted and received by operations that
//! stay armed, responses sent from the connection's text, from the mapping, and, where that would wait for the
//! disk, from buffers that the ring reads into.
//!
//! | room | what |
//! |---|---|
//! | `ring` | the ring: set up, operations submitted, completions taken; the promises of a raw submission |
//! | `buffers` | the ring of receive buffers that the kernel picks from |
//! | `pool`, `disk` | buffers for parts of files; connections that wait for the disk |
//! | `accept` | connections as they come, all or one by one |
//! | `peer` | a connection and what of it is in flight |
//! | `worker` | the event loop |
//! | `probe` | whether all this works on this machine |

mod accept;
mod buffers;
mod disk;
mod peer;
mod pool;
mod probe;
mod ring;
mod worker;

pub(crate) use probe::probe;
pub(super) use worker::run;
