//! The time from the request to end a process to its join, in each state of a process.

use crate::floor;
use crate::guest::Host;
use crate::measure::{Measure, expect};
use crate::pinned::Pinned;
use anyhow::{Context, Result};
use isopod_host::Stdin;
use isopod_host::sync::{Bounds, Queue};
use std::time::{Duration, Instant};

/// The total time of all kills in one state. Starting the victims takes ten times as long.
const MEASUREMENT: Duration = Duration::from_millis(200);

/// The time that a process needs to come to rest after it has reported that it is ready.
const SETTLE: Duration = Duration::from_millis(1);

/// Measures the latency of a kill.
pub(crate) fn measure(
    measure: &mut Measure<'_>,
    host: &Host,
    raw: &floor::Program,
    cores: &[usize],
) -> Result<()> {
    let (first, last) = cores.first().zip(cores.last()).context("no core")?;
    let _pinned = Pinned::to(*last)?;
    measure.group("kill, from request to joined");
    measure.single_within("operating system: SIGKILL of `sleep`", MEASUREMENT, || {
        expect(kill_native())
    });
    // The floor of every end: the kernel's time to take the pages back.
    for (name, bytes) in [
        ("operating system: taking back 16 MiB written", 16 << 20),
        ("operating system: taking back 256 MiB written", 256 << 20),
    ] {
        measure.single_within(name, MEASUREMENT, || give_back(bytes));
    }
    let worker = floor::Worker::new(raw, *first)?;
    measure.single_within("raw wasmtime: epoch, busy loop", MEASUREMENT, || {
        expect(worker.kill_busy(raw, settle))
    });
    worker.end();

    // A standard input that never has data.
    let (reader, _writer) = std::io::pipe()?;
    rustix::stdio::dup2_stdin(&reader)?;
    let ready = Queue::new(Bounds::default());
    for (name, state) in [
        ("isopod: busy loop", "busy"),
        ("isopod: blocked in Queue::get", "queue-get"),
        ("isopod: blocked in Connection::recv", "pipe-recv"),
        ("isopod: blocked in Semaphore::acquire", "semaphore"),
        ("isopod: blocked in Event::wait", "event"),
        ("isopod: blocked in Process::join", "join"),
        ("isopod: std::thread::sleep", "sleep"),
        ("isopod: reading standard input", "stdin"),
        ("isopod: 16 MiB of memory written", "touched-16-mib"),
        ("isopod: 256 MiB of memory written", "touched-256-mib"),
        ("isopod: filling 64 MiB at a time", "bulk-memory"),
        ("isopod: putting and getting 60 MiB", "big-messages"),
    ] {
        measure.single_within(name, MEASUREMENT, || expect(kill(host, state, &ready)));
    }
    Ok(())
}

fn kill(host: &Host, state: &str, ready: &Queue) -> Result<Duration> {
    let process = host
        .command(&format!("stay {state}"))
        .stdin(Stdin::Inherit)
        .handle("ready", &ready.to_handle())
        .spawn()?;
    ready.get().context("not ready")?;
    settle();
    let start = Instant::now();
    process.kill();
    let status = process.join();
    let elapsed = start.elapsed();
    anyhow::ensure!(status.code() == -9, "ended in another way: {status}");
    Ok(elapsed)
}

/// Returns a block to the kernel; the block is so large that the allocator maps it by itself, and unmaps it
/// when it is dropped.
fn give_back(bytes: usize) -> Duration {
    let mut memory = Vec::with_capacity(512 << 20);
    memory.resize(bytes, 1_u8);
    let memory = std::hint::black_box(memory);
    let start = Instant::now();
    drop(memory);
    start.elapsed()
}

fn kill_native() -> Result<Duration> {
    let mut child = std::process::Command::new("sleep").arg("1000").spawn()?;
    settle();
    let start = Instant::now();
    child.kill()?;
    child.wait()?;
    Ok(start.elapsed())
}

/// Not a wait for an event: nothing reports that a process has come to rest.
#[allow(
    clippy::disallowed_methods,
    reason = "there is no event to wait for, and the time is not measured"
)]
fn settle() {
    std::thread::sleep(SETTLE);
}
