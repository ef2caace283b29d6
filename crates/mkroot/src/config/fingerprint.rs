//! Whether a file's name holds a hash of its content, as bundlers make names: such a file never
//! changes under its name.
//!
//! A name that is taken for one by mistake is kept by browsers for a year, so doubt means no:
//!
//! - below the directories in which frameworks promise that nothing changes, all files are;
//! - code (scripts, style sheets, WebAssembly, their maps) is anywhere, other assets are in the
//!   directories where bundlers put them;
//! - the hash is a part of its own, at the end of the name or between dots, and looks like one:
//!   no word, number, date, version or UUID.

/// Directories whose files are immutable by the word of Next, SvelteKit and Astro.
const PROMISED: [&[u8]; 3] = [b"/_next/static/", b"/_app/immutable/", b"/_astro/"];

/// Directories of which a hash may be the whole name of a file: of Nuxt and rustdoc.
const GENERATED: [&[u8]; 2] = [b"_nuxt", b"static.files"];

/// Directories where bundlers and generators put assets, perhaps among others that they didn't name.
const ASSETS: [&[u8]; 11] = [
    b"assets", b"build", b"chunks", b"css", b"dist", b"fonts", b"js", b"media", b"scripts",
    b"static", b"styles",
];

/// Extensions of code.
const CODE: [&[u8]; 6] = [b"js", b"mjs", b"cjs", b"css", b"wasm", b"map"];

/// Extensions of other assets that bundlers name.
const OTHER: [&[u8]; 20] = [
    b"avif", b"eot", b"gif", b"ico", b"jpeg", b"jpg", b"json", b"jxl", b"m4a", b"mp3", b"mp4",
    b"ogg", b"otf", b"png", b"svg", b"ttf", b"webm", b"webp", b"woff", b"woff2",
];

/// Whether the name of the file at `path` holds a hash of its content.
pub fn is_fingerprinted(path: &[u8]) -> bool {
    if PROMISED.iter().any(|promised| path.windows(promised.len()).any(|part| part == *promised)) {
        return true;
    }
    let mut segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let Some(name) = segments.pop() else { return false };
    let is_in = |known: &[&[u8]]| segments.iter().any(|segment| known.contains(segment));
    let is_generated = is_in(&GENERATED);

    let mut parts: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
    let Some(extension) = parts.pop() else { return false };
    let is_code = CODE.contains(&extension);
    if !is_code && !(OTHER.contains(&extension) && (is_generated || is_in(&ASSETS))) {
        return false;
    }
    if has_uuid(name) {
        return false;
    }
    let Some((first, others)) = parts.split_first() else { return false };
    let looks_like_hash = |part: &[u8]| looks_like_hash(part, is_code);
    ends_in_hash(first, is_code)
        || (is_generated && looks_like_hash(first))
        || (!first.is_empty() && others.iter().any(|part| looks_like_hash(part)))
        || others.iter().any(|part| ends_in_hash(part, is_code))
}

/// Whether a part of a name is something, a separator and a hash.
fn ends_in_hash(part: &[u8], is_code: bool) -> bool {
    // In names by Vite the separator may be in the hash as well, whose length is known.
    let short = part.len().checked_sub(9).filter(|before| *before > 0);
    let short = short.and_then(|before| part.get(before..)?.strip_prefix(b"-"));
    let separator = part.iter().rposition(|byte| b"-_~".contains(byte));
    let long = separator.filter(|at| *at > 0).and_then(|at| part.get(at + 1..));
    short.is_some_and(|hash| looks_like_hash(hash, is_code))
        || long.is_some_and(|hash| is_hexadecimal_hash(hash, is_code))
}

fn looks_like_hash(part: &[u8], is_code: bool) -> bool {
    is_hexadecimal_hash(part, is_code) || is_base32_hash(part) || is_base64_hash(part)
}

/// 8 to 128 hexadecimal digits in lower case: webpack, Parcel, Gatsby, Hugo, rustdoc, mdBook.
///
/// Digits and letters must take turns: `20240131`, `facade01` and `1234567a` are none. Of code,
/// which is not numbered like pictures are, a single change will do unless a word precedes it.
fn is_hexadecimal_hash(part: &[u8], is_code: bool) -> bool {
    let is_hexadecimal = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !(8..=128).contains(&part.len()) || part.len() % 2 == 1 || !part.iter().all(is_hexadecimal) {
        return false;
    }
    let letters = part.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let least = if is_code && letters < 4 { 1 } else { 2 };
    !begins_with_date(part) && humps(part) > least
}

/// 8 characters of base32: esbuild, Angular. A word in capitals has no digit, a picture of a
/// camera (`DSCF2345`) has them at the end.
fn is_base32_hash(part: &[u8]) -> bool {
    part.len() == 8
        && part.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
        && part.iter().any(u8::is_ascii_digit)
        && humps(part) > 2
}

/// 8 characters of base64 for URLs: Rollup, Vite and what builds on it. In words letters of one
/// kind stand together (`MyModule`, `Win32Dll`), in a hash they hardly do.
fn is_base64_hash(part: &[u8]) -> bool {
    part.len() == 8
        && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        && part.iter().any(u8::is_ascii_lowercase)
        && part.iter().any(u8::is_ascii_uppercase)
        && humps(part) > 3
}

/// The number of runs of letters of one case or of digits in a name. A capital belongs to the small
/// letters that follow it: `camelCase` has two.
fn humps(part: &[u8]) -> usize {
    let kinds = part.iter().map(|byte| match byte {
        b'a'..=b'z' => Kind::Small,
        b'A'..=b'Z' => Kind::Capital,
        b'0'..=b'9' => Kind::Digit,
        _ => Kind::Separator,
    });
    let mut humps = 0;
    // The kind before, and whether it makes up a hump alone.
    let mut before = (Kind::Separator, false);
    for kind in kinds {
        let is_first = kind != before.0;
        let joins_capital = before == (Kind::Capital, true) && kind == Kind::Small;
        humps += usize::from(is_first && !joins_capital && kind != Kind::Separator);
        before = (kind, is_first);
    }
    humps
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Small,
    Capital,
    Digit,
    Separator,
}

/// Whether the first eight characters are the digits of a day, as in `20240131`.
fn begins_with_date(part: &[u8]) -> bool {
    let digits = part.get(..8).and_then(|digits| std::str::from_utf8(digits).ok());
    let Some(day) = digits.and_then(|digits| digits.parse::<u32>().ok()) else { return false };
    let (year, month, day) = (day / 10_000, day / 100 % 100, day % 100);
    (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Whether a UUID is in a name (RFC 9562 §4): it says which thing a file is of, and not what is in
/// it.
fn has_uuid(name: &[u8]) -> bool {
    name.windows(36).any(|window| {
        window.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}
