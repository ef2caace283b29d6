//! What happens when a mapped file shrinks: an access behind its new end raises SIGBUS, which would
//! end the process (mmap(2)). Here the access reads zeros instead, and the mapping is marked.
//!
//! The handler only touches what is safe inside of a signal handler: atomics that are never freed,
//! and the system calls mmap and sigaction. It puts a page of zeros in the place of the one that is
//! gone, so the interrupted access goes on. Whoever reads from a mapping asks afterwards whether it
//! was marked, and throws away what it read; see `Map::is_intact`.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, siginfo_t};

/// Where a mapping lies. Slots are never freed, only used again, because the handler may look at
/// them at any moment.
#[derive(Debug)]
struct Slot {
    next: *const Slot,
    taken: AtomicBool,
    /// Zero while it is free or not filled in yet.
    start: AtomicUsize,
    end: AtomicUsize,
    faulted: AtomicBool,
}

// SAFETY: all fields but `next` are atomics; `next` is set before the slot is shared and points to
// a slot that is never freed.
unsafe impl Sync for Slot {}
// SAFETY: as above; a slot belongs to no thread.
unsafe impl Send for Slot {}

/// All slots, the newest first.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

fn slots() -> impl Iterator<Item = &'static Slot> {
    let mut next = SLOTS.load(Ordering::Acquire).cast_const();
    std::iter::from_fn(move || {
        // SAFETY: a pointer in the list is null or to a slot that was leaked, and so lives forever.
        // The load above, with acquire semantics, shows it filled in; those behind it are older.
        let slot = unsafe { next.as_ref() }?;
        next = slot.next;
        Some(slot)
    })
}

/// A mapping as the handler knows it, until this is dropped. It has to be dropped before the memory
/// is unmapped.
#[derive(Debug)]
pub(crate) struct Watched(&'static Slot);

impl Watched {
    /// Makes a mapping known.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let free = slots().find(|slot| !slot.taken.swap(true, Ordering::Acquire));
        let slot = free.unwrap_or_else(grow);
        slot.faulted.store(false, Ordering::Relaxed);
        slot.end.store(bytes.as_ptr_range().end.addr(), Ordering::Relaxed);
        slot.start.store(bytes.as_ptr().addr(), Ordering::Release);
        Self(slot)
    }

    /// Whether an access found the file shorter than the mapping.
    #[inline]
    pub(crate) fn has_faulted(&self) -> bool {
        self.0.faulted.load(Ordering::Relaxed)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Relaxed);
        self.0.taken.store(false, Ordering::Release);
    }
}

/// A further slot, taken.
fn grow() -> &'static Slot {
    let slot = Box::leak(Box::new(Slot {
        next: SLOTS.load(Ordering::Acquire),
        taken: AtomicBool::new(true),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        faulted: AtomicBool::new(false),
    }));
    loop {
        let next = slot.next.cast_mut();
        let new = ptr::from_mut(slot);
        match SLOTS.compare_exchange(next, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return slot,
            Err(now) => slot.next = now,
        }
    }
}

/// What was installed before, for faults that are not ours.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// From now on a mapped webroot that is truncated does not end this process: what is read of it
/// behind its end is zeros, and [`Webroot::is_intact`](crate::Webroot::is_intact) says so.
///
/// A SIGBUS that has another cause ends the process as it would have.
///
/// # Errors
/// As sigaction(2).
pub fn contain_faults() -> io::Result<()> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    // SAFETY: all zeros are a valid `sigaction`: no handler, no flags, an empty mask.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: both point to a `sigaction` of ours.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before) })?;
    // Kept before the handler can run.
    let _ = BEFORE.set(before);
    // SAFETY: the handler has the signature that SA_SIGINFO asks for and does only what is safe
    // inside of a signal handler, see there.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) })?;
    Ok(())
}

/// Takes a SIGBUS. It allocates nothing and takes no lock: it loads and stores atomics, and calls
/// mmap, sigaction and sysconf, none of which does either.
extern "C" fn handle(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let errno = Errno::last();
    // SAFETY: the kernel passes a valid `siginfo_t`, which lives as long as the handler runs.
    let info = unsafe { &*info };
    // SAFETY: that of a SIGBUS has an address.
    let address = unsafe { info.si_addr() }.addr();
    // A thread that faults in a mapping has borrowed it, so its slot is not given back meanwhile.
    // Slots of others may change under us, but their memory is elsewhere.
    let slot = slots().find(|slot| {
        let start = slot.start.load(Ordering::Acquire);
        start != 0 && (start..slot.end.load(Ordering::Relaxed)).contains(&address)
    });
    let contained = slot.is_some_and(|slot| {
        // Marked first: whoever sees zeros sees the mark.
        slot.faulted.store(true, Ordering::Release);
        put_zeros(address)
    });
    if !contained && let Some(before) = BEFORE.get() {
        // The access faults again when this returns, and meets what was installed before.
        // SAFETY: `before` is what sigaction(2) wrote.
        unsafe { libc::sigaction(libc::SIGBUS, before, ptr::null_mut()) };
    }
    errno.set();
}

/// Maps a page of zeros over the one with this address.
fn put_zeros(address: usize) -> bool {
    // SAFETY: sysconf only reads.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let page = usize::try_from(page).unwrap_or(4096);
    let start = ptr::without_provenance_mut::<c_void>(address - address % page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page lies in a mapping of ours, which is read-only, borrowed by the thread that
    // was interrupted and so not unmapped meanwhile. What was there is gone from the file, so
    // nobody can have read it since. No reference to it promises more than that its bytes can be
    // read, see `Map::new`.
    let mapped = unsafe { libc::mmap(start, page, libc::PROT_READ, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let bytes = [0; 64];
        for _ in 0..10_000 {
            let (one, two) = (Watched::new(&bytes), Watched::new(&bytes));
            assert!(!one.has_faulted() && !two.has_faulted());
        }
        // Other tests of this process may hold some.
        assert!(slots().count() < 100, "{}", slots().count());
    }
}
