//! The attribute macros of `isopod`. Use them through that crate: `#[isopod::main]`,
//! `#[isopod::task]`, `#[isopod::function]`.

mod main_function;
mod plugin_function;
mod public_name;
mod task_function;

use proc_macro::TokenStream;

/// Marks the main function of a program.
///
/// Every process of a program begins here: the main process runs the body, any other runs the task
/// that it was started with, and never the body. A program that starts processes needs it.
///
/// The function takes no arguments (`std::env::args` has them) and returns what any main function
/// may.
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
/// The name is the function's own, or what `name` says; a program has it once. The function stays
/// what it is: the program itself calls it, or has a process or a pool run it, as any other.
/// Arguments and value travel as MessagePack.
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

/// Makes a function one of a plugin's, which the embedder calls by name.
///
/// The name is the function's own, or what `name` says; a plugin has it once. Its documentation comment
/// is what the plugin tells of it. It has one parameter, the input, or none. The crate has
/// `isopod::plugin!();` once.
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
