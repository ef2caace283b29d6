//! The two ways to look: live until a key or a signal ends it, or once.
//!
//! The daemon is asked by a thread of its own, so that keys are heeded while it does not answer.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::fetch::Target;
use crate::model::{Model, Report};
use crate::plain;
use crate::sample::{Sample, SampleError};
use crate::screen::{Screen, Wish};
use crate::view::{self, Shown};

/// How long a key or a signal may wait while nothing else happens.
const TICK: Duration = Duration::from_millis(50);
/// Time in which the program ends by itself when its terminal may have gone away.
const GRACE: Duration = Duration::from_secs(1);
/// Exit status of a program whose terminal went away, as shells have it for SIGHUP.
const HUNG_UP: i32 = 129;
/// The daemon rests at least so many times as long as it took to answer, so that looking at very many
/// virtual hosts does not become its main work.
const REST: u32 = 4;

/// What to look at, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The daemon's admin listener.
    pub target: Target,
    /// Time between two samples, at least.
    pub interval: Duration,
    /// One table of plain text instead of a live view.
    pub once: bool,
}

/// Shows what the daemon does: live if standard output is a terminal, once if it is not or that is
/// asked for.
///
/// # Errors
/// The terminal can't be used, or, once, the daemon does not answer. A live view waits for it.
pub fn run(options: &Options) -> io::Result<()> {
    if options.once || !io::stdout().is_terminal() { once(options) } else { live(options) }
}

fn once(options: &Options) -> io::Result<()> {
    let sample = || {
        let told = |error| io::Error::other(format!("{}: {error}", options.target));
        Sample::take(&options.target).map_err(told)
    };
    let mut model = Model::default();
    model.take(sample()?);
    thread::sleep(options.interval);
    let mut text = String::new();
    plain::write(&model.take(sample()?), &mut text).map_err(io::Error::other)?;
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever has read enough, such as head(1), is not in trouble.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn live(options: &Options) -> io::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    end_with_terminal()?;
    let (sender, samples) = sync_channel(1);
    let (target, interval) = (options.target.clone(), options.interval);
    let name = "samples".to_owned();
    thread::Builder::new().name(name).spawn(move || ask(&target, interval, &sender))?;
    in_terminal(|terminal| look(terminal, options, &samples, &stop))
}

/// Ends the program when its terminal goes away. Whoever waits for keys at that moment may never come
/// back: what is read from such a terminal is its end, again and again.
fn end_with_terminal() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP])?;
    let body = move || {
        if signals.forever().next().is_some() {
            thread::sleep(GRACE);
            std::process::exit(HUNG_UP);
        }
    };
    thread::Builder::new().name("terminal".to_owned()).spawn(body).map(drop)
}

/// Shows something on a screen of its own, and leaves the terminal as it was, also when the program
/// panics: for that `try_init` installs a hook.
fn in_terminal(show: impl FnOnce(&mut DefaultTerminal) -> io::Result<()>) -> io::Result<()> {
    let shown = ratatui::try_init().and_then(|mut terminal| show(&mut terminal));
    ratatui::try_restore()?;
    shown
}

/// Asks the daemon again and again, until nobody wants to know.
fn ask(target: &Target, interval: Duration, to: &SyncSender<Result<Sample, SampleError>>) {
    loop {
        let start = Instant::now();
        if to.send(Sample::take(target)).is_err() {
            return;
        }
        let took = start.elapsed();
        thread::sleep(interval.saturating_sub(took).max(took.saturating_mul(REST)));
    }
}

/// What is known of the daemon.
#[derive(Debug, Default)]
struct State {
    model: Model,
    report: Option<Report>,
    /// Why it does not answer, and since when.
    trouble: Option<(String, Instant)>,
}

impl State {
    fn take(&mut self, sample: Result<Sample, SampleError>, is_paused: bool) {
        match sample {
            Ok(sample) => {
                self.trouble = None;
                let report = self.model.take(sample);
                if !is_paused || self.report.is_none() {
                    self.report = Some(report);
                }
            }
            Err(error) => {
                let since = self.trouble.take().map_or_else(Instant::now, |(_, since)| since);
                self.trouble = Some((error.to_string(), since));
            }
        }
    }
}

/// Draws what comes, and does what keys ask for, until the end.
fn look(
    terminal: &mut DefaultTerminal,
    options: &Options,
    samples: &Receiver<Result<Sample, SampleError>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let target = options.target.to_string();
    let (mut state, mut screen) = (State::default(), Screen::default());
    let mut is_stale = true;
    while !stop.load(Ordering::Relaxed) {
        match samples.try_recv() {
            Ok(sample) => {
                state.take(sample, screen.is_paused);
                is_stale = true;
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                return Err(io::Error::other("nobody asks the daemon any more"));
            }
        }
        if std::mem::take(&mut is_stale) {
            let State { model, report, trouble } = &state;
            let trouble = trouble.as_ref().map(|(error, since)| (error.as_str(), since.elapsed()));
            let report = report.as_ref();
            let shown = Shown { target: &target, report, trouble, history: &model.history };
            terminal.draw(|frame| view::draw(frame, &shown, &mut screen))?;
        }
        if event::poll(TICK)? {
            is_stale = true;
            if let Event::Key(key) = event::read()?
                && screen.press(key) == Wish::Quit
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::sample::tests::sample;

    #[test]
    fn what_is_paused_stays_and_what_is_gone_is_remembered() {
        let mut state = State::default();
        let vhosts = |number: u64| format!(r#"[{{"name":"a","requests":{number}}}]"#);
        let mut take = |second, number, is_paused| {
            state.take(Ok(sample(second, "", &vhosts(number)).unwrap()), is_paused);
            state.report.as_ref().unwrap().rows[0].clone()
        };
        // There is something to look at, even if it is paused before the first sample.
        assert_eq!(take(0, 1, true).vhost.requests, Some(1));
        assert_eq!(take(1, 5, true).vhost.requests, Some(1));
        // What is calculated goes on.
        assert_eq!(take(2, 6, false).rate, Some(1.0));
        state.take(Err(SampleError::Text), false);
        let (_, since) = state.trouble.clone().unwrap();
        state.take(Err(SampleError::Stranger), false);
        let (error, same) = state.trouble.clone().unwrap();
        assert!(error.contains("not httpd") && same == since);
        assert!(state.report.is_some());
        state.take(Ok(sample(3, "", "[]").unwrap()), false);
        assert_eq!(state.trouble, None);
    }

    /// What tmux says, which has a server at this socket.
    fn tmux(socket: &Path, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.env("TERM", "xterm-256color").env_remove("TMUX").arg("-S").arg(socket);
        let output = tmux.args(arguments).output();
        let output = output.expect("tmux is not installed: scripts/test does it");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        const IN_TERMINAL: &str = "TOP_PANICS";
        if std::env::var_os(IN_TERMINAL).is_some() {
            let _ = in_terminal(|terminal| {
                terminal.draw(|frame| frame.render_widget("a view", frame.area()))?;
                panic!("on purpose");
            });
        }
        let dir = tempfile::tempdir().unwrap();
        let (socket, settings) = (dir.path().join("tmux"), dir.path().join("settings"));
        let test = "run::tests::a_panic_leaves_the_terminal_as_it_was";
        let (program, file) = (std::env::current_exe().unwrap(), settings.display());
        let script = format!(
            "RUST_BACKTRACE=0 {IN_TERMINAL}=1 {} --exact {test} --nocapture; stty -a >{file}.new; mv {file}.new {file}; \
             sleep 60",
            program.display()
        );
        tmux(&socket, &["-f", "/dev/null", "new-session", "-d", "sh", "-c", &script]);
        let start = Instant::now();
        while !settings.exists() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{}",
                tmux(&socket, &["capture-pane", "-p"])
            );
            thread::sleep(TICK);
        }
        let screen = tmux(&socket, &["capture-pane", "-p"]);
        let state = tmux(&socket, &["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        tmux(&socket, &["kill-server"]);
        assert!(screen.contains("on purpose") && !screen.contains("a view"), "{screen}");
        assert_eq!(state, "0 1\n");
        let settings = fs::read_to_string(settings).unwrap();
        assert!(settings.contains(" icanon") && settings.contains(" echo "), "{settings}");
    }
}
