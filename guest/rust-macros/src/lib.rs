//! The attribute macros of `isopod`. Use them through that crate: `#[isopod::main]`,
//! `#[isopod::task]`, `#[isopod::function]`.

mod main_function;
mod plugin_function;
mod public_name;
mod task_function;

use proc_macro::TokenStream;

/// Marks the main function of a program.
///
/// Every process of a program begins here. The main process runs the body. Any other process runs the task
/// that it was started with, and never the body. A program that starts processes needs this attribute.
///
/// The function takes no arguments (`std::env::args` has them). It may return any type that a main function
/// may return.
///
/// ```ignore
/// #[isopod::main]
/// fn main() -> isopod::Result<()> {
///     isopod::Process::spawn(|| println!("hello"), ())?.join()
/// }
/// ```
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    main_function::expand(attribute.into(), item.into()).into()
}

/// Gives a function a public name, so that the embedder's pool can call it.
///
/// The name is the function's own, or the value of `name`; it must be unique in a program. The function does
/// not change: the program can call it, or let a process or a pool run it, like any other function. Arguments
/// and value travel as MessagePack.
///
/// ```ignore
/// #[isopod::task]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// #[isopod::task(name = "text.length")]
/// fn length(text: String) -> Result<usize, String> {
///     if text.is_empty() { Err("no text".to_owned()) } else { Ok(text.len()) }
/// }
/// ```
#[proc_macro_attribute]
pub fn task(attribute: TokenStream, item: TokenStream) -> TokenStream {
    task_function::expand(attribute.into(), item.into()).into()
}

/// Makes a function part of a plugin, so that the embedder can call it by name.
///
/// The name is the function's own, or the value of `name`; it must be unique in a plugin. The plugin
/// publishes the documentation comment as the function's description. The function has one parameter, the
/// input, or none. The crate must have `isopod::plugin!();` once.
///
/// ```ignore
/// use isopod::Json;
///
/// /// The text in capitals.
/// #[isopod::function]
/// fn upper(text: String) -> String {
///     text.to_uppercase()
/// }
///
/// /// The sum of numbers.
/// #[isopod::function(name = "numbers.sum")]
/// fn sum(Json(numbers): Json<Vec<i64>>) -> Result<Json<i64>, String> {
///     let sum = numbers.iter().try_fold(0_i64, |sum, number| sum.checked_add(*number));
///     sum.map(Json).ok_or_else(|| "the sum is too large".to_owned())
/// }
///
/// isopod::plugin!();
/// ```
#[proc_macro_attribute]
pub fn function(attribute: TokenStream, item: TokenStream) -> TokenStream {
    plugin_function::expand(attribute.into(), item.into()).into()
}
