//! All virtual hosts as an array of JSON. There may be very many, so it is made piece by piece, as
//! a peer takes it.

use std::sync::Arc;
use std::time::SystemTime;
use std::vec::IntoIter;

use serde_json::{Value, json};

use crate::service::Sites;
use crate::vhost::{Content, Vhost};

/// Bytes at which a piece is large enough.
const PIECE: usize = 64 * 1024;

/// Those that are not told yet.
pub(super) struct Listing {
    rest: IntoIter<Arc<Vhost>>,
    /// Whether the bracket in front of the first was told.
    has_begun: bool,
    /// Whether the bracket behind the last was.
    has_ended: bool,
}

impl Listing {
    /// All that there are now, in the order of their names, previews behind the others.
    pub(super) fn new(sites: &Sites) -> Self {
        let table = sites.published.load_full();
        let mut all: Vec<_> = table.vhosts().map(Arc::clone).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.extend(table.previews().vhosts().map(Arc::clone));
        Self { rest: all.into_iter(), has_begun: false, has_ended: false }
    }

    /// Adds the next piece. Whether there was one.
    pub(super) fn next(&mut self, to: &mut Vec<u8>) -> bool {
        if self.has_ended {
            return false;
        }
        let end = to.len() + PIECE;
        while to.len() < end {
            let Some(vhost) = self.rest.next() else {
                to.extend_from_slice(if self.has_begun { b"\n]\n" } else { b"[]\n" });
                self.has_ended = true;
                break;
            };
            to.extend_from_slice(if self.has_begun { b",\n" } else { b"[\n" });
            self.has_begun = true;
            to.extend_from_slice(told(&vhost).to_string().as_bytes());
        }
        true
    }
}

/// What is told of a virtual host.
fn told(vhost: &Vhost) -> Value {
    let mut told = json!({
        "name": vhost.name.to_string(),
        "state": vhost.state(),
        "path": vhost.path.display().to_string(),
        "requests": vhost.requests(),
        "complaint": null,
    });
    let mut add = |key: &str, value: Value| {
        if let Some(place) = told.as_object_mut() {
            place.insert(key.to_owned(), value);
        }
    };
    let site = match &vhost.content {
        Content::Webroot(site) => site,
        Content::Redirect(redirect) => {
            add("to", json!(redirect.origin));
            add("status", json!(redirect.status));
            return told;
        }
        Content::Nowhere => {
            add("complaint", json!("the redirect says nothing that can be used"));
            return told;
        }
    };
    // Who has the lock may wait for the disk.
    add("complaint", json!(site.try_lock().and_then(|state| state.complaint().map(str::to_owned))));
    if let Some(live) = &*site.peek() {
        let since = live.opened.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        add("id", json!(live.webroot.identity().to_string()));
        add("path", json!(live.path.display().to_string()));
        add("since", json!(since.as_secs()));
        add("entries", json!(live.webroot.len()));
        add("bytes", json!(live.webroot.file_size()));
    }
    told
}
