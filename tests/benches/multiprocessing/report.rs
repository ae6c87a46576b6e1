//! BENCHMARKS.md and what lies beside it, from what was measured.

use crate::measure::{Measured, Unit};
use crate::{aims, charts, cpython, peers};
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::process::Command;

/// Where the numbers and the charts are, from the root of the workspace.
const DIRECTORY: &str = "benchmarks";

/// Where and how it was measured.
#[derive(Serialize)]
struct Surroundings {
    command: &'static str,
    machine: String,
    kernel: String,
    rustc: String,
    cpython: String,
    peers: String,
    commit: String,
    date: String,
    load: String,
}

/// What programs read.
#[derive(Serialize)]
struct Numbers<'a> {
    surroundings: Surroundings,
    rows: Vec<Row<'a>>,
}

/// One line: in the unit, of single rounds or of means of many.
#[derive(Serialize)]
struct Row<'a> {
    group: &'a str,
    name: &'a str,
    unit: Unit,
    is_single: bool,
    best: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
    skipped: Option<&'a str>,
}

/// Writes the report, the numbers and the charts below the root of the workspace.
pub(crate) fn write(measured: &[Measured], cores: &[usize], load: &str) -> Result<()> {
    let root = isopod_tests::root();
    let directory = root.join(DIRECTORY);
    // Both tell whether the commit has changes, so nothing is written before.
    let json = numbers(measured, cores, load)?;
    let mut text = head(&Surroundings::read(cores, load));
    text.push_str(&aims::table(measured)?);
    text.push_str(&tables(measured)?);
    text.push_str(TAIL);

    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("numbers.json"), json)?;
    charts::draw(measured, &directory)?;
    std::fs::write(root.join("BENCHMARKS.md"), text)?;
    Ok(())
}

/// What programs read, as JSON.
pub(crate) fn numbers(measured: &[Measured], cores: &[usize], load: &str) -> Result<String> {
    let numbers = Numbers {
        surroundings: Surroundings::read(cores, load),
        rows: measured.iter().map(row).collect(),
    };
    Ok(serde_json::to_string_pretty(&numbers)? + "\n")
}

fn row(entry: &Measured) -> Row<'_> {
    let part = |part| (!entry.samples.is_empty()).then(|| quantile(&entry.samples, part));
    Row {
        group: &entry.group,
        name: &entry.name,
        unit: entry.unit,
        is_single: entry.is_single,
        best: part(0.0),
        p50: part(0.5),
        p99: part(0.99),
        skipped: entry.skipped.as_deref(),
    }
}

fn tables(measured: &[Measured]) -> Result<String> {
    let mut text = String::new();
    let mut group = "";
    let (mut baseline_best, mut baseline) = (0.0, 0.0);
    for entry in measured {
        let [best, median, late] = [0.0, 0.5, 0.99].map(|part| quantile(&entry.samples, part));
        if entry.group != group {
            group = &entry.group;
            (baseline_best, baseline) = (best, median);
            write!(
                text,
                "\n## {}\n\n| | best | p50 | p99 | a second | of the first: best | p50 |\n|---|---|---|---|---|---|---|\n",
                capitalised(group)
            )?;
        }
        if let Some(why) = &entry.skipped {
            writeln!(text, "| {} | skipped: {why} | | | | | |", entry.name)?;
            continue;
        }
        let mark = if entry.is_single { "" } else { " *" };
        let shown = |number| entry.unit.shown(number);
        let rate = match entry.unit {
            Unit::Nanoseconds => thousands(1e9 / median),
            Unit::Bytes => String::new(),
        };
        writeln!(
            text,
            "| {} | {} | {} | {}{mark} | {rate} | {:.2} | {:.2} |",
            entry.name,
            shown(best),
            shown(median),
            shown(late),
            best / baseline_best,
            median / baseline,
        )?;
    }
    Ok(text)
}

const COMMAND: &str = "cargo bench --workspace --bench multiprocessing";

const TAIL: &str = "
## What is missed, and why

- **Start and join against CPython's `fork`**: two wake-ups of a core that sleeps, 25 to 40 us each here, are most
  of it; they are in the floor's line, too. On one core, without them, it is 48 times.
- **Bursts**: the floor has no admission, place, name, tables of parents and children, limits, CPU clock or status that
  others wait for. A profile has half of the time in the kernel: wake-ups and turns given away, three scans for
  written pages at each end. It was a quarter more before programs began with some heap (ARCHITECTURE.md).
- **Memory of an idle process**: by `smaps` and a heap profile some 35 KiB are wasmtime's for its instances, 16 the
  thread's stack, 8 the guest's, 8 tables, 10 isopod's and WASI's, and what the allocator rounds up. No cheap way to
  less was found; a smaller program has less.
- **A kill of who has written 16 MiB**: the kernel's time for the pages, in the line above it.
- **Queue and pipe of 16 B**: a message is two host calls, of which an empty one takes 50 ns, its encoding and decoding
  in the guest, two copies, and the object's mutex and memory that move between two cores: that alone is the
  line \"native threads: isopod-sync\".
- **64 KiB**: mostly memory that moves between two cores, each way: a guest that gets writes where one that puts has read.
  The native queue hands over what nobody reads.
- **Pool map in chunks of 1**: by a profile 2.1 us of CPU a job: 0.8 in main (0.3 of it in the guest: encoding, decoding,
  its allocator), 1.3 in the worker (0.4 in the guest). Three threads share two cores. Most of the host's part is memory
  that moves between them: line, batch, budget, counts of references. Less would take workers that begin several jobs
  at once, and then the host would not know which one a worker that ends has begun. Chunks are the way: 50 ns an item.
- **Lock**: acquire and release are two host calls, and two empty ones take longer than CPython's pair already. A lock
  that is taken without a call would need memory that processes share, which components do not have. Tried: calls by
  number instead of by resource (from 280 to 160 ns), thin LTO (107).
- **`PluginPool::call`**: beside a hop and the call it has a line with room and order, a clock, limits, counters, and a
  seat for the worker that says who may spin.
- **Compiling, against Extism**: it compiles the core module alone, without checks at loops; isopod unrolls small
  loops, which is 15 % of it for a usual program and 45 % for the one of 2.5 MB here, and compiles the component around it.
- **Computing without checks** is the compiler's code, not isopod's: checks of bounds that stay in loops, no vectors.

## How it was measured, and what was not

- The first line of each table is the baseline; the last two columns compare with it. The lines come
  from one run, one after the other, so other work on the machine disturbs some more than others. Its
  load before the run is given above: well below 1 the p50 can be trusted, else only the best.
- All of it is built with the profile `release`, as by the two commands of the README. With `dist`, which adds thin
  LTO and takes ten times as long to link, host calls take two thirds of the time: a lock and its release 107 ns
  instead of 161 in the same run.
- Best, p50 and p99 are those of single rounds, except where marked `*`: there a sample is the mean of many
  rounds in a row, so they say how steady the mean is and nothing of single rounds.
- \"Raw wasmtime\" is the same component with the same engine settings on one parked and pinned
  thread, without anything of isopod. Its `isopod:multiprocessing` imports do nothing. The raw host
  calls come from a guest of hand-written instructions, isopod's from a Rust guest with its library.
- Guests read the clock around their own loops. Messages are encoded and decoded by the guest's
  library, and copied twice; those of the native threads are copied once and then move. Queues are
  bounded to 1,024 messages and 4 MiB.
- A kill is measured from the request to the return of `join`, 1 ms after the process had said that
  it was ready.
- CPython pins each of two talking processes to its own core, and uses `send_bytes` for pipes.
- The peers are crates of others that do the same work, run as CPython is, from `tests/peers`. procspawn and
  ipc-channel use processes of the operating system; ipc-channel sends bytes as they are, and has no bound but
  the socket's. At most 64 calls of procspawn's pool are on their way, since each holds open files.
- Extism's plugin is hand-written instructions that do no more than give the input back; isopod's is a Rust
  crate with its library. Both have limits of memory and time, where not said otherwise. It calls in the
  caller's thread only, so it has no line where another core is called. What is loaded is the same code:
  a component here, and its largest core module there.
- \"Unpinned\": nobody says where the threads and processes of the baselines run. isopod pins the processes that
  it starts, there as always; in the lines \"embedder\" one side is an unpinned thread of the host's own.
- Under \"Python\" the same script is run by CPython and in isopod, which knows `fork` and `spawn` as one.
  A row about processes is of a main module with 300 lines, which CPython's `spawn` compiles again for
  each. The command is `isopod run` of an optimised build; `python3` is the interpreter itself, without
  what may look for it. Memory is what 40 waiting processes add to the host's private memory, each.
- What the host writes into a guest is copied by the C library. glibc before 2.40 copies more than 2 KiB with `rep movsb`,
  by which AMD's processors since Zen 3 copy at a sixteenth of the speed where the destination is not aligned to 16
  bytes: that is as the guest's allocator has it. What guests copy goes by pieces, and is not affected.
- \"Without checks\" is raw wasmtime whose code cannot be interrupted. isopod's has the checks by which a process
  can be ended, at each loop and call, and its small loops are unrolled, which can outweigh them.
- The memory of an idle process is what it adds to the private memory of the host: with the pages that
  the guest itself has written before it waits (its stack, its data, its heap), and without them.
- Each of 1,000 plugins is a program of its own, made of the same component, whose compiled code is mapped from the
  cache; its pool has one worker. The hundred are called in turn, so a worker has parked before its next call, and
  the difference to a single plugin is that worker's wake-up.
- In the rows of contended locks and of many processes at a queue a round is one turn, or one message,
  of anybody's.
- Not measured: more than two cores, messages with handles, large outputs, file access.
";

impl Surroundings {
    fn read(cores: &[usize], load: &str) -> Surroundings {
        let dirty = match output("git", &["status", "--porcelain"]).is_empty() {
            true => "",
            false => " with changes",
        };
        Surroundings {
            command: COMMAND,
            machine: format!(
                "{}, {} cores usable, {}",
                first_value("/proc/cpuinfo", "model name"),
                cores.len(),
                first_value("/proc/meminfo", "MemTotal"),
            ),
            kernel: output("uname", &["-sr"]),
            rustc: output("rustc", &["--version"]),
            cpython: cpython::version().unwrap_or_else(|| "none, so left out".to_owned()),
            peers: peers::versions(),
            commit: output("git", &["rev-parse", "--short=12", "HEAD"]) + dirty,
            date: output("date", &["-u", "+%Y-%m-%d"]),
            load: load.to_owned(),
        }
    }
}

fn head(surroundings: &Surroundings) -> String {
    let Surroundings {
        command,
        machine,
        kernel,
        rustc,
        cpython,
        peers,
        commit,
        date,
        load,
    } = surroundings;
    format!(
        "# Benchmarks

Generated by `{command}`; not edited. The same numbers for programs:
[`{DIRECTORY}/numbers.json`]({DIRECTORY}/numbers.json).

![How long things take, on a logarithmic scale]({DIRECTORY}/latency.svg)
![What more processes get done]({DIRECTORY}/scaling.svg)

| | |
|---|---|
| machine | {machine} |
| kernel | {kernel} |
| rustc | {rustc} |
| CPython | {cpython} |
| peers, where built | {peers} |
| commit | {commit} |
| date | {date} |
| load before the run | {load} |
"
    )
}

/// How many threads have been runnable in the last minute, on average.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// What a program prints; nothing if it fails.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(isopod_tests::root())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => String::new(),
    }
}

/// The value of the first `key : value` in a file of `/proc`.
fn first_value(path: &str, key: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

pub(crate) fn quantile(samples: &[f64], quantile: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let index = (last as f64 * quantile).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

impl Unit {
    /// A number in this unit, for people.
    pub(crate) fn shown(self, number: f64) -> String {
        match self {
            Unit::Nanoseconds => time(number),
            Unit::Bytes => format!("{:.1} KiB", number / 1024.0),
        }
    }
}

pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        ..1e5 => format!("{:.2} us", nanoseconds / 1e3),
        ..1e6 => format!("{:.0} us", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

fn thousands(count: f64) -> String {
    match count {
        ..1e4 => format!("{count:.0}"),
        ..1e6 => format!("{:.0} k", count / 1e3),
        _ => format!("{:.2} M", count / 1e6),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
