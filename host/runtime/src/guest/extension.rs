//! The embedder's own host functions, beside those of WASI and `isopod:multiprocessing`.

use super::extension_states::ExtensionStates;
use super::state::GuestState;
use std::any::{Any, TypeId, type_name};
use std::sync::Arc;
use wasmtime::component::Linker;

/// An interface that an embedder adds to its engine: functions that guests may import.
///
/// It is linked once, when the engine is made, and has a state of its own in each process and each
/// instance of a plugin. Types and functions are those of [`wasmtime`](crate::wasmtime), whose version is
/// part of this API; `wasmtime::component::bindgen!` makes the glue of a WIT file.
///
/// A function runs on the thread of the process that calls it. While it computes or blocks, the process
/// cannot be ended. So a function that may wait should be asynchronous: then it ends at its next `await`.
/// A process may be paused while it waits for an object of isopod, so a function must not hold a lock of
/// its own during such a wait.
///
/// ```
/// use isopod_host::wasmtime::component::Linker;
/// use isopod_host::wasmtime::{Result, StoreContextMut};
/// use isopod_host::Engine;
/// use isopod_host::extension::{Extension, GuestState};
///
/// /// `app:numbers/numbers.next`: 1, 2, 3 in each process.
/// struct Numbers;
///
/// impl Extension for Numbers {
///     type State = u64;
///
///     fn link(&self, linker: &mut Linker<GuestState>) -> Result<()> {
///         let mut interface = linker.instance("app:numbers/numbers")?;
///         interface.func_wrap("next", |mut guest: StoreContextMut<GuestState>, (): ()| {
///             let last = guest.data_mut().extension::<Numbers>();
///             *last += 1;
///             Ok((*last,))
///         })
///     }
///
///     fn new_state(&self) -> u64 {
///         0
///     }
/// }
///
/// let engine = Engine::builder().extension(Numbers).build()?;
/// # Ok::<(), isopod_host::Error>(())
/// ```
pub trait Extension: Send + Sync + 'static {
    /// The state that it keeps for one process.
    type State: Send + 'static;

    /// Defines its functions.
    ///
    /// # Errors
    /// The error of wasmtime, if a name is taken. Then the engine is not made.
    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()>;

    /// The state of a new process, before its first instruction.
    fn new_state(&self) -> Self::State;
}

/// An extension with its type erased.
pub(crate) trait Linked: Send + Sync {
    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()>;
    fn new_state(&self) -> (TypeId, Box<dyn Any + Send>);
    fn name(&self) -> &'static str;
}

impl<E: Extension> Linked for E {
    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        Extension::link(self, linker)
    }

    fn new_state(&self) -> (TypeId, Box<dyn Any + Send>) {
        (
            TypeId::of::<E>(),
            Box::new(Extension::new_state(self)) as Box<dyn Any + Send>,
        )
    }

    fn name(&self) -> &'static str {
        type_name::<E>()
    }
}

/// The extensions of an engine.
#[derive(Clone, Default)]
pub(crate) struct Extensions(Vec<Arc<dyn Linked>>);

impl Extensions {
    pub(crate) fn add(&mut self, extension: impl Extension) {
        self.0.push(Arc::new(extension));
    }

    pub(crate) fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        self.0.iter().try_for_each(|extension| {
            extension
                .link(linker)
                .map_err(|error| error.context(format!("the extension `{}`", extension.name())))
        })
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn new_states(&self) -> ExtensionStates {
        let states = self.0.iter().map(|extension| extension.new_state());
        ExtensionStates::new(states.collect())
    }
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|extension| extension.name());
        formatter.debug_list().entries(names).finish()
    }
}

impl GuestState {
    /// The state that an extension has for this process.
    ///
    /// # Panics
    /// If the engine was made without this extension. Then its functions are not there either, so a
    /// guest cannot cause it.
    #[allow(
        clippy::panic,
        reason = "the caller is a function of the extension, which the engine has"
    )]
    pub fn extension<E: Extension>(&mut self) -> &mut E::State {
        let state = self.extensions.of(TypeId::of::<E>());
        match state.and_then(|state| state.downcast_mut()) {
            Some(state) => state,
            None => panic!(
                "the engine was made without the extension `{}`",
                type_name::<E>()
            ),
        }
    }
}
