//! The works that servers are measured at: what is asked, how often, and what is to come.

use std::fmt::Write as _;

/// What a client asks for, in which manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// 1 KiB
    Page,
    /// 1 KiB, 16 requests in one piece
    Pipelined,
    /// 1 KiB that the client has already
    NotModified,
    /// 10 KiB of a page, in a coding
    Coded,
    /// 100 KiB
    Medium,
    /// 1 MiB
    Large,
    /// 1 KiB, each on a connection of its own
    Fresh,
    /// 1 KiB, with the access log on
    Logged,
}

/// A file of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its path in the site, without the slash.
    pub(crate) path: &'static str,
    /// Bytes of it.
    pub(crate) size: usize,
}

/// How often a work is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Requests that come before, so that caches are filled.
    pub(crate) warm: u32,
    /// Requests that are measured.
    pub(crate) requests: u32,
    /// Requests that a connection sends at once.
    pub(crate) depth: u32,
}

/// The resources of all works. `page.html` lies coded beside itself as well.
pub(crate) const RESOURCES: [Resource; 4] = [PAGE, CODED, MEDIUM, LARGE];
const PAGE: Resource = Resource { path: "1k.html", size: 1024 };
/// Its name is that of what is compressed.
pub(crate) const CODED: Resource = Resource { path: "page.html", size: 10 * 1024 };
const MEDIUM: Resource = Resource { path: "100k.bin", size: 100 * 1024 };
const LARGE: Resource = Resource { path: "1m.bin", size: 1024 * 1024 };

/// Connections that are open at a time.
pub(crate) const CONNECTIONS: u32 = 64;
/// Bytes of a request, as browsers send them.
const REQUEST: usize = 600;

/// What a browser says besides method, target and host.
const BROWSER: &str = "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Accept-Encoding: gzip, deflate, br\r\n";

impl Work {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 8] = [
        Self::Page,
        Self::Pipelined,
        Self::NotModified,
        Self::Coded,
        Self::Medium,
        Self::Large,
        Self::Fresh,
        Self::Logged,
    ];

    /// As it is named on a command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Page => "1k",
            Self::Pipelined => "pipelined",
            Self::NotModified => "304",
            Self::Coded => "br",
            Self::Medium => "100k",
            Self::Large => "1m",
            Self::Fresh => "fresh",
            Self::Logged => "log",
        }
    }

    /// As it is named in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Page => "1 KiB",
            Self::Pipelined => "1 KiB, pipelined 16 deep",
            Self::NotModified => "304",
            Self::Coded => "br of 10 KiB",
            Self::Medium => "100 KiB",
            Self::Large => "1 MiB",
            Self::Fresh => "1 KiB, new connection",
            Self::Logged => "1 KiB, access log on",
        }
    }

    /// The one of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name)
    }

    /// What is asked for.
    pub(crate) fn resource(self) -> Resource {
        match self {
            Self::Coded => CODED,
            Self::Medium => MEDIUM,
            Self::Large => LARGE,
            Self::Page | Self::Pipelined | Self::NotModified | Self::Fresh | Self::Logged => PAGE,
        }
    }

    /// How often. A large response takes long, and differs little from the next.
    pub(crate) fn load(self) -> Load {
        match self {
            Self::Pipelined => Load { warm: 2048, requests: 8192, depth: 16 },
            Self::Medium => Load { warm: 128, requests: 1024, depth: 1 },
            Self::Large => Load { warm: 64, requests: 256, depth: 1 },
            Self::Fresh => Load { warm: 256, requests: 2048, depth: 1 },
            Self::Page | Self::NotModified | Self::Coded | Self::Logged => {
                Load { warm: 1024, requests: 4096, depth: 1 }
            }
        }
    }

    /// Whether the access log is on.
    pub(crate) fn is_logged(self) -> bool {
        self == Self::Logged
    }

    /// Whether each request has a connection of its own.
    pub(crate) fn is_fresh(self) -> bool {
        self == Self::Fresh
    }

    /// The request as sent, of 600 bytes. A precondition is a field line without its end.
    pub(crate) fn request(self, precondition: Option<&str>) -> Vec<u8> {
        let mut text =
            format!("GET /{} HTTP/1.1\r\nHost: www.example.com\r\n", self.resource().path);
        text.push_str(if self.is_fresh() {
            "Connection: close\r\n"
        } else {
            "Connection: keep-alive\r\n"
        });
        text.push_str(BROWSER);
        if let Some(precondition) = precondition {
            text.push_str(precondition);
            text.push_str("\r\n");
        }
        const START: &str = "Cookie: id=";
        const END: &str = "\r\n\r\n";
        let rest = REQUEST.saturating_sub(text.len() + START.len() + END.len());
        // Formatting into a string does not fail.
        let _ = write!(text, "{START}{:x<rest$}{END}", "");
        text.into_bytes()
    }
}

impl Resource {
    /// Its bytes. Those of the page are words, so that it compresses as pages do; the others look
    /// like what is compressed already.
    pub(crate) fn content(self) -> Vec<u8> {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let mut bytes = Vec::with_capacity(self.size + 16);
        while bytes.len() < self.size {
            if self.path.ends_with(".html") {
                const WORDS: [&str; 8] =
                    ["<p>", "servers ", "answer ", "what ", "was ", "packed ", "once", ".</p>\n"];
                let number = next();
                let word = WORDS.get(number as usize % WORDS.len()).unwrap_or(&"");
                bytes.extend_from_slice(word.as_bytes());
                bytes.extend_from_slice(format!("{:03x} ", number >> 52).as_bytes());
            } else {
                bytes.extend_from_slice(&next().to_le_bytes());
            }
        }
        bytes.truncate(self.size);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_size_of_a_browsers() {
        for work in Work::ALL {
            for precondition in [None, Some("If-None-Match: \"0123456789abcdef\"")] {
                let request = work.request(precondition);
                assert_eq!(request.len(), REQUEST, "{}", work.name());
                assert!(request.ends_with(b"\r\n\r\n"));
            }
        }
    }

    #[test]
    fn a_work_is_found_by_its_name() {
        for work in Work::ALL {
            assert_eq!(Work::named(work.name()), Some(work));
        }
        assert_eq!(Work::named("2k"), None);
    }

    #[test]
    fn a_load_is_the_same_on_each_connection() {
        for load in Work::ALL.map(Work::load) {
            assert_eq!(load.warm % (CONNECTIONS * load.depth), 0, "{load:?}");
            assert_eq!(load.requests % (CONNECTIONS * load.depth), 0, "{load:?}");
        }
    }

    #[test]
    fn the_content_of_a_resource_is_always_the_same() {
        for resource in RESOURCES {
            assert_eq!(resource.content().len(), resource.size);
            assert_eq!(resource.content(), resource.content());
        }
    }
}
