//! The memory mappings of a live process.
//!
//! One test only: it counts the mappings of this whole operating-system process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_host::{Command, Ending, Engine, ExitStatus, Process, Program};
use isopod_tests::{GUARD, eventually};
use std::time::Duration;

/// Two memories, each with initial contents in the middle of it, and a loop without end.
const GREEDY: &str = r#"(component
    (core module $other
        (memory 4)
        (data (i32.const 70000) "x"))
    (core module $module
        (memory 4)
        (data (i32.const 70000) "x")
        (func (export "run") (result i32) (loop $more (br $more)) unreachable))
    (core instance (instantiate $other))
    (core instance $instance (instantiate $module))
    (func $run (result (result)) (canon lift (core func $instance "run")))
    (instance $exports (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $exports)))"#;

/// The number that SECURITY.md promises.
const MAPPINGS_PER_PROCESS: usize = 16;

#[test]
fn a_process_takes_no_more_mappings_than_are_counted_for_it() {
    let engine = Engine::new().unwrap();
    let component = wat::parse_str(GREEDY).unwrap();
    let program = Program::from_bytes(&engine, "greedy", &component).unwrap();
    let start = |count: usize| -> Vec<Process> {
        let command = || Command::new(&program).spawn().unwrap();
        let processes: Vec<Process> = (0..count).map(|_| command()).collect();
        eventually("all of them run", || {
            processes
                .iter()
                .all(|process| process.cpu_time() > Duration::ZERO)
        });
        processes
    };
    let end = |processes: Vec<Process>| {
        for process in &processes {
            process.end_tree(Ending::Kill);
        }
        for process in processes {
            assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
        }
    };
    // Things that are made once: arenas of the allocator, the first slots, threads that stay.
    end(start(2));
    let before = mappings();
    let processes = start(60);
    let taken = mappings().saturating_sub(before);
    end(processes);
    assert!(taken > 60 * 8, "{taken} mappings are too few to be true");
    assert!(
        taken <= 60 * MAPPINGS_PER_PROCESS,
        "{taken} mappings for 60 processes"
    );
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}
