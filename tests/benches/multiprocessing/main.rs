//! The benchmarks: each measurement beside its baseline, in one run.
//!
//! `cargo bench --workspace --bench multiprocessing` measures everything and writes BENCHMARKS.md. With a
//! filter behind `--`, it measures the lines that match, and writes nothing.

mod aims;
mod bytes;
mod calls;
mod charts;
mod cold;
mod compute;
mod cpython;
mod driven;
mod extism;
mod floor;
mod guest;
mod idle;
mod kill;
mod measure;
mod messages;
mod native;
mod parties;
mod peers;
mod pinned;
mod plugins;
mod plugins_floor;
mod plugins_many;
mod primitives;
mod python;
mod report;
mod scaling;
mod start;

use anyhow::{Context, Result};
use criterion::Criterion;
use guest::Host;
use measure::Measure;

fn main() -> Result<()> {
    if idle::is_child()? {
        return Ok(());
    }
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    // Cargo itself passes `--bench`; without it this is `cargo test`, which runs each measurement once.
    let is_complete = std::env::args().skip(1).eq(["--bench".to_owned()]);

    let load = report::load();
    let component = isopod_tests::build(&isopod_tests::root().join("tests/bench-guest"))?;
    let plugin = isopod_tests::build(&isopod_tests::root().join("tests/plugin-guests"))?;
    let available = isopod_host::Engine::new()?.cores().to_vec();
    let first = *available.first().context("no core")?;
    let raw = floor::Program::new(&component)?;
    let one = Host::new(&component, &[first])?;

    let mut measure = Measure::new(&mut criterion);
    calls::measure(&mut measure, &one, first)?;
    bytes::measure(&mut measure, &one, first)?;
    plugins::measure(
        &mut measure,
        &plugin,
        available.get(..2).unwrap_or(&available),
    )?;
    plugins_many::measure(
        &mut measure,
        &plugin,
        available.get(..2).unwrap_or(&available),
    )?;
    primitives::alone(&mut measure, &one, available.get(..2).unwrap_or(&available))?;
    if let Some(second) = available.get(1) {
        let cores = [first, *second];
        let two = Host::new(&component, &cores)?;
        start::measure(&mut measure, &two, &raw, &cores)?;
        messages::measure(&mut measure, &two, &cores)?;
        primitives::several(&mut measure, &two, &cores)?;
        kill::measure(&mut measure, &two, &raw, &cores)?;
    }
    scaling::bursts(&mut measure, &component, &raw, &available)?;
    scaling::compute(
        &mut measure,
        &Host::new(&component, &available)?,
        &available,
    )?;
    compute::measure(&mut measure, &one, &component, first)?;
    cold::measure(&mut measure)?;
    idle::measure(&mut measure, &component)?;
    start::measure(&mut measure, &one, &raw, &[first])?;
    messages::measure(&mut measure, &one, &[first])?;
    primitives::several(&mut measure, &one, &[first])?;
    let unpinned = Host::with(&component, isopod_host::Engine::builder())?;
    messages::unpinned(&mut measure, &unpinned)?;
    python::measure(&mut measure, &available)?;
    let measured = measure.measured;
    criterion.final_summary();
    if let Some(path) = std::env::var_os("ISOPOD_BENCH_NUMBERS") {
        std::fs::write(path, report::numbers(&measured, &available, &load)?)?;
    }
    if is_complete {
        report::write(&measured, &available, &load)?;
    }
    Ok(())
}
