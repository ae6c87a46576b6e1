//! Sequences of operations on a dict or a list: they give the same results as on plain vectors, at the same
//! charge. The model is that of the property test in `host/sync/tests/containers_model`.
#![no_main]

use arbitrary::{Arbitrary as _, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

#[path = "../../host/sync/tests/containers_model/step.rs"]
mod step;
mod steps;
#[path = "../../host/sync/tests/containers_model/world.rs"]
mod world;

use step::{DictStep, ListStep, Value};
use steps::steps;

/// Enough steps to reach the limit again and again, and few enough to be quick.
const MOST_STEPS: usize = 200;

fn value(input: &mut Unstructured<'_>) -> Result<Value> {
    let length = match input.int_in_range(0..=9_u8)? {
        0 => input.int_in_range(100..=1_600)?,
        _ => input.int_in_range(0..=2)?,
    };
    Ok((vec![7; length], bool::arbitrary(input)?))
}

fn key(input: &mut Unstructured<'_>) -> Result<u8> {
    input.int_in_range(0..=4)
}

fn index(input: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match input.int_in_range(0..=20_u8)? {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => i64::arbitrary(input)?,
        _ => input.int_in_range(-6..=6)?,
    })
}

fn optional_index(input: &mut Unstructured<'_>) -> Result<Option<i64>> {
    match bool::arbitrary(input)? {
        true => index(input).map(Some),
        false => Ok(None),
    }
}

fn several<T>(
    input: &mut Unstructured<'_>,
    one: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = input.int_in_range(0..=4_u8)?;
    (0..count).map(|_| one(input)).collect()
}

fn dict_step(input: &mut Unstructured<'_>) -> Result<DictStep> {
    Ok(match input.int_in_range(0..=6_u8)? {
        0 => DictStep::Set(key(input)?, value(input)?),
        1 => DictStep::SetDefault(key(input)?, value(input)?),
        2 => DictStep::Exchange(key(input)?, value(input)?, bool::arbitrary(input)?),
        3 => DictStep::Update(several(input, |input| Ok((key(input)?, value(input)?)))?),
        4 => DictStep::Remove(key(input)?),
        5 => DictStep::PopLast,
        _ => DictStep::Clear,
    })
}

fn list_step(input: &mut Unstructured<'_>) -> Result<ListStep> {
    Ok(match input.int_in_range(0..=11_u8)? {
        0..=2 => ListStep::Push(value(input)?),
        3 => ListStep::Insert(index(input)?, value(input)?),
        4 => ListStep::Set(index(input)?, value(input)?),
        5 => ListStep::Exchange(index(input)?, value(input)?, bool::arbitrary(input)?),
        6 => ListStep::SetSlice(
            optional_index(input)?,
            optional_index(input)?,
            several(input, value)?,
        ),
        7 => ListStep::Pop(index(input)?),
        8 => ListStep::Remove(value(input)?),
        9 => ListStep::Reverse,
        10 => ListStep::Rotate,
        _ => ListStep::Clear,
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else {
        return;
    };
    let mut input = Unstructured::new(data);
    match which % 2 {
        0 => world::run_dict(steps(&mut input, MOST_STEPS, dict_step)),
        _ => world::run_list(steps(&mut input, MOST_STEPS, list_step)),
    }
});
