//! What happens in an engine, as a stream of events.
//!
//! * [`event`]: what is told; [`decision`] and [`limit_kind`]: the kinds of decisions and of limits.
//! * [`hub`]: the engine's side: who listens, and how they are told.
//! * [`listener`]: the embedder's side.
//! * [`tell`]: where the rest of the crate says that something has happened.
//!
//! Nobody waits for a listener: each has a bounded buffer of its own ([`isopod_sync::Feed`]), and what does
//! not fit is counted. While nobody listens an event costs one load of a number that does not change.

mod decision;
mod event;
mod hub;
mod limit_kind;
mod listener;
mod tell;

pub(crate) use decision::Refusals;
pub use decision::{GrantKind, RefusalKind, Requester};
pub use event::{EngineEvent, JobOutcome};
pub(crate) use hub::Hub;
pub use limit_kind::LimitKind;
pub use listener::{EventStream, Events, EventsBuilder};
