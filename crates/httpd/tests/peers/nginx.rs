//! A server of another make over the same directory.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest that it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);
/// Another program may take the port between its choice and its use.
const TRIES: usize = 5;

/// An nginx with one process, its files in a directory of its own. Dropping it stops it.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    child: Child,
    dir: TempDir,
}

impl Nginx {
    /// Serves `root`. `None`, with the reason printed, if nginx is not installed.
    pub(crate) fn start(root: &Path) -> Option<Self> {
        for _ in 0..TRIES {
            let port = free_port();
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("nginx.conf"), configuration(port, dir.path(), root))
                .unwrap();
            let child = Command::new(program()?)
                .arg("-p")
                .arg(dir.path())
                .args(["-c", "nginx.conf", "-e", "error.log"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let mut nginx = Self { address, child, dir };
            match nginx.wait_until_it_listens() {
                Ok(()) => return Some(nginx),
                Err(status) if !nginx.log().contains("Address already in use") => {
                    panic!("nginx ended with {status}: {}", nginx.log())
                }
                Err(_) => {}
            }
        }
        panic!("no port was free for nginx, {TRIES} times");
    }

    fn wait_until_it_listens(&mut self) -> Result<(), ExitStatus> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(status);
            }
            assert!(start.elapsed() < PATIENCE, "nginx does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        // Whatever answered at the port, it is this process that must go on.
        self.child.try_wait().unwrap().map_or(Ok(()), Err)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of nginx: {}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, if it is installed.
fn program() -> Option<&'static str> {
    let runs = |name: &&str| {
        let output = Command::new(name).arg("-v").stderr(Stdio::null()).status();
        output.is_ok_and(|status| status.success())
    };
    let found = ["nginx", "/usr/sbin/nginx"].into_iter().find(runs);
    if found.is_none() {
        eprintln!("skipped: nginx is not installed");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What makes the two comparable: the same index, error page and media types, nothing compressed.
fn configuration(port: u16, dir: &Path, root: &Path) -> String {
    let (dir, root) = (dir.display(), root.display());
    format!(
        r#"
daemon off;
master_process off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    gzip off;
    etag on;
    index index.html;
    default_type application/octet-stream;
    types {{
        text/html html;
        text/css css;
        text/javascript js;
        text/plain txt;
        application/json json;
        image/png png;
        image/svg+xml svg;
    }}
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        error_page 404 /404.html;
    }}
}}
"#
    )
}
