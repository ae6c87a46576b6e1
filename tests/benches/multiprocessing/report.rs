//! Writes BENCHMARKS.md and the files beside it from the measurements.

use crate::measure::{Measured, Unit};
use crate::{aims, charts, cpython, peers};
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::process::Command;

/// The directory of the numbers and the charts, from the root of the workspace.
const DIRECTORY: &str = "benchmarks";

/// The machine and the time of the measurements.
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

/// The numbers for other programs.
#[derive(Serialize)]
struct Numbers<'a> {
    surroundings: Surroundings,
    rows: Vec<Row<'a>>,
}

/// One line: its samples are in the unit, of single rounds or of means of many.
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
    // Both record whether the commit has changes, so the report writes nothing before.
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

/// The numbers for other programs, as JSON.
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

- **Start and join against CPython's `fork`**: most of the time goes to two wake-ups of a sleeping core, 25 to
  40 us each here. The line of the floor has them, too. On one core, without them, isopod is 48 times as fast.
- **Bursts**: the floor has no admission, place, name, tables of parents and children, limits, CPU clock or
  status that others wait for. A profile shows half of the time in the kernel: wake-ups and yields, and three
  scans for written pages at each end. It was a quarter more before programs began with some heap
  (docs/design/memory.md).
- **Memory of an idle process**: `smaps` and a heap profile show some 35 KiB of wasmtime's for its instances,
  16 for the thread's stack, 8 for the guest's, 8 for tables, 10 for isopod and WASI, and the rounding of the
  allocator. No cheap way to less was found. A smaller program has less.
- **A kill of a process that has written 16 MiB**: the time goes to the kernel's work on the pages, which the
  line \"operating system: taking back 16 MiB written\" measures.
- **Queue and pipe of 16 B**: a message takes two host calls (an empty one takes 50 ns). The guest encodes and
  decodes it, and it is copied twice. The object's mutex and memory move between two cores. These moves alone
  make up the line \"native threads: isopod-sync\".
- **64 KiB**: most of the time moves memory between two cores, each way. A guest that gets writes where a
  guest that puts has read. The native queue hands over messages that nobody reads.
- **Pool map in chunks of 1**: a profile shows 2.1 us of CPU a job. Main takes 0.8 (0.3 of it in the guest:
  encoding, decoding, its allocator), and the worker 1.3 (0.4 in the guest). Three threads share two cores.
  Most of the host's part is memory that moves between them: line, batch, budget, reference counts. Less time
  would need workers that begin several jobs at once. Then the host would not know which of these jobs a
  worker had begun when it ends. Use chunks instead: 50 ns an item.
- **Lock**: acquire and release are two host calls, and two empty calls take longer than CPython's pair
  already. A lock that needs no call would need memory that processes share, which components do not have.
  Tried: calls by number instead of by resource (from 280 to 160 ns), thin LTO (107).
- **`PluginPool::call`**: besides a hop and the call, it has a line with room and order, a clock, limits,
  counters, and a seat for the worker that says whether the worker may spin.
- **Compiling, against Extism**: Extism compiles the core module alone, without checks at loops. isopod
  unrolls small loops, and compiles the component around the module. The unrolling is 15 % of the time for a
  usual program and 45 % for the one of 2.5 MB here.
- **Computing without checks**: the time lies in the compiler's code, not in isopod's. Checks of bounds stay
  in loops, and there are no vectors.

## How it was measured, and what was not

- The first line of each table is the baseline, and the last two columns compare with it. The lines come from
  one run, one after the other, so other work on the machine disturbs some lines more than others. The load
  before the run is given above. If it is well below 1, trust the p50, else trust only the best.
- All of it is built with the profile `release`, as by the two commands of the README. `dist` adds thin LTO
  and takes ten times as long to link; host calls then take two thirds of the time. A lock and its release
  take 107 ns instead of 161 in the same run.
- Best, p50 and p99 are those of single rounds, except where marked `*`. There a sample is the mean of many
  rounds in a row, so these columns show how steady the mean is, and nothing about single rounds.
- \"Raw wasmtime\" is the same component with the same engine settings on one parked and pinned thread, without
  anything of isopod. Its `isopod:multiprocessing` imports do nothing. The raw host calls come from a guest of
  hand-written instructions, isopod's from a Rust guest with its library.
- Guests read the clock around their own loops. The guest's library encodes and decodes messages, which are
  copied twice. The messages of the native threads are copied once and then move. Queues are bounded to 1,024
  messages and 4 MiB.
- A kill is measured from the request to the return of `join`, 1 ms after the process has reported that it is
  ready.
- CPython pins each of two talking processes to its own core, and uses `send_bytes` for pipes.
- The peers are crates of others that do the same work, run from `tests/peers` as CPython is. procspawn and
  ipc-channel use processes of the operating system. ipc-channel sends bytes as they are, and has no bound but
  the socket's. At most 64 calls of procspawn's pool are in progress, since each holds open files.
- Extism's plugin is hand-written instructions that do no more than give the input back. isopod's is a Rust
  crate with its library. Both have limits of memory and time, where not said otherwise. Extism calls in the
  caller's thread only, so it has no line where another core is called. Both load the same code: isopod a
  component, and Extism its largest core module.
- \"Unpinned\": nothing places the threads and processes of the baselines. isopod pins the processes that it
  starts, there as always. In the lines \"embedder\" one side is an unpinned thread of the host's own.
- Under \"Python\" CPython and isopod run the same script; isopod makes no difference between `fork` and
  `spawn`. A row about processes has a main module with 300 lines, which CPython's `spawn` compiles again for
  each process. The command is `isopod run` of an optimised build, and `python3` is the interpreter itself,
  without any launcher that may search for it. Memory is the amount that each of 40 waiting processes adds to
  the host's private memory.
- The C library copies everything that the host writes into a guest. glibc before 2.40 copies more than 2 KiB
  with `rep movsb`. AMD's processors since Zen 3 then copy at a sixteenth of the speed, if the destination is
  not aligned to 16 bytes. The guest's allocator gives such destinations. Copies that guests make go by
  pieces, and are not affected.
- \"Without checks\" is raw wasmtime whose code cannot be interrupted. isopod's code has the checks by which a
  process can be ended, at each loop and call. Its small loops are unrolled, which can outweigh the checks.
- The memory of an idle process is its addition to the private memory of the host. It is given with the pages
  that the guest itself has written before it waits (its stack, its data, its heap), and without them.
- Each of 1,000 plugins is a program of its own, made of the same component, whose compiled code is mapped
  from the cache; its pool has one worker. The hundred are called in turn, so each worker has parked before
  its next call. The difference to a single plugin is that worker's wake-up.
- In the rows of contended locks, and of many processes at a queue, a round is one turn, or one message, of
  any process.
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

`{command}` generates this file; do not edit it. The same numbers, for programs
to read: [`{DIRECTORY}/numbers.json`]({DIRECTORY}/numbers.json).

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

/// The average number of runnable threads in the last minute.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The output of a program; nothing if it fails.
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
    /// A number in this unit, as the report shows it.
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
