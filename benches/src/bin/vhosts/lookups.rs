//! What a request costs, by the number of virtual hosts: instructions in user mode, which do not
//! vary with what else the machine does, and processor time, which tells of caches as well.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};

use benches::{Client, Daemon, Failure, host, median, page, scattered};

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
        println!("| {vhosts} | {sites} | {instructions} | {:.2} µs |", median(times));
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

    /// Instructions of a request, counted by callgrind in a daemon of its own.
    fn instructions(self, bench: &Bench) -> Result<u64, Failure> {
        let log = bench.directory.join("callgrind");
        let mut log_file = OsString::from("--log-file=");
        log_file.push(&log);
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]);
        command.arg(log_file).arg(&bench.httpd);
        // Valgrind knows no io_uring.
        let flags = [&["sync"][..], &FLAGS].concat();
        let daemon = Daemon::start(command, &bench.vhosts(self.vhosts), &flags)?;
        let mut client = daemon.client();
        self.ask(&mut client, self.sites)?;
        count(&daemon, "on")?;
        self.ask(&mut client, COUNTED)?;
        count(&daemon, "off")?;
        daemon.stop()?;
        let log = fs::read_to_string(log)?;
        let counted = log.lines().find_map(|line| line.split_once("Collected : "));
        let (_, counted) = counted.ok_or_else(|| format!("callgrind tells no number: {log}"))?;
        Ok(counted.parse::<u64>()? / COUNTED as u64)
    }
}

/// Switches counting on or off.
fn count(daemon: &Daemon, switch: &str) -> Result<(), Failure> {
    let mut control = Command::new("callgrind_control");
    control.args(["-i", switch, &daemon.id().to_string()]).stdout(Stdio::null());
    let status = control.stderr(Stdio::null()).status()?;
    status.success().then_some(()).ok_or_else(|| "callgrind_control failed".into())
}
