//! No line is lost and none is written twice, under load, however often the file is renamed.

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Logged, ask_for, lines_of, queries};
use crate::common::{PATIENCE, until};
use crate::on_every_backend;

on_every_backend!(every_request_is_logged_once, rotation_under_load_loses_no_line);

const CLIENTS: usize = 4;
const EACH: usize = 2500;

/// Asserts that the lines are about each request, once.
fn assert_complete(lines: &[String]) {
    let queries = queries(lines);
    let distinct: HashSet<&String> = queries.iter().collect();
    assert_eq!((queries.len(), distinct.len()), (CLIENTS * EACH, CLIENTS * EACH));
}

fn every_request_is_logged_once(backend: &str) {
    let mut logged = Logged::start(backend, "combined");
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let server = &logged.server;
            // Each on several connections, so that every worker has some.
            scope.spawn(move || {
                for start in (0..EACH).step_by(500) {
                    ask_for(server, client, start..start + 500);
                }
            });
        }
    });
    // What is not written yet is written at the end.
    logged.end();
    assert_complete(&lines_of(&logged.path()));
}

fn rotation_under_load_loses_no_line(backend: &str) {
    let mut logged = Logged::start(backend, "combined");
    let asked = AtomicUsize::new(0);
    let mut files = 0;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, asked) = (&logged.server, &asked);
            scope.spawn(move || {
                for start in (0..EACH).step_by(50) {
                    ask_for(server, client, start..start + 50);
                    asked.fetch_add(50, Ordering::Relaxed);
                }
            });
        }
        while asked.load(Ordering::Relaxed) < CLIENTS * EACH {
            fs::rename(logged.path(), logged.dir.path().join(files.to_string())).unwrap();
            files += 1;
            logged.reopen();
            until(PATIENCE, "the log is opened anew", || logged.path().exists());
            thread::sleep(Duration::from_millis(20));
        }
    });
    logged.end();
    assert!(files > 3, "rotated {files} times");
    let rotated = (0..files).flat_map(|file| lines_of(&logged.dir.path().join(file.to_string())));
    let mut lines: Vec<_> = rotated.collect();
    lines.extend(lines_of(&logged.path()));
    assert_complete(&lines);
}
