//! The worst functions that a stranger's plugin may have.

use isopod::{Json, Lock, Process, Queue};
use std::hint::black_box;
use std::time::Duration;

/// Computes for ever.
#[isopod::function(name = "bad.loop")]
fn endless() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Traps.
#[isopod::function(name = "bad.trap")]
fn trap() {
    // `unreachable`, without the panic hook.
    std::process::abort();
}

/// Panics.
#[isopod::function(name = "bad.panic")]
fn panics(text: String) {
    panic!("{text}");
}

/// Allocates for ever.
#[isopod::function(name = "bad.memory")]
fn memory() -> Json<usize> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(black_box(vec![1; 1 << 20]));
        if blocks.is_empty() {
            return Json(0);
        }
    }
}

/// Keeps this many bytes for as long as the instance lives.
#[isopod::function(name = "bad.keep")]
fn keep(Json(bytes): Json<usize>) {
    std::mem::forget(black_box(vec![1_u8; bytes]));
}

/// Sleeps for this many milliseconds.
#[isopod::function(name = "bad.sleep")]
fn sleep(Json(milliseconds): Json<u64>) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits for what never comes.
#[isopod::function(name = "bad.wait")]
fn wait(Json(queue): Json<Queue<u64>>) -> isopod::Result<()> {
    queue.get().map(drop)
}

/// Writes for ever.
#[isopod::function(name = "bad.output")]
fn output() {
    loop {
        println!("{}", "flood ".repeat(1_000));
    }
}

/// Gives this many bytes.
#[isopod::function(name = "bad.bytes")]
fn bytes(Json(count): Json<usize>) -> Vec<u8> {
    vec![7; count]
}

/// Gives an error with a text of this many bytes.
#[isopod::function(name = "bad.error")]
fn error(Json(count): Json<usize>) -> Result<(), String> {
    Err("e".repeat(count))
}

/// Ends its process with this exit code.
#[isopod::function(name = "bad.exit")]
fn exit(Json(code): Json<i32>) {
    std::process::exit(code);
}

/// Starts a process.
#[isopod::function(name = "bad.spawn")]
fn spawn() -> isopod::Result<()> {
    Process::spawn(|| (), ())?.join()
}

/// Makes a pool.
#[isopod::function(name = "bad.pool")]
fn pool() -> isopod::Result<()> {
    isopod::Pool::with_workers(1).map(drop)
}

/// Takes a lock and keeps it.
#[isopod::function(name = "bad.lock")]
fn lock(Json(lock): Json<Lock>) -> isopod::Result<()> {
    std::mem::forget(lock.acquire()?);
    Ok(())
}

/// Takes a lock and computes for ever.
#[isopod::function(name = "bad.lock-and-loop")]
fn lock_and_loop(Json(lock): Json<Lock>) -> isopod::Result<()> {
    let _guard = lock.acquire()?;
    endless();
    Ok(())
}
