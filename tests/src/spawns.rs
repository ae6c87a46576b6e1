//! Very many processes, one after the other, and the host's memory after them.

use crate::{Bench, GUARD, Remains};
use anyhow::{Context, Result, ensure};
use isopod_host::ExitStatus;
use std::fmt;
use std::time::{Duration, Instant};

/// The embedder ends one process in this many; the others end by themselves.
const KILLED: u32 = 8;

/// The number of processes that live at a time, so that as many threads and slots are warm from the
/// beginning. With one at a time, the next may by chance begin before the last has gone, and need one more.
const AT_A_TIME: u32 = 16;

/// The measurements.
#[derive(Debug, Clone, Copy)]
pub struct ManySpawns {
    /// The number of processes that were started and have ended.
    pub count: u32,
    /// The number of processes before the first measurement of the memory.
    pub first: u32,
    /// The resident memory at the first measurement, in bytes.
    pub first_bytes: u64,
    /// The resident memory at the end, in bytes.
    pub last_bytes: u64,
    /// The resident memory after each tenth, in KiB: shows whether it still grows or has come to rest.
    pub tenths_kib: [u64; 10],
    /// The time of the whole run.
    pub time: Duration,
}

/// Starts `count` processes and waits for the end of each.
///
/// # Errors
/// If a process does not start or end as it should. The caller decides how much memory is too much: the
/// memory of the allocator's arenas, one for each thread, comes to rest only after some ten thousand
/// processes.
pub fn many_spawns(count: u32, first: u32) -> Result<ManySpawns> {
    let bench = Bench::new()?;
    let command = bench.command("nothing");
    let start = Instant::now();
    let (mut first_bytes, mut tenths_kib) = (0, [0; 10]);
    let mut tenths = tenths_kib.iter_mut();
    let mut done = 0;
    while done < count {
        let numbers = done..count.min(done + AT_A_TIME);
        let processes = numbers.clone().map(|number| {
            let process = command.clone().spawn()?;
            let is_killed = number % KILLED == 0;
            if is_killed {
                process.kill();
            }
            Ok((process, is_killed))
        });
        for (process, is_killed) in processes.collect::<Result<Vec<_>>>()? {
            let status = process.join_tree_timeout(GUARD);
            let status = status.with_context(|| format!("{} never ended", process.name()))?;
            // A process that is killed may have come to its end before.
            ensure!(
                status == ExitStatus::Exited(0) || (is_killed && status == ExitStatus::Killed),
                "{}: {status}",
                process.name()
            );
        }
        let passes = |number: u32| numbers.start < number && number <= numbers.end;
        if passes(first) {
            first_bytes = Remains::count()?.resident_bytes;
        }
        if numbers.end / count.div_ceil(10) > numbers.start / count.div_ceil(10)
            && let Some(tenth) = tenths.next()
        {
            *tenth = Remains::count()?.resident_bytes / 1024;
        }
        done = numbers.end;
    }
    let spawns = ManySpawns {
        count,
        first,
        first_bytes,
        last_bytes: Remains::count()?.resident_bytes,
        tenths_kib,
        time: start.elapsed(),
    };
    ensure!(bench.engine.processes().is_empty(), "processes are left");
    Ok(spawns)
}

impl ManySpawns {
    /// The growth of the memory since the first measurement, in bytes.
    #[must_use]
    pub fn growth_bytes(&self) -> u64 {
        self.last_bytes.saturating_sub(self.first_bytes)
    }
}

impl fmt::Display for ManySpawns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} processes in {:.1} s; resident memory {} KiB after the first {}, {} KiB at the \
             end; KiB after each tenth: {:?}",
            self.count,
            self.time.as_secs_f64(),
            self.first_bytes / 1024,
            self.first,
            self.last_bytes / 1024,
            self.tenths_kib,
        )
    }
}
