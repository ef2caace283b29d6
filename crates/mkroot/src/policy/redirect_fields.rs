//! The fields of a line of `_redirects`: which word is what.

use super::dialect::Dialect;
use super::headers::is_token;
use super::lines::{DIFFERENCE, Fault, Token, UNSUPPORTED};
use super::redirects::{QueryMatch, QueryValue};
use super::syntax::name_length;
use super::uri;
use webroot::layout::{MAX_CONDITION, MAX_CONDITIONS};

const KIND: &str = "bad-redirect";

/// The words of a line by what they say.
pub(super) struct Fields<'t> {
    pub(super) query: Vec<Token<'t>>,
    /// `None` is the path that was asked for.
    pub(super) to: Option<Token<'t>>,
    pub(super) status: u16,
    pub(super) forced: bool,
    pub(super) conditions: Vec<Token<'t>>,
}

/// `from to [code]`.
pub(super) fn plain_fields<'t>(
    from: Token<'t>,
    words: &[Token<'t>],
    dialect: Dialect,
) -> Result<Fields<'t>, Fault> {
    let is_strict = dialect == Dialect::Strict;
    let [to, rest @ ..] = words else { return Err(missing(from.at + from.text.len())) };
    if rest.len() > 1 || (!to.text.starts_with('/') && !to.text.contains("://")) {
        let odd = if to.text.starts_with('/') { rest.get(1) } else { None }.unwrap_or(to);
        let message = match (to.text.starts_with('/') || to.text.contains("://"), is_strict) {
            (true, _) => "a line is `from to code`; more, as for conditions, only Netlify reads",
            (false, true) => {
                "a target begins with a slash or https://; query parameters to match, or a code \
                 without a target, only Netlify reads"
            }
            (false, false) => "a target begins with a slash or with https://",
        };
        let hint = if is_strict { ": choose --dialect netlify" } else { "" };
        let kind = if is_strict { DIFFERENCE } else { KIND };
        return Err(Fault::new(odd.at, kind, format!("{message}{hint}")));
    }
    let (status, forced) = match rest.first() {
        Some(word) => code(*word, dialect)?,
        None if is_strict => {
            let message = "no status code: Netlify takes 301, Cloudflare Pages 302. Write it \
                           behind the target";
            return Err(Fault::new(to.at + to.text.len(), DIFFERENCE, message));
        }
        None => (302, false),
    };
    Ok(Fields { query: Vec::new(), to: Some(*to), status, forced, conditions: Vec::new() })
}

/// `from [name=value…] [to] [code[!]] [condition…]`.
pub(super) fn netlify_fields<'t>(
    from: Token<'t>,
    words: &[Token<'t>],
) -> Result<Fields<'t>, Fault> {
    let first = words.first().ok_or_else(|| missing(from.at + from.text.len()))?;
    if first.text.starts_with(|c: char| c.is_ascii_digit()) && !first.text.contains('=') {
        let (status, forced) = code(*first, Dialect::Netlify)?;
        let conditions = words.get(1..).unwrap_or_default().to_vec();
        return Ok(Fields { query: Vec::new(), to: None, status, forced, conditions });
    }
    let is_target = |word: &Token<'_>| {
        ["/", "http://", "https://"].iter().any(|start| word.text.starts_with(start))
    };
    let Some(place) = words.iter().position(is_target) else {
        let message = "no target: it begins with a slash or with https:// or http://";
        return Err(Fault::new(first.at, KIND, message));
    };
    let (query, rest) = words.split_at(place);
    let (to, rest) = match rest {
        [to, rest @ ..] => (Some(*to), rest),
        [] => (None, rest),
    };
    let (status, forced) = match rest.first() {
        Some(word) => code(*word, Dialect::Netlify)?,
        None => (301, false),
    };
    let conditions = rest.get(1..).unwrap_or_default().to_vec();
    Ok(Fields { query: query.to_vec(), to, status, forced, conditions })
}

pub(super) fn missing(at: usize) -> Fault {
    Fault::new(at, KIND, "no target: a line is `from to code`")
}

/// A status code, and whether `!` is behind it.
fn code(word: Token<'_>, dialect: Dialect) -> Result<(u16, bool), Fault> {
    let (digits, forced) = match word.text.strip_suffix('!') {
        Some(digits) => (digits, true),
        None => (word.text, false),
    };
    let fault = |kind, message: &str| Err(Fault::new(word.at, kind, message));
    let status = match digits.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => digits.parse().unwrap_or(0),
        _ => return fault(KIND, "not a status code: three digits, as 301"),
    };
    if forced && dialect != Dialect::Netlify {
        let (kind, message) = match dialect {
            Dialect::Strict => (
                DIFFERENCE,
                "`!`, which lets a rule win over a file, only Netlify reads; with Cloudflare Pages \
                 a rule always wins: leave it out, or choose a --dialect",
            ),
            _ => (KIND, "Cloudflare Pages knows no `!`; a rule wins over a file anyway"),
        };
        return fault(kind, message);
    }
    match (status, dialect) {
        (200 | 301 | 302 | 303 | 307 | 308, _) | (400..=599, Dialect::Netlify) => {
            Ok((status, forced))
        }
        (400..=599, Dialect::Strict) => fault(
            DIFFERENCE,
            "200, 301, 302, 303, 307 and 308 are possible; a page with another status only \
             Netlify shows. A 404.html in a directory is its page for that, or choose \
             --dialect netlify",
        ),
        (_, Dialect::Netlify) => fault(
            UNSUPPORTED,
            "this server redirects with 301, 302, 303, 307 and 308, and shows a page with 200 and \
             400 to 599",
        ),
        _ => fault(KIND, "200, 301, 302, 303, 307 and 308 are possible"),
    }
}

/// The query parameters that a request has to have.
pub(super) fn query_matches(words: &[Token<'_>]) -> Result<Vec<QueryMatch>, Fault> {
    let mut found: Vec<QueryMatch> = Vec::new();
    for word in words {
        check_size(*word)?;
        let query = query_match(*word)?;
        if found.iter().any(|earlier| earlier.name == query.name) {
            let message = "a second value for this parameter, of which Netlify forgets the first";
            return Err(Fault::new(word.at, KIND, message));
        }
        // Two more may follow, of languages and of cookies.
        if found.len() + 2 >= MAX_CONDITIONS {
            let message = format!("more than {} query parameters", MAX_CONDITIONS - 2);
            return Err(Fault::new(word.at, UNSUPPORTED, message));
        }
        found.push(query);
    }
    Ok(found)
}

fn check_size(word: Token<'_>) -> Result<(), Fault> {
    if word.text.len() <= MAX_CONDITION {
        return Ok(());
    }
    let message = format!("a condition of more than {MAX_CONDITION} bytes");
    Err(Fault::new(word.at, UNSUPPORTED, message))
}

/// `name=value` or `name=:capture`.
fn query_match(word: Token<'_>) -> Result<QueryMatch, Fault> {
    let Some((name, value)) = word.text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        let message = "a query parameter to match is `name=value` or `name=:placeholder`, in \
                       front of the target";
        return Err(Fault::new(word.at, KIND, message));
    };
    let at = word.at + name.len() + 1;
    if value.contains('=') {
        return Err(Fault::new(
            at,
            KIND,
            "a second `=`, behind which Netlify reads nothing: write %3D",
        ));
    }
    let name = uri::decode(name, word.at, KIND)?;
    let value = match value.strip_prefix(':') {
        Some(capture) if !capture.is_empty() && name_length(capture) == capture.len() => {
            QueryValue::Capture(capture.to_owned())
        }
        Some(_) => {
            let message = "the name of a placeholder is a letter and then letters, digits and `_`";
            return Err(Fault::new(at, KIND, message));
        }
        None => QueryValue::Exactly(uri::decode(value, at, KIND)?),
    };
    if word.text.contains("%00") {
        return Err(Fault::new(word.at, UNSUPPORTED, "an encoded NUL is matched by nothing here"));
    }
    Ok(QueryMatch { name, value })
}

/// `Language=…` or `Cookie=…`.
pub(super) fn condition(
    word: Token<'_>,
    languages: &mut Vec<String>,
    cookies: &mut Vec<String>,
) -> Result<(), Fault> {
    let fault = |kind, message: String| Err(Fault::new(word.at, kind, message));
    let (name, list) = word.text.split_once('=').unwrap_or((word.text, ""));
    let (into, is_member): (_, fn(u8) -> bool) = match name {
        "Language" | "language" => (languages, |byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        "Cookie" | "cookie" => (cookies, is_token),
        "Country" | "country" => {
            let message = "this server does not know the countries of its clients";
            return fault(UNSUPPORTED, message.to_owned());
        }
        "Role" | "role" => {
            let message = "this server does not know roles, which Netlify's access control gives";
            return fault(UNSUPPORTED, message.to_owned());
        }
        "Sign" | "signed" => {
            return fault(UNSUPPORTED, "this server does not sign: it does not proxy".to_owned());
        }
        _ => {
            let message = format!("no condition is called `{name}`: Language or Cookie");
            return fault(KIND, message);
        }
    };
    check_size(word)?;
    if !into.is_empty() {
        return fault(KIND, format!("`{name}` a second time: write all in one, `{name}=a,b`"));
    }
    for member in list.split(',') {
        if member.is_empty() || !member.bytes().all(is_member) {
            let message = format!("`{name}=` and then names with commas between: `{name}=a,b`");
            return fault(KIND, message);
        }
        into.push(member.to_owned());
    }
    Ok(())
}
