//! The aims of isopod, as ratios within one run, and whether it reached them.

use crate::measure::Measured;
use crate::report::quantile;
use anyhow::Result;
use std::fmt::Write;

/// The group of a line, and its name.
struct Line(&'static str, &'static str);

/// The form of an aim: a ratio of two lines, or a number of one line.
enum Aim {
    /// The first takes at most this many times as long as the second.
    AtMost(f64, Line, Line),
    /// The second takes at least this many times as long as the first.
    Faster(f64, Line, Line),
    /// At most this many nanoseconds, or bytes.
    Below(f64, Line),
    /// The 99th percentile takes at most this many nanoseconds.
    LateBelow(f64, Line),
}

use Aim::{AtMost, Below, Faster, LateBelow};

const SPAWN: &str = "isopod, guest: Process::spawn and wait";
const QUEUE: &str = "isopod, guest: Queue::put and get";
const PIPE: &str = "isopod, guest: Connection::send and recv";
const START: &str = "process start and join, two cores";
const BURSTS: &str = "processes started and ended, 2 cores";
const MAP: &str = "pool map, chunks of 1, per job, two cores";
const KILL: &str = "kill, from request to joined";
const IDLE: &str = "private memory of an idle process";
const WARM: &str = "plugin call, 16 B, warm instance";
const WARM_LARGE: &str = "plugin call, 64 KiB, warm instance";
const FRESH: &str = "plugin call, 16 B, new instance for each";
const FRESH_LARGE: &str = "plugin call, 64 KiB, new instance for each";
const HOP: &str = "plugin call, 16 B, on another core";
const LOAD: &str = "load of a plugin";
const LOAD_LARGE: &str = "load of a large component";
const HERE: &str = "isopod: Plugin::call_here";
const EXTISM_WARM: &str = "extism: Plugin::call, without limits";
const EXTISM_FRESH: &str = "extism: Plugin::new_from_compiled and call";
const EXTISM_CACHED: &str = "extism: CompiledPlugin::new from its cache";
const EXTISM_COMPILED: &str = "extism: CompiledPlugin::new";

const AIMS: &[Aim] = &[
    AtMost(
        1.3,
        Line(START, SPAWN),
        Line(START, "raw wasmtime, parked pinned thread, caller parks"),
    ),
    Faster(
        30.0,
        Line(START, SPAWN),
        Line(START, "CPython, fork: Process.start and join"),
    ),
    Faster(
        700.0,
        Line(START, SPAWN),
        Line(START, "CPython, spawn: Process.start and join"),
    ),
    AtMost(
        1.0 / 0.85,
        Line(BURSTS, "isopod, guest: bursts of 50"),
        Line(BURSTS, "raw wasmtime, a thread on each core, nobody waits"),
    ),
    Below(
        65_536.0,
        Line(
            IDLE,
            "isopod: 1000 processes, without what the guest has written",
        ),
    ),
    Below(
        65_536.0,
        Line(
            IDLE,
            "isopod: 10000 processes, without what the guest has written",
        ),
    ),
    LateBelow(1e6, Line(KILL, "isopod: busy loop")),
    LateBelow(1e6, Line(KILL, "isopod: blocked in Queue::get")),
    LateBelow(1e6, Line(KILL, "isopod: blocked in Connection::recv")),
    LateBelow(1e6, Line(KILL, "isopod: blocked in Semaphore::acquire")),
    LateBelow(1e6, Line(KILL, "isopod: blocked in Event::wait")),
    LateBelow(1e6, Line(KILL, "isopod: blocked in Process::join")),
    LateBelow(1e6, Line(KILL, "isopod: std::thread::sleep")),
    LateBelow(1e6, Line(KILL, "isopod: reading standard input")),
    LateBelow(1e6, Line(KILL, "isopod: 16 MiB of memory written")),
    Below(400.0, Line("queue one way 16 B, two cores", QUEUE)),
    Below(8_192.0, Line("queue one way 64 KiB, two cores", QUEUE)),
    Faster(
        10.0,
        Line("queue one way 16 B, two cores", QUEUE),
        Line("queue one way 16 B, two cores", "CPython: Queue"),
    ),
    Below(1_200.0, Line("pipe round trip 16 B, two cores", PIPE)),
    Below(6_000.0, Line("pipe round trip 16 B, one core", PIPE)),
    Faster(
        25.0,
        Line("pipe round trip 16 B, two cores", PIPE),
        Line("pipe round trip 16 B, two cores", "CPython: Pipe"),
    ),
    Below(500.0, Line(MAP, "isopod, guest: map in chunks of 1")),
    Faster(
        20.0,
        Line(MAP, "isopod, guest: map in chunks of 1"),
        Line(MAP, "CPython: Pool.map(..., 1)"),
    ),
    // Twice an empty call, plus a fifth.
    AtMost(
        2.4,
        Line(
            "lock acquire and release",
            "isopod: Lock::acquire and drop of the guard",
        ),
        Line("host call", "raw: empty function"),
    ),
    AtMost(
        1.0,
        Line(
            "lock acquire and release",
            "isopod: Lock::acquire and drop of the guard",
        ),
        Line(
            "lock acquire and release",
            "CPython: Lock.acquire and release",
        ),
    ),
    AtMost(
        1.0,
        Line("lock wanted by 4, two cores", "isopod, guest: Lock"),
        Line("lock wanted by 4, two cores", "CPython: Lock"),
    ),
    AtMost(1.5, Line(WARM, HERE), Line(WARM, "bare wasmtime")),
    Below(30_000.0, Line(FRESH, HERE)),
    AtMost(
        1.3,
        Line(HOP, "isopod: PluginPool::call, warm instance"),
        Line(HOP, "bare wasmtime on a spinning thread: a hop and back"),
    ),
    Faster(1.0, Line(WARM, HERE), Line(WARM, EXTISM_WARM)),
    Faster(1.0, Line(WARM_LARGE, HERE), Line(WARM_LARGE, EXTISM_WARM)),
    Faster(1.0, Line(FRESH, HERE), Line(FRESH, EXTISM_FRESH)),
    Faster(
        1.0,
        Line(FRESH_LARGE, HERE),
        Line(FRESH_LARGE, EXTISM_FRESH),
    ),
    Faster(
        1.0,
        Line(LOAD, "isopod: from the cache, ready to be called"),
        Line(LOAD, EXTISM_CACHED),
    ),
    Faster(
        1.0,
        Line(LOAD, "isopod: compiled"),
        Line(LOAD, EXTISM_COMPILED),
    ),
    Faster(
        1.0,
        Line(LOAD_LARGE, "isopod: Program::from_bytes from its cache"),
        Line(LOAD_LARGE, EXTISM_CACHED),
    ),
    Faster(
        1.0,
        Line(LOAD_LARGE, "isopod: Program::from_bytes"),
        Line(LOAD_LARGE, EXTISM_COMPILED),
    ),
    // A round of two is half of a round of one, if each has a core.
    Faster(
        1.95,
        Line(
            "independent processes that compute, 2 cores",
            "isopod: 2 processes",
        ),
        Line(
            "independent processes that compute, 2 cores",
            "isopod: 1 process",
        ),
    ),
];

/// The table of all aims whose lines were measured.
pub(crate) fn table(measured: &[Measured]) -> Result<String> {
    let mut text = "
## Aims

Aims are checked by the p50, except those of kills, which are checked by the p99. If an aim is missed, the other
lines of its table show where the time goes. The section \"What is missed, and why\" says what was tried.

| what | aim | measured | |
|---|---|---|---|
"
    .to_owned();
    for aim in AIMS {
        if let Some((what, wanted, found, is_met)) = told(aim, measured) {
            let verdict = if is_met { "met" } else { "missed" };
            writeln!(text, "| {what} | {wanted} | {found} | {verdict} |")?;
        }
    }
    for (name, least, worst) in [
        ("raw wasmtime without checks", 0.85, 0.5),
        ("isopod, guest", 0.7, 0.5),
    ] {
        let speeds = speeds(measured, name);
        if speeds.is_empty() {
            continue;
        }
        let logarithms: f64 = speeds.iter().map(|speed| speed.ln()).sum();
        let mean = (logarithms / speeds.len() as f64).exp();
        let slowest = speeds.iter().copied().fold(f64::INFINITY, f64::min);
        let verdict = if mean >= least && slowest >= worst {
            "met"
        } else {
            "missed"
        };
        writeln!(
            text,
            "| compute: {name}, of native Rust's speed | {least} in the geometric mean, {worst} in each | {mean:.2}, {slowest:.2} | {verdict} |"
        )?;
    }
    Ok(text)
}

/// The aim, the wanted value, the measured value, and whether the aim is reached.
fn told(aim: &Aim, measured: &[Measured]) -> Option<(String, String, String, bool)> {
    let median = |line: &Line| number(measured, line, 0.5);
    Some(match aim {
        AtMost(most, own, other) => {
            let ratio = median(own)? / median(other)?;
            (
                format!("{}: {}, of {}", own.0, own.1, other.1),
                format!("at most {most:.2} times"),
                format!("{ratio:.2} times"),
                ratio <= *most,
            )
        }
        Faster(least, own, other) => {
            let ratio = median(other)? / median(own)?;
            (
                format!("{}: {}, against {}", own.0, own.1, other.1),
                format!("{least} times as fast"),
                format!("{ratio:.2} times"),
                ratio >= *least,
            )
        }
        Below(most, line) | LateBelow(most, line) => {
            let part = if let LateBelow(..) = aim { 0.99 } else { 0.5 };
            let unit = entry(measured, line)?.unit;
            let found = number(measured, line, part)?;
            (
                format!("{}: {}", line.0, line.1),
                unit.shown(*most),
                unit.shown(found),
                found <= *most,
            )
        }
    })
}

fn entry<'a>(measured: &'a [Measured], line: &Line) -> Option<&'a Measured> {
    let mut entries = measured.iter();
    entries.find(|entry| entry.group == line.0 && entry.name == line.1)
}

fn number(measured: &[Measured], line: &Line, part: f64) -> Option<f64> {
    let entry = entry(measured, line)?;
    (!entry.samples.is_empty()).then(|| quantile(&entry.samples, part))
}

/// The speed of each kernel, relative to native Rust.
fn speeds(measured: &[Measured], name: &str) -> Vec<f64> {
    let mut speeds = Vec::new();
    let mut native = f64::NAN;
    for entry in measured
        .iter()
        .filter(|entry| entry.group.starts_with("compute: "))
    {
        let median = quantile(&entry.samples, 0.5);
        if entry.name == "native Rust" {
            native = median;
        } else if entry.name == name {
            speeds.push(native / median);
        }
    }
    speeds
}
