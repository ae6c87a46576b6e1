//! The return types of tasks.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash};

/// A return type of a task: `()`, a plain value (numbers, strings, tuples, collections, handles), or
/// `Result<T, E>` of any `T` that serialises.
///
/// [`Process::join`](crate::Process::join) returns the value. An `Err` makes the process fail with the text
/// of the error, as an uncaught exception does in Python.
#[diagnostic::on_unimplemented(
    message = "a task cannot return `{Self}`",
    label = "this returns `{Self}`",
    note = "a task returns `()`, a plain value, or `Result<T, E>` where `T` implements serde's \
            `Serialize` and `Deserialize` and `E` implements `Display`; wrap other types as \
            `Ok::<_, isopod::Error>(value)`"
)]
pub trait Outcome {
    /// The type that `join` returns.
    type Value: Serialize + DeserializeOwned;

    /// The value, or the text with which the process must fail.
    ///
    /// # Errors
    /// The text of the task's error.
    fn into_result(self) -> Result<Self::Value, String>;
}

impl<T: Serialize + DeserializeOwned, E: fmt::Display> Outcome for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Gives a name to the type `!`, the output of a function that never returns, which has no name in stable
/// Rust.
pub trait Output {
    /// The output.
    type Of;
}

impl<T> Output for fn() -> T {
    type Of = T;
}

type Never = <fn() -> ! as Output>::Of;

/// A task that never returns, such as an endless loop.
impl Outcome for Never {
    type Value = ();

    fn into_result(self) -> Result<(), String> {
        self
    }
}

/// Types that are their own value. Each has an impl of its own. One impl for all types that serialise would
/// also cover `Result`, and an error would then be a success.
macro_rules! plain {
    ($([$($parameters:tt)*] $value:ty),+ $(,)?) => {
        $(
            impl<$($parameters)*> Outcome for $value {
                type Value = $value;

                fn into_result(self) -> Result<$value, String> {
                    Ok(self)
                }
            }
        )+
    };
}

plain! {
    [] (), [] bool, [] char, [] String,
    [] u8, [] u16, [] u32, [] u64, [] u128, [] usize,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize,
    [] f32, [] f64,
    [] crate::ExitStatus, [] crate::Lock, [] crate::RLock, [] crate::Semaphore, [] crate::Event,
    [] crate::Condition, [] crate::Barrier, [] crate::SharedMemory,
    [T] crate::Queue<T>, [T] crate::SimpleQueue<T>, [T] crate::Sender<T>, [T] crate::Receiver<T>,
    [] crate::Bytes, [] crate::ShareableList, [T] crate::RawValue<T>, [T] crate::RawArray<T>,
    [T: Serialize + DeserializeOwned] crate::Synchronized<T>,
    [S, R] crate::Connection<S, R>,
    [K, V] crate::Dict<K, V>, [T] crate::List<T>, [] crate::Namespace,
    [T: Serialize + DeserializeOwned] Option<T>,
    [T: Serialize + DeserializeOwned] Vec<T>,
    [T: Serialize + DeserializeOwned] Box<T>,
    [K: Serialize + DeserializeOwned + Ord, V: Serialize + DeserializeOwned] BTreeMap<K, V>,
    [A: Serialize + DeserializeOwned] (A,),
    [A: Serialize + DeserializeOwned, B: Serialize + DeserializeOwned] (A, B),
    [A: Serialize + DeserializeOwned, B: Serialize + DeserializeOwned,
     C: Serialize + DeserializeOwned] (A, B, C),
    [A: Serialize + DeserializeOwned, B: Serialize + DeserializeOwned,
     C: Serialize + DeserializeOwned, D: Serialize + DeserializeOwned] (A, B, C, D),
    [K: Serialize + DeserializeOwned + Eq + Hash, V: Serialize + DeserializeOwned,
     H: BuildHasher + Default] HashMap<K, V, H>,
}
