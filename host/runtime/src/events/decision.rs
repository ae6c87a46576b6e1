//! The kinds of decisions that listeners receive: grants, refusals, and requests to end a process with their
//! requester.

use crate::limit_kind::LimitKind;
use isopod_sync::ProcessId;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of grant: see [`Policy`](crate::Policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrantKind {
    /// A directory to read and write; the subject is its path, then its name for the guest.
    Directory,
    /// A directory to read.
    ReadOnlyDirectory,
    /// FIFOs and devices in the directories.
    SpecialFiles,
    /// An environment variable; the subject is its name, and never its value.
    Variable,
    /// One of the standard streams; the subject names it.
    Stream,
    /// Connections to an address.
    Connect,
    /// Connections accepted at an address.
    Listen,
    /// Look-up of host names.
    NameLookup,
}

impl GrantKind {
    /// Its name, in lower case: `read-only-directory`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            GrantKind::Directory => "directory",
            GrantKind::ReadOnlyDirectory => "read-only-directory",
            GrantKind::SpecialFiles => "special-files",
            GrantKind::Variable => "variable",
            GrantKind::Stream => "stream",
            GrantKind::Connect => "connect",
            GrantKind::Listen => "listen",
            GrantKind::NameLookup => "name-lookup",
        }
    }
}

/// A kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// A path that leads out of its directory, or to a FIFO, device or socket that is not granted, or that
    /// the system refuses.
    Path,
    /// A change below a directory that may only be read.
    Change,
    /// An address, or a socket where no address is granted.
    Address,
    /// The look-up of a host name.
    NameLookup,
    /// A right for a child that its parent does not have: a directory, a variable, an address or a limit.
    ChildRight,
    /// A limit that the process has reached without being ended for it.
    Limit(LimitKind),
}

impl RefusalKind {
    /// The number of kinds.
    const COUNT: usize = 5 + LimitKind::COUNT;

    /// Its name, in lower case: `name-lookup`. A limit has the name of its kind: [`LimitKind::as_str`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalKind::Path => "path",
            RefusalKind::Change => "change",
            RefusalKind::Address => "address",
            RefusalKind::NameLookup => "name-lookup",
            RefusalKind::ChildRight => "child-right",
            RefusalKind::Limit(limit) => limit.as_str(),
        }
    }

    /// All kinds, each at its index.
    fn all() -> impl Iterator<Item = RefusalKind> {
        let rights = [
            RefusalKind::Path,
            RefusalKind::Change,
            RefusalKind::Address,
            RefusalKind::NameLookup,
            RefusalKind::ChildRight,
        ];
        let limits = LimitKind::ALL.into_iter().map(RefusalKind::Limit);
        rights.into_iter().chain(limits)
    }

    fn index(self) -> usize {
        match self {
            RefusalKind::Path => 0,
            RefusalKind::Change => 1,
            RefusalKind::Address => 2,
            RefusalKind::NameLookup => 3,
            RefusalKind::ChildRight => 4,
            RefusalKind::Limit(limit) => 5 + limit.index(),
        }
    }
}

/// The party that asked for the end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Requester {
    /// The application that embeds the host: for `isopod run`, the command line, after a signal or an
    /// abnormal end.
    Embedder,
    /// A process: the parent.
    Process(ProcessId),
    /// The host: at a limit, at a deadlock, or at the end of the parent of a daemonic child.
    Host,
}

impl fmt::Display for Requester {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requester::Embedder => formatter.write_str("embedder"),
            Requester::Process(process) => write!(formatter, "process {process}"),
            Requester::Host => formatter.write_str("host"),
        }
    }
}

impl fmt::Display for GrantKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The number of refusals of one process, by kind.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    counts: [AtomicU64; RefusalKind::COUNT],
}

impl Refusals {
    /// Counts one refusal. True for the first of its kind.
    pub(crate) fn count(&self, kind: RefusalKind) -> bool {
        self.counts
            .get(kind.index())
            .is_some_and(|count| count.fetch_add(1, Ordering::Relaxed) == 0)
    }

    /// Notes, without counting, that the process has learnt of this kind in another way. True the first time.
    pub(crate) fn note(&self, kind: RefusalKind) -> bool {
        self.counts.get(kind.index()).is_some_and(|count| {
            count
                .compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        })
    }

    /// The kinds that were counted more than once, each with its count, which begins anew.
    pub(crate) fn take_repeated(&self) -> impl Iterator<Item = (RefusalKind, u64)> {
        RefusalKind::all()
            .zip(&self.counts)
            .filter(|(_, count)| count.load(Ordering::Relaxed) > 1)
            .map(|(kind, count)| (kind, count.swap(0, Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_count() {
        let refusals = Refusals::default();
        for (index, kind) in RefusalKind::all().enumerate() {
            assert_eq!(kind.index(), index, "{kind}");
            assert!(refusals.count(kind));
            assert!(!refusals.count(kind));
        }
        let counted: Vec<(RefusalKind, u64)> = refusals.take_repeated().collect();
        assert_eq!(counted.len(), RefusalKind::COUNT);
        assert!(counted.iter().all(|(_, count)| *count == 2));
        assert_eq!(refusals.take_repeated().count(), 0);
    }

    #[test]
    fn what_was_told_is_not_noted_and_what_is_noted_is_not_told() {
        let refusals = Refusals::default();
        let [first, second] = [LimitKind::Memory, LimitKind::Output].map(RefusalKind::Limit);
        assert!(refusals.count(first));
        assert!(!refusals.note(first));
        assert!(refusals.note(second));
        assert!(!refusals.note(second));
        assert!(!refusals.count(second));
        let repeated: Vec<(RefusalKind, u64)> = refusals.take_repeated().collect();
        assert_eq!(repeated, [(second, 2)]);
    }
}
