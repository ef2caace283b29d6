//! The system calls that a daemon makes while it serves: all that are not here are refused.
//!
//! Those of the hot path are allowed whatever their arguments are: of these the kernel keeps a
//! bitmap, and runs no filter (`seccomp_cache_prepare` in kernel/seccomp.c).

use nix::libc::{self, c_long};

use crate::io::Kind;

/// What an argument of a call has to be: the bits of `mask` as in `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check {
    /// Which argument, from 0.
    pub(super) argument: u8,
    pub(super) mask: u64,
    pub(super) value: u64,
}

/// A call that is allowed: always if there are no alternatives, else if all checks of one hold.
pub(super) type Call = (c_long, Vec<Vec<Check>>);

/// What the calls depend on besides the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// The backend.
    pub(super) kind: Kind,
    /// This process.
    pub(super) pid: i32,
    /// Whether a log is opened anew for writing.
    pub(super) opens_log: bool,
    /// Whether sockets and files are removed at the end.
    pub(super) removes: bool,
}

/// The argument, of 32 bits, has just those of some bits.
const fn has(argument: u8, mask: i32, value: i32) -> Check {
    let (mask, value) = (mask.cast_unsigned() as u64, value.cast_unsigned() as u64);
    Check { argument, mask, value }
}

/// The argument is this number, of 32 bits.
const fn is(argument: u8, value: i32) -> Check {
    has(argument, -1, value)
}

/// The argument is no pointer.
const fn is_null(argument: u8) -> Check {
    Check { argument, mask: u64::MAX, value: 0 }
}

/// Allowed whatever the arguments are, with each backend.
const ALWAYS: &[c_long] = &[
    // Connections, and what is said to the launcher, the journal and the service manager.
    libc::SYS_accept4,
    libc::SYS_close,
    libc::SYS_getpeername,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_write,
    libc::SYS_writev,
    // Files, of which openat is below.
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_pread64,
    libc::SYS_preadv2,
    libc::SYS_readlinkat,
    libc::SYS_statx,
    // Waiting: the workers, and the thread that is told of changes.
    libc::SYS_clock_nanosleep,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_rm_watch,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Memory, of which mmap and mprotect are below.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Time, where the C library can't read it by itself (vdso(7)).
    libc::SYS_clock_gettime,
    // Threads and signals.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
];

/// The same, by the names that they have where the machine is older than they are.
#[cfg(target_arch = "x86_64")]
const OF_MACHINE: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_readlink];
#[cfg(not(target_arch = "x86_64"))]
const OF_MACHINE: &[c_long] = &[];

/// Calls that are answered as if the kernel did not have them, so that the C library does with
/// others whose arguments can be checked: clone3 has them in memory.
pub(super) const UNKNOWN: &[c_long] = &[libc::SYS_clone3];

/// Operations of io_uring_register(2): the buffers of a ring, its restrictions, its start, the ring
/// of receive buffers.
const REGISTER: [i32; 4] = [0, 11, 12, 22];

/// The allow-list.
pub(super) fn allowed(setup: Setup) -> Vec<Call> {
    let backend: &[c_long] = match setup.kind {
        Kind::Sync => &[],
        Kind::Sendfile => &[libc::SYS_sendfile],
        Kind::IoUring => &[libc::SYS_io_uring_enter, libc::SYS_io_uring_setup],
    };
    let always = ALWAYS.iter().chain(OF_MACHINE).chain(UNKNOWN).chain(backend);
    let mut calls: Vec<Call> = always.map(|call| (*call, Vec::new())).collect();
    if setup.kind == Kind::IoUring {
        let operations = REGISTER.map(|operation| vec![is(1, operation)]);
        calls.push((libc::SYS_io_uring_register, operations.into()));
    }
    calls.push((libc::SYS_openat, opens(setup.opens_log)));
    if setup.removes {
        calls.push((libc::SYS_unlinkat, Vec::new()));
        #[cfg(target_arch = "x86_64")]
        calls.push((libc::SYS_unlink, Vec::new()));
    }
    // No memory becomes code.
    calls.push((libc::SYS_mmap, vec![vec![has(2, libc::PROT_EXEC, 0)]]));
    calls.push((libc::SYS_mprotect, vec![vec![has(2, libc::PROT_EXEC, 0)]]));
    calls.push((libc::SYS_clone, vec![vec![has(0, SHARED | NAMESPACES, SHARED)]]));
    calls.push((libc::SYS_prctl, vec![vec![is(0, libc::PR_SET_NAME)]]));
    // A signal for a thread of this process: an error that can't be caught ends it.
    calls.push((libc::SYS_tgkill, vec![vec![is(0, setup.pid)]]));
    // Limits are read, not set.
    calls.push((libc::SYS_prlimit64, vec![vec![is(0, 0), is_null(2)]]));
    calls.push((libc::SYS_fcntl, DESCRIPTOR.map(|command| vec![is(1, command)]).into()));
    calls.push((libc::SYS_ioctl, DEVICE.map(|request| vec![is(1, request)]).into()));
    let options = OPTIONS.map(|(level, option)| vec![is(1, level), is(2, option)]);
    calls.push((libc::SYS_setsockopt, options.into()));
    calls
}

/// What a thread shares with the one that starts it, and a process does not (clone(2)).
const SHARED: i32 = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
/// What it would have of its own in a namespace.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Commands of fcntl(2): those about a descriptor and how it waits, none about locks or signals.
const DESCRIPTOR: [i32; 5] =
    [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];

/// Requests of ioctl(2): bytes that a peer has not acknowledged, and whether a socket waits.
const DEVICE: [i32; 2] = [libc::TIOCOUTQ as i32, libc::FIONBIO as i32];

/// Options that are set on sockets while the daemon serves, with their levels.
const OPTIONS: [(i32, i32); 4] = [
    (libc::SOL_SOCKET, libc::SO_RCVTIMEO),
    (libc::SOL_SOCKET, libc::SO_SNDTIMEO),
    (libc::IPPROTO_TCP, libc::TCP_NODELAY),
    (libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT),
];

/// How files are opened: to be read, and a log to be appended to.
fn opens(log: bool) -> Vec<Vec<Check>> {
    // `O_TMPFILE` is more than one bit, of which only one is its own.
    let temporary = libc::O_TMPFILE & !libc::O_DIRECTORY;
    let writing = libc::O_ACCMODE | libc::O_TRUNC | temporary;
    let mut ways = vec![vec![has(2, writing | libc::O_CREAT, libc::O_RDONLY)]];
    if log {
        let append = libc::O_WRONLY | libc::O_APPEND;
        ways.push(vec![has(2, writing | libc::O_APPEND, append)]);
    }
    ways
}
