//! The limit of a process's output, and of its tree's.

use crate::exit_status::ExitStatus;
use crate::life::ProcessState;
use crate::limit_kind::LimitKind;
use crate::limits::{Account, ProcessLimit, bytes};
use std::sync::{Arc, Weak};

/// Counts the bytes that a process writes to both its streams. Text that the host writes about it does not
/// count.
#[derive(Debug)]
pub(crate) struct OutputLimit {
    process: Weak<ProcessState>,
    own: Account,
    tree: Arc<Account>,
}

impl OutputLimit {
    pub(crate) fn new(process: &Arc<ProcessState>) -> Arc<OutputLimit> {
        Arc::new(OutputLimit {
            process: Arc::downgrade(process),
            own: Account::new(process.birth.limits.output_bytes),
            tree: Arc::clone(&process.tree.output),
        })
    }

    /// Sets the count of the process itself back to zero; the bytes stay counted for its tree.
    pub(crate) fn renew(&self) {
        self.own.renew();
    }

    /// Splits the bytes to write into the part that the limits allow and the rest. If there is a rest, ends
    /// the process.
    pub(crate) fn split<'a>(&self, wanted: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let own = self.own.charge_up_to(count(wanted.len()));
        let both = self.tree.charge_up_to(own);
        let allowed = usize::try_from(both).unwrap_or(usize::MAX);
        let Some((allowed, rest)) = wanted.split_at_checked(allowed) else {
            return (wanted, &[]);
        };
        if !rest.is_empty()
            && let Some(process) = self.process.upgrade()
        {
            let text = match both < own {
                true => format!(
                    "output limit of {} for the whole tree of processes reached; raise it with `Limits::tree_output` or `--tree-output`",
                    bytes(self.tree.limit())
                ),
                false => format!(
                    "output limit of {} reached; {}",
                    bytes(self.own.limit()),
                    process.raised(ProcessLimit::Output)
                ),
            };
            process.tell_limit_of_end(LimitKind::Output, &text);
            process.request_end(ExitStatus::Limit(text));
        }
        (allowed, rest)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
