//! Turns core WebAssembly modules into components.
//!
//! Compilers for `wasm32-wasip1` make a core module that imports WASI preview 1. A program of isopod is a
//! component that imports WASI 0.2 and `isopod:multiprocessing`. This crate turns the module into the
//! component, in about 2 ms, so that the output of any such compiler loads unchanged.
//!
//! It promises that an exit code is kept: `proc_exit(3)` ends a process with the exit code 3. The stock
//! preview 1 adapter knows only success and failure, because `wasi:cli/exit` does. See [`componentize`].
//!
//! It also [changes code](make_interruptible) so that it can be interrupted soon and at a small cost.
//!
//! It knows nothing of the engine that runs the component. [`make_interruptible`] [validates](validate) the
//! bytes that it changes; [`componentize`] does not.
//!
//! ```
//! let core_module = b"\0asm\x01\0\0\0";
//! assert_eq!(isopod_component::kind_of(core_module), isopod_component::Kind::CoreModule);
//! let component = isopod_component::componentize(core_module)?;
//! assert_eq!(isopod_component::kind_of(&component), isopod_component::Kind::Component);
//! # Ok::<(), isopod_component::Error>(())
//! ```

mod error;
mod exit;
mod imports;
mod instances;
mod interruption;
mod kind;
mod tasks;
mod validation;

pub use error::Error;
pub use instances::{Instances, instance_bytes, instances};
pub use interruption::make_interruptible;
pub use kind::{Kind, kind_of};
pub use tasks::task_names;
pub use validation::{FEATURES, MOST_FUNCTION_BYTES, validate};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

/// Turns a core module into a component.
///
/// A module that exports `_start` becomes a component that exports `wasi:cli/run`. Any other module exports
/// the functions that the metadata of its bindings (wit-bindgen) names. wasmtime's adapter serves imports
/// of `wasi_snapshot_preview1`, except `proc_exit`: it becomes `isopod:multiprocessing/process.exit`, which
/// has the same signature and keeps the exit code. A component that does not call `isopod:multiprocessing`
/// imports nothing of it.
///
/// Does not block.
///
/// # Errors
/// [`Error::NotWasm`] and [`Error::AlreadyComponent`] for other kinds of bytes, [`Error::Malformed`] for a
/// broken or truncated module, [`Error::UnknownImports`] if it needs a function that no host of isopod has,
/// [`Error::Encode`] if its bindings do not fit its code.
pub fn componentize(core_module: &[u8]) -> Result<Vec<u8>, Error> {
    match kind_of(core_module) {
        Kind::CoreModule => {}
        Kind::Component => return Err(Error::AlreadyComponent),
        Kind::OtherVersion(version) => return Err(Error::Version(version)),
        Kind::NotWasm => return Err(Error::not_wasm(core_module)),
    }
    let outline = imports::Outline::read(core_module)?;
    outline.check()?;
    let with_exit = exit::redirect_proc_exit(core_module, &outline)?;
    let adapter = if outline.exports_start {
        WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    let encode = || {
        ComponentEncoder::default()
            .validate(false)
            .module(&with_exit)
            .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
            .and_then(|mut encoder| encoder.encode())
    };
    // The parser of the bindings' metadata trusts its input: fuzzing found bytes that it panics on. After a
    // panic no state is left behind: the encoder owns all its data and is dropped.
    match std::panic::catch_unwind(encode) {
        Ok(encoded) => encoded.map_err(|error| Error::Encode(error::shown(&format!("{error:#}")))),
        Err(_) => Err(Error::Encode(
            "the metadata of its bindings is malformed".to_owned(),
        )),
    }
}
