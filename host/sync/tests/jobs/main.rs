//! Jobs of a pool: when each begins, how it ends, who holds and who pays, and what ends a wait.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::Arc;
use std::time::Duration;

use isopod_sync::{
    Batch, BatchOptions, Holder, Hooks, Message, Outcome, Party, ProcessId, TakeError, Tree, Waiter,
};
use support::until;

mod accounts;
mod life;
mod model;
mod reference;
#[path = "../support/mod.rs"]
mod support;
mod waits;

type Jobs = isopod_sync::Jobs<&'static str>;

struct NoHooks;
impl Hooks for NoHooks {}

const FIRST: ProcessId = ProcessId::new(1);
const SECOND: ProcessId = ProcessId::new(2);
const OWNER: Holder = Holder::Process(ProcessId::new(9));
/// What a job costs apart from its message's payload.
const JOB_BYTES: u64 = 64;

fn waiter(process: ProcessId) -> Arc<Waiter> {
    Waiter::new(Party::Process(process), Arc::new(NoHooks))
}

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

/// What the worker's next job was submitted with.
fn begin(jobs: &Jobs, worker: ProcessId) -> u8 {
    jobs.begin(worker).unwrap().unwrap().message.bytes[0]
}

fn report(jobs: &Jobs, worker: ProcessId, value: u8) {
    jobs.report(worker, Ok(Message::from_bytes([value])))
        .unwrap();
}

/// An outcome in short.
fn text(outcome: &Outcome<&'static str>) -> String {
    match outcome {
        Outcome::Value(message) => format!("value {}", message.bytes[0]),
        Outcome::Failed(text) => format!("failed: {text}"),
        Outcome::Panicked(text) => format!("panicked: {text}"),
        Outcome::WorkerLost(how) => format!("lost: {how}"),
        Outcome::Cancelled(reason) => format!("cancelled: {reason}"),
        Outcome::PoolBroken(reason) => format!("broken: {reason}"),
    }
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

const TERMINATED: &str = "cancelled: the pool was terminated before the job was begun";
const GIVEN_UP: &str = "cancelled: another job of a batch that fails fast has failed";
