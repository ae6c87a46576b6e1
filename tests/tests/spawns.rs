//! Processes without end leave no memory behind. `soak spawns` does it with a million.
//!
//! One test only: it measures what this whole operating-system process has.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is how a test fails, a line says what was seen"
)]

use isopod_tests::many_spawns;

#[test]
fn memory_stays() {
    println!("{}", many_spawns(20_000, 2_000).unwrap());
}
