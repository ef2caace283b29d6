//! What the operator is told: one line an event, on standard error.

use std::fmt;
use std::io::Write;

/// How much an event matters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Info,
    Warning,
    Error,
}

/// Writes a line. Standard error may be closed; the daemon serves on all the same.
pub(crate) fn line(level: Level, text: fmt::Arguments<'_>) {
    let level = match level {
        Level::Info => "",
        Level::Warning => "warning: ",
        Level::Error => "error: ",
    };
    let line = format!("httpd: {level}{text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

macro_rules! info {
    ($($text:tt)*) => { $crate::log::line($crate::log::Level::Info, format_args!($($text)*)) };
}
macro_rules! warning {
    ($($text:tt)*) => { $crate::log::line($crate::log::Level::Warning, format_args!($($text)*)) };
}
macro_rules! error {
    ($($text:tt)*) => { $crate::log::line($crate::log::Level::Error, format_args!($($text)*)) };
}
pub(crate) use {error, info, warning};
