//! How each peer is set up, as its own documentation advises for static files: one process or
//! thread that serves, files kept open, bodies by sendfile, connections that are kept for any
//! number of requests, coded files that lie beside the others.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::servers::{Peer, Scratch};

/// Where Debian puts modules.
pub(crate) const NGINX_MODULES: &str = "/usr/lib/nginx/modules";
pub(crate) const LIGHTTPD_MODULES: &str = "/usr/lib/lighttpd";
pub(crate) const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
/// The modules that are loaded.
pub(crate) const NGINX_LOADED: [&str; 1] = ["ngx_http_brotli_static_module"];
pub(crate) const LIGHTTPD_LOADED: [&str; 2] = ["mod_deflate", "mod_accesslog"];
pub(crate) const APACHE_LOADED: [&str; 6] =
    ["mod_mpm_event", "mod_authz_core", "mod_mime", "mod_headers", "mod_rewrite", "mod_file_cache"];

/// What a configuration is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    /// For its files: configuration, logs, caches.
    pub(crate) directory: &'p Path,
    /// What is served.
    pub(crate) site: &'p Path,
    /// Port of 127.0.0.1.
    pub(crate) port: u16,
    /// Whether the access log is on.
    pub(crate) is_logged: bool,
}

impl Place<'_> {
    /// Writes the configuration of a peer, and tells how it is started in the foreground.
    ///
    /// # Errors
    /// A file can't be written.
    pub(crate) fn command(self, peer: Peer, scratch: &Scratch) -> io::Result<Command> {
        // Some write as another user than who starts them.
        fs::set_permissions(self.directory, Permissions::from_mode(0o777))?;
        // One of them takes no other name; the rest do not care.
        let file = self.directory.join("configuration.toml");
        let mut command = Command::new(scratch.program(peer.name()));
        let text = match peer {
            Peer::Nginx => {
                command.arg("-c").arg(&file);
                self.nginx()
            }
            Peer::H2o => {
                command.arg("-c").arg(&file);
                self.h2o()
            }
            Peer::Lighttpd => {
                command.arg("-D").arg("-f").arg(&file);
                self.lighttpd()
            }
            Peer::Caddy => {
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
                // One thread that runs Go code at a time. It wants directories to write to.
                command.env("GOMAXPROCS", "1").env("HOME", self.directory);
                self.caddy()
            }
            Peer::Apache => {
                command.arg("-DFOREGROUND").arg("-f").arg(&file);
                self.apache()
            }
            Peer::StaticWebServer => {
                command.arg("--config-file").arg(&file);
                self.static_web_server()
            }
        };
        fs::write(file, text)?;
        Ok(command)
    }

    /// <https://nginx.org/en/docs/http/ngx_http_core_module.html>, and F5's "Tuning NGINX for
    /// Performance": sendfile with tcp_nopush, an open-file cache that holds everything and misses
    /// as well, a log that is written in pieces.
    fn nginx(self) -> String {
        let Self { port, .. } = self;
        let (directory, site) = (self.directory.display(), self.site.display());
        let log = if self.is_logged {
            format!("{directory}/access.log combined buffer=64k flush=1s")
        } else {
            "off".to_owned()
        };
        format!(
            "user www-data;\n\
            daemon off;\n\
            worker_processes 1;\n\
            worker_rlimit_nofile 8192;\n\
            pid {directory}/pid;\n\
            error_log {directory}/error.log;\n\
            load_module {NGINX_MODULES}/ngx_http_brotli_static_module.so;\n\
            events {{ worker_connections 4096; multi_accept on; }}\n\
            http {{\n\
            types {{ text/html html; }}\n\
            default_type application/octet-stream;\n\
            server_tokens off;\n\
            sendfile on;\n\
            tcp_nopush on;\n\
            keepalive_timeout 600;\n\
            keepalive_requests 1000000000;\n\
            open_file_cache max=1024 inactive=600s;\n\
            open_file_cache_valid 600s;\n\
            open_file_cache_errors on;\n\
            gzip_static on;\n\
            gzip_vary on;\n\
            brotli_static on;\n\
            access_log {log};\n\
            client_body_temp_path {directory}/body;\n\
            proxy_temp_path {directory}/proxy;\n\
            fastcgi_temp_path {directory}/fastcgi;\n\
            uwsgi_temp_path {directory}/uwsgi;\n\
            scgi_temp_path {directory}/scgi;\n\
            server {{ listen 127.0.0.1:{port} backlog=4096; root {site}; }}\n\
            }}\n"
        )
    }

    /// <https://h2o.examp1e.net/configure/file_directives.html>: it keeps files open and sends
    /// coded ones by itself.
    fn h2o(self) -> String {
        let Self { port, .. } = self;
        let (directory, site) = (self.directory.display(), self.site.display());
        let log = if self.is_logged {
            format!("access-log: {directory}/access.log\n")
        } else {
            String::new()
        };
        format!(
            "user: www-data\n\
            num-threads: 1\n\
            max-connections: 4096\n\
            pid-file: {directory}/pid\n\
            error-log: {directory}/error.log\n\
            listen:\n  host: 127.0.0.1\n  port: {port}\n\
            http1-request-timeout: 600\n\
            file.send-compressed: ON\n\
            {log}\
            hosts:\n  default:\n    paths:\n      \"/\":\n        file.dir: {site}\n"
        )
    }

    /// <https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_Performance>: one process, a
    /// cache of what stat(2) says. It does not look for coded files beside the others; it keeps
    /// what it has coded once in a directory. Pages of less than 2 KiB are sent as they are.
    fn lighttpd(self) -> String {
        let Self { port, .. } = self;
        let (directory, site) = (self.directory.display(), self.site.display());
        let log = if self.is_logged {
            format!(
                "server.modules += (\"mod_accesslog\")\n\
                accesslog.filename = \"{directory}/access.log\"\n"
            )
        } else {
            String::new()
        };
        format!(
            "server.modules = (\"mod_deflate\")\n\
            server.document-root = \"{site}\"\n\
            server.bind = \"127.0.0.1\"\n\
            server.port = {port}\n\
            server.username = \"www-data\"\n\
            server.errorlog = \"{directory}/error.log\"\n\
            server.upload-dirs = (\"{directory}\")\n\
            server.event-handler = \"linux-sysepoll\"\n\
            server.network-backend = \"sendfile\"\n\
            server.stat-cache-engine = \"simple\"\n\
            server.max-fds = 8192\n\
            server.max-connections = 4096\n\
            server.max-keep-alive-requests = 65535\n\
            server.max-keep-alive-idle = 600\n\
            mimetype.assign = (\".html\" => \"text/html\", \"\" => \"application/octet-stream\")\n\
            deflate.mimetypes = (\"text/html\")\n\
            deflate.allowed-encodings = (\"br\", \"gzip\")\n\
            deflate.min-compress-size = 2048\n\
            deflate.cache-dir = \"{directory}/coded\"\n\
            {log}"
        )
    }

    /// <https://caddyserver.com/docs/caddyfile/directives/file_server>
    fn caddy(self) -> String {
        let Self { port, .. } = self;
        let (directory, site) = (self.directory.display(), self.site.display());
        let log = if self.is_logged {
            format!("log {{\noutput file {directory}/access.log\n}}\n")
        } else {
            String::new()
        };
        format!(
            "{{\n\
            admin off\n\
            auto_https off\n\
            }}\n\
            http://:{port} {{\n\
            bind 127.0.0.1\n\
            root * {site}\n\
            file_server {{\nprecompressed br gzip\n}}\n\
            {log}\
            }}\n"
        )
    }

    /// <https://httpd.apache.org/docs/2.4/misc/perf-tuning.html>: the event MPM in one process,
    /// small files mapped and large ones kept open by mod_file_cache, coded ones as the
    /// documentation of mod_brotli serves them. When all threads are busy it closes connections,
    /// so there are more of them than connections.
    fn apache(self) -> String {
        let Self { port, .. } = self;
        let (directory, site) = (self.directory.display(), self.site.display());
        let log = if self.is_logged {
            format!(
                "BufferedLogs On\n\
                CustomLog {directory}/access.log \
                \"%h %l %u %t \\\"%r\\\" %>s %O \\\"%{{Referer}}i\\\" \\\"%{{User-Agent}}i\\\"\"\n"
            )
        } else {
            String::new()
        };
        let mut text: String = APACHE_LOADED
            .iter()
            .map(|name| {
                let module = name.trim_start_matches("mod_");
                format!("LoadModule {module}_module {APACHE_MODULES}/{name}.so\n")
            })
            .collect();
        text.push_str(&format!(
            "ServerRoot {directory}\n\
            ServerName localhost\n\
            Listen 127.0.0.1:{port}\n\
            ListenBackLog 4096\n\
            User www-data\n\
            Group www-data\n\
            PidFile {directory}/pid\n\
            DefaultRuntimeDir {directory}\n\
            ErrorLog {directory}/error.log\n\
            StartServers 1\n\
            ServerLimit 1\n\
            ThreadLimit 128\n\
            ThreadsPerChild 128\n\
            MinSpareThreads 1\n\
            MaxSpareThreads 128\n\
            MaxRequestWorkers 128\n\
            KeepAlive On\n\
            KeepAliveTimeout 600\n\
            MaxKeepAliveRequests 0\n\
            EnableSendfile On\n\
            EnableMMAP On\n\
            DocumentRoot {site}\n\
            <Directory />\nOptions FollowSymLinks\nAllowOverride None\nRequire all granted\n</Directory>\n\
            MMapFile {site}/1k.html {site}/page.html {site}/page.html.br {site}/page.html.gz\n\
            CacheFile {site}/100k.bin {site}/1m.bin\n\
            TypesConfig /dev/null\n\
            AddType text/html .html\n\
            AddType application/octet-stream .bin\n\
            AddEncoding br .br\n\
            AddEncoding gzip .gz\n\
            RewriteEngine On\n\
            RewriteCond %{{HTTP:Accept-Encoding}} br\n\
            RewriteCond {site}%{{REQUEST_URI}}.br -s\n\
            RewriteRule ^(.+\\.html)$ $1.br [L]\n\
            RewriteCond %{{HTTP:Accept-Encoding}} gzip\n\
            RewriteCond {site}%{{REQUEST_URI}}.gz -s\n\
            RewriteRule ^(.+\\.html)$ $1.gz [L]\n\
            <FilesMatch \"\\.html\\.(br|gz)$\">\nHeader append Vary Accept-Encoding\n</FilesMatch>\n\
            {log}"
        ));
        text
    }

    /// <https://static-web-server.net/configuration/config-file/>: one thread, coded files that lie
    /// beside the others, no fields that others do not send either.
    fn static_web_server(self) -> String {
        let Self { port, .. } = self;
        let level = if self.is_logged { "info" } else { "error" };
        format!(
            "[general]\n\
            host = \"127.0.0.1\"\n\
            port = {port}\n\
            root = \"{}\"\n\
            log-level = \"{level}\"\n\
            log-remote-address = {}\n\
            threads-multiplier = 1\n\
            compression-static = true\n\
            cache-control-headers = false\n\
            security-headers = false\n",
            self.site.display(),
            self.is_logged,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_its_port_and_site_and_a_log_only_if_asked() {
        let scratch = Scratch(std::env::temp_dir().join(format!("peers-{}", std::process::id())));
        let directory = scratch.0.join("run");
        fs::create_dir_all(&directory).unwrap();
        for peer in Peer::ALL {
            for is_logged in [false, true] {
                let site = Path::new("/the/site");
                let place = Place { directory: &directory, site, port: 8123, is_logged };
                place.command(peer, &scratch).unwrap();
                let text = fs::read_to_string(directory.join("configuration.toml")).unwrap();
                assert!(text.contains("8123") && text.contains("/the/site"), "{text}");
                let logs = text.contains("access.log") || text.contains("info");
                assert_eq!(logs, is_logged, "{text}");
            }
        }
        fs::remove_dir_all(&scratch.0).unwrap();
    }
}
