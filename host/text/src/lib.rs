//! Text that a guest wrote about itself, made safe to show: names of functions, labels, failures.
//!
//! All work is bounded in time and memory by the size of the text. No result steers a terminal
//! or forges a row.
//!
//! * [`function_name`]: the source name of a function whose name a compiler has mangled.
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
