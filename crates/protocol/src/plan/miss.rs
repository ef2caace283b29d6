//! What answers where lookup alone does not: a path that is not stored, or one whose entry lets
//! forced rules go first. In this order: rules, what is stored, the page for navigations, 404.

use webroot::{Damage, Resource, Webroot};

use super::negotiate::weighted;
use super::vary::Vary;
use super::{About, Basis, Reply, Room, failure, rules, stored};
use crate::fields::{Fields, trim};
use crate::parse::Request;
use crate::status::Status;

/// Extensions of what pages load: such a path that is not there is not there for navigations, too.
/// A page in place of a script that is gone would only hide that it is.
const ASSETS: [&str; 19] = [
    "js", "mjs", "css", "map", "json", "wasm", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif",
    "ico", "woff", "woff2", "ttf", "xml", "txt",
];

/// The response to GET or HEAD of a path for which `found` is stored, if anything. Notes in `basis`
/// what it was chosen by.
pub(super) fn answer<'p>(
    request: &Request<'p>,
    webroot: &'p Webroot,
    path: &'p [u8],
    found: Option<Resource<'p>>,
    room: Room<'p>,
    basis: &mut Basis,
) -> Result<Reply<'p>, Damage> {
    let forced = found.is_some();
    let met = rules::first(request, webroot, path, forced, room.values, &mut basis.vary)?;
    if let Some(met) = met {
        basis.rule = Some(met.rule.number());
        return rules::answer(request, webroot, path, &met, room);
    }
    if let Some(resource) = found {
        return stored(request, Some(webroot), path, resource, room.parts);
    }
    if !is_asset(path)
        && let Some(page) = webroot.navigation_page(path)?
    {
        if is_navigation(&request.fields) {
            return stored(request, Some(webroot), path, page, room.parts);
        }
        // The head of the page says so itself.
        basis.vary.add(Vary::ACCEPT);
        basis.vary.add(Vary::FETCH_MODE);
    }
    failure(request, Some(webroot), path, Status::NOT_FOUND, About::default())
}

/// Whether the last segment of a path has the extension of what pages load.
fn is_asset(path: &[u8]) -> bool {
    let name = memchr::memrchr(b'/', path).and_then(|slash| path.get(slash + 1..));
    let name = name.unwrap_or(path);
    let extension = memchr::memrchr(b'.', name).and_then(|dot| name.get(dot + 1..));
    extension.is_some_and(|extension| {
        ASSETS.iter().any(|known| extension.eq_ignore_ascii_case(known.as_bytes()))
    })
}

/// Whether a page is to be shown: `Sec-Fetch-Mode` says so (Fetch Metadata §2.3), or, where that is
/// missing, `Accept` names HTML and does not just take anything (RFC 9110 §12.5.1).
fn is_navigation(fields: &Fields<'_>) -> bool {
    if let Some(mode) = fields.named("sec-fetch-mode").next() {
        return mode == b"navigate";
    }
    let members = fields.named("accept").flat_map(|line| line.split(|byte| *byte == b','));
    members.map(|member| weighted(trim(member))).any(|(range, weight)| {
        let html = [&b"text/html"[..], b"application/xhtml+xml"];
        weight > 0 && html.iter().any(|name| range.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_load_is_told_by_its_extension() {
        for path in ["/a.js", "/x/a.b.CSS", "/.map", "/a/logo.woff2"] {
            assert!(is_asset(path.as_bytes()), "{path}");
        }
        for path in ["/", "/a", "/js", "/a.html", "/a.js/", "/a.js/b", "/a.", "/v1.2"] {
            assert!(!is_asset(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_navigation_is_told_by_its_fields() {
        for (mode, accept, expected) in [
            (Some("navigate"), None, true),
            (Some("navigate"), Some("*/*"), true),
            (Some("cors"), Some("text/html"), false),
            (Some(""), Some("text/html"), false),
            (None, None, false),
            (None, Some("*/*"), false),
            (None, Some("text/*"), false),
            (None, Some("application/json"), false),
            (None, Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
            (None, Some("*/*, Text/HTML;level=1;q=0.1"), true),
            (None, Some("text/html;q=0, application/xhtml+xml;q=0.000"), false),
            (None, Some("application/xhtml+xml"), true),
            (None, Some("text/htmlx"), false),
        ] {
            let mut lines = Vec::new();
            for (name, value) in [("Sec-Fetch-Mode", mode), ("ACCEPT", accept)] {
                lines.extend(value.map(|value| (name, value)));
            }
            let fields = Fields::of_lines(&lines);
            assert_eq!(is_navigation(&fields), expected, "{mode:?} {accept:?}");
        }
    }
}
