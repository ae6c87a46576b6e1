//! The texts for a process or an embedder that reaches a limit: the value, the limit, and how to raise
//! it.

use isopod_sync::OverBudget;
use isopod_text::size as bytes;
use std::time::Duration;

/// The largest length, in bytes, of the text that describes how a process ended. Others hold the text
/// for longer than the process lives, and a guest chooses the names in a backtrace.
pub(crate) const LONGEST_STATUS_BYTES: usize = 64 << 10;

/// For a process, or a call of a plugin, whose time has run out.
pub(crate) fn deadline(time: Duration, raised: &str) -> String {
    format!("deadline of {time:?} reached; {raised}")
}

/// For a message above the sender's own limit.
pub(crate) fn message_too_large(size_bytes: u64, limit_bytes: u64, raised: &str) -> String {
    format!(
        "message of {} is larger than the process's limit of {}; {raised}",
        bytes(size_bytes),
        bytes(limit_bytes)
    )
}

/// For a message that no queue or pipe can ever have room for.
pub(crate) fn never_fits(size_bytes: u64, limit_bytes: u64, raised: &str) -> String {
    format!(
        "message of {} is larger than the limit of {} for queued bytes; {raised}",
        bytes(size_bytes),
        bytes(limit_bytes)
    )
}

/// For a process that holds as many handles as it may.
pub(crate) fn too_many_handles(limit: u32, raised: &str) -> String {
    format!("the process holds {limit} handles, which is its limit; {raised}")
}

/// For a process that exceeds its tree's limit on queued bytes.
pub(crate) fn over_budget(over: OverBudget) -> String {
    format!(
        "the messages queued by this tree of processes would exceed its limit of {}: {} were wanted beside {}; raise it with `Limits::queued_bytes` or `--max-queued`",
        bytes(over.limit_bytes),
        bytes(over.charged_bytes),
        bytes(over.queued_bytes)
    )
}

/// For a process that exceeds the host's memory for its tree.
pub(crate) fn over_host_memory(over: OverBudget) -> String {
    format!(
        "the memory that the host uses for this tree of processes would exceed its limit of {}: {} were wanted beside {}; raise it with `Limits::tree_host_memory` or `--tree-host-memory`",
        bytes(over.limit_bytes),
        bytes(over.charged_bytes),
        bytes(over.queued_bytes)
    )
}

/// For an embedder with a job that exceeds either of these two limits.
pub(crate) fn over_either_budget(wanted_bytes: u64, limit_bytes: u64) -> String {
    format!(
        "the job would exceed the limit of {} on bytes queued for the pool, or on the host's memory for it: {} were wanted in all; raise it with `Limits::queued_bytes` or `Limits::tree_host_memory`",
        bytes(limit_bytes),
        bytes(wanted_bytes)
    )
}

/// For a submitter of more jobs than may wait.
pub(crate) fn too_many_waiting(waiting: u64, limit: u64) -> String {
    format!(
        "{waiting} jobs would wait in the pool, which is more than its limit of {limit}; raise it with `Limits::waiting_jobs` or `--max-jobs`"
    )
}

/// The text, or its beginning up to this number of bytes and an ellipsis.
pub(crate) fn cut(mut text: String, most_bytes: usize) -> String {
    if text.len() > most_bytes {
        text.truncate(text.floor_char_boundary(most_bytes));
        text.push_str("...");
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("äö".to_owned(), 4), "äö");
        assert_eq!(cut("äöü".to_owned(), 5), "äö...");
        assert_eq!(cut("ä".to_owned(), 1), "...");
    }
}
