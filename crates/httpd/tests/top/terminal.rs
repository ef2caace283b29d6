//! A terminal to run programs in: a pane of tmux with a shell, and what is on its screen.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::common::PATIENCE;

/// A terminal of its own. Dropping it ends what runs in it.
pub(crate) struct Terminal {
    /// Holds the socket of tmux, which no other terminal shares.
    dir: tempfile::TempDir,
}

impl Terminal {
    /// One with a shell, of so many columns and lines.
    pub(crate) fn open(columns: u16, lines: u16) -> Self {
        let terminal = Self { dir: tempfile::tempdir().unwrap() };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            "env",
            "PS1=$ ",
            "bash",
            "--norc",
            "--noprofile",
        ]);
        terminal.wait_for("a prompt", |screen| screen.starts_with('$'));
        terminal
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("tmux")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u").arg("-S").arg(self.socket()).args(arguments);
        tmux.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env_remove("TMUX");
        tmux.output().expect("tmux is not installed: scripts/test does it")
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "tmux {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, by their names in tmux.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a text.
    pub(crate) fn text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Types a command, and Enter.
    pub(crate) fn command(&self, command: &str) {
        self.text(command);
        self.press(&["Enter"]);
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// Whether the other screen is shown, which programs draw on, and the cursor.
    pub(crate) fn state(&self) -> String {
        let format = "alternate #{alternate_on}, cursor #{cursor_flag}";
        self.tmux(&["display-message", "-p", format]).trim_end().to_owned()
    }

    /// Sends a signal to the program that the shell runs.
    pub(crate) fn signal(&self, signal: Signal) {
        nix::sys::signal::kill(self.child(), signal).unwrap();
    }

    /// The program that the shell runs.
    pub(crate) fn child(&self) -> Pid {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = shell.trim_end();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        Pid::from_raw(children.unwrap().trim_end().parse().unwrap())
    }

    /// What is on the screen, line by line, without spaces at their ends.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits for a screen.
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_it(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "{what} does not come:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until all of these are on the screen.
    pub(crate) fn wait_for_texts(&self, texts: &[&str]) -> String {
        self.wait_for(&format!("{texts:?}"), |screen| {
            texts.iter().all(|text| screen.contains(text))
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}
