//! The plugin of the integration tests: functions that behave, and (in `bad`) functions that do not.

mod bad;

use isopod::{Json, Lock, Queue, Sender};
use std::cell::Cell;

isopod::plugin!();

/// The input, as it is.
#[isopod::function]
fn echo(input: Vec<u8>) -> Vec<u8> {
    input
}

/// The text in capitals.
#[isopod::function]
fn upper(text: String) -> String {
    text.to_uppercase()
}

/// The sum of numbers.
#[isopod::function(name = "numbers.sum")]
fn sum(Json(numbers): Json<Vec<i64>>) -> Result<Json<i64>, String> {
    let sum = numbers
        .iter()
        .try_fold(0_i64, |sum, number| sum.checked_add(*number));
    sum.map(Json)
        .ok_or_else(|| "the sum is too large".to_owned())
}

/// How often this instance was asked, this time included.
#[isopod::function]
fn count() -> Json<u32> {
    thread_local!(static ASKED: Cell<u32> = const { Cell::new(0) });
    Json(ASKED.with(|asked| {
        asked.set(asked.get() + 1);
        asked.get()
    }))
}

/// Puts numbers into the queue that comes with them.
#[isopod::function]
fn fill(Json((queue, numbers)): Json<(Queue<u64>, Vec<u64>)>) -> isopod::Result<()> {
    numbers.iter().try_for_each(|number| queue.put(number))
}

/// Takes a number out of a queue, and gives it with the queue.
#[isopod::function]
fn take(Json(queue): Json<Queue<u64>>) -> isopod::Result<Json<(u64, Queue<u64>)>> {
    Ok(Json((queue.get()?, queue)))
}

/// Sends a text through a pipe, holding a lock.
#[isopod::function]
fn send(Json((lock, sender, text)): Json<(Lock, Sender<String>, String)>) -> isopod::Result<()> {
    let _guard = lock.acquire()?;
    sender.send(&text)
}

/// What the arguments and the environment are.
#[isopod::function]
fn surroundings() -> Json<(Vec<String>, Vec<(String, String)>)> {
    Json((std::env::args().collect(), std::env::vars().collect()))
}

/// Computes so many rounds.
#[isopod::function]
fn compute(Json(rounds): Json<u64>) -> Json<u64> {
    let step = |number: u64, _| std::hint::black_box(number ^ (number << 13) ^ (number >> 7));
    Json((0..rounds).fold(1, step))
}
