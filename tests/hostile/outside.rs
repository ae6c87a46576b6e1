//! The assertions from outside on a hostile program in any language: how much the host's memory grows by at
//! most, how much work a well-behaved tree beside it does, how soon it ends after the request, and that
//! nothing of it is left, in the account of its tree or in the operating-system process.

use crate::harness::{Arena, LEFT_GUARD, MOST_ATTEMPTS};
use isopod_host::{Capture, Command, ExitStatus, Limits, Output, Process};
use isopod_tests::{GUARD, Remains, eventually};
use std::fs;
use std::time::{Duration, Instant};

/// The limit of the host's memory for a tree.
const HOST_MEMORY_BYTES: u64 = 16 << 20;
/// The allocator's own memory.
pub(crate) const SLACK_BYTES: u64 = 32 << 20;

/// Memory that the host cannot refuse, because the guest has it already.
const OVER_BYTES: u64 = 16 << 20;
/// The memory limit of each process.
const MEBIBYTES: u64 = 64;
const MOST_DESCRIPTORS: u32 = 60;
const MOST_FILES: u64 = 1_000;
const MOST_WRITTEN_BYTES: u64 = 16 << 20;
const MOST_OUTPUT_BYTES: u64 = 128 << 20;

/// The time for which a test observes a program after it has come to its point.
const OBSERVED: Duration = Duration::from_millis(300);
/// The least number of rounds that a well-behaved tree beside it finishes.
const LEAST_ROUNDS: u32 = 20;
/// The longest time for these rounds on a machine that is busy with other things too.
const LONGEST_ROUNDS: Duration = Duration::from_secs(20);
/// The longest time from the request to the end, at best.
const LONGEST_END: Duration = Duration::from_secs(1);

/// A hostile program, the limits of its processes, and its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The scenario, with its arguments after blanks.
    pub(crate) scenario: &'static str,
    /// The memory limit of all its processes together.
    pub(crate) guests_mebibytes: u64,
    pub(crate) end: End,
}

/// The end of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// It keeps its resources, or goes on, until the test kills it.
    Killed,
    /// It ends by itself, with a status whose text contains this.
    Itself(&'static str),
}

/// A row that the test kills.
pub(crate) const fn killed(scenario: &'static str, guests_mebibytes: u64) -> Row {
    Row {
        scenario,
        guests_mebibytes,
        end: End::Killed,
    }
}

/// A row that ends by itself, with a status whose text contains this.
pub(crate) const fn itself(
    scenario: &'static str,
    guests_mebibytes: u64,
    status: &'static str,
) -> Row {
    Row {
        scenario,
        guests_mebibytes,
        end: End::Itself(status),
    }
}

/// The peak memory of this operating-system process since the last call with `true`.
pub(crate) fn peak_bytes(begin: bool) -> u64 {
    if begin {
        // The kernel begins to measure anew.
        fs::write("/proc/self/clear_refs", "5").unwrap();
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kibibytes << 10
}

/// Asserts that nothing is charged to a tree that has ended, except the record of main, which the test
/// holds. Threads let go of the other records a moment after the end.
pub(crate) fn nothing_is_charged(main: &Process) {
    eventually("an account without charges", || {
        let usage = main.tree_usage();
        usage.queued_bytes == 0 && usage.host_memory_bytes < 80 << 10
    });
}

/// Runs each row of a table on the arena. `command` makes the command of a scenario.
pub(crate) fn withstands_all(arena: &Arena, rows: &[Row], command: impl Fn(&str) -> Command) {
    // Runs only the rows whose names contain this, and prints their measurements.
    let only = std::env::var("ISOPOD_HOSTILE_ONLY").ok();
    let wanted = |row: &&Row| only.as_ref().is_none_or(|only| row.scenario.contains(only));
    let mut failed = Vec::new();
    for row in rows.iter().filter(wanted) {
        let limits = Limits::default()
            .memory(row.guests_mebibytes.min(MEBIBYTES) << 20)
            .tree_memory(row.guests_mebibytes << 20)
            .tree_host_memory(HOST_MEMORY_BYTES)
            .tree_descriptors(MOST_DESCRIPTORS)
            .tree_files(MOST_FILES)
            .tree_written(MOST_WRITTEN_BYTES)
            .tree_output(MOST_OUTPUT_BYTES);
        let stderr = only.as_ref().map_or(Output::Discard, |_| Output::Inherit);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            withstands(
                arena,
                row,
                &command(row.scenario).limits(limits).stderr(stderr),
            );
        }));
        if outcome.is_err() {
            arena.clear();
            failed.push(row.scenario);
        }
    }
    assert!(failed.is_empty(), "these failed: {failed:?}");
}

/// Runs one row.
fn withstands(arena: &Arena, row: &Row, command: &Command) {
    let sibling = arena.sibling();
    let mut soonest = Duration::MAX;
    let mut left = None;
    for attempt in 1..=MOST_ATTEMPTS {
        let before = Remains::count().unwrap();
        let before_bytes = peak_bytes(true);
        let stdout = Capture::new();
        let started = command.clone().stdout(Output::Capture(stdout.clone()));
        let process = started.spawn().unwrap();
        arena.wait_ready_or_end(&process);
        let begin = Instant::now();
        let mut rounds = 0;
        while begin.elapsed() < OBSERVED || rounds < LEAST_ROUNDS {
            sibling.works();
            rounds += 1;
        }
        let observed = begin.elapsed();
        let usage = process.tree_usage();
        let grown = peak_bytes(false).saturating_sub(before_bytes);
        let was_alive = process.is_alive();
        let begin = Instant::now();
        process.kill();
        let status = process.join_tree_timeout(GUARD).expect("it never ended");
        let took = begin.elapsed();
        let said = stdout.text();
        let context = format!("{row:?}: {status}\n{said}\n{usage:?}");
        println!(
            "{}: {} MiB of the host, ended after {took:?}, {rounds} rounds beside it in {observed:?}: {}",
            row.scenario,
            grown >> 20,
            said.trim_end(),
        );
        match row.end {
            End::Killed => assert!(was_alive && status == ExitStatus::Killed, "{context}"),
            End::Itself(text) => assert!(status.to_string().contains(text), "{context}"),
        }
        let bound = (row.guests_mebibytes << 20) + HOST_MEMORY_BYTES + SLACK_BYTES;
        assert!(grown < bound, "{grown} bytes of {bound}: {context}");
        assert!(
            usage.host_memory_bytes <= HOST_MEMORY_BYTES + OVER_BYTES,
            "{context}"
        );
        assert!(observed < LONGEST_ROUNDS, "{rounds} in {observed:?}");
        nothing_is_charged(&process);
        drop(process);
        arena.forget_ready();
        soonest = soonest.min(took);
        // Pools grow once, and the machine may be busy for a moment.
        let guard = LEFT_GUARD * attempt / MOST_ATTEMPTS / 4;
        left = Arena::come_back_to(&before, guard)
            .err()
            .map(|after| (before, after));
        if left.is_none() && soonest < LONGEST_END {
            break;
        }
    }
    assert!(left.is_none(), "{}: left: {left:?}", row.scenario);
    assert!(soonest < LONGEST_END, "{}: {soonest:?}", row.scenario);
    sibling.end();
}
