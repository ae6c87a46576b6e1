//! Guests take the host's memory in each way that a call offers. For each way, a test asserts from outside
//! that the host's memory grows by no more than a bound, that the end comes soon, that a well-behaved tree
//! keeps working, and that nothing stays charged.

use crate::harness::arena;
use crate::outside::{SLACK_BYTES, nothing_is_charged, peak_bytes};
use isopod_host::{Capture, Command, ErrorKind, ExitStatus, Limits, Output, Process, Program};
use isopod_tests::{GUARD, assert_passed, eventually, rerun};
use std::time::{Duration, Instant};

/// The limit of each process of the guest.
const MEMORY_BYTES: u64 = 64 << 20;
/// The limit of the host's memory for the guest.
const HOST_MEMORY_BYTES: u64 = 64 << 20;
/// The time for which a test observes the host's memory.
const OBSERVED: Duration = Duration::from_secs(2);
/// The longest time from the request to the end. The aim is a quarter of a second; the machine may be busy.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Runs one way of `tests/hostile-guests/src/host_memory.rs`. Its processes have `guests_bytes` of memory
/// in total.
fn takes(kind: &str, guests_bytes: u64) {
    let arena = arena();
    let sibling = arena.sibling();
    let limits = Limits::default()
        .memory(MEMORY_BYTES)
        .tree_memory(guests_bytes)
        .tree_host_memory(HOST_MEMORY_BYTES);
    let command = arena.command("host-memory").arg(kind).limits(limits);
    let before = peak_bytes(true);
    let stdout = Capture::new();
    // The engine keeps no reports of dead children here.
    let command = command.stdout(Output::Capture(stdout.clone()));
    let process = command.stderr(Output::Discard).spawn().unwrap();
    arena.wait_ready_or_end(&process);
    // The children keep taking memory.
    let begin = Instant::now();
    while begin.elapsed() < OBSERVED {
        sibling.works();
    }
    let usage = process.tree_usage();
    assert!(
        usage.host_memory_bytes <= HOST_MEMORY_BYTES + (16 << 20),
        "{usage:?}"
    );
    let grown = peak_bytes(false).saturating_sub(before);
    let context = format!("{kind}: {grown} {usage:?}\n{}", stdout.text());
    assert!(
        grown < guests_bytes + HOST_MEMORY_BYTES + SLACK_BYTES,
        "{context}"
    );
    let begin = Instant::now();
    process.kill();
    let status = process.join_tree_timeout(GUARD);
    let took = begin.elapsed();
    assert!(status.is_some() && took < LONGEST_END, "{took:?} {context}");
    sibling.works();
    sibling.end();
    assert_eq!(process.tree_usage().queued_bytes, 0, "{context}");
    nothing_is_charged(&process);
    println!(
        "{kind}: {} MiB of the host at most, ended after {took:?}",
        grown >> 20
    );
}

/// A module that reports that it runs, and then sleeps.
fn sleeper(parts: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "poll_oneoff"
                (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\01\00\00\00.")
            ;; A subscription to the monotonic clock, in a hundred seconds.
            (data (i32.const 80) "\01\00\00\00\00\00\00\00\00\e8\76\48\17\00\00\00")
            {parts}
            (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
                (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 32)))))"#
    );
    wat::parse_str(text).unwrap()
}

/// The parts of a program that each instance repeats cost the host the same for each process.
#[test]
fn large_instances_are_charged() {
    const PROCESSES: usize = 100;
    const MARK: &str = "ISOPOD_TEST_ONLY_COMPILES";
    // Compiling takes more memory than the instances, so another process fills the cache.
    let only_compiles = std::env::var_os(MARK).is_some();
    if !only_compiles {
        assert_passed(
            rerun(module_path!(), "large_instances_are_charged")
                .env(MARK, "1")
                .output(),
        );
    }
    let arena = arena();
    let functions: String = (0..25_000)
        .map(|number| format!("(func $f{number})"))
        .collect();
    let named: String = (0..25_000).map(|number| format!(" $f{number}")).collect();
    let before = peak_bytes(true);
    // From small to large, because the allocator keeps the memory of one for the next.
    for (kind, parts) in [
        ("a table", "(table 20000 funcref)".to_owned()),
        ("passive data", "(data \"\")".repeat(20_000)),
        ("globals", "(global i32 (i32.const 0))".repeat(40_000)),
        (
            "references",
            format!("{functions} (elem declare func {named})"),
        ),
        (
            "passive elements",
            format!("(func $f) (elem func {})", "$f ".repeat(200_000)),
        ),
    ] {
        let module = sleeper(&parts);
        let program = Program::from_bytes(&arena.engine, kind, &module).unwrap();
        if only_compiles {
            continue;
        }
        let started: Vec<(Process, Capture)> = (0..PROCESSES)
            .map(|_| {
                let stdout = Capture::new();
                let command = Command::new(&program).stdout(Output::Capture(stdout.clone()));
                (command.spawn().unwrap(), stdout)
            })
            .collect();
        eventually("a word of each process", || {
            started.iter().all(|(_, stdout)| !stdout.text().is_empty())
        });
        let grown = peak_bytes(false).saturating_sub(before);
        let charged = |process: &Process| process.tree_usage().host_memory_bytes;
        let sum: u64 = started.iter().map(|(process, _)| charged(process)).sum();
        let guests_bytes = u64::try_from(PROCESSES).unwrap() * (64 << 10);
        println!("{kind}: {} MiB, charged {} MiB", grown >> 20, sum >> 20);
        assert!(
            grown < sum + guests_bytes + SLACK_BYTES,
            "{kind}: {grown} bytes for a charge of {sum}"
        );
        for (process, _) in &started {
            process.kill();
            process.join_tree_timeout(GUARD).expect("it ends");
            nothing_is_charged(process);
        }
        // With a lower limit it does not start, or ends when it begins.
        let limit = isopod_component::instance_bytes(&module).max(200 << 10);
        let limits = Limits::default().tree_host_memory(limit);
        let command = Command::new(&program)
            .limits(limits)
            .stdout(Output::Discard);
        let text = match command.spawn() {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{kind}: {error}");
                error.to_string()
            }
            Ok(process) => match process.join_tree_timeout(GUARD) {
                Some(ExitStatus::Limit(text) | ExitStatus::MemoryLimit(text)) => text,
                status => panic!("{kind}: {status:?}"),
            },
        };
        assert!(text.contains("`--tree-host-memory`"), "{kind}: {text}");
    }
}

macro_rules! takes {
    ($($name:ident: $kind:literal, $guests_mebibytes:literal;)*) => {$(
        #[test]
        fn $name() {
            takes($kind, $guests_mebibytes << 20);
        }
    )*};
}

takes! {
    directories: "directories", 64;
    variables: "variables", 64;
    addresses: "addresses", 64;
    options: "options", 64;
    objects_in_messages: "objects-in-messages", 64;
    dicts_in_a_dict: "dicts-in-dict", 64;
    conditions: "conditions", 64;
    pipes: "pipes", 64;
    handles: "handles", 64;
    reads_of_shared_memory: "reads", 320;
    copies_of_lists: "values", 320;
    puts_that_wait: "puts-that-wait", 640;
    sends_that_wait: "sends-that-wait", 640;
    values_of_one_buffer: "shared-buffers", 640;
    dead_children: "dead-children", 64;
    waits_for_many: "waits", 64;
    jobs: "jobs", 64;
    drained_queues: "drained-queues", 64;
}

/// While a large tree lives, and while it ends, small trees end as soon as they do without it.
#[test]
fn the_end_of_a_tree_costs_what_that_tree_holds() {
    let arena = arena();
    let time = |count: u32| {
        let mut best = Duration::MAX;
        for _ in 0..count {
            let begin = Instant::now();
            let (process, _, stderr) = arena.start(&arena.command("ties-a-knot"));
            let status = process.join_tree_timeout(GUARD);
            assert_eq!(status, Some(ExitStatus::Exited(0)), "{}", stderr.text());
            best = best.min(begin.elapsed());
        }
        best
    };
    let alone = time(20);
    let limits = Limits::default()
        .memory(MEMORY_BYTES)
        .tree_host_memory(600 << 20);
    let command = arena.command("host-memory").arg("objects-in-messages");
    let (large, _, _) = arena.start(&command.limits(limits));
    arena.wait_ready();
    let beside = time(20);
    assert!(
        beside < alone * 3 + Duration::from_millis(20),
        "{alone:?} {beside:?}"
    );
    large.kill();
    let while_it_ends = time(3);
    assert!(
        while_it_ends < alone * 10 + Duration::from_millis(100),
        "{alone:?} {while_it_ends:?}"
    );
    let begin = Instant::now();
    assert_eq!(large.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    println!(
        "alone {alone:?}, beside {beside:?}, meanwhile {while_it_ends:?}; the end took {:?} more",
        begin.elapsed()
    );
    nothing_is_charged(&large);
}
