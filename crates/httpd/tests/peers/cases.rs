//! The requests. In their text `{etag}` and `{date}` stand for the validators that the server in
//! question has given to `/long.txt`.

/// A request, or several on one connection.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

fn case(name: &'static str, text: impl Into<String>) -> Case {
    Case { name, text: text.into() }
}

/// A request of HTTP/1.1 with `Host` and further field lines.
fn with(name: &'static str, line: &str, fields: &str) -> Case {
    let fields: String =
        fields.split_terminator('\n').map(|field| format!("{field}\r\n")).collect();
    case(name, format!("{line} HTTP/1.1\r\nHost: h\r\n{fields}\r\n"))
}

fn plain(name: &'static str, line: &str) -> Case {
    with(name, line, "")
}

pub(crate) fn all() -> Vec<Case> {
    [
        targets(),
        lines(),
        hosts(),
        connections(),
        methods(),
        contents(),
        ranges(),
        conditions(),
        bounds(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn targets() -> Vec<Case> {
    vec![
        plain("GET of a file", "GET /a.txt"),
        plain("HEAD of a file", "HEAD /a.txt"),
        plain("an empty file", "GET /empty.txt"),
        plain("HTML", "GET /dir/index.html"),
        plain("CSS", "GET /style.css"),
        plain("JavaScript", "GET /main.js"),
        plain("JSON", "GET /data.json"),
        plain("PNG", "GET /dot.png"),
        plain("SVG", "GET /dot.svg"),
        plain("the root", "GET /"),
        plain("HEAD of the root", "HEAD /"),
        plain("a directory", "GET /dir/"),
        plain("a directory with a query", "GET /dir/?a=b"),
        plain("a directory without its slash", "GET /dir"),
        plain("HEAD of a directory without its slash", "HEAD /dir"),
        plain("a directory without its slash, with a query", "GET /dir?a=b/../c&d"),
        plain("a directory without its slash, name to be escaped", "GET /two%20words"),
        plain("a directory without an index", "GET /dir/sub/"),
        plain("a directory without an index and its slash", "GET /dir/sub"),
        plain("a file with a slash behind it", "GET /a.txt/"),
        plain("a path that is not there", "GET /none"),
        plain("HEAD of a path that is not there", "HEAD /none"),
        plain("a path that is not there, below a page of its own", "GET /own/none"),
        plain("the error page itself", "GET /404.html"),
        plain("a dotfile", "GET /.hidden.txt"),
        plain("a query", "GET /a.txt?x=1?y=2"),
        plain("an empty query", "GET /a.txt?"),
        plain("a single dot", "GET /dir/./sub/c.txt"),
        plain("two dots", "GET /dir/../a.txt"),
        plain("two dots at the end", "GET /dir/sub/.."),
        plain("a dot at the end", "GET /dir/."),
        plain("encoded dots", "GET /dir/%2e%2E/a.txt"),
        plain("dots above the root", "GET /../a.txt"),
        plain("encoded dots above the root", "GET /%2e%2e/a.txt"),
        plain("dots to above the root", "GET /dir/../../../etc/passwd"),
        plain("three dots", "GET /.../a.txt"),
        plain("two slashes at the start", "GET //a.txt"),
        plain("two slashes inside", "GET /dir//sub///c.txt"),
        plain("an encoded slash", "GET /dir%2Fsub%2Fc.txt"),
        plain("an encoded slash in dots", "GET /dir/..%2Fa.txt"),
        plain("an encoded letter", "GET /%61.txt"),
        plain("an encoded percent sign", "GET /100%25.txt"),
        plain("an escape that decodes to an escape", "GET /%2561.txt"),
        plain("an encoded letter above ASCII", "GET /%C3%A4.txt"),
        plain("a letter above ASCII as it is", "GET /\u{e4}.txt"),
        plain("a path in another case", "GET /A.TXT"),
        plain("an escape cut short", "GET /a%2"),
        plain("an escape that is none", "GET /%zz"),
        plain("an encoded NUL", "GET /a.txt%00"),
        plain("a fragment", "GET /a.txt#x"),
        plain("a backslash", "GET /dir\\sub\\c.txt"),
        plain("absolute-form", "GET http://h/a.txt"),
        plain("absolute-form with a port", "GET http://h:80/a.txt"),
        plain("absolute-form without a path", "GET http://h"),
        plain("absolute-form with a query alone", "GET http://h?x"),
        plain("absolute-form of another host", "GET http://other/a.txt"),
        plain("absolute-form with a scheme in capitals", "GET HTTP://h/a.txt"),
        plain("absolute-form with user information", "GET http://u@h/a.txt"),
        plain("absolute-form of FTP", "GET ftp://h/a.txt"),
        plain("a target without a slash", "GET a.txt"),
        plain("an asterisk", "GET *"),
    ]
}

fn lines() -> Vec<Case> {
    let get = |line: &str| format!("{line}\r\nHost: h\r\n\r\n");
    vec![
        case("an empty line before the request", "\r\nGET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n"),
        case("HTTP/0.9", "GET /a.txt\r\n"),
        case("a request line without a version", get("GET /a.txt")),
        case("HTTP/2.0", get("GET /a.txt HTTP/2.0")),
        case("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        case("HTTP/1.2", get("GET /a.txt HTTP/1.2")),
        case("HTTP/1.10", get("GET /a.txt HTTP/1.10")),
        case("HTTP/11", get("GET /a.txt HTTP/11")),
        case("http/1.1", get("GET /a.txt http/1.1")),
        case("two spaces in a request line", get("GET  /a.txt HTTP/1.1")),
        case("a tab in a request line", get("GET\t/a.txt HTTP/1.1")),
        case("a space behind the version", get("GET /a.txt HTTP/1.1 ")),
        case("a space in the target", get("GET /a b.txt HTTP/1.1")),
        case("a space before the method", get(" GET /a.txt HTTP/1.1")),
        case("a control byte in the target", get("GET /a\x01.txt HTTP/1.1")),
        case("a NUL in the target", get("GET /a\0.txt HTTP/1.1")),
        case("no method", get("/a.txt HTTP/1.1")),
        case("words", "hello there\r\n\r\n"),
        case("the start of TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03\r\n\r\n"),
        with("a folded line", "GET /a.txt", "A: b\n c"),
        with("a folded first line", "GET /a.txt", " A: b"),
        with("a space before a colon", "GET /a.txt", "A : b"),
        with("a line without a colon", "GET /a.txt", "A"),
        with("an empty field name", "GET /a.txt", ": b"),
        with("a field name with a byte of no token", "GET /a.txt", "A(b): c"),
        with("a field name with an underscore", "GET /a.txt", "A_b: c"),
        with("a NUL in a value", "GET /a.txt", "A: b\0c"),
        with("a control byte in a value", "GET /a.txt", "A: b\x01c"),
        with("a tab in a value", "GET /a.txt", "A: b\tc"),
        with("bytes above ASCII in a value", "GET /a.txt", "A: \u{e4}"),
        with("no space behind a colon", "GET /a.txt", "A:b"),
        with("an empty value", "GET /a.txt", "A:"),
        case("lines that end in LF alone", "GET /a.txt HTTP/1.1\nHost: h\n\n"),
        case("one line that ends in LF alone", "GET /a.txt HTTP/1.1\r\nHost: h\nA: b\r\n\r\n"),
        case("CR inside a line", "GET /a.txt HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n"),
    ]
}

fn hosts() -> Vec<Case> {
    let of = |host: &str| format!("GET /a.txt HTTP/1.1\r\n{host}\r\n");
    vec![
        case("no Host", of("")),
        case("no Host in absolute-form", "GET http://h/a.txt HTTP/1.1\r\n\r\n"),
        case("Host twice", of("Host: h\r\nHost: h\r\n")),
        case("Host twice, not equal", of("Host: h\r\nHost: other\r\n")),
        case("an empty Host", of("Host:\r\n")),
        case("a Host with a port", of("Host: h:8080\r\n")),
        case("a Host with a port that is none", of("Host: h:port\r\n")),
        case("a Host with a dot behind it", of("Host: h.\r\n")),
        case("a Host in capitals", of("HOST: H\r\n")),
        case("a Host with a slash", of("Host: h/x\r\n")),
        case("a Host with a space", of("Host: h x\r\n")),
        case("a Host with two dots", of("Host: a..b\r\n")),
        case("a Host that is a list", of("Host: h, other\r\n")),
        case("a Host with user information", of("Host: u@h\r\n")),
        case("a Host that is an IPv6 address", of("Host: [::1]:80\r\n")),
        case("a Host with brackets left open", of("Host: [::1\r\n")),
    ]
}

fn connections() -> Vec<Case> {
    let old = |fields: &str| format!("GET /a.txt HTTP/1.0\r\n{fields}\r\n");
    let two = |one: &str, other: &str| {
        format!("{one} HTTP/1.1\r\nHost: h\r\n\r\n{other} HTTP/1.1\r\nHost: h\r\n\r\n")
    };
    vec![
        with("close", "GET /a.txt", "Connection: close"),
        with("close in capitals", "GET /a.txt", "Connection: CLOSE"),
        with("close in a list", "GET /a.txt", "Connection: x, close"),
        with("keep-alive", "GET /a.txt", "Connection: keep-alive"),
        with("an upgrade", "GET /a.txt", "Connection: upgrade\nUpgrade: websocket"),
        case("HTTP/1.0", old("")),
        case("HTTP/1.0 with Host", old("Host: h\r\n")),
        case("HTTP/1.0 with keep-alive", old("Connection: keep-alive\r\n")),
        case("HTTP/1.0 with keep-alive in capitals", old("Connection: Keep-Alive\r\n")),
        case(
            "HTTP/1.0 with keep-alive, not found",
            "GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ),
        case("HTTP/1.0 with a range", old("Range: bytes=0-1\r\n")),
        case("two requests at once", two("GET /a.txt", "GET /b.txt")),
        case("HEAD, then GET", two("HEAD /a.txt", "GET /b.txt")),
        case("not found, then GET", two("GET /none", "GET /b.txt")),
        case("a redirect, then GET", two("GET /dir", "GET /b.txt")),
        case("not allowed, then GET", two("DELETE /a.txt", "GET /b.txt")),
        case("twenty requests at once", two("GET /a.txt", "GET /long.txt").repeat(10)),
        case("an empty line between requests", two("GET /a.txt", "\r\nGET /b.txt")),
    ]
}

fn methods() -> Vec<Case> {
    vec![
        plain("OPTIONS", "OPTIONS /a.txt"),
        plain("OPTIONS of the server", "OPTIONS *"),
        plain("OPTIONS of what is not there", "OPTIONS /none"),
        plain("DELETE", "DELETE /a.txt"),
        plain("DELETE of what is not there", "DELETE /none"),
        plain("TRACE", "TRACE /a.txt"),
        plain("CONNECT", "CONNECT h:80"),
        with("POST", "POST /a.txt", "Content-Length: 0"),
        with("PUT", "PUT /a.txt", "Content-Length: 0"),
        with("PATCH", "PATCH /a.txt", "Content-Length: 0"),
        plain("a method of no standard", "BREW /a.txt"),
        plain("a method in lower case", "get /a.txt"),
        plain("a method with a digit", "GET2 /a.txt"),
        plain("a method with a byte of no token", "G(T /a.txt"),
    ]
}

fn contents() -> Vec<Case> {
    let sent = |name, line: &str, fields: &str, content: &str| {
        let mut case = with(name, line, fields);
        case.text.push_str(content);
        case
    };
    let chunked =
        |name, content: &str| sent(name, "GET /a.txt", "Transfer-Encoding: chunked", content);
    let coded = |name, fields: &str| sent(name, "GET /a.txt", fields, "0\r\n\r\n");
    vec![
        sent("GET with content", "GET /a.txt", "Content-Length: 5", "hello"),
        sent("POST with content", "POST /a.txt", "Content-Length: 5", "hello"),
        sent("PUT with content, not there", "PUT /none", "Content-Length: 5", "hello"),
        with("an empty Content-Length", "GET /a.txt", "Content-Length:"),
        with("a negative Content-Length", "GET /a.txt", "Content-Length: -1"),
        with("a Content-Length with a sign", "GET /a.txt", "Content-Length: +5"),
        with("a Content-Length that is hexadecimal", "GET /a.txt", "Content-Length: 0x5"),
        with(
            "a Content-Length beyond 64 bits",
            "GET /a.txt",
            "Content-Length: 99999999999999999999",
        ),
        with("a Content-Length of 2 MiB", "GET /a.txt", "Content-Length: 2097152"),
        sent("a Content-Length that is a list", "GET /a.txt", "Content-Length: 5, 5", "hello"),
        sent("Content-Length twice", "GET /a.txt", "Content-Length: 5\nContent-Length: 5", "hello"),
        sent(
            "Content-Length twice, not equal",
            "GET /a.txt",
            "Content-Length: 5\nContent-Length: 6",
            "hello",
        ),
        chunked("no chunks", "0\r\n\r\n"),
        chunked("two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
        chunked("a chunk with an extension", "5;a=b\r\nhello\r\n0\r\n\r\n"),
        chunked("chunks with trailers", "5\r\nhello\r\n0\r\nA: b\r\n\r\n"),
        chunked("a chunk size in capitals", "A\r\n0123456789\r\n0\r\n\r\n"),
        chunked("a chunk size that is none", "x\r\nhello\r\n0\r\n\r\n"),
        chunked("a negative chunk size", "-5\r\nhello\r\n0\r\n\r\n"),
        chunked("a chunk size beyond 64 bits", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        chunked("a chunk longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
        chunked("chunks whose lines end in LF alone", "5\nhello\n0\n\n"),
        sent(
            "POST with chunks",
            "POST /a.txt",
            "Transfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
        ),
        coded("chunked in capitals", "Transfer-Encoding: CHUNKED"),
        coded("chunked twice", "Transfer-Encoding: chunked\nTransfer-Encoding: chunked"),
        coded("chunked in a list with itself", "Transfer-Encoding: chunked, chunked"),
        coded("a coding that is not known", "Transfer-Encoding: x"),
        coded("gzip, then chunked", "Transfer-Encoding: gzip, chunked"),
        coded("Transfer-Encoding identity", "Transfer-Encoding: identity"),
        coded(
            "Transfer-Encoding with Content-Length",
            "Content-Length: 5\nTransfer-Encoding: chunked",
        ),
        coded(
            "Content-Length behind Transfer-Encoding",
            "Transfer-Encoding: chunked\nContent-Length: 5",
        ),
        case(
            "Transfer-Encoding in HTTP/1.0",
            "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        with("Expect without content", "GET /a.txt", "Expect: 100-continue"),
        sent(
            "Expect with content",
            "GET /a.txt",
            "Expect: 100-continue\nContent-Length: 5",
            "hello",
        ),
        sent("Expect with POST", "POST /a.txt", "Expect: 100-continue\nContent-Length: 5", "hello"),
        with("another expectation", "GET /a.txt", "Expect: tea"),
    ]
}

fn ranges() -> Vec<Case> {
    let range = |name, range: &str| with(name, "GET /long.txt", &format!("Range: {range}"));
    let wide = |name, set: String| with(name, "GET /wide.txt", &format!("Range: bytes={set}"));
    let empty = |name, range: &str| with(name, "GET /empty.txt", &format!("Range: {range}"));
    vec![
        range("the first bytes", "bytes=0-9"),
        range("one byte", "bytes=0-0"),
        range("bytes inside", "bytes=500-599"),
        range("the rest", "bytes=990-"),
        range("the last byte", "bytes=999-999"),
        range("a suffix", "bytes=-10"),
        range("a suffix longer than all", "bytes=-2000"),
        range("a suffix of nothing", "bytes=-0"),
        range("all", "bytes=0-"),
        range("all, to beyond the end", "bytes=0-5000"),
        range("past the end", "bytes=1000-"),
        range("past the end, closed", "bytes=2000-3000"),
        range("first after last", "bytes=9-5"),
        range("past 64 bits", "bytes=0-99999999999999999999"),
        range("a first byte past 64 bits", "bytes=99999999999999999999-"),
        range("two ranges", "bytes=0-9,500-509"),
        range("two ranges with spaces", "bytes=0-9 , 500-509"),
        range("three ranges, one a suffix", "bytes=0-9,500-509,-5"),
        range("ranges out of order", "bytes=500-509,0-9"),
        range("ranges of which one is past the end", "bytes=0-9,2000-"),
        range("ranges all past the end", "bytes=2000-,3000-"),
        range("ranges that touch", "bytes=0-9,10-19"),
        range("ranges that overlap", "bytes=0-9,5-19"),
        range("ranges near each other", "bytes=0-9,50-59"),
        range("many ranges that overlap", "bytes=0-,0-,0-,0-"),
        range("an empty member", "bytes=0-9,,500-509"),
        range("a comma behind", "bytes=0-9,"),
        range("no ranges", "bytes="),
        range("a dash alone", "bytes=-"),
        range("no dash", "bytes=5"),
        range("letters", "bytes=a-b"),
        range("a member that is none", "bytes=0-9,x"),
        range("a space inside", "bytes=0 - 9"),
        range("a space before", "bytes= 0-9"),
        range("another unit", "lines=0-9"),
        range("the unit in capitals", "BYTES=0-9"),
        range("no unit", "0-9"),
        range("Range twice", "bytes=0-9\nRange: bytes=20-29"),
        wide("sixteen ranges", sparse(16)),
        wide("seventeen ranges", sparse(17)),
        with("Range of HEAD", "HEAD /long.txt", "Range: bytes=0-9"),
        empty("the first byte of nothing", "bytes=0-0"),
        empty("all of nothing", "bytes=0-"),
        empty("a suffix of an empty file", "bytes=-5"),
        with("Range of a redirect", "GET /dir", "Range: bytes=0-9"),
        with("Range of an error", "GET /none", "Range: bytes=0-4"),
    ]
}

/// So many single bytes that are far apart.
fn sparse(count: usize) -> String {
    (0..count).map(|number| format!("{0}-{0}", number * 300)).collect::<Vec<_>>().join(",")
}

fn conditions() -> Vec<Case> {
    const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
    const AFTER: &str = "Tue, 14 Nov 2023 22:13:21 GMT";
    let when = |name, fields: &str| with(name, "GET /long.txt", fields);
    let since = |name, date: &str| when(name, &format!("If-Modified-Since: {date}"));
    let unless = |name, date: &str| when(name, &format!("If-Unmodified-Since: {date}"));
    let partly = |name, value: &str| when(name, &format!("Range: bytes=0-9\nIf-Range: {value}"));
    vec![
        when("the tag", "If-None-Match: {etag}"),
        when("the tag, weak", "If-None-Match: W/{etag}"),
        when("another tag", "If-None-Match: \"x\""),
        when("a list with the tag", "If-None-Match: \"x\", {etag}"),
        when("a list without it", "If-None-Match: \"x\", \"y\""),
        when("the tag in a second line", "If-None-Match: \"x\"\nIf-None-Match: {etag}"),
        when("any tag", "If-None-Match: *"),
        when("a tag without quotes", "If-None-Match: x"),
        with("the tag, to HEAD", "HEAD /long.txt", "If-None-Match: {etag}"),
        with("the tag of another file", "GET /a.txt", "If-None-Match: {etag}"),
        with("the tag, not found", "GET /none", "If-None-Match: {etag}"),
        with("any tag, not found", "GET /none", "If-None-Match: *"),
        with("the tag, to a redirect", "GET /dir", "If-None-Match: {etag}"),
        when("If-Match the tag", "If-Match: {etag}"),
        when("If-Match the tag, weak", "If-Match: W/{etag}"),
        when("If-Match another tag", "If-Match: \"x\""),
        when("If-Match a list with the tag", "If-Match: \"x\", {etag}"),
        when("If-Match any tag", "If-Match: *"),
        with("If-Match another tag, to HEAD", "HEAD /long.txt", "If-Match: \"x\""),
        with("If-Match another tag, not found", "GET /none", "If-Match: \"x\""),
        since("since then", "{date}"),
        since("since before", BEFORE),
        since("since after", AFTER),
        since("since long ago, in the form of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT"),
        since("since then, in the form of RFC 850", "Tuesday, 14-Nov-23 22:13:20 GMT"),
        since("since then, in the form of asctime", "Tue Nov 14 22:13:20 2023"),
        since("since no date", "yesterday"),
        with("since then, to HEAD", "HEAD /long.txt", "If-Modified-Since: {date}"),
        unless("unless since then", "{date}"),
        unless("unless since before", BEFORE),
        unless("unless since after", AFTER),
        unless("unless since no date", "yesterday"),
        when("another tag, since then", "If-None-Match: \"x\"\nIf-Modified-Since: {date}"),
        when(
            "the tag, since before",
            &format!("If-None-Match: {{etag}}\nIf-Modified-Since: {BEFORE}"),
        ),
        when(
            "If-Match the tag, unless since before",
            &format!("If-Match: {{etag}}\nIf-Unmodified-Since: {BEFORE}"),
        ),
        when("If-Match the tag, and the tag", "If-Match: {etag}\nIf-None-Match: {etag}"),
        when("If-Match another tag, and the tag", "If-Match: \"x\"\nIf-None-Match: {etag}"),
        when("the tag with a range", "If-None-Match: {etag}\nRange: bytes=0-9"),
        when("If-Match another tag with a range", "If-Match: \"x\"\nRange: bytes=0-9"),
        when(
            "since then with a range past the end",
            "If-Modified-Since: {date}\nRange: bytes=2000-",
        ),
        partly("If-Range the tag", "{etag}"),
        partly("If-Range the tag, weak", "W/{etag}"),
        partly("If-Range another tag", "\"x\""),
        partly("If-Range then", "{date}"),
        partly("If-Range before", BEFORE),
        partly("If-Range after", AFTER),
        partly("If-Range no date", "yesterday"),
        when("If-Range without Range", "If-Range: {etag}"),
        when("If-Range another tag, past the end", "Range: bytes=2000-\nIf-Range: \"x\""),
        when("If-Range the tag, past the end", "Range: bytes=2000-\nIf-Range: {etag}"),
    ]
}

fn bounds() -> Vec<Case> {
    let long = |size: usize| "x".repeat(size);
    let target = |name, size| plain(name, &format!("GET /a.txt?{}", long(size)));
    let field = |name, size| with(name, "GET /a.txt", &format!("A: {}", long(size)));
    let fields =
        |name, count, size| with(name, "GET /a.txt", &format!("A: {}\n", long(size)).repeat(count));
    vec![
        target("a target of 4,000 bytes", 4000),
        target("a request line of 10,000 bytes", 10_000),
        plain("a path of 5,000 bytes that is not there", &format!("GET /{}", long(5000))),
        field("a field of 4,000 bytes", 4000),
        field("a field of 10,000 bytes", 10_000),
        fields("90 fields", 90, 10),
        fields("150 fields", 150, 10),
        fields("fields of 40,000 bytes", 10, 4000),
    ]
}
