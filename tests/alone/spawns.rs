//! A long series of processes leaves no memory behind. `soak spawns` runs a million of them.
//!
//! One test only: it measures the memory of this whole operating-system process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is how a test fails, a line says what was seen"
)]

use isopod_tests::many_spawns;

/// Less than the state of one process. The allocator's arenas still grow by a part of it.
const BYTES_PER_PROCESS: u64 = 512;

#[test]
fn memory_stays() {
    let spawns = many_spawns(20_000, 2_000).unwrap();
    println!("{spawns}");
    let processes = u64::from(spawns.count - spawns.first);
    assert!(
        spawns.growth_bytes() < processes * BYTES_PER_PROCESS,
        "memory has grown by {} bytes: {spawns}",
        spawns.growth_bytes()
    );
}
