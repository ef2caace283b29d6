//! What a request costs by the number of connections, all of which ask in turn.

use benches::{Failure, allow_files, medians};

use crate::{BACKENDS, Bench, gather, time_each};

/// Numbers of connections, besides most.
const STEPS: [usize; 3] = [100, 1_000, 10_000];
/// Requests of a round, and rounds.
const TIMED: usize = 20_000;
const ROUNDS: usize = 9;
/// Requests whose instructions are counted, so many that each connection has its turn.
const COUNTED: usize = 50_000;

/// Measures processor time on all backends, and user instructions where they can be counted.
pub(crate) fn measure(bench: &Bench, most: usize) -> Result<(), Failure> {
    let steps: Vec<_> = STEPS.into_iter().filter(|step| *step < most).chain([most]).collect();
    allow_files(steps.iter().sum())?;
    println!(
        "| backend | connections | processor time a request | than with the fewest | user instructions a request |"
    );
    println!("|---|---:|---:|---:|---:|");
    for backend in BACKENDS {
        let mut all = Vec::new();
        for count in steps.iter().copied() {
            let daemon = bench.start(backend, 1, &[])?;
            let mut crowd = gather(&daemon, count)?;
            crowd.ask(TIMED)?;
            all.push((daemon, crowd));
        }
        let times = medians(ROUNDS, &mut all, |(daemon, crowd)| time_each(daemon, crowd, TIMED))?;
        drop(all);
        let first = times.first().copied().unwrap_or(f64::NAN);
        for (count, time) in steps.iter().copied().zip(times) {
            let counted = bench.instructions(backend, 1, count, COUNTED)?;
            println!("| {backend} | {count} | {time:.2} µs | {:.2} | {counted} |", time / first);
        }
    }
    Ok(())
}
