//! What happens in an engine, as a stream of events.
//!
//! * [`event`]: what is told; [`decision`]: the kinds of decisions.
//! * [`hub`]: the engine's side: who listens, and how they are told.
//! * [`listener`]: the embedder's side.
//!
//! The rest of the crate says in `life/tell.rs` that something has happened.
//!
//! Nobody waits for a listener: each has a bounded buffer of its own ([`isopod_sync::Feed`]), and what does
//! not fit is counted. While nobody listens an event costs one load of a number that does not change.

mod decision;
mod event;
mod hub;
mod listener;

pub(crate) use decision::Refusals;
pub use decision::{GrantKind, RefusalKind, Requester};
pub use event::{EngineEvent, JobOutcome};
pub(crate) use hub::Hub;
pub use listener::{EventStream, Events, EventsBuilder};
