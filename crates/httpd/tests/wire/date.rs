//! Dates as responses carry them, read without the code under test.

use std::time::{SystemTime, UNIX_EPOCH};

/// Whether a text is a date in the preferred form, of the last or next minute (RFC 9110 §6.6.1).
pub(crate) fn is_now(text: &str) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    seconds(text).is_some_and(|time| (time - now).abs() < 60)
}

/// Seconds since 1970 of an IMF-fixdate (RFC 9110 §5.6.7), day of the week and all.
fn seconds(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Of the first day of 1970, and on.
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let shape = "aaa, 00 aaa 0000 00:00:00 GMT";
    let fits = |(at, byte): (usize, u8)| match shape.as_bytes()[at] {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        other => byte == other,
    };
    if text.len() != shape.len() || !text.bytes().enumerate().all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (day, year) = (number(5, 7), number(12, 16));
    let month = MONTHS.iter().position(|name| *name == &text[8..11])? as i64;
    // Days before a March, counted in years that begin there.
    let (shifted_year, shifted_month) =
        if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let days = shifted_year * 365 + leap_days + (shifted_month * 153 + 2) / 5 + day - 1 - 719_468;
    if DAYS[days.rem_euclid(7) as usize] != &text[..3] {
        return None;
    }
    Some(days * 86_400 + number(17, 19) * 3600 + number(20, 22) * 60 + number(23, 25))
}

#[test]
fn dates_are_read() {
    assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    assert_eq!(seconds("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
    assert_eq!(seconds("Mon, 06 Nov 1994 08:49:37 GMT"), None);
    assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), None);
}
