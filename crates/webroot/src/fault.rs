//! What happens when a mapped file shrinks: an access behind its new end raises SIGBUS, which would
//! end the process (mmap(2)). Here the access reads zeros instead, and the mapping is marked.
//!
//! The handler only touches what is safe inside of a signal handler: atomics that are never freed,
//! and the system calls mmap, sigaction and raise. It puts zeros in the place of what is gone, so
//! the interrupted access goes on. Whoever reads from a mapping asks
//! afterwards whether it was marked, and throws away what it read; see `Map::is_intact`.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, siginfo_t};

/// Where a mapping lies. Slots are never freed, only used again, because the handler may look at
/// them at any moment.
#[derive(Debug)]
struct Slot {
    /// Changes with the addresses: one more before, one more behind. Odd while they change.
    turn: AtomicUsize,
    start: AtomicUsize,
    end: AtomicUsize,
    faulted: AtomicBool,
    next: OnceLock<&'static Slot>,
}

impl Slot {
    const fn new() -> Self {
        Self {
            turn: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            faulted: AtomicBool::new(false),
            next: OnceLock::new(),
        }
    }

    /// Only called by the one who holds the slot.
    fn set(&self, addresses: Range<usize>) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        // With release semantics: who sees one of these sees that the turn is another.
        self.start.store(addresses.start, Ordering::Release);
        self.end.store(addresses.end, Ordering::Release);
        self.turn.fetch_add(1, Ordering::Release);
    }

    /// The addresses of the mapping; none if they change just now, so that its start is never
    /// joined with the end of another.
    fn addresses(&self) -> Range<usize> {
        let turn = self.turn.load(Ordering::Acquire);
        let addresses = self.start.load(Ordering::Acquire)..self.end.load(Ordering::Acquire);
        let is_steady = turn.is_multiple_of(2) && self.turn.load(Ordering::Relaxed) == turn;
        if is_steady { addresses } else { 0..0 }
    }
}

/// The first of the slots. It stays empty.
static FIRST: Slot = Slot::new();

/// All slots, in the order in which they were made.
fn slots() -> impl Iterator<Item = &'static Slot> {
    std::iter::successors(Some(&FIRST), |slot| slot.next.get().copied())
}

/// What those who take slots and give them back know of them. The handler does not look here.
struct Pool {
    free: Vec<&'static Slot>,
    last: &'static Slot,
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), last: &FIRST });
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mapping as the handler knows it, until this is dropped. It has to be dropped before the memory
/// is unmapped.
#[derive(Debug)]
pub(crate) struct Watched(&'static Slot);

impl Watched {
    /// Makes a mapping known.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut pool = pool();
        let slot = pool.free.pop().unwrap_or_else(|| {
            let slot = Box::leak(Box::new(Slot::new()));
            let before = std::mem::replace(&mut pool.last, slot);
            before.next.get_or_init(|| slot)
        });
        slot.faulted.store(false, Ordering::Relaxed);
        let addresses = bytes.as_ptr_range();
        slot.set(addresses.start.addr()..addresses.end.addr());
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
        self.0.set(0..0);
        pool().free.push(self.0);
    }
}

/// What was installed before, for faults that are not ours.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// From now on a mapped webroot that is truncated does not end this process, and neither does one
/// whose bytes the system can't read: what is read of it is zeros, and
/// [`Webroot::is_intact`](crate::Webroot::is_intact) says so.
///
/// A fault elsewhere is left to what was installed before, and a SIGBUS that is sent ends the
/// process. Threads must not block the signal.
///
/// # Errors
/// As sigaction(2).
pub fn contain_faults() -> io::Result<()> {
    // One at a time: who comes second returns when the handler is there.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let mut before = default_action();
    // SAFETY: it points to a `sigaction` of ours.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before) })?;
    let mut action = default_action();
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // Kept before the handler can run.
    let _ = BEFORE.set(before);
    // SAFETY: the handler has the signature that SA_SIGINFO asks for and does only what is safe
    // inside of a signal handler, see there.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) })?;
    Ok(())
}

/// What a signal does that nobody handles.
fn default_action() -> libc::sigaction {
    // SAFETY: all zeros are a valid `sigaction`: SIG_DFL, no flags, an empty mask.
    unsafe { std::mem::zeroed() }
}

/// Takes a SIGBUS. It allocates nothing and takes no lock: it loads and stores atomics, `OnceLock`
/// among them, which never blocks when it is read, and calls mmap, sysconf, sigaction and raise.
extern "C" fn handle(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let errno = Errno::last_raw();
    // SAFETY: the kernel passes a valid `siginfo_t`, which lives as long as the handler runs.
    let info = unsafe { &*info };
    // SAFETY: every `siginfo_t` is large enough. What it means is looked at below.
    let address = unsafe { info.si_addr() }.addr();
    // Only these come from an access of this thread: the page is not there, or its memory failed.
    let by_access = matches!(info.si_code, libc::BUS_ADRERR | libc::BUS_MCEERR_AR);
    if by_access && contain(address) {
        Errno::set_raw(errno);
        return;
    }
    match BEFORE.get() {
        // The access faults again when this returns, and meets what was there before.
        // SAFETY: `before` is what sigaction(2) wrote.
        Some(before) if by_access || info.si_code == libc::BUS_ADRALN => unsafe {
            libc::sigaction(libc::SIGBUS, before, ptr::null_mut());
        },
        // Sent by a process, or by the kernel for memory that nobody asked for: it would not come
        // again. It is blocked until this returns.
        _ => {
            // SAFETY: it points to a `sigaction` of ours.
            unsafe { libc::sigaction(libc::SIGBUS, &default_action(), ptr::null_mut()) };
            // SAFETY: raise(3) has no preconditions.
            unsafe { libc::raise(libc::SIGBUS) };
        }
    }
    Errno::set_raw(errno);
}

/// Marks the mapping in which this thread faulted, and puts zeros in the place of what is gone of
/// it. False if it is none of ours, or if the system has no room.
fn contain(address: usize) -> bool {
    // The thread has borrowed the mapping, so its slot holds still. Those of others may change
    // meanwhile, but their memory is elsewhere as long as this one is mapped.
    let of_slots = slots().map(|slot| (slot, slot.addresses()));
    let found = of_slots.into_iter().find(|(_, addresses)| addresses.contains(&address));
    let Some((slot, addresses)) = found else { return false };
    // Marked first: whoever sees zeros sees the mark.
    slot.faulted.store(true, Ordering::Release);
    // What lies behind the page is gone as well. What lies before it is left to fail by itself: a
    // system call that sends from there is to fail, and not to send zeros.
    let page = address - address % page_size();
    let start = ptr::without_provenance_mut::<c_void>(page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: these are the last pages of a mapping of ours: it ends in the last of them, in which
    // no other begins. It is borrowed by the thread that was interrupted and so not unmapped
    // meanwhile, and unmapping it then takes these pages. It was read-only and stays so; no
    // reference to it promises more than that its bytes can be read, see `Map::new`. Zeros that
    // are put before others join them, so that a mapping becomes two at most, and the process does
    // not run out of mappings (mmap(2), ENOMEM).
    let mapped = unsafe { libc::mmap(start, addresses.end - page, libc::PROT_READ, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

fn page_size() -> usize {
    // SAFETY: sysconf(3) only reads.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of ten pages, mapped.
    fn mapped() -> (std::fs::File, memmap2::Mmap) {
        let file = tempfile::tempfile().unwrap();
        file.set_len(40_960).unwrap();
        // SAFETY: nothing else uses the file, and what becomes of the bytes is what is tested.
        let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
        (file, map)
    }

    /// How many mappings there are between these addresses.
    fn mappings(addresses: &Range<usize>) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let starts = maps.lines().filter_map(|line| line.split_once('-'));
        let starts = starts.map(|(start, _)| usize::from_str_radix(start, 16).unwrap());
        starts.filter(|start| addresses.contains(start)).count()
    }

    #[test]
    fn an_access_behind_the_end_of_a_file_marks_its_mapping_alone() {
        contain_faults().unwrap();
        let (file, map) = mapped();
        let (_other_file, other_map) = mapped();
        let (watched, other) = (Watched::new(&map), Watched::new(&other_map));
        file.set_len(8192).unwrap();
        assert!(map[8191] == 0 && !watched.has_faulted());
        assert!(map[8192] == 0 && watched.has_faulted());
        assert!(!other.has_faulted());
    }

    #[test]
    fn a_mapping_that_faulted_becomes_two_at_most() {
        contain_faults().unwrap();
        let (file, map) = mapped();
        let watched = Watched::new(&map);
        let addresses = map.as_ptr().addr()..map.as_ptr_range().end.addr();
        assert_eq!(mappings(&addresses), 1);
        file.set_len(1).unwrap();
        // From the end to the start, so that every page faults.
        let sum = map.iter().rev().step_by(4096).fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        assert!(sum == 0 && watched.has_faulted());
        assert!(mappings(&addresses) <= 2, "{}", mappings(&addresses));
    }

    /// Whether the handler would find these bytes.
    fn is_known(bytes: &[u8]) -> bool {
        let start = bytes.as_ptr().addr();
        slots().any(|slot| slot.addresses().start == start)
    }

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

    #[test]
    fn a_mapping_is_known_until_it_is_given_back() {
        let (one, two) = ([0; 64], [0; 64]);
        let first = Watched::new(&one);
        let second = Watched::new(&two);
        assert!(is_known(&one) && is_known(&two));
        drop(first);
        assert!(!is_known(&one) && is_known(&two));
        drop(second);
        assert!(!is_known(&two));
    }

    #[test]
    fn a_slot_that_is_used_again_is_not_marked() {
        let bytes = [0; 64];
        let marked = Watched::new(&bytes);
        marked.0.faulted.store(true, Ordering::Relaxed);
        drop(marked);
        assert!((0..100).map(|_| Watched::new(&bytes)).all(|watched| !watched.has_faulted()));
    }

    #[test]
    fn addresses_of_one_mapping_are_never_joined_with_those_of_another() {
        let slot = Slot::new();
        let stop = AtomicBool::new(false);
        let mut seen = [0; 2];
        let mut joined = None;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    slot.set(1_000..1_100);
                    slot.set(9_000..9_200);
                }
            });
            while joined.is_none() && seen.iter().any(|times| *times < 100_000) {
                match slot.addresses() {
                    Range { start: 0, end: 0 } => {}
                    Range { start: 1_000, end: 1_100 } => seen[0] += 1,
                    Range { start: 9_000, end: 9_200 } => seen[1] += 1,
                    other => joined = Some(other),
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(joined, None);
    }
}
