//! The one way to wait.
//!
//! * [`shared`]: a state with its wait lists ([`list`]), and the operations that wait for it;
//!   [`registration`]: a place in such a list; [`wait`](self::wait): an attempt, else a place and a park.
//! * [`waiter`]: blocks a process or a thread; [`signal`]: wakes it; [`current`]: the waiter of this
//!   thread; [`orphans`]: the objects that its end gives back.
//! * [`any`]: a wait for any of several objects.
//! * [`record`]: the object of a wait.

pub(crate) mod any;
pub(crate) mod current;
pub(crate) mod error;
pub(crate) mod interrupt;
pub(crate) mod list;
pub(crate) mod orphans;
pub(crate) mod record;
mod record_guard;
pub(crate) mod registration;
pub(crate) mod shared;
pub(crate) mod signal;
#[allow(clippy::module_inception, reason = "the wait itself, beside its parts")]
pub(crate) mod wait;
pub(crate) mod waiter;

pub use any::{Waitable, wait_any, wait_any_async};
pub use current::Entered;
pub use error::WaitError;
pub use interrupt::Killed;
pub use orphans::End;
pub use record::WaitRecord;
pub use waiter::{Hooks, Waiter};
