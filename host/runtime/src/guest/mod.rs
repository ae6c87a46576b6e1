//! A guest in its store: its program, its state, its bounds.
//!
//! * [`program`]: a program, ready to be instantiated; [`engine`]: where it runs; [`outline`] and
//!   [`exports`]: facts about it that need no run.
//! * [`store`], [`state`]: the store of a guest and its data; [`table`], [`room`], [`in_flight`],
//!   [`arguments`]: its handles and the bytes of its calls, and their charges.
//! * [`memory_limit`], [`output_limit`], [`operations`], [`socket_descriptors`]: limits that a guest reaches
//!   by itself.
//! * [`stdio`]: its standard streams; [`extension`]: the embedder's functions.

pub(crate) mod arguments;
mod engine;
mod exports;
mod extension;
mod extension_states;
mod in_flight;
mod memory_limit;
mod operations;
mod outline;
mod output_limit;
mod program;
mod room;
mod socket_descriptors;
pub(crate) mod spelling;
mod state;
mod stdio;
mod store;
mod table;

pub use engine::Engine;
pub use exports::PluginExport;
pub(crate) use exports::{OF, exports};
pub use extension::Extension;
pub(crate) use extension::Extensions;
pub(crate) use operations::{Busy, Operations, Slots, start};
pub use outline::ProgramOutline;
pub use program::Program;
pub use state::GuestState;
pub(crate) use state::{State, Stop};
pub(crate) use store::{Passes, new_store};
