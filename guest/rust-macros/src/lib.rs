//! The attribute macros of `isopod`. Use them through that crate: `#[isopod::main]`,
//! `#[isopod::task]`.

mod main_function;
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
/// fn main() -> Result<(), isopod::Error> {
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
