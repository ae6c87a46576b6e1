//! Sequences of operations that do not wait, on queues, pipes, locks, recursive locks, semaphores, events,
//! conditions, barriers, joinable queues and shared memories, by several processes that end at any time.
//! The objects behave like their models: that of the property test in `host/sync/tests/model`, and the two
//! of this directory.
#![no_main]
#![allow(dead_code, reason = "the model serves the property test too")]

use arbitrary::{Arbitrary as _, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

#[path = "../../host/sync/tests/model/check.rs"]
mod check;
mod joinable;
mod memory;
#[path = "../../host/sync/tests/model/operations.rs"]
mod operations;
#[path = "../../host/sync/tests/model/primitives.rs"]
mod primitives;
#[path = "../../host/sync/tests/model/step.rs"]
mod step;
mod steps;
#[path = "../../host/sync/tests/model/world.rs"]
mod world;

use step::Step;
use steps::steps;
use world::{PROCESSES, World};

/// Enough steps to fill, empty and end everything, and few enough to be quick.
const MOST_STEPS: usize = 200;

fn step(input: &mut Unstructured<'_>) -> Result<Step> {
    let kind = input.int_in_range(0..=15_u8)?;
    let slot = usize::from(u8::arbitrary(input)? % 64);
    let party = |input: &mut Unstructured<'_>| input.int_in_range(0..=PROCESSES);
    Ok(match kind {
        0 => Step::NewQueue {
            party: party(input)?,
            max_messages: Option::<u8>::arbitrary(input)?.map(|count| u32::from(count % 4)),
            max_bytes: Option::<u8>::arbitrary(input)?.map(u64::from),
        },
        1 => Step::NewPipe {
            party: party(input)?,
            duplex: bool::arbitrary(input)?,
        },
        2 => Step::NewLock {
            party: party(input)?,
        },
        3 => Step::NewPrimitive {
            party: party(input)?,
            which: input.int_in_range(0..=5)?,
            number: input.int_in_range(0..=3)?,
        },
        4..=6 => Step::UsePrimitive {
            slot,
            party: party(input)?,
            which: u8::arbitrary(input)?,
        },
        7 => Step::Hold {
            slot,
            party: party(input)?,
        },
        8 => Step::Drop { slot },
        9 | 10 => Step::Put {
            slot,
            // Some exceed the tree's limit.
            length: match input.int_in_range(0..=9_u8)? {
                0 => 1_600,
                _ => input.int_in_range(0..=120)?,
            },
            carry: Option::<u8>::arbitrary(input)?.map(usize::from),
        },
        11 => Step::Get { slot },
        12 => Step::Close { slot },
        13 => Step::Acquire {
            slot,
            party: party(input)?,
        },
        14 => Step::Release { slot },
        _ => match input.int_in_range(0..=3_u8)? {
            0 => Step::EndTree,
            _ => Step::EndProcess {
                party: party(input)?,
            },
        },
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else {
        return;
    };
    let mut input = Unstructured::new(data);
    match which % 4 {
        0 | 1 => World::run(steps(&mut input, MOST_STEPS, step)),
        2 => joinable::run(steps(&mut input, MOST_STEPS, |input| {
            joinable::Step::arbitrary(input)
        })),
        _ => memory::run(steps(&mut input, MOST_STEPS, |input| {
            memory::Step::arbitrary(input)
        })),
    }
});
