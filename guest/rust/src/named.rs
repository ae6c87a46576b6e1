//! Tasks with a public name, which the embedder's pool can call.
//!
//! Their arguments and values are MessagePack, which the embedder can write without knowing the
//! program's types: an array of the arguments, and the value. `#[isopod::task]` makes a [`NamedTask`]
//! of each, and `inventory` collects them when the program is instantiated.

use crate::bindings::types::{Handle, Message};
use crate::message::{self, Encoded};
use crate::outcome::Outcome;
use crate::task::{Task, Value};
use crate::{Error, ErrorKind};
use rmp_serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::io::Cursor;

/// A function and its public name.
#[derive(Debug)]
pub struct NamedTask {
    name: &'static str,
    run: fn(NamedJob) -> Result<NamedValue, Error>,
}

/// The input of a named task.
#[derive(Debug)]
pub struct NamedJob {
    bytes: Vec<u8>,
    handles: Vec<Handle>,
}

/// The output of a named task.
#[derive(Debug)]
pub struct NamedValue(Encoded);

inventory::collect!(NamedTask);

impl NamedTask {
    /// The constructor that the macro calls.
    #[must_use]
    pub const fn new(
        name: &'static str,
        run: fn(NamedJob) -> Result<NamedValue, Error>,
    ) -> NamedTask {
        NamedTask { name, run }
    }
}

/// Calls a function with the arguments of a job.
///
/// # Errors
/// If the function cannot read the arguments, returns an error, or returns a value that cannot be written.
pub fn call<F, Args>(function: &F, job: NamedJob) -> Result<NamedValue, Error>
where
    F: Task<Args>,
    Args: DeserializeOwned,
{
    let arguments = read_arguments::<Args>(&job.bytes, job.handles)?;
    let value = function.call(arguments).into_result();
    write_value::<Value<F, Args>>(
        &value.map_err(|text| Error::with_text(ErrorKind::TaskFailed, text))?,
    )
    .map(NamedValue)
}

/// Runs the task of this name.
pub(crate) fn run(name: &str, message: Message) -> Result<Encoded, Error> {
    let task = find(name, *inventory::iter::<NamedTask>)?;
    let Message { bytes, handles } = message;
    (task.run)(NamedJob { bytes, handles }).map(|value| value.0)
}

/// The only task of this name.
fn find<'a, I: Iterator<Item = &'a NamedTask>>(
    name: &str,
    all: impl Fn() -> I,
) -> Result<&'a NamedTask, Error> {
    let mut found = all().filter(|task| task.name == name);
    let text = match (found.next(), found.next()) {
        (Some(task), None) => return Ok(task),
        (Some(_), Some(_)) => format!("more than one task is named `{name}`"),
        (None, _) => {
            let mut names: Vec<String> = all().map(|task| format!("`{}`", task.name)).collect();
            names.sort_unstable();
            if names.is_empty() {
                format!(
                    "no task is named `{name}`: the program has none; mark functions with \
                     `#[isopod::task]`"
                )
            } else {
                format!(
                    "no task is named `{name}`; the program has: {}",
                    names.join(", ")
                )
            }
        }
    };
    Err(Error::with_text(ErrorKind::NotFound, text))
}

/// An array without elements, and nil: callers write "no arguments" as the first, and serde expects the
/// second.
const EMPTY_ARRAY: [u8; 1] = [0x90];
const NIL: [u8; 1] = [0xc0];

/// Reads the arguments from an array.
pub(crate) fn read_arguments<Args: DeserializeOwned>(
    bytes: &[u8],
    handles: Vec<Handle>,
) -> Result<Args, Error> {
    let has_none = type_name::<Args>() == type_name::<()>();
    let bytes = if has_none && bytes == EMPTY_ARRAY {
        &NIL
    } else {
        bytes
    };
    let read = || {
        let mut deserializer = Deserializer::new(Cursor::new(bytes));
        let arguments = Args::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
        let length = deserializer.get_ref().position();
        match u64::try_from(bytes.len()) {
            Ok(all) if all > length => Err(format!("{} are too many", all - length)),
            _ => Ok(arguments),
        }
    };
    let (result, error) = message::with_incoming(handles, read);
    result.map_err(|reason| error.unwrap_or_else(|| message::undecodable::<Args>(bytes, &reason)))
}

/// Structures are written as maps, so that the embedder can read them in any language.
pub(crate) fn write_value<T: Serialize>(value: &T) -> Result<Encoded, Error> {
    let (result, handles) = message::with_outgoing(|| rmp_serde::to_vec_named(value));
    match result {
        Ok(bytes) => Ok(Encoded { bytes, handles }),
        Err(error) => Err(message::unencodable::<T>(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn add(a: u32, b: String) -> Result<String, String> {
        if b.is_empty() {
            return Err("nothing to add".to_owned());
        }
        Ok(format!("{a}{b}"))
    }

    fn job(bytes: Vec<u8>) -> NamedJob {
        NamedJob {
            bytes,
            handles: Vec::new(),
        }
    }

    #[test]
    fn arguments_are_an_array_and_the_value_is_one() {
        let bytes = rmp_serde::to_vec(&(7_u32, "up")).unwrap();
        let value = call(&add, job(bytes)).unwrap().0;
        assert_eq!(
            rmp_serde::from_slice::<String>(&value.bytes).unwrap(),
            "7up"
        );
        let bytes = rmp_serde::to_vec(&("only one",)).unwrap();
        let value = call(&|text: String| text.len(), job(bytes)).unwrap().0;
        assert_eq!(value.bytes, [8]);
    }

    #[test]
    fn no_arguments_are_an_empty_array_or_nil() {
        for bytes in [vec![0x90], vec![0xc0]] {
            let value = call(&|| 5_u8, job(bytes)).unwrap().0;
            assert_eq!(value.bytes, [5]);
        }
        let error = call(&|| 5_u8, job(vec![0x91, 1])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[test]
    fn wrong_arguments_are_a_clear_error() {
        let one = rmp_serde::to_vec(&(7_u32,)).unwrap();
        let three = rmp_serde::to_vec(&(7_u32, "up", 1)).unwrap();
        let mut long = rmp_serde::to_vec(&(7_u32, "up")).unwrap();
        long.push(0);
        for bytes in [one, three, long, Vec::new()] {
            let error = call(&add, job(bytes)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            let text = error.to_string();
            assert!(
                text.contains("is not a value of type `(u32, alloc::string::String)`"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_error_of_the_task_is_told() {
        let bytes = rmp_serde::to_vec(&(7_u32, "")).unwrap();
        let error = call(&add, job(bytes)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TaskFailed);
        assert_eq!(error.to_string(), "nothing to add");
    }

    #[test]
    fn a_name_finds_one_task() {
        fn unused(_: NamedJob) -> Result<NamedValue, Error> {
            Err(Error::new(ErrorKind::Other))
        }
        let tasks = ["b", "a", "twice", "twice"].map(|name| NamedTask::new(name, unused));
        let all = || tasks.iter();
        assert_eq!(find("a", all).unwrap().name, "a");
        let text = |name, count| {
            let some = || tasks.iter().take(count);
            find(name, some).unwrap_err().to_string()
        };
        assert_eq!(
            text("x", 2),
            "no task is named `x`; the program has: `a`, `b`"
        );
        assert_eq!(text("twice", 4), "more than one task is named `twice`");
        assert_eq!(
            text("x", 0),
            "no task is named `x`: the program has none; mark functions with `#[isopod::task]`"
        );
    }
}
