//! The memory that waiting processes take from the machine.

use crate::guest::{Host, private_bytes_of};
use crate::measure::Measure;
use crate::pinned::Pinned;
use anyhow::{Context, Result};
use isopod_host::sync::{Bounds, Queue};
use isopod_host::{Engine, Process};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const COUNTS: [u32; 3] = [1_000, 5_000, 10_000];

/// Only a guard against a benchmark that hangs.
const GUARD: Duration = Duration::from_secs(60);

/// The kernel's limit on the number of mappings of an operating-system process.
const MAP_COUNT: &str = "/proc/sys/vm/max_map_count";
/// The variable with the limit to set during the measurement, which the super-user may do. Without it the
/// limit stays as it is.
const WANTED_MAP_COUNT: &str = "ISOPOD_BENCH_MAX_MAP_COUNT";

/// The variable that makes the program measure this many processes of this component: the count and the
/// path. Each measurement has a program of its own, because the next one would reuse freed memory of the
/// last.
const CHILD: &str = "ISOPOD_BENCH_IDLE";

/// Measures this many processes at a time, with the guest's own pages and without. Unlike other
/// measurements, this one runs once.
pub(crate) fn measure(measure: &mut Measure<'_>, component: &[u8]) -> Result<()> {
    measure.group("private memory of an idle process");
    let _raised = MapCount::raise_if_asked()?;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("idle.wasm");
    std::fs::write(&path, component)?;
    for count in COUNTS {
        let name = format!("isopod: {count} processes");
        if !measure.wants(&name) {
            continue;
        }
        let output = Command::new(std::env::current_exe()?)
            .env(CHILD, format!("{count} {}", path.display()))
            .stderr(Stdio::inherit())
            .output()?;
        anyhow::ensure!(output.status.success(), "the child failed: {output:?}");
        let text = String::from_utf8(output.stdout)?;
        match text.trim().split_once(' ') {
            Some((all, guest)) => {
                let (all, guest) = (all.parse::<f64>()?, guest.parse::<f64>()?);
                measure.bytes(&name, all);
                let name = format!("isopod: {count} processes, without what the guest has written");
                measure.bytes(&name, all - guest);
            }
            None => measure.skip(
                &name,
                &format!(
                    "this machine holds {}; `{WANTED_MAP_COUNT}=400000` raises `vm.max_map_count` meanwhile",
                    text.trim()
                ),
            ),
        }
    }
    Ok(())
}

/// In such a child, measures and prints the private bytes of each process and those of its guest. If the
/// machine does not hold so many processes, it prints only the number that it holds. Returns whether this
/// is such a child.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn is_child() -> Result<bool> {
    let Ok(asked) = std::env::var(CHILD) else {
        return Ok(false);
    };
    let (count, path) = asked.split_once(' ').context("a count and a path")?;
    let count: u32 = count.parse()?;
    let engine = Engine::builder().max_processes(count);
    let host = Host::with(&std::fs::read(path)?, engine)?;
    let most = host.engine().max_processes();
    if most < count {
        println!("{most}");
        return Ok(true);
    }
    let _pinned = Pinned::to_first(host.engine().cores())?;
    let each = of_each(&host, count)?;
    println!("{} {}", each.all, each.guest);
    Ok(true)
}

/// The memory that each of `count` processes adds while they wait.
fn of_each(host: &Host, count: u32) -> Result<Private> {
    let ready = Queue::new(Bounds::default());
    let start = || -> Result<Process> {
        let command = host.command("stay queue-get");
        let process = command.handle("ready", &ready.to_handle()).spawn()?;
        ready.get_timeout(GUARD).context("not ready")?;
        Ok(process)
    };
    // The engine keeps the memory that the first process leaves.
    let mut processes = vec![start()?];
    let before = Private::now()?;
    for _ in 0..count - 1 {
        processes.push(start()?);
    }
    let after = Private::now()?;
    for process in &processes {
        process.kill();
    }
    for process in &processes {
        process.join();
    }
    let added = f64::from(count - 1);
    Ok(Private {
        all: (after.all - before.all) / added,
        guest: (after.guest - before.guest) / added,
    })
}

/// Bytes of private memory.
#[derive(Clone, Copy, Default)]
struct Private {
    all: f64,
    /// In the linear memories of guests.
    guest: f64,
}

impl Private {
    /// The private memory of this operating-system process.
    ///
    /// A linear memory is recognised by its successor: the gigabytes that are reserved for it and cannot be
    /// written. Nothing else here has such a large reservation behind it.
    fn now() -> Result<Private> {
        const RESERVED_BYTES: u64 = 2 << 30;
        let text = std::fs::read_to_string("/proc/self/smaps")?;
        let mut private = Private::default();
        // The bytes since the last mapping that was not adjacent to the next.
        let mut adjacent = 0.0;
        let mut end = 0;
        for line in text.lines() {
            if let Some((start, next_end, permissions)) = mapping(line) {
                let is_reserved = permissions.starts_with("---");
                if start == end && is_reserved && next_end - start >= RESERVED_BYTES {
                    private.guest += adjacent;
                }
                if start != end || is_reserved {
                    adjacent = 0.0;
                }
                end = next_end;
            } else if let Some(bytes) = private_bytes_of(line) {
                private.all += bytes;
                adjacent += bytes;
            }
        }
        Ok(private)
    }
}

/// The first line of a mapping: `START-END rw-p ...`, in hexadecimal.
fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?, rest))
}

/// Raises the kernel's setting, and puts it back when it is dropped.
struct MapCount {
    before: String,
}

impl MapCount {
    fn raise_if_asked() -> Result<Option<MapCount>> {
        let Some(wanted) = std::env::var_os(WANTED_MAP_COUNT) else {
            return Ok(None);
        };
        let before = std::fs::read_to_string(MAP_COUNT)?;
        let raised = MapCount { before };
        std::fs::write(MAP_COUNT, wanted.as_encoded_bytes())
            .with_context(|| format!("writing {wanted:?} to {MAP_COUNT}"))?;
        Ok(Some(raised))
    }
}

impl Drop for MapCount {
    #[allow(
        clippy::print_stderr,
        reason = "whoever asked for another value must know that it stays"
    )]
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(MAP_COUNT, &self.before) {
            let before = self.before.trim();
            eprintln!("notice: {MAP_COUNT} could not be set back to {before}: {error}");
        }
    }
}
