//! Objects whose contents the host keeps: dicts, lists, shared memories.
//!
//! * [`stored`]: a message that stays in a container; [`dict`] with its [`entries`]; [`list`] with its
//!   [`elements`].
//! * [`shared_memory`]: bytes, in [`cells`].

mod cells;
mod dict;
mod elements;
mod entries;
mod error;
mod list;
mod memory_error;
mod shared_memory;
mod stored;

pub use dict::{Dict, Items, Versioned};
pub use error::{OutOfRange, ReorderError, StoreError};
pub use list::List;
pub use memory_error::{AccessError, CreateError, NameNotFound, SHARED_MEMORY_NAME_BYTES};
pub use shared_memory::SharedMemory;
