//! Systems that lack a layer, as a container's seccomp profile makes one: by a filter on the thread
//! that starts the daemon.

use std::env::consts::ARCH;
use std::process::Command;

use nix::libc::{self, c_long};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::common::Server;
use crate::{pack, shows};

/// Does something on a thread where a call fails with an error.
fn without<T: Send + 'static>(
    call: c_long,
    error: i32,
    what: impl FnOnce() -> T + Send + 'static,
) -> T {
    let body = move || {
        let answer = SeccompAction::Errno(error.unsigned_abs());
        let rules = [(call, Vec::new())].into();
        let arch = ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch).unwrap();
        let program: BpfProgram = filter.try_into().unwrap();
        apply_filter(&program).unwrap();
        what()
    };
    std::thread::spawn(body).join().unwrap()
}

/// What a daemon says that does not start because a layer is required.
fn refusal() -> String {
    refusal_of(Command::new(env!("CARGO_BIN_EXE_httpd")))
}

fn refusal_of(mut httpd: Command) -> String {
    let vhosts = tempfile::tempdir().unwrap();
    httpd.arg(vhosts.path()).args(["--listen", "127.0.0.1:0", "--sandbox=require"]);
    let output = httpd.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// A daemon that does without what is not there.
fn start() -> Server {
    Server::start("sendfile", |vhosts| pack(&vhosts.join("one.example"), "page"))
}

#[test]
fn without_landlock_it_does_not_start_if_that_is_required() {
    let text = without(libc::SYS_landlock_create_ruleset, libc::EPERM, refusal);
    let expected = "httpd: sandbox: no Landlock: the kernel has none, or a container's seccomp \
                    profile refuses it (--sandbox=auto does without what is not there)";
    assert!(text.contains(expected), "{text}");
    let text = without(libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP, refusal);
    assert!(text.contains("it is not enabled (boot with lsm=landlock"), "{text}");
}

#[test]
fn without_seccomp_it_does_not_start_if_that_is_required() {
    let text = without(libc::SYS_seccomp, libc::EINVAL, refusal);
    assert!(text.contains("no seccomp: the kernel refuses a filter: Invalid argument"), "{text}");
}

#[test]
fn without_landlock_it_serves_with_a_warning_and_the_other_layers() {
    let server = without(libc::SYS_landlock_create_ruleset, libc::ENOSYS, start);
    assert!(shows(&server, "one.example", "page"));
    server.wait_for_log("warning: sandbox: no Landlock: ");
    let line = server.wait_for_log("no new privileges");
    assert!(line.contains("seccomp (") && !line.contains("Landlock"), "{line}");
}

#[test]
fn without_rings_auto_falls_back_and_the_sandbox_is_that_of_sendfile() {
    let server = without(libc::SYS_io_uring_setup, libc::EPERM, || {
        let flags = ["--direct", "--sandbox=require"];
        Server::start_with("auto", &flags, |vhosts| pack(&vhosts.join("one.example"), "page"))
    });
    server.wait_for_log("using sendfile instead");
    assert!(shows(&server, "one.example", "page"));
    assert!(!server.wait_for_log("no new privileges").contains("ring"));
}

/// As an emulator has one, and a library that is loaded before the program.
#[test]
fn beside_a_thread_that_is_not_its_own_it_serves_with_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let (source, library) = (dir.path().join("thread.c"), dir.path().join("thread.so"));
    let text = "#include <pthread.h>\n#include <unistd.h>\n\
                static void *rest(void *none) { for (;;) pause(); return none; }\n\
                __attribute__((constructor)) static void begin(void) {\n\
                pthread_t thread; pthread_create(&thread, 0, rest, 0); }\n";
    std::fs::write(&source, text).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-shared", "-fPIC", "-pthread", "-o"]).args([&library, &source]);
    assert!(gcc.status().unwrap().success());

    let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
    httpd.env("LD_PRELOAD", &library);
    let refused = refusal_of(httpd);
    assert!(refused.contains("sandbox: 2 threads where one was expected"), "{refused}");
    let setup = format!("export LD_PRELOAD='{}'", library.display());
    let server = Server::start_after(&setup, "sendfile", &[], |vhosts| {
        pack(&vhosts.join("one.example"), "page");
    });
    server.wait_for_log("warning: sandbox: no layer but the user: 2 threads");
    assert!(shows(&server, "one.example", "page"));
}
