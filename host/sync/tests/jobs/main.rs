//! Jobs of a pool: when each begins, how it ends, which party holds it and which pays, and what ends a
//! wait.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::time::Duration;

use common::{GIVEN_UP, JOB_BYTES, Jobs, OWNER, TERMINATED, text, waiter};
use isopod_sync::{Batch, BatchOptions, Message, ProcessId, TakeError, Tree};
use support::until;

mod accounts;
mod common;
mod life;
mod model;
mod reference;
mod step;
#[path = "../support/mod.rs"]
mod support;
mod waits;
mod world;

const FIRST: ProcessId = ProcessId::new(1);
const SECOND: ProcessId = ProcessId::new(2);

fn pool() -> (Tree, Jobs) {
    let tree = Tree::new(10_000);
    let jobs = Jobs::new(&tree, OWNER);
    (tree, jobs)
}

fn messages(count: u8) -> Vec<Message> {
    (0..count)
        .map(|number| Message::from_bytes([number]))
        .collect()
}

fn submit(jobs: &Jobs, count: u8) -> Batch<&'static str> {
    let options = BatchOptions::default();
    jobs.submit(messages(count), options).unwrap().0
}

fn fail_fast(jobs: &Jobs, count: u8) -> Batch<&'static str> {
    let options = BatchOptions {
        fails_fast: true,
        ..BatchOptions::default()
    };
    jobs.submit(messages(count), options).unwrap().0
}

/// The number that the worker's next job was submitted with.
fn begin(jobs: &Jobs, worker: ProcessId) -> u8 {
    jobs.begin(worker).unwrap().unwrap().message.bytes[0]
}

fn report(jobs: &Jobs, worker: ProcessId, value: u8) {
    jobs.report(worker, Ok(Message::from_bytes([value])))
        .unwrap();
}

fn texts(batch: &Batch<&'static str>) -> Vec<String> {
    let outcomes = batch.take_all_within(Some(Duration::ZERO)).unwrap();
    outcomes.iter().map(text).collect()
}

fn next(batch: &Batch<&'static str>) -> Result<String, TakeError> {
    let outcome = batch.next_within(Some(Duration::ZERO))?;
    Ok(text(&outcome))
}

fn next_ended(batch: &Batch<&'static str>) -> Result<(u32, String), TakeError> {
    let (position, outcome) = batch.next_ended_within(Some(Duration::ZERO))?;
    Ok((position, text(&outcome)))
}
