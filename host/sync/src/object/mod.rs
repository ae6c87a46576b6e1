//! Objects: how they are counted, found, carried in messages, and freed.
//!
//! * [`ids`]: the number, the kind and the holders of an object; [`object`](self::object): the part that
//!   all kinds share, and a counted reference; [`methods`]: the methods that all kinds have.
//! * [`message`]: handles, and the messages that carry them.
//! * [`tree`]: the objects of a tree of processes, and their account; [`collect`], [`trace`]: free the
//!   objects that nobody can reach.
//! * [`wakers`], [`view`]: the parties that could end a wait for an object.

pub(crate) mod collect;
pub(crate) mod ids;
pub(crate) mod message;
pub(crate) mod methods;
#[allow(
    clippy::module_inception,
    reason = "the object itself, beside its parts"
)]
pub(crate) mod object;
mod trace;
pub(crate) mod tree;
mod view;
pub(crate) mod wakers;

pub use collect::drop_together;
pub use ids::{Holder, Holders, Kind, ObjectId};
pub use message::{Handle, Message};
pub use object::LARGEST_OBJECT_BYTES;
pub(crate) use object::{Base, Object, Reference};
pub use tree::{Charge, OverBudget, Tree};
pub use view::ObjectView;
pub use wakers::Wakers;
