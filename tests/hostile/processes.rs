//! Too many processes, and processes that never end.

use crate::harness::Expectation::{Exits, IsKilled, RunsOutOfMemory, Traps};
use crate::harness::hostile;

#[test]
fn endless_loop() {
    hostile("endless-loop", IsKilled);
}

#[test]
fn deep_recursion() {
    hostile("deep-recursion", Traps("call stack exhausted"));
}

#[test]
fn sleep_for_ever() {
    hostile("sleep-for-ever", IsKilled);
}

#[test]
fn fork_bomb() {
    hostile("fork-bomb", IsKilled);
}

#[test]
fn fork_chain() {
    // Three processes belong to the sibling.
    hostile("fork-chain", Exits("a chain of 197\n"));
}

#[test]
fn relay_of_orphans() {
    hostile("relay-of-orphans", Exits("the last one is Process-"));
}

#[test]
fn chains_that_break_everywhere() {
    hostile(
        "chains-that-break-everywhere",
        Exits("main has outlived them"),
    );
}

#[test]
fn thousands_of_tiny_processes() {
    hostile("thousands-of-tiny-processes", Exits("2000 came and went"));
}

#[test]
fn spawn_during_exit() {
    hostile("spawn-during-exit", Traps("unreachable"));
}

#[test]
fn exit_during_spawn() {
    hostile("exit-during-spawn", Exits("sum 120\n"));
}

#[test]
fn waits_for_its_parent() {
    hostile("waits-for-its-parent", IsKilled);
}

#[test]
fn ten_thousand_workers() {
    hostile("ten-thousand-workers", Exits("[2, 3, 4]\n"));
}

#[test]
fn memory_bomb() {
    hostile("memory-bomb", RunsOutOfMemory);
}

#[test]
fn memory_bomb_of_children() {
    hostile("memory-bomb-of-children", Exits("8 bombs\n"));
}
