//! The events of an engine, as a stream: processes and jobs that start and end, limits that are reached, deadlocks,
//! decisions.
//!
//! No process waits for a listener: each listener has a bounded buffer of its own, and events that do not fit are
//! counted. Without a listener, an event costs one load of a number that does not change.

// `event` has the events, `decision` the kinds of decisions, `hub` the engine's side, `listener` the embedder's. The rest of
// the crate reports events through `life/tell.rs`.
mod decision;
mod event;
mod hub;
mod listener;

pub(crate) use decision::Refusals;
pub use decision::{GrantKind, RefusalKind, Requester};
pub use event::{EngineEvent, JobOutcome};
pub(crate) use hub::Hub;
pub use isopod_sync::ListenError;
pub use listener::{EventStream, Events, EventsBuilder};
