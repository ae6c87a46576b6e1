//! The functions of a plugin, which the embedder calls by name.
//!
//! `#[isopod::function]` makes a [`Function`] of each, and `inventory` collects them when the plugin is
//! instantiated. `isopod::plugin!` exports the two entry points through which the host lists and calls them.

use crate::bindings::exported::exports::isopod::multiprocessing::functions::{
    self, CallError, Guest,
};
use crate::bindings::process;
use crate::bindings::types::{Handle, Message};
use crate::entry;
use crate::function_values::{FunctionInput, FunctionOutput};
use std::sync::Once;

/// A function and its public name.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    text: &'static str,
    run: fn(Call) -> Result<Returned, Failure>,
}

/// The input of a call.
#[derive(Debug)]
pub struct Call {
    input: Vec<u8>,
    handles: Vec<Handle>,
}

/// The output of a function.
#[derive(Debug)]
pub struct Returned(Message);

/// The reason why a function has no output.
#[derive(Debug)]
pub struct Failure(CallError);

inventory::collect!(Function);

impl Function {
    /// The constructor that the macro calls.
    #[must_use]
    pub const fn new(
        name: &'static str,
        text: &'static str,
        run: fn(Call) -> Result<Returned, Failure>,
    ) -> Function {
        Function { name, text, run }
    }
}

/// A function that a plugin can export, with one parameter or none.
pub trait Callable<Parameters> {
    /// Reads the input, runs the function, and writes its output.
    ///
    /// # Errors
    /// If the function cannot read the input, returns an error, or returns a value that cannot be written.
    fn answer(&self, call: Call) -> Result<Returned, Failure>;
}

impl<F, O> Callable<()> for F
where
    F: Fn() -> O,
    O: FunctionOutput,
{
    fn answer(&self, _: Call) -> Result<Returned, Failure> {
        written(self())
    }
}

impl<F, I, O> Callable<(I,)> for F
where
    F: Fn(I) -> O,
    I: FunctionInput,
    O: FunctionOutput,
{
    fn answer(&self, call: Call) -> Result<Returned, Failure> {
        let input = I::read(call.input, Handles(call.handles))
            .map_err(|error| Failure(CallError::InvalidInput(error.to_string())))?;
        written(self(input))
    }
}

/// The handles that came with an input.
#[derive(Debug)]
pub struct Handles(
    #[cfg_attr(
        not(feature = "json"),
        allow(dead_code, reason = "only a `Json` has handles inside")
    )]
    pub(crate) Vec<Handle>,
);

/// The bytes and handles of an output.
#[derive(Debug)]
pub struct Output {
    pub(crate) bytes: Vec<u8>,
    pub(crate) handles: Vec<Handle>,
}

fn written(output: impl FunctionOutput) -> Result<Returned, Failure> {
    match output.write() {
        Ok(Output { bytes, handles }) => Ok(Returned(Message { bytes, handles })),
        Err(text) => Err(Failure(CallError::Failed(text))),
    }
}

/// The entry points of a plugin.
#[derive(Debug)]
pub struct Doors;

impl Guest for Doors {
    fn describe() -> Vec<functions::Function> {
        // If two functions have the same name, neither can be called, so the list has the name once.
        let mut all: Vec<functions::Function> = inventory::iter::<Function>
            .into_iter()
            .map(|function| functions::Function {
                name: function.name.to_owned(),
                text: function.text.to_owned(),
            })
            .collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|a, b| a.name == b.name);
        all
    }

    fn call(name: String, input: Vec<u8>, handles: Vec<Handle>) -> Result<Message, CallError> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            std::panic::set_hook(Box::new(|info| process::fail(&entry::describe(info))));
        });
        let function = find(&name, *inventory::iter::<Function>)?;
        match (function.run)(Call { input, handles }) {
            Ok(Returned(message)) => Ok(message),
            Err(Failure(error)) => Err(error),
        }
    }
}

/// The only function of this name.
fn find<'a, I: Iterator<Item = &'a Function>>(
    name: &str,
    all: impl Fn() -> I,
) -> Result<&'a Function, CallError> {
    let mut found = all().filter(|function| function.name == name);
    let text = match (found.next(), found.next()) {
        (Some(function), None) => return Ok(function),
        (Some(_), Some(_)) => format!("more than one function is named `{name}`"),
        (None, _) => {
            let mut names: Vec<String> = all()
                .map(|function| format!("`{}`", function.name))
                .collect();
            names.sort_unstable();
            match names.is_empty() {
                true => format!(
                    "no function is named `{name}`: the plugin has none; mark functions with \
                     `#[isopod::function]`"
                ),
                false => format!(
                    "no function is named `{name}`; the plugin has: {}",
                    names.join(", ")
                ),
            }
        }
    };
    Err(CallError::UnknownFunction(text))
}

/// Makes the crate a plugin: exports its functions that are marked with
/// [`#[isopod::function]`](macro@crate::function). Write it once, at the root of a crate of the type
/// `cdylib`.
///
/// ```
/// /// The text in capitals.
/// #[isopod::function]
/// fn upper(text: String) -> String {
///     text.to_uppercase()
/// }
///
/// isopod::plugin!();
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plugin {
    () => {
        const _: () = {
            use $crate::__private::Doors;
    $crate::__private::exported::export!(Doors with_types_in $crate::__private::exported);
        };
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Json;

    fn call(input: &str) -> Call {
        Call {
            input: input.as_bytes().to_vec(),
            handles: Vec::new(),
        }
    }

    fn text(result: Result<Returned, Failure>) -> String {
        String::from_utf8(result.unwrap().0.bytes).unwrap()
    }

    #[test]
    fn functions_of_one_parameter_and_of_none_are_called() {
        assert_eq!(text((|text: String| text + "!").answer(call("hi"))), "hi!");
        assert_eq!(text((|| "nothing").answer(call("is read"))), "nothing");
        let sum = |Json(numbers): Json<Vec<u32>>| Json(numbers.iter().sum::<u32>());
        assert_eq!(text(sum.answer(call("[1, 2, 3]"))), "6");
    }

    #[test]
    fn errors_say_whose_they_are() {
        let fails = |_: String| Err::<String, _>("no");
        let failure = fails.answer(call("x")).unwrap_err();
        assert!(matches!(failure.0, CallError::Failed(text) if text == "no"));
        let failure = (|_: Json<u8>| ()).answer(call("300")).unwrap_err();
        assert!(matches!(failure.0, CallError::InvalidInput(text) if text.contains("300")));
    }

    #[test]
    fn the_only_function_of_a_name_is_found() {
        let function =
            |name| Function::new(name, "", |_| Err(Failure(CallError::Other(String::new()))));
        let all = [function("a"), function("b"), function("b")];
        let text = |name: &str, count: usize| match find(name, || all.iter().take(count)) {
            Err(CallError::UnknownFunction(text)) => text,
            other => format!("{other:?}"),
        };
        assert!(find("a", || all.iter()).is_ok());
        assert_eq!(
            text("x", 2),
            "no function is named `x`; the plugin has: `a`, `b`"
        );
        assert_eq!(text("b", 3), "more than one function is named `b`");
        assert!(text("x", 0).contains("#[isopod::function]"));
    }
}
