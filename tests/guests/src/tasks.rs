//! Tasks that the embedder's pools call by name.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

#[isopod::task]
fn square(number: u64) -> u64 {
    number * number
}

#[isopod::task]
fn repeat(text: String, count: u32) -> String {
    (0..count).map(|_| text.as_str()).collect()
}

#[isopod::task]
fn refuse(number: u64) -> Result<u64, String> {
    match number {
        3 => Err("three is refused".to_owned()),
        number => Ok(number),
    }
}

#[isopod::task]
fn boom() {
    panic!("boom");
}

#[isopod::task(name = "leave")]
fn leave_at_once(code: i32) {
    std::process::exit(code);
}

#[isopod::task]
fn forever() -> u64 {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}

#[isopod::task]
fn overflow(depth: u64) -> u64 {
    if depth == u64::MAX {
        return 0;
    }
    // Not a tail call, so the stack grows.
    1 + black_box(overflow(depth + 1))
}

#[isopod::task]
fn process_id() -> u64 {
    isopod::current_process().id()
}

static REMEMBERED: AtomicU64 = AtomicU64::new(0);

#[isopod::task]
fn remember(number: u64) {
    REMEMBERED.store(number, Ordering::Relaxed);
}

#[isopod::task]
fn remembered() -> u64 {
    REMEMBERED.load(Ordering::Relaxed)
}
