//! From inside of a worker's thread, as somebody would who runs code of his own there: by a debugger.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use nix::libc::{EACCES, EPERM, SYS_bpf, SYS_keyctl};

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
    let attempts: Vec<Attempt<'_>> = vec![
        // Landlock: `O_RDONLY` is what serving needs.
        ("read", "open(\"/etc/passwd\", 0)".into(), &[EACCES]),
        ("list", "open(\"/\", 0200000)".into(), &[EACCES]),
        ("write", format!("open(\"{webroot}\", 1)"), refused),
        ("write-beside", format!("open(\"{beside}\", 0101, 0644)"), refused),
        ("append-elsewhere", format!("open(\"{webroot}\", 02001)"), &[EACCES]),
        ("truncate", format!("truncate(\"{webroot}\", 0)"), refused),
        ("remove", format!("unlink(\"{webroot}\")"), refused),
        ("rename", format!("rename(\"{webroot}\", \"{beside}\")"), refused),
        ("link", format!("symlink(\"/etc/passwd\", \"{beside}\")"), refused),
        ("mode", format!("chmod(\"{webroot}\", 0777)"), refused),
        ("execute", "execl(\"/bin/true\", \"true\", (char *)0)".into(), refused),
        ("fork", "fork()".into(), refused),
        ("socket", "socket(2, 1, 0)".into(), refused),
        ("datagram", "socket(2, 2, 0)".into(), refused),
        ("local-socket", "socket(1, 1, 0)".into(), refused),
        ("connect", format!("connect(0, {address}, 16)"), refused),
        ("bind", format!("bind(0, {address}, 16)"), refused),
        ("listen", "listen(0, 1)".into(), refused),
        ("trace", "ptrace(16, 1, 0, 0)".into(), refused),
        ("signal", "kill(1, 0)".into(), refused),
        ("mount", "mount(\"none\", \"/mnt\", \"tmpfs\", 0, 0)".into(), refused),
        ("namespace", "unshare(0x10000000)".into(), refused),
        ("root", "chroot(\"/\")".into(), refused),
        ("user", "setuid(0)".into(), refused),
        ("limit", "setrlimit(7, \"................\")".into(), refused),
        ("code", "mmap(0, 4096, 7, 0x22, -1, 0)".into(), refused),
        ("program", format!("syscall({SYS_bpf}, 0, 0, 0)"), refused),
        ("keys", format!("syscall({SYS_keyctl}, 0, 0, 0)"), refused),
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
