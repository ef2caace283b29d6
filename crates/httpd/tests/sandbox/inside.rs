//! From inside of a worker's thread, as somebody would who runs code of his own there: by a debugger.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use nix::libc::{
    AT_FDCWD, EACCES, EPERM, O_APPEND, O_CREAT, O_DIRECTORY, O_RDONLY, O_WRONLY, SYS_bind, SYS_bpf,
    SYS_chroot, SYS_clone, SYS_connect, SYS_execve, SYS_fchmodat, SYS_keyctl, SYS_kill, SYS_listen,
    SYS_mmap, SYS_mount, SYS_openat, SYS_prlimit64, SYS_ptrace, SYS_renameat2, SYS_setuid,
    SYS_socket, SYS_symlinkat, SYS_truncate, SYS_unlinkat, SYS_unshare,
};

use crate::common::{PATIENCE, Server, until};
use crate::{on_every_backend, pack, shows};

/// What is tried: a name, the call as the debugger makes it, and the errors that are right.
type Attempt<'a> = (&'a str, String, &'a [i32]);

/// What came of it by name: the result and the error.
fn attempt(server: &Server, attempts: &[Attempt<'_>]) -> HashMap<String, (i64, i32)> {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled off", "-p"]);
    gdb.arg(server.pid().to_string());
    let select = "python [t.switch() for t in gdb.selected_inferior().threads() \
                  if t.name == 'worker-0']";
    gdb.args(["-ex", select]);
    for (name, call, _) in attempts {
        let errno = "*(int *)((long (*)(void))__errno_location)()";
        gdb.args(["-ex", &format!("set $result = (long){call}")]);
        gdb.args(["-ex", &format!("printf \"tried %s %ld %d\\n\", \"{name}\", $result, {errno}")]);
    }
    let output = gdb.output().expect("gdb is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let parse = |line: &str| {
        let mut words = line.strip_prefix("tried ")?.split(' ');
        let (name, result) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some((name, (result, words.next()?.parse().ok()?)))
    };
    let found: HashMap<_, _> = text.lines().filter_map(parse).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(found.len(), attempts.len(), "{text}\n{errors}");
    found
}

on_every_backend!(nothing_can_be_done_from_inside_a_worker_but_to_serve);
fn nothing_can_be_done_from_inside_a_worker_but_to_serve(backend: &str) {
    let log = tempfile::tempdir().unwrap();
    let path = log.path().join("access").display().to_string();
    let flags = ["--workers", "2", "--sandbox=require", "--access-log", &path];
    let server = Server::start_with(backend, &flags, |vhosts| {
        pack(&vhosts.join("one.example"), "page");
    });
    let webroot = server.vhosts().join("one.example").display().to_string();
    let beside = server.vhosts().join("new").display().to_string();
    let address = "(char *)\"\\002\\000\\000\\011\\177\\000\\000\\001\\0\\0\\0\\0\\0\\0\\0\"";
    let refused = &[EPERM][..];
    // System calls as such: names of the C library may be names of the daemon's as well.
    let call = |number: i64, arguments: &str| format!("syscall({number}, {arguments})");
    let open = |path: &str, flags: i32| {
        call(SYS_openat, &format!("{AT_FDCWD}, \"{path}\", {flags}, 0644"))
    };
    let (here, socket) = (AT_FDCWD, |kind: &str| call(SYS_socket, kind));
    let attempts: Vec<Attempt<'_>> = vec![
        // Landlock: `O_RDONLY` is what serving needs.
        ("read", open("/etc/passwd", O_RDONLY), &[EACCES]),
        ("list", open("/", O_DIRECTORY), &[EACCES]),
        ("write", open(&webroot, O_WRONLY), refused),
        ("write-beside", open(&beside, O_WRONLY | O_CREAT), refused),
        ("append-elsewhere", open(&webroot, O_WRONLY | O_APPEND), &[EACCES]),
        ("truncate", call(SYS_truncate, &format!("\"{webroot}\", 0")), refused),
        ("remove", call(SYS_unlinkat, &format!("{here}, \"{webroot}\", 0")), refused),
        (
            "rename",
            call(SYS_renameat2, &format!("{here}, \"{webroot}\", {here}, \"{beside}\", 0")),
            refused,
        ),
        ("link", call(SYS_symlinkat, &format!("\"/etc/passwd\", {here}, \"{beside}\"")), refused),
        ("mode", call(SYS_fchmodat, &format!("{here}, \"{webroot}\", 0777")), refused),
        ("execute", call(SYS_execve, "\"/bin/true\", 0, 0"), refused),
        ("fork", call(SYS_clone, "17, 0, 0, 0, 0"), refused),
        ("socket", socket("2, 1, 0"), refused),
        ("datagram", socket("2, 2, 0"), refused),
        ("local-socket", socket("1, 1, 0"), refused),
        ("connect", call(SYS_connect, &format!("0, {address}, 16")), refused),
        ("bind", call(SYS_bind, &format!("0, {address}, 16")), refused),
        ("listen", call(SYS_listen, "0, 1"), refused),
        ("trace", call(SYS_ptrace, "16, 1, 0, 0"), refused),
        ("signal", call(SYS_kill, "1, 0"), refused),
        ("mount", call(SYS_mount, "\"none\", \"/mnt\", \"tmpfs\", 0, 0"), refused),
        ("namespace", call(SYS_unshare, "0x10000000"), refused),
        ("root", call(SYS_chroot, "\"/\""), refused),
        ("user", call(SYS_setuid, "0"), refused),
        ("limit", call(SYS_prlimit64, "0, 7, \"................\", 0"), refused),
        ("code", call(SYS_mmap, "0, 4096, 7, 0x22, -1, 0"), refused),
        ("program", call(SYS_bpf, "0, 0, 0"), refused),
        ("keys", call(SYS_keyctl, "0, 0, 0"), refused),
    ];
    let found = attempt(&server, &attempts);
    for (name, _, errors) in &attempts {
        let (result, errno) = found[*name];
        assert!(result == -1 && errors.contains(&errno), "{name}: {result}, errno {errno}");
    }
    assert!(shows(&server, "one.example", "page"));
    assert!(!fs::exists(beside).unwrap());
}

on_every_backend!(a_worker_that_fails_is_started_again);
fn a_worker_that_fails_is_started_again(backend: &str) {
    let server = Server::start_with(backend, &["--workers", "1", "--sandbox=require"], |vhosts| {
        pack(&vhosts.join("one.example"), "page");
    });
    assert!(shows(&server, "one.example", "page"));
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let is_worker = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "worker-0")
    };
    let worker = tasks.map(Result::unwrap).find(is_worker).unwrap().file_name();
    // Its next wait fails.
    let calls = "epoll_wait,epoll_pwait,io_uring_enter";
    let mut strace = Command::new("strace");
    strace.args(["-q", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:error=EBADF:when=1"), "-p"]).arg(worker);
    let mut strace = strace.spawn().expect("strace is installed");
    until(PATIENCE, "the worker fails", || {
        let _ = std::net::TcpStream::connect(server.address);
        server.log().iter().any(|line| line.contains("starting it again"))
    });
    strace.kill().unwrap();
    strace.wait().unwrap();
    assert!(shows(&server, "one.example", "page"));
}
