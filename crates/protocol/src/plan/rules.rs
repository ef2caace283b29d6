//! Rules at work: which one a request meets, and the response that it makes.

use webroot::{Captures, Damage, Rule, RuleKind, Webroot};

use super::condition;
use super::expand::{self, Captured};
use super::negotiate;
use super::vary::Vary;
use super::{About, Reply, Room, failure, stored};
use crate::parse::Request;
use crate::status::Status;

/// A rule that a request meets.
#[derive(Debug)]
pub(super) struct Met<'p> {
    pub(super) rule: Rule<'p>,
    /// What its pattern took of the path.
    of_path: Captures,
    /// What its conditions took of the query, in the values that are written down.
    of_values: Captures,
}

/// The first rule that the request meets, of all or of the forced ones alone. What its conditions
/// capture is written to `values`; the fields that any rule has looked at are added to `vary`.
pub(super) fn first<'p>(
    request: &Request<'_>,
    webroot: &'p Webroot,
    path: &[u8],
    forced: bool,
    values: &mut Vec<u8>,
    vary: &mut Vary,
) -> Result<Option<Met<'p>>, Damage> {
    let (mut of_path, mut of_values) = (Captures::default(), Captures::default());
    for rule in webroot.rules_for(path) {
        let rule = rule?;
        if (!forced || rule.is_forced())
            && rule.matches(path, &mut of_path)?
            && condition::hold(&rule, request, values, &mut of_values, vary)?
        {
            return Ok(Some(Met { rule, of_path, of_values }));
        }
    }
    Ok(None)
}

/// The response of the rule that a request meets.
pub(super) fn answer<'p>(
    request: &Request<'p>,
    webroot: &'p Webroot,
    path: &'p [u8],
    met: &Met<'p>,
    room: Room<'p>,
) -> Result<Reply<'p>, Damage> {
    let Met { rule, of_path, of_values } = met;
    let Room { parts, values, target, location } = room;
    let captured = Captured { path, of_path, values, of_values };
    let fail = |status| failure(request, Some(webroot), path, status, About::default());
    target.clear();
    match (rule.kind(), Status(rule.status())) {
        (RuleKind::Redirect, status) => {
            let fits = expand::target(&rule.to()?, &captured, target, location);
            let mark = target.len();
            if !fits || !expand::fragment(&rule.fragment()?, &captured, target, location) {
                return fail(Status::URI_TOO_LONG);
            }
            let (target, fragment) = target.split_at_checked(mark).unwrap_or_default();
            let query = request.target.query.filter(|_| rule.keeps_query());
            Ok(Reply::Moved { status, target, query, fragment })
        }
        (RuleKind::Show, status) => {
            if !expand::path(&rule.to()?, &captured, target) {
                return fail(Status::NOT_FOUND);
            }
            if status == Status::OK {
                return match webroot.lookup(target)? {
                    Some(resource) => stored(request, Some(webroot), path, resource, parts),
                    None => fail(Status::NOT_FOUND),
                };
            }
            // An entry of its own, because its head has no validators.
            let Some(shown) = webroot.lookup_for(status.0, target)? else { return fail(status) };
            let chosen = negotiate::choose(&shown, &request.fields);
            let variant = chosen.unwrap_or_else(|| shown.first());
            Ok(Reply::Stored { status, variant, about: About::default() })
        }
    }
}
