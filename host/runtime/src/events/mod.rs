//! The events of an engine, as a stream.
//!
//! * [`event`]: the events; [`decision`]: the kinds of decisions.
//! * [`hub`]: the engine's side: the listeners, and the sending of events to them.
//! * [`listener`]: the embedder's side.
//!
//! The rest of the crate reports events through `life/tell.rs`.
//!
//! No process waits for a listener: each listener has a bounded buffer of its own ([`isopod_sync::Feed`]),
//! and events that do not fit are counted. Without a listener, an event costs one load of a number that
//! does not change.

mod decision;
mod event;
mod hub;
mod listener;

pub(crate) use decision::Refusals;
pub use decision::{GrantKind, RefusalKind, Requester};
pub use event::{EngineEvent, JobOutcome};
pub(crate) use hub::Hub;
pub use listener::{EventStream, Events, EventsBuilder};
