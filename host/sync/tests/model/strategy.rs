//! The random sequences to choose from.

use proptest::prelude::*;

use crate::step::Step;

pub(super) fn step() -> impl Strategy<Value = Step> {
    let slot = 0..64_usize;
    let party = 0..=super::world::PROCESSES;
    prop_oneof![
        2 => (party.clone(), proptest::option::of(1..4_u32), proptest::option::of(0..200_u64))
            .prop_map(|(party, max_messages, max_bytes)| Step::NewQueue { party, max_messages, max_bytes }),
        2 => (party.clone(), any::<bool>()).prop_map(|(party, duplex)| Step::NewPipe { party, duplex }),
        1 => party.clone().prop_map(|party| Step::NewLock { party }),
        2 => (party.clone(), 0..6_u8, 0..3_u32)
            .prop_map(|(party, which, number)| Step::NewPrimitive { party, which, number }),
        12 => (slot.clone(), party.clone(), any::<u8>())
            .prop_map(|(slot, party, which)| Step::UsePrimitive { slot, party, which }),
        3 => (slot.clone(), party.clone()).prop_map(|(slot, party)| Step::Hold { slot, party }),
        6 => slot.clone().prop_map(|slot| Step::Drop { slot }),
        12 => (slot.clone(), 0..120_usize, proptest::option::of(slot.clone()))
            .prop_map(|(slot, length, carry)| Step::Put { slot, length, carry }),
        6 => slot.clone().prop_map(|slot| Step::Get { slot }),
        1 => slot.clone().prop_map(|slot| Step::Close { slot }),
        4 => (slot.clone(), party.clone()).prop_map(|(slot, party)| Step::Acquire { slot, party }),
        2 => slot.prop_map(|slot| Step::Release { slot }),
        1 => party.prop_map(|party| Step::EndProcess { party }),
        1 => Just(Step::EndTree),
    ]
}
