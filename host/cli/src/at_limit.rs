//! Limits that the command line finds reached itself, or is told of, before anything runs.

use isopod_host::LimitKind;
use std::fmt;

/// A limit that the command line finds reached, where no process is there to reach it.
#[derive(Debug)]
struct AtLimit {
    limit: LimitKind,
    text: String,
}

impl fmt::Display for AtLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for AtLimit {}

/// An error for a limit, with its value and how to raise it.
pub(crate) fn error(limit: LimitKind, text: String) -> anyhow::Error {
    anyhow::Error::new(AtLimit { limit, text })
}

/// The limit that an error is about, if it is about one: this crate's or the library's.
pub(crate) fn limit_of(error: &anyhow::Error) -> Option<LimitKind> {
    error.chain().find_map(|cause| {
        let own = cause.downcast_ref::<AtLimit>().map(|own| own.limit);
        own.or_else(|| cause.downcast_ref::<isopod_host::Error>()?.limit())
    })
}
