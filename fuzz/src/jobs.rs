//! Sequences of events of a pool's jobs, its workers and its batches. The model is that of the property
//! test in `host/sync/tests/jobs`.
#![no_main]
#![allow(dead_code, reason = "what is shared serves the other tests too")]

use arbitrary::{Arbitrary as _, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

#[path = "../../host/sync/tests/jobs/common.rs"]
mod common;
#[path = "../../host/sync/tests/jobs/reference.rs"]
mod reference;
#[path = "../../host/sync/tests/jobs/step.rs"]
mod step;
mod steps;
#[path = "../../host/sync/tests/support/mod.rs"]
mod support;
#[path = "../../host/sync/tests/jobs/world.rs"]
mod world;

use common::{GIVEN_UP, JOB_BYTES, Jobs, OWNER, TERMINATED, text, waiter};
use reference::Content;
use step::Step;
use steps::steps;
use support::until;
use world::WORKERS;

/// Enough steps to fill the line and end all of it, and few enough to be quick.
const MOST_STEPS: usize = 100;

fn content(input: &mut Unstructured<'_>) -> Result<Content> {
    Ok(Content {
        length: input.int_in_range(1..=200)?,
        handles: u64::from(bool::arbitrary(input)?),
    })
}

fn worker(input: &mut Unstructured<'_>) -> Result<usize> {
    input.int_in_range(0..=WORKERS - 1)
}

fn batch(input: &mut Unstructured<'_>) -> Result<usize> {
    input.int_in_range(0..=7)
}

fn step(input: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match input.int_in_range(0..=19_u8)? {
        0 | 1 => Step::Submit(
            content(input)?,
            input.int_in_range(0..=3)?,
            bool::arbitrary(input)?,
        ),
        2 | 3 => Step::Add(batch(input)?, content(input)?, input.int_in_range(0..=2)?),
        4..=6 => Step::Begin(worker(input)?),
        7 => Step::See(worker(input)?),
        8 | 9 => Step::Value(worker(input)?, content(input)?),
        10 => Step::Error(worker(input)?, input.int_in_range(0..=2_499)?),
        11 => Step::Lose(worker(input)?),
        12 => Step::Expire(worker(input)?, bool::arbitrary(input)?),
        13 => Step::GiveBack(worker(input)?),
        14 => match input.int_in_range(0..=2_u8)? {
            0 => Step::Close,
            1 => Step::Terminate,
            _ => Step::BreakDown,
        },
        15 | 16 => Step::Next(batch(input)?),
        17 => Step::NextEnded(batch(input)?),
        18 => Step::TakeAll(batch(input)?),
        _ => Step::Drop(batch(input)?),
    })
}

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    world::run(steps(&mut input, MOST_STEPS, step));
});
