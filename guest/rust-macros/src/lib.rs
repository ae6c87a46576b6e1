//! The attribute macros of `isopod`. Use them through that crate: `#[isopod::main]`.

mod main_function;

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
