//! A random program: processes that end each other at random, over a queue, locks, pipes, a pool, a dict
//! and [meetings] that they share.
//!
//! Processes note their operations in the embedder's memory `ledger`, which outlives every process: before
//! an operation that it begins, and after it that it is done. The embedder compares the notes
//! (`tests/soak`), since a killed process cannot. An observation that must never happen is noted as a
//! violation, and printed on standard error.

pub mod layout;
mod ledger;
mod meetings;
mod pool;

use crate::Outcome;
use isopod::{
    Bounds, Connection, Dict, Error, ErrorKind, Lock, Process, Queue, RLock, Semaphore,
    SharedMemory, pipe,
};
use layout::{
    ABANDONED, BAD_ENDS, BEGUN, DICT_BEGUN, DICT_DONE, DICT_VALUE, FINISHED, GIVEN_UP, KILLS,
    MOST_MESSAGES, NEXT_MESSAGE, PUT, RECEIVED, ROUND_TRIPS, SECTIONS, STARTED,
};
use ledger::{ledger, note, note_message, violated};
use meetings::Meetings;
use pool::pool;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Duration;

/// The greatest depth at which processes start others.
const MOST_DEPTH: u32 = 3;

/// The objects that all processes of a program share.
#[derive(Clone, Serialize, Deserialize)]
struct Objects {
    queue: Queue<Letter>,
    lock: Lock,
    rlock: RLock,
    semaphore: Semaphore,
    /// For each of the three locks, two numbers that are equal whenever no process holds it.
    guarded: SharedMemory,
    counts: Dict<String, u32>,
    meetings: Meetings,
}

/// A number that no other process sends, and a second number that follows from it.
#[derive(Serialize, Deserialize)]
struct Letter {
    number: u32,
    check: u64,
    filling: Vec<u8>,
}

impl Letter {
    fn new(number: u32, length: usize) -> Letter {
        let check = mixed(u64::from(number));
        let filling = vec![check.to_le_bytes()[0]; length];
        Letter {
            number,
            check,
            filling,
        }
    }

    fn is_whole(&self) -> bool {
        let fill = self.check.to_le_bytes()[0];
        self.check == mixed(u64::from(self.number)) && self.filling.iter().all(|byte| *byte == fill)
    }
}

/// splitmix64's last step (Vigna 2015), which scrambles a number.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// xorshift64 (Marsaglia 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(mixed(seed.wrapping_add(1)).max(1))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }

    pub(crate) fn spin(&mut self) {
        for step in 0..self.below(20_000) {
            black_box(step);
        }
    }
}

/// Main of a random program.
pub fn run(seed: &str) -> Outcome {
    let seed: u64 = seed.parse().expect("a number");
    let mut random = Random::new(seed);
    let max_messages = match random.below(2) {
        0 => None,
        _ => Some(1 + random.below(8) as u32),
    };
    let objects = Objects {
        queue: Queue::with_bounds(Bounds {
            max_messages,
            ..Bounds::default()
        })?,
        lock: Lock::new()?,
        rlock: RLock::new()?,
        semaphore: Semaphore::new(1)?,
        guarded: SharedMemory::new(48)?,
        counts: Dict::new()?,
        meetings: Meetings::new()?,
    };
    let consumers = (0..random.below(3))
        .map(|_| Process::spawn(consume, (objects.clone(),)))
        .collect::<Result<Vec<_>, _>>()?;
    let workers = (0..1 + random.below(5))
        .map(|number| start(&objects, mixed(seed ^ number), 1, &mut random))
        .collect::<Result<Vec<_>, _>>()?;
    if random.below(2) == 0 {
        echoes(&mut random)?;
    }
    if random.below(2) == 0 {
        pool(&mut random)?;
    }
    work(&objects, &mut random, 0)?;
    for worker in workers {
        if random.below(4) == 0 {
            worker.kill()?;
            note(KILLS)?;
        }
        worker.wait()?;
    }
    // Orphans of killed processes may still put: from now on their puts are refused.
    objects.queue.close();
    for consumer in consumers {
        consumer.wait()?;
    }
    // The orphans whose own children become ours when they end badly.
    loop {
        let children = isopod::active_children();
        for child in &children {
            child.wait()?;
        }
        if children.is_empty() {
            break;
        }
    }
    while receive(objects.queue.try_get())? {}
    objects.meetings.close()?;
    let value = objects.counts.get("count")?.unwrap_or_default();
    ledger(|ledger| ledger.store_u32(u64::from(DICT_VALUE) * 4, value))?;
    note(FINISHED)
}

/// Starts a process that works on the objects.
fn start(objects: &Objects, seed: u64, depth: u32, random: &mut Random) -> Result<Process, Error> {
    let steps = 1 + random.below(40);
    let task = |objects: Objects, seed: u64, depth: u32, steps: u64| -> Outcome {
        let mut random = Random::new(seed);
        for _ in 0..steps {
            work(&objects, &mut random, depth)?;
        }
        Ok(())
    };
    note(STARTED)?;
    Process::spawn(task, (objects.clone(), seed, depth, steps))
}

/// Takes messages until the queue is closed and empty.
fn consume(objects: Objects) -> Outcome {
    while receive(objects.queue.get())? {}
    Ok(())
}

/// Checks a message and notes it; returns whether there was one.
fn receive(letter: Result<Letter, Error>) -> Result<bool, Error> {
    match letter {
        Ok(letter) if letter.is_whole() => {
            note_message(letter.number, RECEIVED)?;
            Ok(true)
        }
        Ok(letter) => {
            violated(&format!("message {} was changed", letter.number))?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::Empty | ErrorKind::Closed) => Ok(false),
        Err(error) => Err(error),
    }
}

/// One of the operations of a process.
fn work(objects: &Objects, random: &mut Random, depth: u32) -> Outcome {
    match random.below(22) {
        0..=3 => produce(objects, random),
        4 | 5 => receive(objects.queue.try_get()).map(drop),
        6..=9 => section(objects, random),
        10 | 11 => count(objects),
        12 if depth < MOST_DEPTH => {
            let seed = random.below(u64::MAX);
            let child = start(objects, seed, depth + 1, random)?;
            match random.below(3) {
                0 => {
                    random.spin();
                    child.kill()?;
                    note(KILLS)
                }
                1 => child.wait().map(drop),
                _ => Ok(()),
            }
        }
        // Main must not end here: the checks that it does not reach would be missing.
        13 if depth > 0 && random.below(10) == 0 => {
            note(BAD_ENDS)?;
            match random.below(3) {
                0 => std::process::exit(7),
                1 => std::process::abort(),
                _ => panic!("on purpose"),
            }
        }
        14..=19 => objects.meetings.attend(random),
        _ => {
            random.spin();
            Ok(())
        }
    }
}

fn produce(objects: &Objects, random: &mut Random) -> Outcome {
    let number = ledger(|ledger| ledger.add_u32(u64::from(NEXT_MESSAGE) * 4, 1))?;
    if number >= MOST_MESSAGES {
        return Ok(());
    }
    let letter = Letter::new(number, random.below(2_000) as usize);
    note_message(number, BEGUN)?;
    match objects.queue.put_timeout(&letter, Duration::from_millis(5)) {
        Ok(()) => note_message(number, PUT),
        // The taker was killed, so the queue stayed full; or main has closed it.
        Err(error) if matches!(error.kind(), ErrorKind::Full | ErrorKind::Closed) => note(GIVEN_UP),
        Err(error) => Err(error),
    }
}

/// Adds to both copies of a number, in a critical section.
fn section(objects: &Objects, random: &mut Random) -> Outcome {
    let timeout = Duration::from_millis(random.below(3));
    match random.below(3) {
        0 => match objects.lock.acquire_timeout(timeout)? {
            Some(guard) => twice(objects, 0, guard.is_abandoned(), random),
            None => Ok(()),
        },
        1 => {
            let guard = objects.rlock.acquire()?;
            let again = objects.rlock.acquire()?;
            if again.is_abandoned() {
                violated("a recursive lock was abandoned by its owner")?;
            }
            twice(objects, 16, guard.is_abandoned(), random)
        }
        _ => {
            let permit = objects.semaphore.acquire()?;
            twice(objects, 32, permit.is_abandoned(), random)
        }
    }
}

fn twice(objects: &Objects, offset: u64, is_abandoned: bool, random: &mut Random) -> Outcome {
    note(SECTIONS)?;
    if is_abandoned {
        note(ABANDONED)?;
    }
    let (first, second) = (
        objects.guarded.load_u64(offset)?,
        objects.guarded.load_u64(offset + 8)?,
    );
    if first != second && !is_abandoned {
        violated(&format!(
            "{first} and {second} at {offset}, and nobody told"
        ))?;
    }
    objects.guarded.store_u64(offset, first + 1)?;
    random.spin();
    objects.guarded.store_u64(offset + 8, first + 1)
}

fn count(objects: &Objects) -> Outcome {
    note(DICT_BEGUN)?;
    let count = |old: Option<u32>| old.unwrap_or_default() + 1;
    objects.counts.update_with("count", count)?;
    note(DICT_DONE)
}

/// Children answer through pipes, until they or this process have had enough.
fn echoes(random: &mut Random) -> Outcome {
    let echo = |end: Connection<u64>| -> Outcome {
        while let Ok(number) = end.recv() {
            if end.send(&mixed(number)).is_err() {
                break;
            }
        }
        Ok(())
    };
    let mut children = Vec::new();
    for _ in 0..1 + random.below(3) {
        let (near, far) = pipe::<u64, u64>()?;
        note(STARTED)?;
        children.push((near, Process::spawn(echo, (far,))?));
    }
    for _ in 0..random.below(60) {
        let (end, child) = &children[random.below(children.len() as u64) as usize];
        let number = random.below(u64::MAX);
        match end.send(&number).and_then(|()| end.recv()) {
            Ok(answer) if answer == mixed(number) => note(ROUND_TRIPS)?,
            Ok(answer) => violated(&format!("{number} came back as {answer}"))?,
            // The child was killed. Its end of the pipe goes before its status is there.
            Err(_) => {
                if child.wait()?.success() {
                    violated("a pipe broke whose other end lived")?;
                }
            }
        }
        if random.below(30) == 0 {
            child.kill()?;
            note(KILLS)?;
        }
    }
    for (end, child) in children {
        drop(end);
        child.wait()?;
    }
    Ok(())
}
