//! Manual pages and completions.

use std::io::Write;
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 2] = [env!("CARGO_BIN_EXE_mkroot"), env!("CARGO_BIN_EXE_webroot")];
const SUBCOMMANDS: [&str; 7] = ["ls", "cat", "explain", "verify", "diff", "extract", "stat"];

fn generate(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a program is happy with a text; true if there is no such program.
fn accepts(program: &str, arguments: &[&str], text: &str) -> bool {
    let child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return true };
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    output.status.success() && output.stderr.is_empty()
}

#[test]
fn manual_pages_are_pages() {
    for program in PROGRAMS {
        let page = generate(program, &["--generate", "man"]);
        assert!(page.contains(".TH ") && page.contains(".SH OPTIONS"), "{page}");
        assert!(accepts("groff", &["-man", "-Tutf8", "-ww"], &page), "{page}");
        assert!(accepts("man", &["--warnings", "-l", "-"], &page), "{page}");
    }
}

#[test]
fn every_subcommand_has_a_page_of_its_own() {
    let webroot = env!("CARGO_BIN_EXE_webroot");
    let page = generate(webroot, &["--generate", "man"]);
    for name in SUBCOMMANDS {
        assert!(page.contains(&format!("webroot\\-{name}(1)")), "{page}");
        let page = generate(webroot, &[name, "--generate", "man"]);
        assert!(page.contains(&format!(".TH webroot-{name} 1 ")), "{page}");
        assert!(accepts("groff", &["-man", "-Tutf8", "-ww"], &page), "{page}");
    }
}

#[test]
fn shells_accept_their_completions() {
    for program in PROGRAMS {
        for (shell, check) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])]
        {
            let script = generate(program, &["--generate", shell]);
            assert!(accepts(shell, check, &script), "{shell}: {script}");
        }
        for shell in ["elvish", "powershell"] {
            assert!(generate(program, &["--generate", shell]).contains("--version"), "{shell}");
        }
    }
}

#[test]
fn another_kind_is_refused_with_those_that_there_are() {
    for program in PROGRAMS {
        let output = Command::new(program).args(["--generate", "tea"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("one of man, bash, elvish, fish, powershell, zsh"), "{errors}");
    }
}
