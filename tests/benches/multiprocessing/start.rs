//! The time from the call that starts a process to its join.

use crate::cpython;
use crate::floor;
use crate::guest::Host;
use crate::measure::{Measure, expect};
use crate::peers::{self, PROCSPAWN, Peer};
use crate::pinned::Pinned;
use anyhow::{Context, Result};
use std::time::Instant;

/// Measures start and join, with the caller on its own core, or on the core of the started process.
pub(crate) fn measure(
    measure: &mut Measure<'_>,
    host: &Host,
    raw: &floor::Program,
    cores: &[usize],
) -> Result<()> {
    let (first, last) = cores.first().zip(cores.last()).context("no core")?;
    let is_one_core = first == last;
    measure.group(match is_one_core {
        true => "process start and join, one core",
        false => "process start and join, two cores",
    });
    {
        // isopod seats a process on the first core when all are idle.
        let _pinned = Pinned::to(*last)?;
        let worker = floor::Worker::new(raw, *first)?;
        measure.single("raw wasmtime, parked pinned thread, caller parks", || {
            expect(worker.start_and_join(false))
        });
        if !is_one_core {
            measure.single("raw wasmtime, parked pinned thread, caller spins", || {
                expect(worker.start_and_join(true))
            });
        }
        worker.end();
        measure.single("isopod, embedder: Command::spawn and join", || {
            let start = Instant::now();
            let status = expect(host.command("nothing").spawn().context("spawn")).join();
            let elapsed = start.elapsed();
            expect(status.success().then_some(()).context("not started well"));
            elapsed
        });
    }
    let resident = host.resident("spawn")?;
    measure.rounds("isopod, guest: Process::spawn and wait", |rounds| {
        expect(resident.rounds(rounds))
    });
    resident.end()?;
    for method in ["fork", "forkserver", "spawn"] {
        let name = format!("CPython, {method}: Process.start and join");
        cpython::rounds(measure, &name, ["start", method], cores)?;
    }
    peers::rounds(
        measure,
        "procspawn: spawn and join",
        Peer(PROCSPAWN, ["start", ""]),
        cores,
    )
}
