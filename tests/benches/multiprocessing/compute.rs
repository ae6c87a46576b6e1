//! Computations of guests, beside the same source compiled for the machine: with the checks that let the
//! host end a process, and without.

use crate::floor;
use crate::guest::Host;
use crate::measure::{Measure, expect, timed};
use crate::pinned::Pinned;
use anyhow::{Context, Result};
use std::hint::black_box;

#[path = "../../bench-guest/src/compute.rs"]
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::needless_range_loop,
    clippy::expect_used,
    unreachable_pub,
    reason = "the same source as the guest's"
)]
mod kernels;

/// Measures each kernel.
pub(crate) fn measure(
    measure: &mut Measure<'_>,
    host: &Host,
    component: &[u8],
    core: usize,
) -> Result<()> {
    let unchecked = floor::Program::without_checks(component)?;
    for name in kernels::KERNELS {
        measure.group(&format!("compute: {name}"));
        let mut kernel = kernels::kernel(name).context("no kernel")?;
        {
            let _pinned = Pinned::to(core)?;
            measure.rounds("native Rust", |rounds| {
                timed(rounds, || {
                    black_box(kernel());
                })
            });
        }
        let worker = floor::Worker::new(&unchecked, core)?;
        measure.rounds("raw wasmtime without checks", |rounds| {
            let rounds = rounds.to_string();
            expect(worker.time(&["floor", "compute", name, &rounds]))
        });
        worker.end();
        let resident = host.resident(&format!("compute {name}"))?;
        measure.rounds("isopod, guest", |rounds| expect(resident.rounds(rounds)));
        resident.end()?;
    }
    Ok(())
}
