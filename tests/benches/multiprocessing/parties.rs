//! Native threads that use primitives and pools as the measured processes do: their baselines, with the
//! same structure.

use crate::guest::MESSAGES;
use crate::measure::Measure;
use crate::pinned::{Pinned, pin_to_any};
use anyhow::Result;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Barrier, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;

/// The operation of the threads.
#[derive(Clone, Copy)]
pub(crate) enum Native {
    Condition,
    Barrier,
    /// A number under its lock.
    Value,
    DictSet,
    DictGet,
    /// This many threads compete for one lock.
    Lock(u64),
    /// This many threads put and as many take.
    Queue(u64),
    /// Jobs of numbers, many at once.
    Map,
    /// Jobs of 64 KiB, 64 at once.
    MapBlocks,
    /// One job at a time.
    Apply,
}

impl Native {
    /// Its parts, as the report names them.
    fn name(self) -> &'static str {
        match self {
            Native::Condition => "native threads: std::sync::Condvar",
            Native::Barrier => "native threads: std::sync::Barrier",
            Native::Value => "native: std::sync::Mutex of a number",
            Native::DictSet | Native::DictGet => "native: std::sync::Mutex of a HashMap",
            Native::Lock(_) => "native threads: std::sync::Mutex",
            Native::Queue(_) => "native threads: crossbeam-channel",
            Native::Map | Native::MapBlocks | Native::Apply => {
                "native threads: workers at a crossbeam-channel"
            }
        }
    }

    /// Measures the operation on these cores.
    pub(crate) fn measure(self, measure: &mut Measure<'_>, cores: &[usize]) -> Result<()> {
        let name = self.name();
        if !measure.wants(name) {
            return Ok(());
        }
        match self {
            Native::Condition => condition(measure, name, cores),
            Native::Barrier => barrier(measure, name, cores),
            Native::Value => {
                let number = Mutex::new(0_i64);
                alone(measure, name, cores, |_| *locked(black_box(&number)) += 1)
            }
            Native::DictSet => {
                let numbers = Mutex::new(HashMap::from([(7_u64, 0_u64)]));
                alone(measure, name, cores, |round| {
                    locked(black_box(&numbers)).insert(7, round);
                })
            }
            Native::DictGet => {
                let numbers = Mutex::new(HashMap::from([(7_u64, 0_u64)]));
                alone(measure, name, cores, |_| {
                    black_box(locked(black_box(&numbers)).get(&7).copied());
                })
            }
            Native::Lock(parties) => {
                let lock = Mutex::new(());
                shared_out(measure, name, cores, (parties, parties), |_| {
                    drop(locked(&lock))
                });
                Ok(())
            }
            Native::Queue(pairs) => {
                let (sender, receiver) = crossbeam_channel::bounded::<Vec<u8>>(MESSAGES);
                shared_out(measure, name, cores, (2 * pairs, pairs), |number| {
                    match number % 2 {
                        0 => drop(sender.send(vec![7; 16])),
                        _ => drop(black_box(receiver.recv())),
                    }
                });
                Ok(())
            }
            Native::Map => pool(measure, name, cores, usize::MAX, 3_u64, |number| {
                number * number
            }),
            Native::Apply => pool(measure, name, cores, 1, 3_u64, |number| number * number),
            Native::MapBlocks => {
                let block = vec![7_u8; 64 << 10];
                pool(measure, name, cores, 64, block, |block| block.len())
            }
        }
    }
}

/// No thread panics while it holds one of these.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread's rounds, by their number.
fn alone(
    measure: &mut Measure<'_>,
    name: &str,
    cores: &[usize],
    mut round: impl FnMut(u64),
) -> Result<()> {
    let _pinned = Pinned::to_first(cores)?;
    measure.rounds(name, |rounds| {
        let start = Instant::now();
        (0..rounds).for_each(&mut round);
        start.elapsed()
    });
    Ok(())
}

/// Each party has its share of the rounds; if there are fewer shares than parties, some parties share one.
fn shared_out(
    measure: &mut Measure<'_>,
    name: &str,
    cores: &[usize],
    (parties, shares): (u64, u64),
    round: impl Fn(u64) + Sync,
) {
    std::thread::scope(|scope| {
        let (done, finished) = mpsc::channel();
        let mut orders = Vec::new();
        for number in 0..parties {
            let (order, ordered) = mpsc::channel::<u64>();
            orders.push(order);
            let (done, round) = (done.clone(), &round);
            scope.spawn(move || {
                // These are cores of the engine, so this process may use some of them.
                let _ = pin_to_any(cores);
                for count in ordered {
                    (0..count).for_each(|_| round(number));
                    let _ = done.send(());
                }
            });
        }
        let group = parties / shares;
        measure.rounds(name, |rounds| {
            let start = Instant::now();
            for (order, number) in orders.iter().zip(0..) {
                let _ = order.send(rounds / shares + u64::from(number / group < rounds % shares));
            }
            for _ in &orders {
                let _ = finished.recv();
            }
            start.elapsed()
        });
        drop(orders);
    });
}

/// Two threads that hand a turn to each other.
fn condition(measure: &mut Measure<'_>, name: &str, cores: &[usize]) -> Result<()> {
    #[derive(PartialEq)]
    enum Turn {
        Ours,
        Theirs,
        Over,
    }
    let (turn, changed) = (Mutex::new(Turn::Ours), Condvar::new());
    let wait = |guard| changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
    let _pinned = Pinned::to_first(cores)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = pin_to_any(cores.last().map(std::slice::from_ref).unwrap_or_default());
            let mut guard = locked(&turn);
            while *guard != Turn::Over {
                if *guard == Turn::Theirs {
                    *guard = Turn::Ours;
                    changed.notify_one();
                } else {
                    guard = wait(guard);
                }
            }
        });
        measure.rounds(name, |rounds| {
            let start = Instant::now();
            let mut guard = locked(&turn);
            for _ in 0..rounds {
                *guard = Turn::Theirs;
                changed.notify_one();
                while *guard == Turn::Theirs {
                    guard = wait(guard);
                }
            }
            start.elapsed()
        });
        *locked(&turn) = Turn::Over;
        changed.notify_one();
    });
    Ok(())
}

fn barrier(measure: &mut Measure<'_>, name: &str, cores: &[usize]) -> Result<()> {
    let barrier = Barrier::new(2);
    let _pinned = Pinned::to_first(cores)?;
    std::thread::scope(|scope| {
        let (order, ordered) = mpsc::channel::<u64>();
        let other = &barrier;
        scope.spawn(move || {
            let _ = pin_to_any(cores.last().map(std::slice::from_ref).unwrap_or_default());
            for count in ordered {
                for _ in 0..count {
                    other.wait();
                }
            }
        });
        measure.rounds(name, |rounds| {
            let start = Instant::now();
            let _ = order.send(rounds);
            for _ in 0..rounds {
                barrier.wait();
            }
            start.elapsed()
        });
        drop(order);
    });
    Ok(())
}

/// As many workers as cores take jobs from one channel and put results into another. The number of jobs
/// that are submitted before a wait for their results is bounded.
fn pool<T: Clone + Send, R: Send>(
    measure: &mut Measure<'_>,
    name: &str,
    cores: &[usize],
    at_once: usize,
    argument: T,
    task: impl Fn(T) -> R + Sync,
) -> Result<()> {
    let _pinned = Pinned::to_first(cores)?;
    std::thread::scope(|scope| {
        let (jobs, received) = crossbeam_channel::unbounded::<T>();
        let (give, results) = crossbeam_channel::unbounded::<R>();
        for _ in cores {
            let (received, give, task) = (received.clone(), give.clone(), &task);
            scope.spawn(move || {
                let _ = pin_to_any(cores);
                for job in received {
                    let _ = give.send(task(black_box(job)));
                }
            });
        }
        measure.rounds(name, |rounds| {
            let start = Instant::now();
            let mut left = usize::try_from(rounds).unwrap_or(usize::MAX);
            while left > 0 {
                let count = left.min(at_once);
                for _ in 0..count {
                    let _ = jobs.send(argument.clone());
                }
                let taken: Vec<_> = results.iter().take(count).collect();
                black_box(taken);
                left -= count;
            }
            start.elapsed()
        });
        drop(jobs);
    });
    Ok(())
}
