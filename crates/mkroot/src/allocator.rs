//! How the C library's allocator gives memory back: the only unsafe code of this crate.
#![allow(unsafe_code)]

use mkroot::Effort;

/// Bytes that are free at the end of a heap before they are given back.
#[cfg(target_env = "gnu")]
const SPARE: nix::libc::c_int = 2 << 20;

/// Keeps large blocks out of the heaps of threads.
///
/// An encoder takes and gives back tens of megabytes for each large file. glibc takes the first
/// such block as a hint to serve later ones from the heap of the thread (mallopt(3), on the dynamic
/// threshold), where they stay for good: with 16 threads some 100 MiB more. Other C libraries have
/// no such hint.
pub(crate) fn give_back_large_blocks(effort: Effort) {
    // Blocks of at least so many bytes are taken from the system and given back to it one by one.
    // The fast encoders are so fast that a mapping for each of theirs would be felt; those of the
    // best have blocks of two megabytes for every file, and don't feel it.
    #[cfg(target_env = "gnu")]
    let own_mapping = if effort == Effort::Best { 128 << 10 } else { 4 << 20 };
    #[cfg(not(target_env = "gnu"))]
    let _ = effort;
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt(3) takes two integers, keeps neither a pointer nor a promise, and may be
    // called at any time; this is before the first thread is started, so no other call of it can
    // run at the same time. A refusal (zero) changes nothing but the memory that is taken.
    unsafe {
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, own_mapping);
    }
    #[cfg(target_env = "gnu")]
    // SAFETY: as above. Without it the fixed threshold would bring a spare of 128 KiB with it, and
    // heaps would grow and shrink with every file.
    unsafe {
        nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, SPARE);
    }
}
