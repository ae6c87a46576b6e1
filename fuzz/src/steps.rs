//! The steps on the objects, read from the fuzzer's bytes.

use arbitrary::{Result, Unstructured};

/// The steps until the input is used up, at most `most` of them.
pub fn steps<T>(
    input: &mut Unstructured<'_>,
    most: usize,
    step: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Vec<T> {
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < most {
        match step(input) {
            Ok(step) => steps.push(step),
            Err(_) => break,
        }
    }
    steps
}
