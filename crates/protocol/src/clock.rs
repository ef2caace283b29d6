//! The `Date` field, written once a second.

use std::time::{Duration, UNIX_EPOCH};

/// The time, as text in the form that responses carry (RFC 9110 §6.6.1).
#[derive(Debug, Clone)]
pub struct Clock {
    seconds: u64,
    line: [u8; LINE],
}

/// Bytes of `Date: Sun, 06 Nov 1994 08:49:37 GMT` and its line end.
const LINE: usize = 37;

impl Clock {
    /// A clock that shows `seconds` since 1970.
    pub fn new(seconds: u64) -> Self {
        let mut clock = Self { seconds, line: [0; LINE] };
        clock.write();
        clock
    }

    /// Sets the clock; costs a comparison unless the second changed.
    pub fn set(&mut self, seconds: u64) {
        if seconds != self.seconds {
            self.seconds = seconds;
            self.write();
        }
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// `Date: …` with its line end.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    fn write(&mut self) {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(self.seconds));
        let text = format!("Date: {date}\r\n");
        for (to, from) in self.line.iter_mut().zip(text.bytes()) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_follows_the_second() {
        let mut clock = Clock::new(784_111_777);
        assert_eq!(clock.line(), b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        clock.set(784_111_778);
        assert_eq!(clock.line(), b"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    }
}
