//! What a request costs, by the number of virtual hosts: instructions in user mode, which do not
//! vary with what else the machine does, and processor time, which tells of caches as well.

use benches::{Client, Daemon, Failure, host, instructions, median, page, scattered};

use crate::{Bench, STEPS};

/// Sites that are asked for in turn, if there are as many: few enough to be open at a time, and a
/// number that there is a directory of.
const IN_TURN: usize = STEPS[1];
/// Requests whose instructions are counted.
const COUNTED: usize = 10_000;
/// Requests of a round whose processor time is taken, and rounds.
const TIMED: usize = 20_000;
const ROUNDS: usize = 9;
/// One worker, and no look at all that is open while requests are counted.
const FLAGS: [&str; 4] = ["--workers", "1", "--poll-interval", "3600"];

/// Virtual hosts, and how many of them are asked for in turn.
#[derive(Debug, Clone, Copy)]
struct Case {
    vhosts: usize,
    sites: usize,
}

/// Measures requests for one site and for many in turn, of few and of all.
pub(crate) fn measure(bench: &Bench) -> Result<(), Failure> {
    let all = bench.count;
    let many = IN_TURN.min(all);
    let cases = [(1, 1), (all, 1), (many, many), (all, many)];
    let cases = cases.map(|(vhosts, sites)| Case { vhosts, sites });
    let mut daemons = Vec::new();
    for case in cases {
        let daemon = bench.start(case.vhosts, &FLAGS)?;
        let mut client = daemon.client();
        case.ask(&mut client, case.sites)?;
        daemons.push((case, daemon, client, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (case, daemon, client, times) in &mut daemons {
            let before = daemon.processor_time()?;
            case.ask(client, TIMED)?;
            times.push((daemon.processor_time()? - before).as_secs_f64() * 1e6 / TIMED as f64);
        }
    }
    println!(
        "\n| vhosts | asked for in turn | user instructions a request | processor time a request |\n|---:|---:|---:|---:|"
    );
    for (Case { vhosts, sites }, daemon, client, times) in daemons {
        drop((client, daemon));
        let instructions = Case { vhosts, sites }.instructions(bench)?;
        println!("| {vhosts} | {sites} | {instructions:.0} | {:.2} µs |", median(times));
    }
    Ok(())
}

impl Case {
    /// Asks so many times on a connection.
    fn ask(self, client: &mut Client, times: usize) -> Result<(), Failure> {
        let names: Vec<_> =
            (0..self.sites).map(|step| scattered(step, self.vhosts)).map(host).collect();
        for host in names.iter().cycle().take(times) {
            let answer = client.get(host, &page(0))?;
            if answer.status != 200 {
                return Err(format!("{host} is answered {answer}").into());
            }
        }
        Ok(())
    }

    /// Instructions of a request, counted in a daemon of its own.
    fn instructions(self, bench: &Bench) -> Result<f64, Failure> {
        // Valgrind knows no io_uring.
        let flags = [&["sync"][..], &FLAGS].concat();
        let (vhosts, log) = (bench.vhosts(self.vhosts), bench.directory.join("callgrind"));
        let client = |daemon: &Daemon| {
            let mut client = daemon.client();
            self.ask(&mut client, self.sites)?;
            Ok(client)
        };
        let ask = |client: &mut Client| self.ask(client, COUNTED);
        let counted = instructions(&bench.httpd, &vhosts, &flags, &log, client, ask)?;
        Ok(counted as f64 / COUNTED as f64)
    }
}
