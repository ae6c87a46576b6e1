//! The misdeeds of a plugin in a chain, in place of its work. `hostile.toml` chooses one of them.

use std::hint::black_box;

isopod::plugin!();

/// Computes for ever.
#[isopod::function]
fn loops() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Allocates for ever.
#[isopod::function]
fn eats_memory() {
    let mut blocks = Vec::new();
    loop {
        blocks.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Traps.
#[isopod::function]
fn traps() {
    std::process::abort();
}

/// Writes to its standard output for ever.
#[isopod::function]
fn floods() {
    loop {
        println!("{}", "flood ".repeat(1_000));
    }
}

/// Gives far more than it was given.
#[isopod::function]
fn swells() -> Vec<u8> {
    vec![b'x'; 8 << 20]
}

/// Gives what are no records.
#[isopod::function]
fn gives_garbage() -> Vec<u8> {
    vec![0xff; 1_000]
}
