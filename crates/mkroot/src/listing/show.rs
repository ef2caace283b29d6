//! How names, sizes and times are shown in a listing, and in which order.

use std::cmp::Ordering;

use crate::heads::{LATEST_DATE, percent_encoded};

/// A size as people read it.
pub(super) fn rounded(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1u128;
    for name in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        unit *= 1024;
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        let whole = (u128::from(bytes) + unit / 2) / unit;
        if tenths < 100 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        if whole < 1024 {
            return format!("{whole} {name}");
        }
    }
    exact(bytes)
}

/// A size in bytes, with commas between groups of three digits.
pub(super) fn exact(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + if bytes == 1 { " byte" } else { " bytes" }
}

/// A time in seconds since 1970 as a `time` element, in UTC.
pub(super) fn time(seconds: i64) -> String {
    // The years that the element takes have four digits, from 0001 on.
    let seconds = seconds.clamp(-62_135_596_800, LATEST_DATE);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (year, month, day) = civil(days);
    format!(
        "<time datetime=\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z\">\
         {year:04}-{month:02}-{day:02}<span> {hour:02}:{minute:02}</span></time>"
    )
}

/// Year, month and day of a number of days since 1970 in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Days are counted from the first of March of the year 0, so that a leap day ends its year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// Bytes as text of HTML, also for attributes in double quotes. What is not UTF-8, and what would
/// turn the direction of other text, is replaced; control characters are shown as their pictures.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\0'..='\x1f' => text.extend(char::from_u32(0x2400 + u32::from(char))),
            '\x7f' => text.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push('\u{fffd}');
            }
            // No character, and an error in HTML (Unicode §23.7).
            '\u{fdd0}'..='\u{fdef}' => text.push('\u{fffd}'),
            char if u32::from(char) & 0xfffe == 0xfffe => text.push('\u{fffd}'),
            char => text.push(char),
        }
    }
    text
}

/// A path as the value of an attribute in double quotes.
pub(super) fn href(path: &[u8]) -> String {
    percent_encoded(path).replace('&', "&amp;")
}

/// The order of names: byte by byte, but numbers by their value, so that `2` is before `10`.
pub(super) fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let (number_a, number_b) = (number(rest_a), number(rest_b));
        let order = if number_a.is_empty() || number_b.is_empty() {
            match (rest_a.split_first(), rest_b.split_first()) {
                (Some((first_a, others_a)), Some((first_b, others_b))) => {
                    (rest_a, rest_b) = (others_a, others_b);
                    first_a.cmp(first_b)
                }
                // Names that differ in zeros alone are in the order of their bytes.
                (None, None) => return a.cmp(b),
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
            }
        } else {
            rest_a = rest_a.get(number_a.len()..).unwrap_or_default();
            rest_b = rest_b.get(number_b.len()..).unwrap_or_default();
            let (value_a, value_b) = (without_zeros(number_a), without_zeros(number_b));
            value_a.len().cmp(&value_b.len()).then_with(|| value_a.cmp(value_b))
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that a name begins with.
fn number(name: &[u8]) -> &[u8] {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    name.get(..digits).unwrap_or_default()
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_rounded_to_two_digits_or_whole_units() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10_188, "9.9 KiB"),
            (10_190, "10 KiB"),
            (1_048_063, "1023 KiB"),
            (1_048_064, "1.0 MiB"),
            (1_234_567, "1.2 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(rounded(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn exact_sizes_have_commas() {
        assert_eq!(exact(0), "0 bytes");
        assert_eq!(exact(1), "1 byte");
        assert_eq!(exact(999), "999 bytes");
        assert_eq!(exact(1000), "1,000 bytes");
        assert_eq!(exact(1_234_567), "1,234,567 bytes");
    }

    #[test]
    fn times_are_in_utc() {
        let shown = |date: &str, time: &str, second: &str| {
            format!("<time datetime=\"{date}T{time}:{second}Z\">{date}<span> {time}</span></time>")
        };
        let cases = [
            (0, "1970-01-01", "00:00", "00"),
            (-1, "1969-12-31", "23:59", "59"),
            (951_782_399, "2000-02-28", "23:59", "59"),
            (951_782_400, "2000-02-29", "00:00", "00"),
            (951_868_800, "2000-03-01", "00:00", "00"),
            (1_764_084_960, "2025-11-25", "15:36", "00"),
            (4_107_542_399, "2100-02-28", "23:59", "59"),
            (4_107_542_400, "2100-03-01", "00:00", "00"),
            (i64::MAX, "9999-12-31", "23:59", "59"),
            (i64::MIN, "0001-01-01", "00:00", "00"),
        ];
        for (seconds, date, minute, second) in cases {
            assert_eq!(time(seconds), shown(date, minute, second), "{seconds}");
        }
    }

    #[test]
    fn days_are_those_of_http_dates() {
        for day in (0..100_000).step_by(7) {
            let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(day * 86_400);
            let date = httpdate::fmt_http_date(date);
            let shown = time(i64::try_from(day * 86_400).unwrap());
            assert_eq!(shown[16..20], date[12..16], "{date}");
            assert_eq!(shown[24..26], date[5..7], "{date}");
        }
    }

    #[test]
    fn text_can_end_nothing_and_turn_nothing() {
        assert_eq!(text(b"<a href=\"x\">&amp;'"), "&lt;a href=&quot;x&quot;&gt;&amp;amp;'");
        assert_eq!(text(b"a\nb\0\x1b\x7f"), "a\u{240a}b\u{2400}\u{241b}\u{2421}");
        assert_eq!(text(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(text("a\u{202e}b\u{2066}c\u{85}".as_bytes()), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(text("\u{fdd0}\u{1ffff}".as_bytes()), "\u{fffd}\u{fffd}");
        assert_eq!(text("Ü ß 日本".as_bytes()), "Ü ß 日本");
    }

    #[test]
    fn links_are_percent_encoded_and_escaped() {
        assert_eq!(href(b"/a b/\"<&>'%?#\n\xff"), "/a%20b/%22%3C&amp;%3E'%25%3F%23%0A%FF");
    }

    #[test]
    fn numbers_in_names_count_by_their_value() {
        let sorted: [&str; 12] = [
            "",
            "1",
            "01",
            "2",
            "10",
            "A",
            "a",
            "a-0.9.2",
            "a-0.10",
            "a-0.10.1",
            "a99999999999999999999998",
            "a99999999999999999999999",
        ];
        for pair in sorted.windows(2) {
            let expected = if pair == ["1", "01"] { Ordering::Greater } else { Ordering::Less };
            assert_eq!(natural(pair[0].as_bytes(), pair[1].as_bytes()), expected, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(names in prop::collection::vec("[0-2a]{0,4}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]].map(|name| name.as_bytes());
            prop_assert_eq!(natural(a, b), natural(b, a).reverse());
            prop_assert_eq!(natural(a, b) == Ordering::Equal, a == b);
            if natural(a, b).is_le() && natural(b, c).is_le() {
                prop_assert!(natural(a, c).is_le());
            }
        }

        #[test]
        fn no_name_is_too_much(bytes in any::<Vec<u8>>()) {
            prop_assert!(!text(&bytes).contains(['<', '>', '"']));
            prop_assert!(!text(&bytes).contains(char::is_control));
            prop_assert!(href(&bytes).bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
