//! Numbers and texts as they are shown: short, with their unit, and free of control characters.

use std::time::Duration;

/// A number of things.
pub(crate) fn count(value: u64) -> String {
    if value < 10_000 { value.to_string() } else { number(value as f64) }
}

/// A mean number of things, three or four digits and a prefix.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "-".to_owned();
    }
    match value {
        0.0 => "0".to_owned(),
        0.0..9.95 => format!("{value:.1}"),
        9.95..9_999.5 => format!("{value:.0}"),
        _ => scaled(value, 1000.0, &["", "k", "M", "G", "T", "P", "E"]),
    }
}

/// A number of bytes, in powers of 1024.
pub(crate) fn bytes(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "-".to_owned();
    }
    if value < 1023.5 {
        return format!("{value:.0} B");
    }
    scaled(value, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

/// A value below a thousand with the unit that makes it so, or the largest.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let (mut value, mut unit) = (value, "");
    for (index, next) in units.iter().enumerate() {
        if index > 0 {
            value /= step;
        }
        unit = next;
        if value < 999.5 {
            break;
        }
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$}{unit}")
}

/// A number of seconds that something took.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        _ if !value.is_finite() || value < 0.0 => "-".to_owned(),
        0.0..999.5e-6 => format!("{:.0} µs", value * 1e6),
        999.5e-6..9.995e-3 => format!("{:.1} ms", value * 1e3),
        9.995e-3..0.9995 => format!("{:.0} ms", value * 1e3),
        _ => format!("{value:.1} s"),
    }
}

/// How long ago something was, in its two largest units.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if !percent.is_finite() || percent < 0.0 => "-".to_owned(),
        0.0 => "0".to_owned(),
        0.0..0.1 => "<.1".to_owned(),
        0.1..9.95 => format!("{percent:.1}"),
        // What is not all of it is not shown as if it were.
        99.5..100.0 => ">99".to_owned(),
        _ => format!("{percent:.0}"),
    }
}

/// A text of at most so many characters, of which none moves the cursor, changes colours or turns
/// the direction of what is behind it.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let is_shown = |c: char| {
        let turns = matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}');
        !c.is_control() && !turns
    };
    text.chars().take(most).map(|c| if is_shown(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_or_four_digits() {
        for (value, shown) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (9.94, "9.9"),
            (9.96, "10"),
            (1234.4, "1234"),
            (9_999.4, "9999"),
            (12_345.0, "12.3k"),
            (999_499.0, "999k"),
            (999_501.0, "1.00M"),
            (u64::MAX as f64, "18.4E"),
            (1e21, "1000E"),
            (f64::NAN, "-"),
            (-1.0, "-"),
        ] {
            assert_eq!(number(value), shown, "{value}");
        }
        for (value, shown) in [(0, "0"), (7, "7"), (9_999, "9999"), (10_000, "10.0k")] {
            assert_eq!(count(value), shown);
        }
    }

    #[test]
    fn bytes_are_in_powers_of_1024() {
        for (value, shown) in [
            (0.0, "0 B"),
            (1023.0, "1023 B"),
            (1024.0, "1.00 KiB"),
            (10.0 * 1024.0, "10.0 KiB"),
            (1000.0 * 1024.0, "0.98 MiB"),
            (5.5 * 1024.0 * 1024.0 * 1024.0, "5.50 GiB"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(bytes(value), shown, "{value}");
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (value, shown) in [
            (0.0, "0 µs"),
            (110e-6, "110 µs"),
            (1.25e-3, "1.2 ms"),
            (0.042, "42 ms"),
            (2.5, "2.5 s"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(seconds(value), shown, "{value}");
        }
        for (value, shown) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m01s"),
            (7265, "2h01m"),
            (90_000, "1d01h"),
            (u64::MAX, "213503982334601d07h"),
        ] {
            assert_eq!(age(Duration::from_secs(value)), shown, "{value}");
        }
    }

    #[test]
    fn shares_do_not_hide_what_is_rare() {
        for (value, shown) in [
            (0.0, "0"),
            (0.0004, "<.1"),
            (0.012, "1.2"),
            (0.5, "50"),
            (0.999, ">99"),
            (1.0, "100"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(percent(value), shown, "{value}");
        }
    }

    #[test]
    fn nothing_of_a_text_reaches_the_terminal_as_a_command() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}", 99), "a�[31mb��c�d�");
        assert_eq!(clean("bücher.example", 6), "bücher");
    }
}
