//! The sites that the clients visit.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use webroot::Coding;

use crate::common::{Server, Site, numbered};

/// One pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\
    \x00\x00\x00\x90\x77\x53\xde\x00\x00\x00\x0cIDAT\x78\xda\x63\xf8\xcf\xc0\x00\x00\x03\x01\x01\
    \x00\xf7\x03\x41\x43\x00\x00\x00\x00IEND\xae\x42\x60\x82";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\" height=\"2\"/>\n";

/// The page that a browser visits. Its script reports in `ready` what came of its parts.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>A page</title>
<link rel="icon" href="img/dot.png">
<link rel="stylesheet" href="css/style.css">
<script type="module" src="js/main.js"></script>
<h1>A page</h1>
<img id="png" src="img/dot.png" alt="">
<img id="svg" src="img/two%20words.svg" alt="">
<a href="all.html">all files</a>
"#;
const STYLE: &str = "@import \"colours.css\";\nh1 { background: url(../img/back.svg) }\n";
const COLOURS: &str = "h1 { color: rgb(1, 2, 3) }\n";
const MAIN: &str = r#"import { part } from "./part.js";

async function report() {
  await new Promise((resolve) => {
    if (document.readyState === "complete") resolve();
    else addEventListener("load", resolve);
  });
  const late = await import("./late.js");
  const data = await fetch("data.json");
  return {
    part,
    late: late.default,
    data: await data.json(),
    colour: getComputedStyle(document.querySelector("h1")).color,
    png: document.getElementById("png").naturalWidth,
    svg: document.getElementById("svg").naturalWidth,
  };
}

globalThis.ready = report();
"#;

/// A directory and a daemon that serves it.
pub(crate) struct Tree {
    dir: TempDir,
    server: Server,
}

impl Tree {
    /// Serves the site of [`lay`].
    pub(crate) fn serve(backend: &str) -> Self {
        Self::serve_with(backend, |_| {})
    }

    /// Serves it with some more files.
    pub(crate) fn serve_with(backend: &str, more: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        lay(dir.path());
        more(dir.path());
        let server = Server::start(backend, |vhosts| {
            let out = vhosts.join("../site.webroot");
            let from = dir.path().to_owned();
            let options = mkroot::Options::new(from, out);
            mkroot::pack(&options, &()).unwrap();
            symlink("../site.webroot", vhosts.join("__default__")).unwrap();
        });
        Self { dir, server }
    }

    /// Of a path without its first slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.server.address)
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

fn put(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Lays a small site, in which `all.html` links to every file.
fn lay(root: &Path) {
    let mut files = vec![
        ("index.html".to_owned(), PAGE.as_bytes().to_vec()),
        ("404.html".to_owned(), b"<p>There is nothing here.\n".to_vec()),
        ("img/dot.png".to_owned(), PNG.to_vec()),
        ("img/two words.svg".to_owned(), SVG.into()),
        ("img/back.svg".to_owned(), SVG.into()),
        ("css/style.css".to_owned(), STYLE.into()),
        ("css/colours.css".to_owned(), COLOURS.into()),
        ("js/main.js".to_owned(), MAIN.into()),
        ("js/part.js".to_owned(), b"export { part } from \"./deep/leaf.js\";\n".to_vec()),
        ("js/deep/leaf.js".to_owned(), b"export const part = \"a part\";\n".to_vec()),
        ("js/late.js".to_owned(), b"export default \"late\";\n".to_vec()),
        ("data.json".to_owned(), b"{\"answer\": 42}\n".to_vec()),
        ("empty.txt".to_owned(), Vec::new()),
        ("no-extension".to_owned(), b"text\n".to_vec()),
        (".well-known/security.txt".to_owned(), b"Contact: mailto:a@example\n".to_vec()),
        ("names/\u{e4}\u{20ac}.txt".to_owned(), b"above ASCII\n".to_vec()),
        ("names/100% + #1; what? 'it'.txt".to_owned(), b"punctuation\n".to_vec()),
        ("megabyte.bin".to_owned(), numbered("megabyte", 1 << 20)),
    ];
    for number in 0..40 {
        let name = format!("pages/{number}/index.html");
        let next = format!("<p><a href=\"../{}/\">next</a>\n", (number + 1) % 40);
        let text = numbered(&name, number * 1500);
        files.push((name, [next.into_bytes(), text].concat()));
    }
    files.push(("pages/index.html".to_owned(), b"<p><a href=0/>first</a>\n".to_vec()));
    let mut links = String::from("<a href=\"/pages\">pages</a>\n<a href=\"/\">home</a>\n");
    for (name, _) in &files {
        links.push_str(&format!("<a href=\"/{}\">a file</a>\n", percent_encoded(name)));
    }
    files.push(("all.html".to_owned(), links.into_bytes()));
    for (name, content) in files {
        put(root, &name, &content);
    }
}

fn percent_encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Lays a sound of so many seconds, in CD quality,.
pub(crate) fn lay_sound(root: &Path, name: &str, seconds: u32) {
    let (rate, block) = (44_100, 4);
    let size = seconds * rate * block;
    let mut wav = Vec::with_capacity(44 + size as usize);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + size).to_le_bytes());
    // Linear PCM, two channels.
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend_from_slice(&rate.to_le_bytes());
    wav.extend_from_slice(&(rate * block).to_le_bytes());
    // Bytes of a block, bits of a sample.
    wav.extend_from_slice(b"\x04\0\x10\0data");
    wav.extend_from_slice(&size.to_le_bytes());
    for sample in 0..size / 2 {
        wav.extend_from_slice(&((sample.wrapping_mul(2_654_435_761) >> 20) as u16).to_le_bytes());
    }
    put(root, name, &wav);
}

/// Serves one page in two codings, at the root; the daemon and the page.
pub(crate) fn serve_coded(backend: &str) -> (Server, Vec<u8>) {
    let page = numbered("<p>a line that repeats itself", 100_000);
    let server = Server::start(backend, |vhosts| {
        let plain = vhosts.join("../page");
        fs::write(&plain, &page).unwrap();
        let gzip = Command::new("gzip").arg("-9nc").arg(&plain).output().unwrap().stdout;
        assert!(gzip.starts_with(b"\x1f\x8b") && gzip.len() < page.len());
        let bodies = [(Coding::Identity, page.as_slice()), (Coding::Gzip, gzip.as_slice())];
        Site::create(&vhosts.join("__default__"))
            .variants("/", "text/html; charset=utf-8", &bodies)
            .finish();
    });
    (server, page)
}
