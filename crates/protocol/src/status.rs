//! Status codes and their text.

/// A status code (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// 200 OK.
    pub const OK: Self = Self(200);
    /// 204 No Content.
    pub const NO_CONTENT: Self = Self(204);
    /// 206 Partial Content.
    pub const PARTIAL_CONTENT: Self = Self(206);
    /// 304 Not Modified.
    pub const NOT_MODIFIED: Self = Self(304);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 404 Not Found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 406 Not Acceptable.
    pub const NOT_ACCEPTABLE: Self = Self(406);
    /// 408 Request Timeout.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 412 Precondition Failed.
    pub const PRECONDITION_FAILED: Self = Self(412);
    /// 413 Content Too Large.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 414 URI Too Long.
    pub const URI_TOO_LONG: Self = Self(414);
    /// 416 Range Not Satisfiable.
    pub const RANGE_NOT_SATISFIABLE: Self = Self(416);
    /// 417 Expectation Failed.
    pub const EXPECTATION_FAILED: Self = Self(417);
    /// 429 Too Many Requests (RFC 6585 §4).
    pub const TOO_MANY: Self = Self(429);
    /// 431 Request Header Fields Too Large.
    pub const HEAD_TOO_LARGE: Self = Self(431);
    /// 500 Internal Server Error.
    pub const INTERNAL: Self = Self(500);
    /// 501 Not Implemented.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503 Service Unavailable.
    pub const UNAVAILABLE: Self = Self(503);
    /// 505 HTTP Version Not Supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// The status line of an HTTP/1.1 response, with its line end. A code that has no text here is
    /// `None`; its line has an empty reason (RFC 9112 §4).
    pub(crate) fn line(self) -> Option<&'static str> {
        Some(match self.0 {
            200 => "HTTP/1.1 200 OK\r\n",
            204 => "HTTP/1.1 204 No Content\r\n",
            206 => "HTTP/1.1 206 Partial Content\r\n",
            301 => "HTTP/1.1 301 Moved Permanently\r\n",
            302 => "HTTP/1.1 302 Found\r\n",
            303 => "HTTP/1.1 303 See Other\r\n",
            304 => "HTTP/1.1 304 Not Modified\r\n",
            307 => "HTTP/1.1 307 Temporary Redirect\r\n",
            308 => "HTTP/1.1 308 Permanent Redirect\r\n",
            400 => "HTTP/1.1 400 Bad Request\r\n",
            403 => "HTTP/1.1 403 Forbidden\r\n",
            404 => "HTTP/1.1 404 Not Found\r\n",
            405 => "HTTP/1.1 405 Method Not Allowed\r\n",
            406 => "HTTP/1.1 406 Not Acceptable\r\n",
            408 => "HTTP/1.1 408 Request Timeout\r\n",
            410 => "HTTP/1.1 410 Gone\r\n",
            412 => "HTTP/1.1 412 Precondition Failed\r\n",
            413 => "HTTP/1.1 413 Content Too Large\r\n",
            414 => "HTTP/1.1 414 URI Too Long\r\n",
            416 => "HTTP/1.1 416 Range Not Satisfiable\r\n",
            417 => "HTTP/1.1 417 Expectation Failed\r\n",
            429 => "HTTP/1.1 429 Too Many Requests\r\n",
            431 => "HTTP/1.1 431 Request Header Fields Too Large\r\n",
            451 => "HTTP/1.1 451 Unavailable For Legal Reasons\r\n",
            500 => "HTTP/1.1 500 Internal Server Error\r\n",
            501 => "HTTP/1.1 501 Not Implemented\r\n",
            503 => "HTTP/1.1 503 Service Unavailable\r\n",
            505 => "HTTP/1.1 505 HTTP Version Not Supported\r\n",
            _ => return None,
        })
    }

    /// Code and reason, as in `404 Not Found`: the body of an error without a page of its own.
    /// `Error` where the code has no text here.
    pub fn text(self) -> &'static str {
        let line = self.line().unwrap_or("HTTP/1.1 Error\r\n");
        line.trim_start_matches("HTTP/1.1 ").trim_end()
    }
}
