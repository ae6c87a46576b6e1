//! Dicts and lists give the same results as plain vectors, at the same charge.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a failed assumption is a failed test"
)]

use proptest::prelude::*;

mod step;
mod strategy;
mod world;

use strategy::{dict_step, list_step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dict_behaves_as_the_model(steps in proptest::collection::vec(dict_step(), 1..60)) {
        world::run_dict(steps);
    }

    #[test]
    fn a_list_behaves_as_the_model(steps in proptest::collection::vec(list_step(), 1..60)) {
        world::run_list(steps);
    }
}
