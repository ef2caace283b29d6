//! How soon a change to one virtual host among all is seen: from the rename, or the removal, to the
//! first answer that shows it.

use std::fs;
use std::time::{Duration, Instant};

use benches::{Client, Failure, Latencies, host, is_generation, link, page, scattered, write};

use crate::{Bench, ask};

/// Changes of each kind, if there are four times as many virtual hosts.
const CHANGES: usize = 200;
/// Seconds for which a name that is gone is served on; the least.
pub(crate) const GRACE: &str = "0.001";

/// Measures swaps, additions and removals where so many of the scattered sites were asked for.
pub(crate) fn measure(bench: &Bench, client: &mut Client, asked: usize) -> Result<(), Failure> {
    let changes = CHANGES.min(bench.count / 4);
    fs::create_dir(bench.directory.join("next"))?;
    println!("\n| change | times | median | 99 of 100 | most |\n|---|---:|---:|---:|---:|");

    let site = |step: usize| scattered(step, bench.count);
    let open = asked - changes..asked;
    for step in open.clone() {
        ask(client, site(step))?;
    }
    let row = |name: &str, change: &mut dyn FnMut(usize) -> Result<Duration, Failure>| {
        println!("| {name} | {} |", Latencies::of(changes, change)?);
        Ok::<_, Failure>(())
    };
    let mut swap = |step| swap(bench, client, site(step));
    row("swap of one that is open", &mut |number| swap(open.start + number))?;
    row("swap of one that was never asked for", &mut |number| swap(open.end + number))?;
    row("a name is added", &mut |number| add(bench, client, number))?;
    row(&format!("a name is removed, with `--grace {GRACE}`"), &mut |number| {
        remove(bench, client, number)
    })
}

/// Deploys the next generation of a site.
fn swap(bench: &Bench, client: &mut Client, number: usize) -> Result<Duration, Failure> {
    let host = host(number);
    let next = bench.directory.join("next").join(&host);
    write(&next, &host, 1)?;
    let put = link(&next, &bench.vhosts(bench.count).join(&host))?;
    let start = Instant::now();
    put()?;
    client.wait(start, &host, &page(0), |answer| is_generation(answer, &host, 1))
}

/// Adds a name for the webroot of a site.
fn add(bench: &Bench, client: &mut Client, number: usize) -> Result<Duration, Failure> {
    let host = added(number);
    let put = link(&bench.webroot(number), &bench.vhosts(bench.count).join(&host))?;
    let start = Instant::now();
    put()?;
    client.wait(start, &host, &page(0), |answer| answer.status == 200)
}

/// Removes a name that was added.
fn remove(bench: &Bench, client: &mut Client, number: usize) -> Result<Duration, Failure> {
    let host = added(number);
    let start = Instant::now();
    fs::remove_file(bench.vhosts(bench.count).join(&host))?;
    client.wait(start, &host, &page(0), |answer| answer.status == 404)
}

fn added(number: usize) -> String {
    format!("added-{number}.example")
}
