//! Errors of limits that are reached before a process exists.

use isopod_host::LimitKind;
use std::fmt;

/// A limit that the command line itself finds reached.
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

/// An error for a limit. The text has the value of the limit and the way to raise it.
pub(crate) fn error(limit: LimitKind, text: String) -> anyhow::Error {
    anyhow::Error::new(AtLimit { limit, text })
}

/// The limit that has caused an error of this crate or of the library, if one has.
pub(crate) fn limit_of(error: &anyhow::Error) -> Option<LimitKind> {
    error.chain().find_map(|cause| {
        let own = cause.downcast_ref::<AtLimit>().map(|own| own.limit);
        own.or_else(|| cause.downcast_ref::<isopod_host::Error>()?.limit())
    })
}
