//! Text of peers and names of files, such that they do nothing to a terminal and end no line.

use std::fmt::Write;

/// Whether a terminal does something else with a character than to show it: controls, and what
/// changes the direction or the lines of the text around it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Appends a text whose hidden characters are `\u{…}`, and a line feed `\n`.
pub(super) fn printable(text: &str, to: &mut String) {
    for character in text.chars() {
        match character {
            '\n' => to.push_str("\\n"),
            // Writing to a string does not fail.
            _ if is_hidden(character) => drop(write!(to, "{}", character.escape_unicode())),
            _ => to.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, expected) in [
            ("/srv/käse.webroot: 日本", "/srv/käse.webroot: 日本"),
            ("a\nhttpd: error: forged", "a\\nhttpd: error: forged"),
            ("\r\t\0\u{1b}[2J\u{7f}", "\\u{d}\\u{9}\\u{0}\\u{1b}[2J\\u{7f}"),
            ("\u{85}\u{9b}\u{2028}", "\\u{85}\\u{9b}\\u{2028}"),
            ("\u{202e}gpj.exe\u{feff}", "\\u{202e}gpj.exe\\u{feff}"),
            ("a\\b\"", "a\\b\""),
        ] {
            let mut escaped = String::new();
            printable(text, &mut escaped);
            assert_eq!(escaped, expected);
            assert!(!escaped.chars().any(is_hidden));
        }
    }
}
