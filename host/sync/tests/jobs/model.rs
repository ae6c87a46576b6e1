//! Random sequences of events of jobs, against a plain single-threaded model.

use proptest::prelude::*;

use crate::reference::Content;
use crate::step::Step;
use crate::world::{self, WORKERS};

fn step() -> impl Strategy<Value = Step> {
    let worker = 0..WORKERS;
    let batch = 0..8_usize;
    let content = (1..200_u64, any::<bool>()).prop_map(|(length, carries)| Content {
        length,
        handles: u64::from(carries),
    });
    prop_oneof![
        6 => (content.clone(), 0..4_u8, any::<bool>()).prop_map(|(c, n, f)| Step::Submit(c, n, f)),
        4 => (batch.clone(), content.clone(), 0..3_u8).prop_map(|(b, c, n)| Step::Add(b, c, n)),
        16 => worker.clone().prop_map(Step::Begin),
        6 => worker.clone().prop_map(Step::See),
        10 => (worker.clone(), content).prop_map(|(w, c)| Step::Value(w, c)),
        3 => (worker.clone(), 0..2_500_usize).prop_map(|(w, l)| Step::Error(w, l)),
        3 => worker.clone().prop_map(Step::Lose),
        2 => (worker.clone(), any::<bool>()).prop_map(|(w, right)| Step::Expire(w, right)),
        3 => worker.prop_map(Step::GiveBack),
        1 => prop_oneof![Just(Step::Close), Just(Step::Terminate), Just(Step::BreakDown)],
        4 => batch.clone().prop_map(Step::Next),
        4 => batch.clone().prop_map(Step::NextEnded),
        2 => batch.clone().prop_map(Step::TakeAll),
        1 => batch.prop_map(Step::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_the_model(steps in proptest::collection::vec(step(), 1..100)) {
        world::run(steps);
    }
}
