//! The grammars of strings in the configuration: fields of HTTP, paths, sizes.

/// Longest field value, in bytes.
const MOST_VALUE: usize = 1024;

/// Directives whose argument is a number of seconds (RFC 9111 §5.2.2, RFC 5861).
const SECONDS: [&str; 4] = ["max-age", "s-maxage", "stale-if-error", "stale-while-revalidate"];

/// A value of `Cache-Control` (RFC 9111 §5.2): directives with commas between them, each a token
/// and perhaps `=` and a token or quoted string.
pub(super) fn cache_control(text: &str) -> Result<String, String> {
    bounded(text)?;
    for directive in split(text, ',') {
        let directive = directive.trim_matches([' ', '\t']);
        let (name, argument) = match directive.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (directive, None),
        };
        let is_valid = is_token(name)
            && argument.is_none_or(|argument| is_token(argument) || is_quoted(argument));
        if !is_valid {
            return Err(format!(
                "\"{}\" is no directive of Cache-Control; write them as in \"public, \
                 max-age=3600\"",
                directive.escape_debug()
            ));
        }
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if SECONDS.iter().any(|known| known.eq_ignore_ascii_case(name))
            && !argument.is_some_and(is_number)
        {
            return Err(format!("{name} takes a number of seconds, as in \"{name}=3600\""));
        }
    }
    Ok(text.to_owned())
}

/// A media type (RFC 9110 §8.3.1), parameters included.
pub(super) fn media_type(text: &str) -> Result<String, String> {
    bounded(text)?;
    let mut parts = split(text, ';').into_iter();
    let (kind, subtype) =
        parts.next().and_then(|name| name.trim_end_matches([' ', '\t']).split_once('/')).unzip();
    if !kind.is_some_and(is_token) || !subtype.is_some_and(is_token) {
        return Err("no media type; write type/subtype, as in \"text/x-foo\"".to_owned());
    }
    for parameter in parts {
        let (name, value) = parameter.trim_matches([' ', '\t']).split_once('=').unzip();
        let value_is_valid = value.is_some_and(|value| is_token(value) || is_quoted(value));
        if !name.is_some_and(is_token) || !value_is_valid {
            return Err(format!(
                "\"{}\" is no parameter of a media type; write name=value, as in \"charset=utf-8\"",
                parameter.trim_matches([' ', '\t']).escape_debug()
            ));
        }
    }
    Ok(text.to_owned())
}

/// The path of a page from the root of the tree, as the file is named: not percent-encoded.
pub(super) fn page(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err("a path begins with a slash, from the root of the site".to_owned());
    };
    if rest.is_empty() || rest.ends_with('/') {
        return Err("a directory is no page; name the file, as in \"/index.html\"".to_owned());
    }
    if rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("a path has no empty segments, no . and no ..".to_owned());
    }
    Ok(text.to_owned())
}

/// A number of bytes: digits, and perhaps a space and a unit.
pub(super) fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.strip_prefix(' ').unwrap_or(unit) {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn bounded(text: &str) -> Result<(), String> {
    if text.len() > MOST_VALUE {
        return Err(format!("at most {MOST_VALUE} bytes can stand here, not {}", text.len()));
    }
    Ok(())
}

/// The parts between separators that are not in a quoted string.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|char: char| {
        let separates = char == separator && !is_quoted;
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        separates
    });
    parts.collect()
}

/// A token (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// A quoted string (RFC 9110 §5.6.4) of ASCII characters.
fn is_quoted(text: &str) -> bool {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let Some(inside) = inside else { return false };
    let mut bytes = inside.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'\\' { bytes.next() } else { Some(byte).filter(|b| *b != b'"') };
        if !byte.is_some_and(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_of_cache_control() {
        let valid = [
            "no-store",
            "public, max-age=0, must-revalidate",
            "public,max-age=31536000,immutable",
            "private=\"Set-Cookie, X\", no-cache",
            "max-age=60, stale-while-revalidate=30, x-own=y",
        ];
        for text in valid {
            assert_eq!(cache_control(text).as_deref(), Ok(text));
        }
        let refused = [
            ("", "no directive"),
            ("max-age: 3600", "\"max-age: 3600\" is no directive"),
            ("public max-age=3600", "no directive"),
            ("public, , no-store", "\"\" is no directive"),
            ("public\r\nX: y", "no directive"),
            ("private=\"a", "no directive"),
            ("max-age=1h", "max-age takes a number of seconds"),
            ("S-MaxAge", "S-MaxAge takes a number of seconds"),
            ("max-age=\"3\"", "max-age takes a number"),
            ("é", "no directive"),
        ];
        for (text, message) in refused {
            let error = cache_control(text).unwrap_err();
            assert!(error.contains(message), "{text:?}: {error}");
        }
        assert!(cache_control(&"x".repeat(1025)).unwrap_err().contains("at most 1024"));
    }

    #[test]
    fn media_types() {
        let valid = ["text/x-foo", "text/html; charset=utf-8", "a/b;c=\"d;\\\" e\" ; f=g"];
        for text in valid {
            assert_eq!(media_type(text).as_deref(), Ok(text));
        }
        let refused = [
            ("", "type/subtype"),
            ("text", "type/subtype"),
            ("text/", "type/subtype"),
            ("/x", "type/subtype"),
            ("text/a/b", "type/subtype"),
            ("text /x", "type/subtype"),
            ("text/x\n", "type/subtype"),
            ("text/html charset=utf-8", "type/subtype"),
            ("text/html; charset", "\"charset\" is no parameter"),
            ("text/html;", "\"\" is no parameter"),
            ("text/html; a=b c", "no parameter"),
            ("text/html; a=\"\x01\"", "no parameter"),
        ];
        for (text, message) in refused {
            let error = media_type(text).unwrap_err();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn pages() {
        for text in ["/index.html", "/a b/ü%.html"] {
            assert_eq!(page(text).as_deref(), Ok(text));
        }
        for text in ["", "index.html", "/", "/a/", "//a", "/a//b", "/../a", "/a/./b"] {
            assert!(page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            ("64 MiB", Some(64 << 20)),
            ("1KiB", Some(1024)),
            ("0 B", Some(0)),
            ("3 TiB", Some(3 << 40)),
            ("16777216 TiB", None),
            ("64 MB", None),
            ("64 mib", None),
            ("64", None),
            ("MiB", None),
            ("", None),
            ("-1 KiB", None),
            ("1.5 GiB", None),
            ("1  KiB", None),
            ("٣ KiB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text), expected, "{text}");
        }
    }
}
