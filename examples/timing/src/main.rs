//! The effect of CPython's lock around its interpreter (the GIL) on two threads, and the gain of two
//! processes on two cores.
//!
//! In CPython the threads of a process take turns, so two of them need as long for two sums as one:
//! tutorials measure that first, and then use processes. A process here has one thread, on a core of its
//! own, so this program can show only the second half: the same sums, one after another and at once.

use isopod::{Error, Process, cpu_count};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The sum of the numbers below a million.
fn sum_of_numbers() -> u64 {
    // Without the black box the compiler finds the formula, and there is nothing to measure.
    (0..1_000_000).map(black_box).sum()
}

/// The sum of the squares below ten million. It needs more than 64 bits, as Python's integers have: a `u64`
/// that overflows would panic in a debug build and wrap in a release build.
fn sum_of_squares() -> u128 {
    let mut sum = 0;
    for number in 0..10_000_000_u64 {
        sum += u128::from(black_box(number * number));
    }
    sum
}

/// One after another.
fn normal() -> Result<u128, Error> {
    Ok(sum_of_squares() + sum_of_squares())
}

/// Two processes, each with one of the sums.
fn multi_process() -> Result<u128, Error> {
    let first = Process::spawn(sum_of_squares, ())?;
    let second = Process::spawn(sum_of_squares, ())?;
    Ok(first.join()? + second.join()?)
}

/// Prints the result of a function and its time: the shortest of five times, as other programs use the
/// cores too.
fn measure(name: &str, function: fn() -> Result<u128, Error>) -> Result<Duration, Error> {
    let mut shortest = Duration::MAX;
    let mut sum = 0;
    for _ in 0..5 {
        let begin = Instant::now();
        sum = function()?;
        shortest = shortest.min(begin.elapsed());
    }
    println!("{name}: {sum}, {:.3} s", shortest.as_secs_f64());
    Ok(shortest)
}

#[isopod::main]
fn main() -> Result<(), Error> {
    println!("four small sums, where starting a process must be cheap to be worth it:");
    let four: u64 = (0..4).map(|_| sum_of_numbers()).sum();
    println!("normal: {four}");
    let children: Vec<Process<u64>> = (0..4)
        .map(|_| Process::spawn(sum_of_numbers, ()))
        .collect::<Result<_, _>>()?;
    let mut four = 0;
    for child in children {
        four += child.join()?;
    }
    println!("multi_process: {four}");

    println!("\ntwo large sums, on {} cores:", cpu_count());
    let normal = measure("normal", normal)?;
    let multi_process = measure("multi_process", multi_process)?;
    let speed_up = normal.as_secs_f64() / multi_process.as_secs_f64();
    println!("speed-up: {speed_up:.2}");
    Ok(())
}
