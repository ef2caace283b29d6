//! The HTTP clients that Python and JavaScript bring.

use std::process::Command;

use crate::on_every_backend;
use crate::site::{self, Tree};
use crate::tools::{first_of, installed, run, script};

/// Runs a script with the URL of the site, its directory, and the URL of a page with codings.
fn visit(backend: &str, program: &str, name: &str) {
    let tree = Tree::serve(backend);
    let (coded, _) = site::serve_coded(backend);
    let mut command = Command::new(program);
    command.arg(script(name)).arg(tree.url("")).arg(tree.root());
    let done = run(command.arg(format!("http://{}/", coded.address))).succeeded();
    assert_eq!(done, "done\n");
}

/// Debian's own, because Debian's modules are for it.
fn python() -> &'static str {
    first_of(&["/usr/bin/python3", "python3"])
}

on_every_backend!(http_client_of_python_works);
fn http_client_of_python_works(backend: &str) {
    if installed(python(), &["-c", "import http.client"]) {
        visit(backend, python(), "with_http_client.py");
    }
}

on_every_backend!(requests_of_python_works);
fn requests_of_python_works(backend: &str) {
    if installed(python(), &["-c", "import requests"]) {
        visit(backend, python(), "with_requests.py");
    }
}

on_every_backend!(fetch_of_node_works);
fn fetch_of_node_works(backend: &str) {
    if installed("node", &["-e", "process.exit(typeof fetch === 'function' ? 0 : 1)"]) {
        visit(backend, "node", "with_fetch.mjs");
    }
}
