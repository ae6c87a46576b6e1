//! What a party waits for, for `ps`, traces and the deadlock report.

use std::sync::Arc;
use std::time::Instant;

use crate::object::{Kind, ObjectId};
use crate::wait::Subject;
use crate::waiter::Waiter;

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

/// Sets the record at the first park of a wait, and clears it when the wait ends.
pub(crate) struct RecordGuard<'a> {
    waiter: &'a Waiter,
    set: bool,
}

impl<'a> RecordGuard<'a> {
    pub(crate) fn new(waiter: &'a Waiter) -> Self {
        Self { waiter, set: false }
    }

    /// A wait for nothing has no record.
    pub(crate) fn set(
        &mut self,
        mut subjects: impl Iterator<Item = Subject>,
        operation: &'static str,
        deadline: Option<Instant>,
    ) {
        if self.set {
            return;
        }
        if let Some(first) = subjects.next() {
            self.set = true;
            self.waiter.set_record(Some(WaitRecord {
                object: first.object,
                kind: first.kind,
                others: subjects.map(|other| (other.object, other.kind)).collect(),
                operation,
                since: Instant::now(),
                deadline,
            }));
        }
    }
}

impl Drop for RecordGuard<'_> {
    fn drop(&mut self) {
        if self.set {
            self.waiter.set_record(None);
        }
    }
}
