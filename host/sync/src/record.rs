//! What a party waits for, for `ps`, traces and the deadlock report.

use std::time::Instant;

use crate::object::{Kind, ObjectId};

/// One wait that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitRecord {
    /// The object waited for.
    pub object: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// The operation that waits, as the caller names it: `put`, `get`, `acquire` ...
    pub operation: &'static str,
    /// When the wait began to park. Waits that only spin are not recorded.
    pub since: Instant,
    /// When the wait gives up; never, if `None`.
    pub deadline: Option<Instant>,
}
