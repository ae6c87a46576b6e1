//! Tasks: functions that travel to another process.
//!
//! All processes of a program are instances of the same component, so a function has the same
//! index in the function table of each. What travels is that index, of a function made for each
//! type of task, followed by the arguments. This is the only file of the crate with `unsafe` in it.

#![allow(unsafe_code, reason = "a function is called by its table index")]

use crate::bindings::pipe::Connection as RawConnection;
use crate::bindings::types::Message;
use crate::{Error, ErrorKind, Outcome, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ptr::NonNull;

/// A function, or a closure that captures nothing, of up to eight parameters which all serialise.
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
    /// What the task returns.
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

/// What a task gives: the value that `join` returns.
pub(crate) type Value<F, Args> = <<F as Task<Args>>::Outcome as Outcome>::Value;

/// The type of the functions that travel. A table index of any other type of function traps when
/// it is called.
type Trampoline = fn(&[u8], Message) -> Result<(), Error>;

/// Where a task's arguments begin in its bytes: after the index.
const INDEX_BYTES: usize = size_of::<u32>();

/// The first bytes of the message that runs `F` with arguments of type `Args`.
pub(crate) fn table_index<F: Task<Args>, Args: DeserializeOwned>()
-> Result<[u8; INDEX_BYTES], Error> {
    const {
        assert!(
            size_of::<F>() == 0,
            "a task must not capture variables and must not be a function pointer: pass what it \
             needs as arguments, `Process::spawn(|value: T| ..., (value,))`"
        );
    }
    let trampoline: Trampoline = run::<F, Args>;
    match u32::try_from(trampoline as usize) {
        Ok(index) => Ok(index.to_le_bytes()),
        // Only where pointers are wider, so never in a guest.
        Err(_) => Err(Error::with_text(
            ErrorKind::Other,
            "processes need a host of isopod",
        )),
    }
}

/// Runs the task of a message that the parent made with [`table_index`].
pub(crate) fn run_message(message: Message) -> Result<(), Error> {
    let Some((index, _)) = message.bytes.split_first_chunk::<INDEX_BYTES>() else {
        return Err(Error::with_text(
            ErrorKind::Decode,
            "the task of this process is truncated",
        ));
    };
    let index = usize::try_from(u32::from_le_bytes(*index)).unwrap_or_default();
    // SAFETY: the host gives the message of `spawn` only to a new instance of the component that
    // called `spawn`, unread and unchanged. Both run the same code, so the index that
    // `table_index` took from a `Trampoline` is that of the same function here. Index 0, the null
    // pointer of the target, is none. Should the message be forged all the same, the engine checks
    // the index and the signature at the call, so it traps or runs a function of this program
    // inside the sandbox of this process.
    let trampoline =
        unsafe { std::mem::transmute::<*const (), Option<Trampoline>>(index as *const ()) };
    let Some(trampoline) = trampoline else {
        return Err(Error::with_text(
            ErrorKind::Decode,
            "the task of this process has no function",
        ));
    };
    // The arguments are read where they are, without a copy of what may be large.
    let Message { bytes, handles } = message;
    let arguments = bytes.get(INDEX_BYTES..).unwrap_or_default();
    trampoline(
        arguments,
        Message {
            bytes: Vec::new(),
            handles,
        },
    )
}

/// Reads the arguments, runs the task and sends its value to the parent. The bytes are passed
/// apart from the handles, in a message that is otherwise empty.
fn run<F: Task<Args>, Args: DeserializeOwned>(
    arguments: &[u8],
    handles: Message,
) -> Result<(), Error> {
    let mut handles = handles.handles;
    let result = if has_value::<Value<F, Args>>() {
        let handle = handles.pop().ok_or_else(|| {
            Error::with_text(ErrorKind::Decode, "the task has no pipe for its value")
        })?;
        Some(RawConnection::open(&handle)?)
    } else {
        None
    };
    let arguments: Args = message::decode_parts(arguments, handles)?;
    // SAFETY: `table_index` has checked that `F` has no bytes, so a dangling pointer is as good as
    // any to read one from. The value is the one that `spawn` was given and consumed.
    let function = unsafe { NonNull::<F>::dangling().read() };
    let outcome = function.call(arguments).into_result();
    let value = outcome.map_err(|text| Error::with_text(ErrorKind::Other, text))?;
    if let Some(result) = result {
        let sent = message::encode(&[], &value, |bytes, handles| {
            result.send(bytes, handles, None)
        })?;
        match sent.map_err(Error::from) {
            // The parent has dropped its `Process`: it does not want the value.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            other => other?,
        }
    }
    Ok(())
}

/// Whether a value of this type has to be sent at all. `()` is most common, and a pipe costs.
pub(crate) fn has_value<T>() -> bool {
    std::any::type_name::<T>() != std::any::type_name::<()>()
}
