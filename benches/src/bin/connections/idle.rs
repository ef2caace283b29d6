//! Connections that are kept and ask for nothing.

use std::thread;
use std::time::Duration;

use benches::{Failure, allow_files};

use crate::{BACKENDS, Bench, gather};

/// Connections of the daemon that it is compared with: what any costs once is not counted.
const FEW: usize = 100;
/// Time of rest. The first is for the deadlines of heads, which come up 10 seconds after a
/// connection began.
const SETTLED: Duration = Duration::from_secs(12);
const REST: Duration = Duration::from_secs(10);

/// Measures memory and processor time of idle connections.
pub(crate) fn measure(bench: &Bench, count: usize) -> Result<(), Failure> {
    allow_files(FEW + count)?;
    println!(
        "| backend | connections | own memory, KiB | bytes a connection | the same after {} s | processor time in {} s of rest |",
        SETTLED.as_secs(),
        REST.as_secs()
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for backend in BACKENDS {
        let daemon = bench.start(backend, 1, &[])?;
        let few = gather(&daemon, FEW)?;
        let before = daemon.memory()?.anonymous;
        let many = gather(&daemon, count)?;
        let each = || -> Result<(u64, f64), Failure> {
            let own = daemon.memory()?.anonymous;
            Ok((own, own.saturating_sub(before) as f64 / count as f64))
        };
        let (own, at_once) = each()?;
        thread::sleep(SETTLED);
        let (_, later) = each()?;
        let start = daemon.processor_time()?;
        thread::sleep(REST);
        let rest = (daemon.processor_time()? - start).as_secs_f64() * 1e3;
        println!(
            "| {backend} | {count} | {} | {at_once:.0} | {later:.0} | {rest:.1} ms |",
            own / 1024
        );
        // The daemon first, so that it is the side that keeps what TCP remembers of them.
        drop(daemon);
        drop((few, many));
    }
    Ok(())
}
