//! What a party waits for, for `ps`, traces and the deadlock report.

use std::sync::Arc;
use std::time::Instant;

use crate::object::{Kind, ObjectId};

/// One wait that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitRecord {
    /// The object waited for.
    pub object: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// The other objects, with their kinds, of a wait that any of several ends
    /// ([`wait_any`](crate::wait_any())).
    /// Shared: there may be a hundred thousand of them, and each look copies the record.
    pub others: Arc<[(ObjectId, Kind)]>,
    /// The operation that waits, as the caller names it: `put`, `get`, `acquire` ...
    pub operation: &'static str,
    /// When the wait began to park. Waits that only spin are not recorded.
    pub since: Instant,
    /// When the wait gives up; never, if `None`.
    pub deadline: Option<Instant>,
}

/// The object that a wait is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) object: ObjectId,
    pub(crate) kind: Kind,
}
