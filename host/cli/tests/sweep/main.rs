//! A sweep over every function that a guest can call: those of isopod's WIT and those of WASI.
//!
//! For each function there is a guest that calls it in a loop, with the largest possible arguments, and
//! holds every result. The guest has 64 MiB of memory and ends at its time-out. The host that runs it is a
//! process of its own. It may take 64 MiB for the guest, the memory of the tree's limit of host memory, and
//! 32 MiB more; and it must end within a second.
//!
//! The test reads the functions from the WIT, so a new one is in the sweep at once. `docs/sweep.md` keeps
//! the measurements, and the test fails until a new function has its row there: `ISOPOD_SWEEP=write` writes
//! it anew. `ISOPOD_SWEEP_ONLY=TEXT` runs the functions whose names contain the text, and prints each run.
//!
//! It is a target of its own because its tests measure memory and time: no other tests run beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a failed unwrap is a failed test, and whoever runs it sees what was measured"
)]

mod arguments;
mod guest;
mod layout;
mod lower;
mod module;
mod preview1;
mod results;
mod run;
mod surface;
mod table;
mod ways;

use arguments::Mode;
use guest::{Door, Excluded, Guest, Subject, TESTED};
use layout::Size;
use run::Run;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use surface::Surface;
use table::Row;

/// The limits of memory of each guest.
const LIMIT_MIB: u64 = 64;
/// The most memory of a host: the guest's memory, the memory held for the guest, and the host's own.
const BOUND_KIB: u64 = (LIMIT_MIB + LIMIT_MIB + 32) << 10;
/// The longest time from its deadline to the end of a host.
const END_BOUND: Duration = Duration::from_secs(1);

/// The exit code of `isopod` after a deadline.
const DEADLINE_EXIT_CODE: i32 = 124;
/// The exit code of isopod's own failures: no function may lead to this.
const OWN_ERROR_EXIT_CODE: i32 = 125;
/// The time that a busy machine may add to an end before the test fails. The table must stay within the
/// bound.
const SLACK: Duration = Duration::from_secs(1);
/// The number of further runs, alone, of a guest that ends late: a machine that is short of time for a
/// moment makes some late, but not each time.
const RUN_AGAIN: usize = 2;

/// Functions that no guest of the sweep can call with success, or at all, and the reasons.
const OUT_OF_REACH: &[(&str, &str)] = &[
    (
        "wasi:cli/terminal-input terminal-input.drop",
        "the hosts of the sweep have no terminal",
    ),
    (
        "wasi:cli/terminal-output terminal-output.drop",
        "the hosts of the sweep have no terminal",
    ),
];

/// Functions for which hosts exceed the bound, with the MiB that they may take, and the reasons.
const ABOVE_THE_BOUND: &[(&str, u64)] = &[
    // One call may replace a whole list by as many elements as it can pass. The charges for the old
    // elements, the new ones and the passed data add up, and take 92 to 101 MiB if glibc gives freed memory
    // back (`MALLOC_MMAP_THRESHOLD_=131072`). By default it raises that threshold when a large block is
    // freed, and keeps the memory that is freed after that: 100 to 131 MiB in forty runs, and more in some
    // runs of the whole sweep.
    ("isopod:multiprocessing/manager list.set-slice", 240),
];

#[test]
fn no_function_takes_the_hosts_memory_or_time() {
    let surface = Surface::read();
    let only = std::env::var("ISOPOD_SWEEP_ONLY").ok();
    let cases: Vec<(String, Guest)> = guests(&surface)
        .into_iter()
        .filter(|(title, _)| only.as_ref().is_none_or(|only| title.contains(only)))
        .collect();
    let base_kib =
        [Door::Program, Door::Plugin].map(|door| measure(&surface, nothing(door)).peak_kib);
    let mut rows = BTreeMap::new();
    let mut late = Vec::new();
    let mut failures = String::new();
    for ((title, guest), run) in in_parallel(&surface, &cases) {
        let row = row_of(*guest, &run, base_kib);
        if only.is_some() || row.growth_kib > BOUND_KIB || row.end > END_BOUND {
            eprintln!("{title}: {guest:?}\n  {row:?}\n  {run:?}");
        }
        if run.exit_code == Some(OWN_ERROR_EXIT_CODE) {
            writeln!(
                failures,
                "`{title}` was not run as {guest:?}: {}",
                run.stderr
            )
            .unwrap();
        }
        if row.end > END_BOUND {
            late.push((title, *guest, row));
        } else {
            add(&mut rows, title, row);
        }
    }
    for (title, guest, row) in late {
        let again = (0..RUN_AGAIN).map(|_| measure(&surface, guest).after_deadline);
        let end = again.min().unwrap();
        add(&mut rows, title, Row { end, ..row });
    }
    // A guest that was short of time too may not have reached its calls.
    for (title, guest) in &cases {
        if rows[title].calls == 0 && out_of_reach(title).is_none() {
            let row = row_of(*guest, &measure(&surface, *guest), base_kib);
            add(&mut rows, title, Row { runs: 0, ..row });
        }
    }
    let slack = if is_writing() { Duration::ZERO } else { SLACK };
    for (title, row) in &rows {
        let Row {
            growth_kib, end, ..
        } = row;
        if *growth_kib > bound_kib(title) || *end > END_BOUND + slack {
            writeln!(
                failures,
                "`{title}` took {} MiB and {end:?}",
                growth_kib >> 10
            )
            .unwrap();
        }
        if row.calls == 0 && out_of_reach(title).is_none() {
            writeln!(failures, "`{title}` was never called").unwrap();
        }
    }
    if is_writing() && only.is_none() {
        std::fs::create_dir_all(table::path().parent().unwrap()).unwrap();
        std::fs::write(table::path(), table::text(&rows)).unwrap();
    }
    assert!(
        failures.is_empty(),
        "with a bound of {} MiB and {END_BOUND:?}:\n{failures}",
        BOUND_KIB >> 10
    );
}

#[test]
fn each_function_has_its_row_within_the_bounds() {
    if is_writing() {
        return;
    }
    let titles: BTreeSet<String> = guests(&Surface::read())
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    let kept = table::kept();
    let listed: BTreeSet<String> = kept.keys().cloned().collect();
    assert_eq!(
        titles, listed,
        "docs/sweep.md is old: `ISOPOD_SWEEP=write` writes it"
    );
    for (title, (mebibytes, milliseconds)) in kept {
        assert!(
            mebibytes <= bound_kib(&title) >> 10,
            "{title}: {mebibytes} MiB"
        );
        assert!(
            Duration::from_millis(milliseconds) <= END_BOUND,
            "{title}: {milliseconds} ms"
        );
    }
}

fn out_of_reach(title: &str) -> Option<&'static str> {
    OUT_OF_REACH
        .iter()
        .find(|(known, _)| *known == title)
        .map(|(_, why)| *why)
}

fn bound_kib(title: &str) -> u64 {
    let known = ABOVE_THE_BOUND.iter().find(|(known, _)| *known == title);
    known.map_or(BOUND_KIB, |(_, mebibytes)| mebibytes << 10)
}

fn is_writing() -> bool {
    std::env::var_os("ISOPOD_SWEEP").is_some_and(|mode| mode == "write")
}

fn row_of(guest: Guest, run: &Run, base_kib: [u64; 2]) -> Row {
    let base_kib = base_kib[usize::from(guest.door == Door::Plugin)];
    Row {
        runs: 1,
        calls: run.calls,
        successes: run.successes,
        growth_kib: run.peak_kib.saturating_sub(base_kib),
        end: run.after_deadline,
    }
}

fn add(rows: &mut BTreeMap<String, Row>, title: &str, row: Row) {
    let known = rows.entry(title.to_owned()).or_default();
    *known = known.with(row);
}

/// Runs all guests, two at a time.
fn in_parallel<'a>(
    surface: &Surface,
    cases: &'a [(String, Guest)],
) -> Vec<(&'a (String, Guest), Run)> {
    let waiting = Mutex::new(cases.iter());
    let ended = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().unwrap().next() else {
                        break;
                    };
                    let run = measure(surface, case.1);
                    ended.lock().unwrap().push((case, run));
                }
            });
        }
    });
    ended.into_inner().unwrap()
}

fn nothing(door: Door) -> Guest {
    Guest {
        subject: Subject::Nothing,
        mode: Mode::Often,
        size: Size::Small,
        door,
    }
}

/// All guests of the sweep, each with the name of its function.
fn guests(surface: &Surface) -> Vec<(String, Guest)> {
    let mut guests = Vec::new();
    for (index, imported) in surface.functions.iter().enumerate() {
        let function = &imported.function;
        let subject = Subject::Call(index);
        let types = function.params.iter().map(|parameter| &parameter.ty);
        let has_lists = types.chain(&function.result).any(|ty| surface.has_list(ty));
        let waits = function
            .params
            .iter()
            .any(|parameter| parameter.name.contains("timeout"));
        for door in [Door::Program, Door::Plugin] {
            let is_isopods = imported.module.starts_with("isopod:");
            if door == Door::Plugin && !(imported.in_plugins && is_isopods) {
                continue;
            }
            let mut add = |mode, size| {
                guests.push((
                    imported.title(),
                    Guest {
                        subject,
                        mode,
                        size,
                        door,
                    },
                ))
            };
            add(Mode::Often, Size::Small);
            if has_lists {
                add(Mode::Often, Size::Large);
            }
            if waits {
                add(Mode::Wait, Size::Small);
            }
        }
    }
    for &resource in &surface.resources {
        let interface = surface.module_of(resource);
        let title = format!(
            "{} {}.drop",
            interface.split('@').next().unwrap(),
            surface.name_of(resource)
        );
        let subject = Subject::Drop(resource);
        guests.push((
            title,
            Guest {
                subject,
                mode: Mode::Often,
                size: Size::Small,
                door: Door::Program,
            },
        ));
    }
    for (index, raw) in surface.raw_functions.iter().enumerate() {
        let subject = Subject::CallRaw(index);
        let title = format!("wasi_snapshot_preview1 {}", raw.name);
        let mut add = |mode, size| {
            guests.push((
                title.clone(),
                Guest {
                    subject,
                    mode,
                    size,
                    door: Door::Program,
                },
            ))
        };
        add(Mode::Often, Size::Small);
        if raw.takes_much() {
            add(Mode::Often, Size::Large);
        }
        if raw.name == "poll_oneoff" {
            add(Mode::Wait, Size::Small);
        }
    }
    guests
}

/// Runs a guest. If a call ends it, for instance with a trap, runs it again without that call.
fn measure(surface: &Surface, guest: Guest) -> Run {
    let mut excluded = Excluded::new();
    let mut all: Option<Run> = None;
    loop {
        let (component, combinations) = guest::component(surface, guest, &excluded);
        let directory = tempfile::tempdir().unwrap();
        let run = run_component(&component, guest.door, directory.path());
        let ended_early = run.exit_code != Some(DEADLINE_EXIT_CODE);
        let is_in_first_round = run.calls <= combinations as u64;
        let last = run.last;
        let sum = match all {
            None => run,
            Some(before) => Run {
                calls: run.calls.max(before.calls),
                successes: run.successes.max(before.successes),
                peak_kib: run.peak_kib.max(before.peak_kib),
                after_deadline: run.after_deadline.max(before.after_deadline),
                ..run
            },
        };
        match last {
            Some(last) if ended_early && is_in_first_round && excluded.insert(last) => {
                all = Some(sum)
            }
            _ => return sum,
        }
        if excluded
            .iter()
            .filter(|(stage, _)| *stage == TESTED)
            .count()
            == combinations
        {
            return all.unwrap();
        }
    }
}

fn run_component(component: &[u8], door: Door, directory: &Path) -> Run {
    let path = directory.join("guest.wasm");
    std::fs::write(&path, component).unwrap();
    let scratch = directory.join("scratch");
    std::fs::create_dir_all(scratch.join("d")).unwrap();
    std::fs::write(scratch.join("f"), vec![b'x'; 1 << 20]).unwrap();
    let memory = format!("{LIMIT_MIB}MiB");
    let timeout = format!("{}ms", run::TIMEOUT.as_millis());
    let grant = format!("{}::/scratch", scratch.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopod"));
    command
        .env("ISOPOD_CACHE", directory.join("cache"))
        .current_dir(directory);
    match door {
        Door::Program => {
            command.arg("run").arg(&path).arg("--allow-name-lookup");
            for address in ["127.0.0.1:*", "[::1]:*"] {
                command.args(["--net", address, "--listen", address]);
            }
        }
        Door::Plugin => {
            command.arg("call").arg(&path).arg("f");
        }
    }
    for limit in ["--memory", "--tree-memory", "--tree-host-memory"] {
        command.args([limit, &memory]);
    }
    command.args(["--timeout", &timeout, "--dir", &grant, "--env", "SWEEP=1"]);
    run::run(command, directory)
}
