//! How soon a deploy is seen among a thousand virtual hosts: from the rename to the first answer of
//! the new generation, by the way of deploying and the backend, idle and under load.
//!
//! usage: `benches/swaps [SWAPS] [DIR]`, which builds `httpd` and runs this program as
//! `swaps HTTPD DIR SWAPS`. DIR is an empty directory, and left to be removed.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{
    Client, Daemon, Failure, Latencies, host, is_generation, link, page, scattered, write,
};

const VHOSTS: usize = 1_000;
const BACKENDS: [&str; 3] = ["sync", "sendfile", "io_uring"];
/// Clients of the load, each with a connection that asks without pause.
const CLIENTS: usize = 16;
/// Time between an answer of the new generation and the next deploy.
const PAUSE: Duration = Duration::from_millis(5);

/// A way in which people deploy.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A link in the vhosts directory is replaced by another.
    Link,
    /// The file behind the link is replaced by another.
    Target,
    /// A link on the way is replaced by another, as Capistrano does.
    Current,
}

/// The sites of a way of deploying.
struct Sites {
    way: Way,
    root: PathBuf,
    /// The live generation of each.
    generations: Vec<usize>,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().ok_or("usage: swaps HTTPD DIR SWAPS");
    let httpd = PathBuf::from(next()?);
    let directory = PathBuf::from(next()?);
    let swaps = next()?.to_str().ok_or("SWAPS is no number")?.parse()?;
    println!("{}", benches::machine()?);
    println!("{VHOSTS} vhosts; the load is {CLIENTS} clients that ask without pause.\n");
    println!("| deploy | backend | requests of the load | swaps | median | 99 of 100 | most |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for way in [Way::Link, Way::Target, Way::Current] {
        for backend in BACKENDS {
            let root = directory.join(format!("{way:?}-{backend}"));
            let mut sites = Sites::lay(way, root.clone())?;
            let vhosts = root.join("vhosts");
            let daemon = Daemon::start(Command::new(&httpd), &vhosts, &[backend])?;
            let mut client = daemon.client();
            for number in 0..VHOSTS {
                sites.ask(&mut client, number)?;
            }
            let idle = sites.swaps(&mut client, swaps)?;
            println!("| {} | {backend} | none | {idle} |", way.name());
            let (under_load, requests) = load(&daemon, || sites.swaps(&mut client, swaps))?;
            println!("| {} | {backend} | {requests} | {under_load} |", way.name());
            drop(daemon);
            fs::remove_dir_all(root)?;
        }
    }
    Ok(())
}

/// Runs `measure` under load. What it measured, and how many requests the load made.
fn load<T>(
    daemon: &Daemon,
    measure: impl FnOnce() -> Result<T, Failure>,
) -> Result<(T, usize), Failure> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let ask = |number: usize| {
            let (mut client, stop) = (daemon.client(), &stop);
            move || {
                let mut requests = 0;
                while !stop.load(Ordering::Relaxed) {
                    let host = host(scattered(number * VHOSTS / CLIENTS + requests, VHOSTS));
                    let answer = client.get(&host, &page(requests % benches::FILES))?;
                    if answer.status != 200 {
                        return Err(format!("under load {host} is answered {answer}").into());
                    }
                    requests += 1;
                }
                Ok::<usize, Failure>(requests)
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(ask(number))).collect();
        let measured = measure();
        stop.store(true, Ordering::Relaxed);
        let mut requests = 0;
        for client in clients {
            requests += client.join().map_err(|_| "a client hit a bug")??;
        }
        Ok((measured?, requests))
    })
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Link => "another link",
            Self::Target => "another file behind the link",
            Self::Current => "another `current` on the way",
        }
    }
}

impl Sites {
    /// The first generation of all sites.
    fn lay(way: Way, root: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(root.join("vhosts"))?;
        fs::create_dir(root.join("webroots"))?;
        let sites = Self { way, root, generations: vec![0; VHOSTS] };
        for number in 0..VHOSTS {
            sites.prepare(number, 0)?()?;
            match way {
                Way::Link => {}
                Way::Target => sites.link_to(number, "")?,
                Way::Current => sites.link_to(number, "/current/site.webroot")?,
            }
        }
        Ok(sites)
    }

    /// The number of the live generation of a site.
    fn live(&mut self, number: usize) -> Result<&mut usize, Failure> {
        Ok(self.generations.get_mut(number).ok_or("no such site")?)
    }

    /// Makes the entry of a site.
    fn link_to(&self, number: usize, rest: &str) -> io::Result<()> {
        let host = host(number);
        symlink(format!("../webroots/{host}{rest}"), self.root.join("vhosts").join(host))
    }

    /// Makes a generation of a site ready, and returns the rename that deploys it.
    fn prepare(&self, number: usize, generation: usize) -> Result<Deploy, Failure> {
        let host = host(number);
        let webroots = self.root.join("webroots");
        match self.way {
            Way::Link => {
                let name = format!("{host}.{generation}");
                write(&webroots.join(&name), &host, generation)?;
                let target = Path::new("../webroots").join(name);
                Ok(Box::new(link(&target, &self.root.join("vhosts").join(host))?))
            }
            Way::Target => {
                let (next, place) = (webroots.join(".next"), webroots.join(&host));
                write(&next, &host, generation)?;
                Ok(Box::new(move || fs::rename(next, place)))
            }
            Way::Current => {
                let release = Path::new("releases").join(generation.to_string());
                let site = webroots.join(&host);
                fs::create_dir_all(site.join(&release))?;
                write(&site.join(&release).join("site.webroot"), &host, generation)?;
                Ok(Box::new(link(&release, &site.join("current"))?))
            }
        }
    }

    /// Asks for the live generation of a site.
    fn ask(&mut self, client: &mut Client, number: usize) -> Result<(), Failure> {
        let generation = *self.live(number)?;
        let host = host(number);
        client.wait(Instant::now(), &host, &page(0), |answer| {
            is_generation(answer, &host, generation)
        })?;
        Ok(())
    }

    /// Deploys so many times, each time another site.
    fn swaps(&mut self, client: &mut Client, swaps: usize) -> Result<Latencies, Failure> {
        Latencies::of(swaps, |step| {
            let number = scattered(step, VHOSTS);
            let host = host(number);
            let next = *self.live(number)? + 1;
            let deploy = self.prepare(number, next)?;
            let start = Instant::now();
            deploy()?;
            let time =
                client.wait(start, &host, &page(0), |answer| is_generation(answer, &host, next))?;
            *self.live(number)? = next;
            thread::sleep(PAUSE);
            Ok(time)
        })
    }
}

/// What puts a generation in place.
type Deploy = Box<dyn FnOnce() -> io::Result<()>>;
