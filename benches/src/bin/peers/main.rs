//! Other servers beside httpd: what `scripts/bench-peers` runs.
//!
//! `prepare` lays out what all of them serve, `run` starts one after the other and puts each under
//! load, and `report` makes tables and a plot of what was counted meanwhile. `run` is for the
//! machine that counts (benches/machine), so it needs nothing but what `prepare` has named.

mod configuration;
mod exchange;
mod plot;
mod results;
mod run;
mod servers;
mod table;
mod targets;
mod works;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::Failure;
use clap::{Args, Parser};

use crate::results::Results;
use crate::servers::{Peer, Scratch, Server};
use crate::works::{RESOURCES, Work};

/// Measure other servers beside httpd
#[derive(Debug, Parser)]
#[command(name = "peers")]
enum Flags {
    /// Lay out site and programs, and print which files the machine needs besides
    Prepare {
        /// The directory for it
        directory: PathBuf,
        /// A directory of programs, the first where one is looked for; several may be given
        #[arg(long, value_name = "DIR", required = true)]
        programs: Vec<PathBuf>,
        #[command(flatten)]
        part: Part,
    },
    /// Measure, and print a line for each cell
    Run {
        /// The directory that was prepared
        directory: PathBuf,
        /// Rounds over everything
        #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u16).range(1..=9))]
        rounds: u16,
        #[command(flatten)]
        part: Part,
    },
    /// Print tables of what was measured
    Report {
        /// What `run` printed, and lines that name a version
        lines: PathBuf,
        /// What the machine counted
        counts: PathBuf,
        /// Write them into DIR/BENCHMARKS.md instead, and a plot to DIR/peers.svg
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
}

/// What is measured.
#[derive(Debug, Args)]
struct Part {
    /// Which servers are measured beside httpd and the bare loops [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = peer)]
    only: Vec<Peer>,
    /// What is asked of them [default: all]
    #[arg(long, value_name = "WORK,...", value_delimiter = ',', value_parser = work)]
    works: Vec<Work>,
}

impl Part {
    /// The servers, in order.
    fn servers(&self) -> Vec<Server> {
        let is_asked = |server: &Server| match server {
            Server::Peer(peer) => self.only.is_empty() || self.only.contains(peer),
            Server::Ours(_) | Server::Loop(_) => true,
        };
        Server::all().filter(is_asked).collect()
    }

    /// The works, in order.
    fn works(&self) -> Vec<Work> {
        let is_asked = |work: &Work| self.works.is_empty() || self.works.contains(work);
        Work::ALL.into_iter().filter(is_asked).collect()
    }
}

fn main() -> ExitCode {
    match act(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(flags: &Flags) -> Result<(), Failure> {
    match flags {
        Flags::Prepare { directory, programs, part } => {
            for file in prepare(&Scratch(directory.clone()), programs, &part.servers())? {
                println!("{}", file.display());
            }
            Ok(())
        }
        Flags::Run { directory, rounds, part } => {
            run::run(&Scratch(directory.clone()), &part.servers(), &part.works(), *rounds)
        }
        Flags::Report { lines, counts, into } => report(lines, counts, into.as_deref()),
    }
}

/// Writes the files of the site, and names every program in a directory of its own. Returns which
/// files outside of `scratch` are needed.
fn prepare(
    scratch: &Scratch,
    directories: &[PathBuf],
    servers: &[Server],
) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(scratch.site())?;
    fs::create_dir_all(scratch.0.join("bin"))?;
    fs::create_dir_all(scratch.0.join("vhosts"))?;
    for resource in RESOURCES {
        fs::write(scratch.site().join(resource.path), resource.content())?;
    }
    symlink("../site.webroot", scratch.0.join("vhosts/__default__"))?;

    let peers = servers.iter().filter_map(|server| match server {
        Server::Peer(peer) => Some(*peer),
        Server::Ours(_) | Server::Loop(_) => None,
    });
    let peers = Vec::from_iter(peers);
    let mut files: Vec<PathBuf> = peers.iter().flat_map(|peer| peer.modules()).collect();
    // Names of users are asked for, and coded content is decoded.
    files.extend(["/etc/passwd", "/etc/group"].map(PathBuf::from));
    let names = ["httpd", "limit", "load", "peers", "brotli", "gzip"];
    for name in names.into_iter().chain(peers.into_iter().map(Peer::name)) {
        let found = directories.iter().map(|directory| directory.join(name));
        let program = found.into_iter().find(|program| program.is_file());
        let program = program.ok_or_else(|| format!("there is no program {name}"))?;
        symlink(&program, scratch.program(name))?;
        files.push(program);
    }
    Ok(files)
}

fn report(lines: &Path, counts: &Path, into: Option<&Path>) -> Result<(), Failure> {
    let results = Results::read(&read(lines)?, &read(counts)?)?;
    let section = table::section(&results);
    let Some(directory) = into else {
        print!("{section}");
        return Ok(());
    };
    let document = directory.join("BENCHMARKS.md");
    fs::write(&document, table::replace(&read(&document)?, &section)?)?;
    fs::write(directory.join("peers.svg"), plot::svg(&results))?;
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn peer(name: &str) -> Result<Peer, String> {
    let names = || Peer::ALL.map(Peer::name).join(", ");
    let found = Peer::ALL.into_iter().find(|peer| peer.name() == name);
    found.ok_or_else(|| format!("there is none; there are {}", names()))
}

fn work(name: &str) -> Result<Work, String> {
    let names = || Work::ALL.map(Work::name).join(", ");
    Work::named(name).ok_or_else(|| format!("there is none; there are {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Flags::command().debug_assert();
    }

    #[test]
    fn a_part_is_what_was_named_in_the_usual_order() {
        let flags = Flags::parse_from(["peers", "run", "/x", "--only", "h2o", "--works", "304,1k"]);
        let Flags::Run { part, .. } = flags else { panic!("another command") };
        assert_eq!(part.works(), [Work::Page, Work::NotModified]);
        assert_eq!(part.servers().len(), 6);
        assert!(Flags::try_parse_from(["peers", "run", "/x", "--only", "iis"]).is_err());
    }

    #[test]
    fn what_is_prepared_has_a_place_in_one_directory() {
        let root = std::env::temp_dir().join(format!("peers-prepare-{}", std::process::id()));
        let programs = root.join("programs");
        fs::create_dir_all(&programs).unwrap();
        for name in ["httpd", "limit", "load", "peers", "brotli", "gzip", "h2o"] {
            fs::write(programs.join(name), "").unwrap();
        }
        let scratch = Scratch(root.join("scratch"));
        let servers = [Server::Peer(Peer::H2o)];
        let files = prepare(&scratch, std::slice::from_ref(&programs), &servers).unwrap();
        assert!(files.contains(&programs.join("h2o")), "{files:?}");
        assert!(scratch.program("h2o").is_file());
        assert_eq!(fs::metadata(scratch.site().join("1m.bin")).unwrap().len(), 1024 * 1024);
        let other = Scratch(root.join("other"));
        let error = prepare(&other, &[programs], &[Server::Peer(Peer::Nginx)]).unwrap_err();
        assert_eq!(error.to_string(), "there is no program nginx");
        fs::remove_dir_all(root).unwrap();
    }
}
