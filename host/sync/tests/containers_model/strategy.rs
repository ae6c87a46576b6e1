//! The random sequences to choose from.

use proptest::prelude::*;

use crate::step::{DictStep, ListStep, Value};

fn value() -> impl Strategy<Value = Value> {
    let bytes = prop_oneof![9 => 0..3_usize, 1 => 100..1_000_usize];
    (bytes.prop_map(|length| vec![7; length]), any::<bool>())
}

pub(super) fn dict_step() -> impl Strategy<Value = DictStep> {
    let key = 0..5_u8;
    prop_oneof![
        (key.clone(), value()).prop_map(|(key, value)| DictStep::Set(key, value)),
        (key.clone(), value()).prop_map(|(key, value)| DictStep::SetDefault(key, value)),
        (key.clone(), value(), any::<bool>())
            .prop_map(|(key, value, hit)| DictStep::Exchange(key, value, hit)),
        proptest::collection::vec((key.clone(), value()), 0..5).prop_map(DictStep::Update),
        key.prop_map(DictStep::Remove),
        Just(DictStep::PopLast),
        Just(DictStep::Clear),
    ]
}

fn index() -> impl Strategy<Value = i64> {
    prop_oneof![20 => -6..6_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

pub(super) fn list_step() -> impl Strategy<Value = ListStep> {
    let bound = || proptest::option::of(index());
    prop_oneof![
        4 => value().prop_map(ListStep::Push),
        2 => (index(), value()).prop_map(|(index, value)| ListStep::Insert(index, value)),
        2 => (index(), value()).prop_map(|(index, value)| ListStep::Set(index, value)),
        2 => (index(), value(), any::<bool>())
            .prop_map(|(index, value, hit)| ListStep::Exchange(index, value, hit)),
        2 => (bound(), bound(), proptest::collection::vec(value(), 0..4))
            .prop_map(|(start, end, values)| ListStep::SetSlice(start, end, values)),
        2 => index().prop_map(ListStep::Pop),
        1 => value().prop_map(ListStep::Remove),
        1 => Just(ListStep::Reverse),
        1 => Just(ListStep::Rotate),
        1 => Just(ListStep::Clear),
    ]
}
