//! `/vhosts` as it is read: what the daemon says of each virtual host.

use std::fmt;

use serde::Deserialize;

use crate::figures::clean;

/// Most characters of a name, a state or an identity that are shown.
const MOST_NAME: usize = 255;
/// Most characters of a path or a complaint that are shown.
const MOST_TEXT: usize = 1024;

/// One virtual host. All texts can be shown as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Vhost {
    pub(crate) name: String,
    /// As the daemon names it, such as `live` or `failed`.
    #[serde(default)]
    pub(crate) state: String,
    /// The identity of the webroot that is live.
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) path: Option<String>,
    /// Since when that is live, in seconds since 1970.
    #[serde(default)]
    pub(crate) since: Option<u64>,
    #[serde(default)]
    pub(crate) entries: Option<u64>,
    #[serde(default)]
    pub(crate) bytes: Option<u64>,
    /// Requests since the daemon knows of it.
    #[serde(default)]
    pub(crate) requests: Option<u64>,
    /// What is wrong with it.
    #[serde(default)]
    pub(crate) complaint: Option<String>,
}

/// Why what came is no list of virtual hosts.
#[derive(Debug)]
pub(crate) struct VhostsError(serde_json::Error);

impl fmt::Display for VhostsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a message that cites what came, no more than fits a line.
        write!(f, "the list of virtual hosts: {}", clean(&self.0.to_string(), 120))
    }
}

/// Reads the list.
///
/// # Errors
/// It is no JSON, or not of this kind.
pub(crate) fn read(content: &[u8]) -> Result<Vec<Vhost>, VhostsError> {
    let mut vhosts: Vec<Vhost> = serde_json::from_slice(content).map_err(VhostsError)?;
    for vhost in &mut vhosts {
        for name in [&mut vhost.name, &mut vhost.state].into_iter().chain(&mut vhost.id) {
            *name = clean(name, MOST_NAME);
        }
        for text in vhost.path.iter_mut().chain(&mut vhost.complaint) {
            *text = clean(text, MOST_TEXT);
        }
    }
    Ok(vhosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_null_is_left_out() {
        let content = br#"[
            {"name":"a.example","state":"live","id":"3fa9","path":"/s/a","since":1700000000,
             "entries":3,"bytes":4096,"requests":7,"complaint":null,"news":[1]},
            {"name":"b.example","state":"redirect","to":"https://a.example","requests":1}
        ]"#;
        let vhosts = read(content).unwrap();
        assert_eq!(vhosts.len(), 2);
        assert_eq!(vhosts[0].since, Some(1_700_000_000));
        assert_eq!(vhosts[0].complaint, None);
        let redirect = Vhost {
            name: "b.example".to_owned(),
            state: "redirect".to_owned(),
            requests: Some(1),
            ..Vhost::default()
        };
        assert_eq!(vhosts[1], redirect);
    }

    #[test]
    fn texts_are_cleaned_and_bounded() {
        let name = "n".repeat(1000);
        let content = format!(
            r#"[{{"name":"{name}","state":"\u001b[2J","path":"a\nb","complaint":"\u0007"}}]"#
        );
        let vhost = read(content.as_bytes()).unwrap().remove(0);
        assert_eq!(vhost.name.len(), MOST_NAME);
        assert_eq!(vhost.state, "\u{fffd}[2J");
        assert_eq!(vhost.path.as_deref(), Some("a\u{fffd}b"));
        assert_eq!(vhost.complaint.as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let deep = format!("[{}", "[".repeat(100_000));
        for content in ["", "{}", "[1]", "[{}]", "[{\"name\":1}]", "[{\"name\":\"a\"", &deep] {
            let error = read(content.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("the list of virtual hosts: "), "{error}");
        }
    }
}
