//! The object that a party waits for, for `ps`, traces and the deadlock report.

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
    /// The other objects, with their kinds, of a wait for any of several objects
    /// ([`wait_any`](crate::wait_any())). Shared, because there may be a hundred thousand of them and each
    /// reader copies the record.
    pub others: Arc<[(ObjectId, Kind)]>,
    /// The operation that waits, by the caller's name for it: `put`, `get`, `acquire` ...
    pub operation: &'static str,
    /// When the wait began to park. Waits that only spin are not recorded.
    pub since: Instant,
    /// When the wait times out; `None` if it never does.
    pub deadline: Option<Instant>,
}

/// The object of a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) object: ObjectId,
    pub(crate) kind: Kind,
}
