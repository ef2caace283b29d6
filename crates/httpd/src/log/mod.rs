//! The error log: what the operator is told, an event at a time.
//!
//! Whoever has something to say says it with the macros of `tracing`: a sentence for people, and
//! beside it fields that machines look for: `vhost`, `path`, `worker`, `error`. The [`Subscriber`]
//! cuts and counts it in the thread that speaks; a thread of its own, the [`Writer`], takes it to
//! standard error or to the journal. One that is slow or stuck holds up that thread alone. What
//! comes again and again is told a few times and then by number, see [`Limits`].

mod escape;
mod format;
mod journal;
mod limit;
mod message;
mod queue;
mod settings;
mod subscriber;
mod writer;

use std::fmt;
use std::io;
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use queue::Queue;
use subscriber::Subscriber;
use writer::Writer;

#[cfg(doc)]
use limit::Limits;

pub use settings::{Format, Level, Settings, To};
pub(crate) use tracing::{error, info, warn as warning};

/// How long the end of the daemon waits for what was said last.
const END: Duration = Duration::from_secs(1);
/// How long a thread that panicked waits for that to be told, because it may be the end of all.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Why nothing can be told.
#[derive(Debug)]
pub enum NoErrorLog {
    /// The journal that was asked for can't be reached.
    Journal(io::Error),
    /// The thread that writes can't be started.
    Thread(io::Error),
}

impl fmt::Display for NoErrorLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => write!(
                f,
                "log: can't reach the journal at {}: {error} (choose stderr, or auto to use the \
                 journal where the daemon is started by systemd)",
                journal::SOCKET
            ),
            Self::Thread(error) => write!(f, "log: can't start its thread: {error}"),
        }
    }
}

/// The log as the main thread has it. Dropping it waits until all that was said is written, for a
/// second at most.
#[derive(Debug)]
pub(crate) struct ErrorLog {
    /// `None` if the process told events somewhere else before.
    queue: Option<Arc<Queue>>,
    /// Until its thread is started.
    writer: Option<Writer>,
}

impl ErrorLog {
    /// From now on everything that is said is kept for where `settings` says, and so is what a thread
    /// says that panics. A process that has a subscriber for events already goes on with that.
    /// Sockets are connected here and not later.
    ///
    /// # Errors
    /// The journal was asked for by name and can't be reached.
    pub(crate) fn open(settings: &Settings) -> Result<Self, NoErrorLog> {
        let queue = Arc::new(Queue::default());
        queue.set_level(settings.level);
        let writer = Writer::new(Arc::clone(&queue), settings).map_err(NoErrorLog::Journal)?;
        let subscriber = Subscriber::new(Arc::clone(&queue));
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            return Ok(Self { queue: None, writer: None });
        }
        let last_words = Arc::clone(&queue);
        panic::set_hook(Box::new(move |panic| {
            tell_panic(panic);
            last_words.flush(LAST_WORDS);
        }));
        Ok(Self { queue: Some(queue), writer: Some(writer) })
    }

    /// From now on it is written. Signals that the main thread waits for are to be blocked before,
    /// and the sandbox is to be entered: the thread that writes is one of those it holds for.
    ///
    /// # Errors
    /// The system refuses the thread.
    pub(crate) fn start(&mut self) -> Result<(), NoErrorLog> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let spawned = thread::Builder::new().name("log".to_owned()).spawn(|| writer.run());
        spawned.map(drop).map_err(NoErrorLog::Thread)
    }

    /// What matters less is not told from now on.
    pub(crate) fn set_level(&self, level: Level) {
        if let Some(queue) = &self.queue {
            queue.set_level(level);
            tracing::callsite::rebuild_interest_cache();
        }
    }
}

impl Drop for ErrorLog {
    fn drop(&mut self) {
        // A start that failed before has something to say, too.
        let _ = self.start();
        if let Some(queue) = &self.queue {
            queue.end();
            queue.flush(END);
        }
    }
}

/// Says what a thread panicked of, and by which way it came there if that is asked for
/// (`RUST_BACKTRACE=1`).
fn tell_panic(panic: &panic::PanicHookInfo<'_>) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a thread without a name");
    let what = panic.payload_as_str().unwrap_or("no text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        error!(place, backtrace = %backtrace, "{name} panicked at {place}: {what}");
    } else {
        error!(place, "{name} panicked at {place}: {what}");
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set for the process that a test starts to be the one that is looked at.
    const CHILD: &str = "ASHTTPD_TEST_LOG";

    /// Standard error of a process that does this with its log. It is the test `name`, which calls
    /// this again there.
    fn told(name: &str, act: impl FnOnce(&ErrorLog)) -> Option<String> {
        if std::env::var_os(CHILD).is_some() {
            let mut log = ErrorLog::open(&Settings::default()).unwrap();
            log.start().unwrap();
            act(&log);
            return None;
        }
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([&format!("log::tests::{name}"), "--exact", "--nocapture"]);
        let output = child.env(CHILD, "1").env_remove("RUST_BACKTRACE").output().unwrap();
        Some(String::from_utf8(output.stderr).unwrap())
    }

    /// The lines without what the test's own harness says and without their times.
    fn lines(told: &str) -> Vec<&str> {
        told.lines().filter_map(|line| line.split_once("Z httpd: ").map(|(_, line)| line)).collect()
    }

    #[test]
    fn a_panic_of_a_thread_is_told() {
        let told = told("a_panic_of_a_thread_is_told", |_| {
            let body = || panic!("no\nway");
            let worker = thread::Builder::new().name("worker-3".to_owned()).spawn(body);
            worker.unwrap().join().unwrap_err();
        });
        let Some(told) = told else { return };
        let [line] = lines(&told)[..] else { panic!("{told}") };
        assert!(line.starts_with("error: worker-3 panicked at crates/"), "{told}");
        assert!(line.ends_with(": no\\nway"), "{told}");
    }

    #[test]
    fn a_panic_that_comes_again_and_again_is_told_by_number() {
        let told = told("a_panic_that_comes_again_and_again_is_told_by_number", |_| {
            for _ in 0..12 {
                thread::spawn(|| panic!("again")).join().unwrap_err();
            }
        });
        let Some(told) = told else { return };
        let lines = lines(&told);
        assert_eq!(lines.len(), 6, "{told}");
        assert!(lines[5].starts_with("error: ... and 7 more like it: "), "{told}");
    }

    #[test]
    fn the_level_can_be_changed_at_any_time() {
        let told = told("the_level_can_be_changed_at_any_time", |log| {
            for (level, text) in
                [(Level::Info, "one"), (Level::Debug, "two"), (Level::Error, "three")]
            {
                log.set_level(level);
                tracing::debug!("debug {text}");
                info!("info {text}");
                warning!("warning {text}");
                error!("error {text}");
            }
        });
        let Some(told) = told else { return };
        assert_eq!(
            lines(&told),
            [
                "info one",
                "warning: warning one",
                "error: error one",
                "debug: debug two",
                "info two",
                "warning: warning two",
                "error: error two",
                "error: error three",
            ]
        );
    }
}
