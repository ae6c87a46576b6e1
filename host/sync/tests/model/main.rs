//! Random sequences of operations that do not wait, against a plain single-threaded model of queues, pipes,
//! locks and the other primitives, of their holders, and of the effects of ends of processes and trees on
//! them.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed assumption is a failed test"
)]

use proptest::prelude::*;

mod check;
mod operations;
mod primitives;
mod step;
mod strategy;
mod world;

use strategy::step;
use world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_the_model(steps in proptest::collection::vec(step(), 1..120)) {
        World::run(steps);
    }
}
