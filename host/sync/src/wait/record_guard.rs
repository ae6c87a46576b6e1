//! The record of a wait, for as long as the wait lasts.

use std::time::Instant;

use super::record::{Subject, WaitRecord};
use super::waiter::Waiter;

/// Sets the record at the first park of a wait, and clears it when the wait ends.
pub(crate) struct RecordGuard<'a> {
    waiter: &'a Waiter,
    set: bool,
}

impl<'a> RecordGuard<'a> {
    pub(crate) fn new(waiter: &'a Waiter) -> Self {
        Self { waiter, set: false }
    }

    /// A wait for no object has no record.
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
