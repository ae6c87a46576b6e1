//! Tasks: functions that travel to another process.
//!
//! All processes of a program are instances of the same component, so a function has the same index in the
//! function table of each. The crate makes a function for each type of task. A message has the index of that
//! function, followed by the arguments. This is the only file of the crate with `unsafe` in it.

#![allow(unsafe_code, reason = "a function is called by its table index")]

use crate::bindings::pipe::Connection as RawConnection;
use crate::bindings::types::{Handle, Message};
use crate::message::Encoded;
use crate::{Error, ErrorKind, Outcome, blocking, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ptr::NonNull;

/// A function, or a closure that captures nothing, with up to eight parameters which all serialise.
///
/// `Args` is the tuple of the parameters: `(A,)` for one, `()` for none. The parameters of a
/// closure need their types written out: `|name: String, count: u32| ...`.
#[diagnostic::on_unimplemented(
    message = "this cannot be run as a task",
    label = "not a task of these arguments",
    note = "a task is a function, or a closure that captures nothing, of up to eight parameters; \
            its arguments are a tuple: `()`, `(a,)`, `(a, b)`, ...",
    note = "each parameter implements serde's `Serialize` and `Deserialize` and owns its data; the \
            parameters of a closure have their types written out"
)]
pub trait Task<Args> {
    /// The return type of the task.
    type Outcome: Outcome;

    #[doc(hidden)]
    fn call(&self, arguments: Args) -> Self::Outcome;
}

macro_rules! task {
    ($($parameter:ident),*) => {
        impl<Function, Returned, $($parameter),*> Task<($($parameter,)*)> for Function
        where
            Function: Fn($($parameter),*) -> Returned,
            Returned: Outcome,
            $($parameter: Serialize + DeserializeOwned,)*
        {
            type Outcome = Returned;

            #[allow(non_snake_case, reason = "the values have the names of their types")]
            fn call(&self, ($($parameter,)*): ($($parameter,)*)) -> Returned {
                self($($parameter),*)
            }
        }
    };
}

task!();
task!(A);
task!(A, B);
task!(A, B, C);
task!(A, B, C, D);
task!(A, B, C, D, E);
task!(A, B, C, D, E, F);
task!(A, B, C, D, E, F, G);
task!(A, B, C, D, E, F, G, H);

/// The value of a task, which `join` returns.
pub(crate) type Value<F, Args> = <<F as Task<Args>>::Outcome as Outcome>::Value;

/// The type of the functions that travel: they turn encoded arguments into an encoded value, with a buffer
/// for it. A call by the table index of a function of any other type traps.
pub(crate) type Trampoline = fn(&[u8], Vec<Handle>, Vec<u8>) -> Result<Encoded, Error>;

/// The offset of a task's arguments in its bytes: they follow the index.
const INDEX_BYTES: usize = size_of::<u32>();

/// The first bytes of a message that `trampoline`, one of those below, runs for `F`.
pub(crate) fn table_index<F: Task<Args>, Args: DeserializeOwned>(
    trampoline: Trampoline,
) -> Result<[u8; INDEX_BYTES], Error> {
    const {
        assert!(
            size_of::<F>() == 0,
            "a task must not capture variables and must not be a function pointer: pass what it \
             needs as arguments, `Process::spawn(|value: T| ..., (value,))`"
        );
    }
    match u32::try_from(trampoline as usize) {
        Ok(index) => Ok(index.to_le_bytes()),
        // This happens only where pointers are wider, so never in a guest.
        Err(_) => Err(Error::with_text(
            ErrorKind::Other,
            "processes need a host of isopod",
        )),
    }
}

/// Runs the task of a message that another process made with [`table_index`]. Writes the value to `buffer`,
/// whose content is lost.
pub(crate) fn run_message(message: Message, buffer: Vec<u8>) -> Result<Encoded, Error> {
    let Some((index, _)) = message.bytes.split_first_chunk::<INDEX_BYTES>() else {
        return Err(Error::with_text(
            ErrorKind::Decode,
            "the task of this process is truncated",
        ));
    };
    let index = usize::try_from(u32::from_le_bytes(*index)).unwrap_or_default();
    // SAFETY: the host delivers the messages of `spawn`, of a pool's jobs and of its initializer only to
    // instances of the component that made them, unread and unchanged. All instances run the same code, so
    // the index that `table_index` took from a `Trampoline` is that of the same function here. Index 0, the
    // null pointer of the target, gives none. Even if a message were forged, the engine checks the index and
    // the signature at the call, so it traps or runs a function of this program inside the sandbox of this
    // process.
    let trampoline =
        unsafe { std::mem::transmute::<*const (), Option<Trampoline>>(index as *const ()) };
    let Some(trampoline) = trampoline else {
        return Err(Error::with_text(
            ErrorKind::Decode,
            "the task of this process has no function",
        ));
    };
    // The arguments are read in place, since a copy may be large.
    let arguments = message.bytes.get(INDEX_BYTES..).unwrap_or_default();
    trampoline(arguments, message.handles, buffer)
}

/// The trampoline of a process: reads the arguments, runs the task, and sends its value to the parent.
pub(crate) fn process<F: Task<Args>, Args: DeserializeOwned>(
    arguments: &[u8],
    mut handles: Vec<Handle>,
    _: Vec<u8>,
) -> Result<Encoded, Error> {
    let result = if has_value::<Value<F, Args>>() {
        let handle = handles.pop().ok_or_else(|| {
            Error::with_text(ErrorKind::Decode, "the task has no pipe for its value")
        })?;
        Some(RawConnection::open(&handle)?)
    } else {
        None
    };
    let value = call::<F, Args>(message::decode_parts(arguments, handles)?)?;
    if let Some(result) = result {
        let sent = message::encode(&[], &value, |bytes, handles| {
            blocking::wait(None, |timeout| result.send(bytes, handles, timeout))
        })?;
        match sent.map_err(Error::from) {
            // The parent has dropped its `Process`, so it does not need the value.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            other => other?,
        }
    }
    Ok(Encoded::default())
}

/// The trampoline of a job with one call.
pub(crate) fn job<F: Task<Args>, Args: DeserializeOwned>(
    arguments: &[u8],
    handles: Vec<Handle>,
    buffer: Vec<u8>,
) -> Result<Encoded, Error> {
    let value = call::<F, Args>(message::decode_parts(arguments, handles)?)?;
    message::encode_into(buffer, &[], &value)
}

/// The trampoline of a job with several calls, a chunk of a map: turns a list of arguments into the list of
/// the values. The first error ends the chunk.
pub(crate) fn chunk<F: Task<Args>, Args: DeserializeOwned>(
    arguments: &[u8],
    handles: Vec<Handle>,
    buffer: Vec<u8>,
) -> Result<Encoded, Error> {
    let arguments: Vec<Args> = message::decode_parts(arguments, handles)?;
    let values: Vec<Value<F, Args>> = arguments
        .into_iter()
        .map(call::<F, Args>)
        .collect::<Result<_, _>>()?;
    message::encode_into(buffer, &[], &values)
}

/// Runs the task `F` in this process.
fn call<F: Task<Args>, Args>(arguments: Args) -> Result<Value<F, Args>, Error> {
    // SAFETY: this is made only for the trampolines, and those only for `table_index`, which has
    // checked that `F` has no bytes: a dangling pointer is as good as any to one. That there is such
    // a value is known: the process that made the message was given one, and consumed it. It is
    // borrowed, never dropped, so that it does not matter how often this runs.
    let function = unsafe { NonNull::<F>::dangling().as_ref() };
    let outcome = function.call(arguments).into_result();
    outcome.map_err(|text| Error::with_text(ErrorKind::TaskFailed, text))
}

/// Whether a value of this type must be sent at all. `()` is the most common type, and a pipe has a cost.
pub(crate) fn has_value<T>() -> bool {
    std::any::type_name::<T>() != std::any::type_name::<()>()
}
