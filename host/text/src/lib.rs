//! What a guest says about itself, made fit to be shown: names of functions, labels, failures.
//!
//! All of it is bounded in time and memory by its size, and nothing of it steers a terminal or forges a row.
//!
//! * [`function_name`]: a compiler's name of a function as its source has it.
//! * [`Line`], [`Lines`], [`json`]: text without hidden characters.
//! * [`cut`]: text of a bounded size.
//! * [`size`]: a size as a limit is told, exactly.

#![forbid(unsafe_code)]

mod bounded;
mod escape;
mod function_name;
mod itanium;
mod itanium_codes;
mod size;

pub use bounded::cut;
pub use escape::{Line, Lines, json};
pub use function_name::{LONGEST_FUNCTION_NAME_BYTES, function_name};
pub use size::size;
