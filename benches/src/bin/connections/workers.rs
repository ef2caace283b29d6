//! How the kernel spreads connections over workers, and what a request costs with several.

use std::fs;

use benches::{Daemon, Failure, allow_files, medians};

use crate::{BACKENDS, Bench, gather, time_each};

/// Numbers of workers.
const WORKERS: [usize; 3] = [1, 2, 4];
/// Connections whose spread is looked at besides most, and numbers of those that ask.
const FEW: usize = 64;
const ASKING: [usize; 2] = [FEW, 1_000];
/// Requests of a round, and rounds.
const TIMED: usize = 20_000;
const ROUNDS: usize = 15;
/// Requests whose instructions are counted.
const COUNTED: usize = 20_000;

/// Measures both.
pub(crate) fn measure(bench: &Bench, most: usize) -> Result<(), Failure> {
    allow_files(most)?;
    println!("| workers | connections | of each worker |\n|---:|---:|---|");
    for workers in WORKERS.into_iter().skip(1) {
        for count in [FEW, most] {
            let daemon = bench.start("sendfile", workers, &[])?;
            let crowd = gather(&daemon, count)?;
            let spread: Vec<_> = spread(&daemon, workers)?.iter().map(usize::to_string).collect();
            println!("| {workers} | {count} | {} |", spread.join(", "));
            drop((daemon, crowd));
        }
    }
    println!(
        "\n| backend | connections | workers | processor time a request | than with one | user instructions a request |\n|---|---:|---:|---:|---:|---:|"
    );
    for backend in BACKENDS {
        for count in ASKING {
            let mut all = Vec::new();
            for workers in WORKERS {
                let daemon = bench.start(backend, workers, &[])?;
                let mut crowd = gather(&daemon, count)?;
                crowd.ask(TIMED)?;
                all.push((daemon, crowd));
            }
            let times =
                medians(ROUNDS, &mut all, |(daemon, crowd)| time_each(daemon, crowd, TIMED))?;
            drop(all);
            let one = times.first().copied().unwrap_or(f64::NAN);
            for (workers, time) in WORKERS.into_iter().zip(times) {
                let ratio = time / one;
                let counted = bench.instructions(backend, workers, count, COUNTED)?;
                println!(
                    "| {backend} | {count} | {workers} | {time:.2} µs | {ratio:.2} | {counted} |"
                );
            }
        }
    }
    Ok(())
}

/// How many connections each worker has, by what its epoll instance watches besides its event and
/// its listener (proc_pid_fdinfo(5)). The watcher has an epoll instance as well, which watches two.
fn spread(daemon: &Daemon, workers: usize) -> Result<Vec<usize>, Failure> {
    let mut all = Vec::new();
    for file in fs::read_dir(format!("/proc/{}/fdinfo", daemon.id()))? {
        let watched = fs::read_to_string(file?.path())?;
        let watched = watched.lines().filter(|line| line.starts_with("tfd:")).count();
        if watched > 0 {
            all.push(watched.saturating_sub(2));
        }
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.truncate(workers);
    Ok(all)
}
