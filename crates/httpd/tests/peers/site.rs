//! The directory that both servers serve.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::common::Server;

/// When every file was modified: Tue, 14 Nov 2023 22:13:20 GMT.
const MODIFIED: Duration = Duration::from_secs(1_700_000_000);
/// Bytes of `/long.txt`, in which every one tells its place.
const LONG: usize = 1000;
/// Bytes of `/wide.txt`.
const WIDE: usize = 5000;

/// The content that answers the request behind every case.
pub(crate) const PROBE: &[u8] = b"the next request\n";

pub(crate) fn lay(root: &Path) {
    let long: String = (0..LONG / 5).map(|number| format!("{number:04}\n")).collect();
    let files: [(&str, &[u8]); 20] = [
        ("index.html", b"<p>root</p>\n"),
        ("404.html", b"<p>nothing here</p>\n"),
        ("probe.txt", PROBE),
        ("a.txt", b"alpha\n"),
        ("b.txt", b"beta\n"),
        ("empty.txt", b""),
        ("long.txt", long.as_bytes()),
        ("wide.txt", &[b'w'; WIDE]),
        ("style.css", b"p { color: red }\n"),
        ("main.js", b"export {};\n"),
        ("data.json", b"{}\n"),
        ("dot.png", b"\x89PNG\r\n\x1a\n"),
        ("dot.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n"),
        ("dir/index.html", b"<p>dir</p>\n"),
        ("dir/sub/c.txt", b"gamma\n"),
        ("two words/index.html", b"<p>two words</p>\n"),
        ("100%.txt", b"a percent sign\n"),
        ("\u{e4}.txt", "\u{e4}\n".as_bytes()),
        (".hidden.txt", b"a dotfile\n"),
        ("own/404.html", b"<p>nothing of its own</p>\n"),
    ];
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + MODIFIED).unwrap();
    }
}

/// Packs the directory and serves it.
pub(crate) fn serve(backend: &str, root: &Path) -> Server {
    Server::start(backend, |vhosts| {
        let out = vhosts.join("../site.webroot");
        // nginx has nothing but the files.
        let mut options = mkroot::Options::new(root, &out);
        options.effort = mkroot::Effort::None;
        mkroot::pack(&options, &()).unwrap();
        symlink(out, vhosts.join("__default__")).unwrap();
    })
}
