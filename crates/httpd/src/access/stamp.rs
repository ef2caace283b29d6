//! Times in lines of the log. Always UTC: what a server writes should not depend on where it
//! stands, and does not repeat an hour in autumn.

use std::io::Write;

/// A time to the second as text, which is made anew when the second changes.
#[derive(Debug)]
pub(crate) struct Stamp {
    seconds: u64,
    text: Vec<u8>,
    style: Style,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `25/Nov/2025:23:59:59 +0000`, the time of the common log format.
    Common,
    /// `2025-11-25T23:59:59`, the beginning of RFC 3339 §5.6.
    Rfc3339,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: u64 = 24 * 60 * 60;

impl Stamp {
    pub(crate) fn new(style: Style) -> Self {
        let mut stamp = Self { seconds: 0, text: Vec::with_capacity(64), style };
        stamp.write();
        stamp
    }

    /// The text for so many seconds since 1970.
    pub(crate) fn of(&mut self, seconds: u64) -> &[u8] {
        if seconds != self.seconds {
            self.seconds = seconds;
            self.write();
        }
        &self.text
    }

    fn write(&mut self) {
        let (year, month, day) = date(self.seconds / DAY);
        let time = self.seconds % DAY;
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        self.text.clear();
        // Writing to a vector does not fail.
        let _ = match self.style {
            Style::Common => {
                let month = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
                let text = &mut self.text;
                write!(text, "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
            }
            Style::Rfc3339 => {
                let text = &mut self.text;
                write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            }
        };
    }
}

/// Year, month and day of the month, of so many days since 1970, in the Gregorian calendar. Counts
/// from the first of March, so that the day that leap years have is the last of a year.
fn date(days: u64) -> (u64, u64, u64) {
    // From the first of March of the year zero; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March on have 153 days, and so have the next five.
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_both_styles() {
        for (seconds, common, rfc3339) in [
            (0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00"),
            (951_782_399, "28/Feb/2000:23:59:59 +0000", "2000-02-28T23:59:59"),
            (951_782_400, "29/Feb/2000:00:00:00 +0000", "2000-02-29T00:00:00"),
            (951_868_800, "01/Mar/2000:00:00:00 +0000", "2000-03-01T00:00:00"),
            (1_700_000_000, "14/Nov/2023:22:13:20 +0000", "2023-11-14T22:13:20"),
            (1_735_689_599, "31/Dec/2024:23:59:59 +0000", "2024-12-31T23:59:59"),
            (4_107_542_400, "01/Mar/2100:00:00:00 +0000", "2100-03-01T00:00:00"),
        ] {
            for (style, expected) in [(Style::Common, common), (Style::Rfc3339, rfc3339)] {
                let mut stamp = Stamp::new(style);
                assert_eq!(stamp.of(seconds), expected.as_bytes());
                assert_eq!(stamp.of(seconds), expected.as_bytes());
            }
        }
    }

    #[test]
    fn days_follow_each_other() {
        let mut before = date(0);
        for days in 1..200_000 {
            let next = date(days);
            let follows = match (before, next) {
                ((y, m, d), (y2, m2, d2)) if m == m2 => y == y2 && d2 == d + 1,
                ((y, 12, 31), next) => next == (y + 1, 1, 1),
                ((y, m, d), next) => d >= 28 && next == (y, m + 1, 1),
            };
            assert!(follows, "{next:?} after {before:?}");
            before = next;
        }
    }
}
