//! Whether more cores do more work, and the cost of many processes at once.

use crate::cpython;
use crate::floor;
use crate::guest::{Host, Resident};
use crate::measure::{Measure, expect};
use crate::peers::{self, PROCSPAWN, Peer};
use crate::pinned::pin;
use anyhow::{Context, Result};
use isopod_host::{Engine, Process};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The kernel that is run several times at once.
const KERNEL: &str = "n-body";

/// The number of the embedder's processes that run at a time.
const IN_FLIGHT: u64 = 64;

/// Measures independent processes that compute, up to twice as many as cores: a round is one round of any
/// of them.
pub(crate) fn compute(measure: &mut Measure<'_>, host: &Host, cores: &[usize]) -> Result<()> {
    measure.group(&format!(
        "independent processes that compute, {} cores",
        cores.len()
    ));
    for count in 1..=2 * cores.len() {
        let residents = (0..count)
            .map(|_| host.resident(&format!("compute {KERNEL}")))
            .collect::<Result<Vec<Resident>>>()?;
        let name = match count {
            1 => "isopod: 1 process".to_owned(),
            _ => format!("isopod: {count} processes"),
        };
        measure.rounds(&name, |rounds| {
            let start = Instant::now();
            let each = u64::try_from(count).unwrap_or(1);
            for (resident, number) in residents.iter().zip(0..) {
                let rounds = rounds / each + u64::from(number < rounds % each);
                expect(resident.begin(rounds));
            }
            for resident in &residents {
                expect(resident.finish());
            }
            start.elapsed()
        });
        for resident in residents {
            resident.end()?;
        }
    }
    Ok(())
}

/// Measures starts and ends of many processes: a round is one process.
pub(crate) fn bursts(
    measure: &mut Measure<'_>,
    component: &[u8],
    raw: &floor::Program,
    cores: &[usize],
) -> Result<()> {
    // One more process than the largest burst.
    let host = Host::with(
        component,
        Engine::builder()
            .cores(cores.iter().copied())
            .max_processes(1_001),
    )?;
    measure.group(&format!(
        "processes started and ended, {} cores",
        cores.len()
    ));
    measure.rounds(
        "raw wasmtime, a thread on each core, nobody waits",
        |rounds| expect(on_each_core(raw, cores, rounds)),
    );
    for size in [50, 1_000] {
        if host.engine().max_processes() > size {
            let resident = host.resident(&format!("burst {size}"))?;
            let name = format!("isopod, guest: bursts of {size}");
            measure.rounds(&name, |rounds| expect(resident.rounds(rounds)));
            resident.end()?;
        }
    }
    measure.rounds("isopod, embedder: 64 at a time", |rounds| {
        expect(in_flight(&host, rounds))
    });
    for method in ["fork", "spawn"] {
        let name = format!("CPython, {method}: bursts of 50");
        cpython::rounds(measure, &name, ["burst", method], cores)?;
    }
    peers::rounds(
        measure,
        "procspawn: bursts of 50",
        Peer(PROCSPAWN, ["burst", "50"]),
        cores,
    )
}

fn on_each_core(raw: &floor::Program, cores: &[usize], rounds: u64) -> Result<Duration> {
    let nothing = floor::arguments(&["floor", "nothing"]);
    let each = rounds / u64::try_from(cores.len())? + 1;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = cores
            .iter()
            .map(|core| {
                scope.spawn(|| -> Result<()> {
                    pin(*core)?;
                    for _ in 0..each {
                        let is_success = raw.run(&nothing, Arc::new(AtomicBool::new(false)));
                        anyhow::ensure!(is_success, "the program failed on raw wasmtime");
                    }
                    Ok(())
                })
            })
            .collect();
        for thread in threads {
            thread.join().ok().context("a thread panicked")??;
        }
        anyhow::Ok(())
    })?;
    // Each ran at most one more than its share.
    Ok(start.elapsed())
}

fn in_flight(host: &Host, rounds: u64) -> Result<Duration> {
    let start = Instant::now();
    let mut left = rounds;
    while left > 0 {
        let size = left.min(IN_FLIGHT);
        let processes = (0..size)
            .map(|_| host.command("nothing").spawn())
            .collect::<Result<Vec<Process>, _>>()?;
        for process in &processes {
            anyhow::ensure!(process.join().success(), "not started well");
        }
        left -= size;
    }
    Ok(start.elapsed())
}
