//! The limit on the operating system's descriptors that guests hold.
//!
//! The kernel counts descriptors for the whole host (`ulimit -n`), and a host without any cannot read a
//! clock, accept a connection or load code. So the host counts each descriptor before it opens it for a
//! guest, for the guest's process, its tree and its engine, and the engine's limit lies below the
//! kernel's by a reserve. A tree without a limit of its own may hold as many as it leaves free for the
//! others: one tree that takes all it can gets half, two get a third each, and the next tree always finds
//! some.
//!
//! Not counted: descriptors that are closed again before an operation on a file returns. The reserve has
//! room for as many as there may be operations.

use crate::error::{Error, ErrorKind, Result};
use crate::limits::Account;
use crate::machine::capacity;
use rustix::process::{Resource, getrlimit};
use std::sync::Arc;
use std::{fmt, fs, io};

/// Descriptors left to the host, or a quarter of all if that is fewer: for its clocks and files in
/// `/proc`, its event loop, its caches, its sockets.
const OWN: u64 = 64;
/// Descriptors that one operation on a file, or one look-up of a name, opens at a time besides its
/// result.
const PER_OPERATION: u64 = 3;
/// The limit that is assumed where the kernel has none.
const MOST: u64 = 1 << 20;
/// The number in use that is assumed where `/proc` does not show it.
const UNKNOWN_USED: u64 = 32;
/// One operation on a file may be outstanding for each group of this many descriptors: the share of the
/// operations is then three eighths.
const DESCRIPTORS_FOR_AN_OPERATION: u64 = 8;

/// The descriptors that an engine may have.
#[derive(Debug, Clone)]
pub(crate) struct EngineDescriptors {
    account: Arc<Account>,
    /// The number of operations on files that may be outstanding in the engine.
    pub(crate) file_operations: u32,
}

impl EngineDescriptors {
    /// The number of descriptors that the machine allows an engine: `wanted`, or less; likewise of
    /// operations on files.
    ///
    /// # Errors
    /// [`ErrorKind::Engine`] if the number in use cannot be read.
    pub(crate) fn new(wanted: Option<u32>, file_operations: u32) -> Result<EngineDescriptors> {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(MOST);
        let used = in_use().map_err(|error| {
            let text = "the descriptors in use cannot be counted in `/proc/self/fd`";
            Error::new(ErrorKind::Engine, text).with_cause(error)
        })?;
        Ok(within(limit, used, wanted, file_operations))
    }

    /// The number that guests and programs of the engine may hold.
    pub(crate) fn limit(&self) -> u64 {
        self.account.limit()
    }

    /// Takes descriptors for files that the embedder loads or grants. They count as in use while the
    /// result is held.
    ///
    /// # Errors
    /// [`TooMany`] with the engine's limit.
    pub(crate) fn take(&self, count: u64) -> Result<Taken, TooMany> {
        charge(&self.account, count, Of::Engine)
    }
}

fn within(limit: u64, used: u64, wanted: Option<u32>, file_operations: u32) -> EngineDescriptors {
    let operations = (limit / DESCRIPTORS_FOR_AN_OPERATION).max(2);
    let operations = u32::try_from(operations).unwrap_or(u32::MAX);
    let file_operations = file_operations.min(operations);
    let reserve = OWN.min(limit / 4) + PER_OPERATION * u64::from(file_operations);
    let free = limit.saturating_sub(used).saturating_sub(reserve);
    let wanted = wanted.map_or(u64::MAX, u64::from);
    EngineDescriptors {
        account: Arc::new(Account::new(free.min(wanted))),
        file_operations,
    }
}

/// The number of descriptors that are open in this operating-system process.
fn in_use() -> io::Result<u64> {
    match fs::read_dir("/proc/self/fd") {
        Ok(entries) => Ok(u64::try_from(entries.count()).unwrap_or(u64::MAX)),
        Err(error) if capacity::is_absent(&error) => Ok(UNKNOWN_USED),
        Err(error) => Err(error),
    }
}

/// The descriptors that a tree of processes may have.
#[derive(Debug, Clone)]
pub(crate) struct TreeDescriptors {
    account: Arc<Account>,
    engine: Arc<Account>,
    /// Whether the tree has no limit of its own.
    is_fair: bool,
}

impl TreeDescriptors {
    pub(crate) fn new(limit: Option<u32>, engine: &EngineDescriptors) -> TreeDescriptors {
        TreeDescriptors {
            account: Arc::new(Account::new(limit.map_or(u64::MAX, u64::from))),
            engine: Arc::clone(&engine.account),
            is_fair: limit.is_none(),
        }
    }

    /// The number that the tree's processes hold now.
    pub(crate) fn held(&self) -> u64 {
        self.account.used()
    }
}

/// The limits that hold for a process.
#[derive(Debug, Clone)]
pub(crate) struct Descriptors {
    process: Arc<Account>,
    tree: TreeDescriptors,
}

impl Descriptors {
    pub(crate) fn new(limit: u32, tree: &TreeDescriptors) -> Descriptors {
        Descriptors {
            process: Arc::new(Account::new(u64::from(limit))),
            tree: tree.clone(),
        }
    }

    /// Counts one descriptor that is about to be opened, for as long as the result is held.
    ///
    /// # Errors
    /// [`TooMany`]: the tightest limit, and how to raise it.
    pub(crate) fn take(&self) -> Result<Taken, TooMany> {
        let process = charge(&self.process, 1, Of::Process)?;
        let tree = charge(&self.tree.account, 1, Of::Tree)?;
        // Reads without a lock: another tree may take some meanwhile, and then the next check finds
        // fewer.
        let engine = &self.tree.engine;
        let free = engine.limit().saturating_sub(engine.used());
        let held = self.tree.held();
        if self.tree.is_fair && held > free {
            return Err(TooMany {
                of: Of::Share,
                limit: held.saturating_sub(1),
            });
        }
        let mut taken = charge(engine, 1, Of::Engine)?;
        taken.also.extend([process, tree]);
        Ok(taken)
    }
}

fn charge(account: &Arc<Account>, count: u64, of: Of) -> Result<Taken, TooMany> {
    match account.charge(count) {
        Ok(()) => Ok(Taken {
            account: Arc::clone(account),
            count,
            also: Vec::new(),
        }),
        Err(_) => Err(TooMany {
            of,
            limit: account.limit(),
        }),
    }
}

/// Descriptors that count until this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    account: Arc<Account>,
    count: u64,
    /// The same descriptors in the accounts of the process and the tree that hold them.
    also: Vec<Taken>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.account.credit(self.count);
    }
}

/// The error of a call that may open no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    of: Of,
    limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Process,
    Tree,
    /// The number that a tree without a limit of its own must leave to the others.
    Share,
    Engine,
}

impl fmt::Display for TooMany {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match self.of {
            Of::Process => write!(
                formatter,
                "the process holds {limit} descriptors, which is its limit; raise it with `Limits::descriptors` or `--max-descriptors`"
            ),
            Of::Tree => write!(
                formatter,
                "this tree of processes holds {limit} descriptors, which is its limit; raise it with `Limits::tree_descriptors` or `--tree-descriptors`"
            ),
            Of::Share => write!(
                formatter,
                "this tree of processes holds {limit} descriptors and must leave as many free for other trees; raise that with `ulimit -n`, `Limits::tree_descriptors` or `--tree-descriptors`"
            ),
            Of::Engine => write!(
                formatter,
                "the guests of this engine hold all {limit} descriptors that the host can spare; raise that with `ulimit -n` or `EngineBuilder::max_descriptors`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn taken(descriptors: &Descriptors) -> Vec<Taken> {
        std::iter::from_fn(|| descriptors.take().ok()).collect()
    }

    #[test]
    fn the_reserve_is_left_to_the_host() {
        let engine = within(1_024, 24, None, 256);
        assert_eq!(engine.file_operations, 128);
        assert_eq!(engine.limit(), 1_024 - 24 - 64 - 3 * 128);
        assert_eq!(within(1_024, 24, Some(10), 256).limit(), 10);
        // With next to nothing, guests get nothing.
        let none = within(16, 8, None, 256);
        assert_eq!((none.limit(), none.file_operations), (0, 2));
        let tree = TreeDescriptors::new(None, &none);
        let refused = Descriptors::new(u32::MAX, &tree).take().unwrap_err();
        assert!(refused.to_string().contains("`ulimit -n`"), "{refused}");
    }

    #[test]
    fn each_tree_leaves_the_next_one_its_share() {
        let engine = within(10_000, 0, Some(120), 256);
        let tree = |limit| Descriptors::new(u32::MAX, &TreeDescriptors::new(limit, &engine));
        let first = taken(&tree(None));
        assert_eq!(first.len(), 60);
        let second = taken(&tree(None));
        assert_eq!(second.len(), 30);
        let third = taken(&tree(None));
        assert_eq!(third.len(), 15);
        // A tree that asked for more by name gets it.
        let named = taken(&tree(Some(100)));
        assert_eq!(named.len(), 15);
        drop((first, second, third, named));
        assert_eq!(engine.account.used(), 0);
        assert_eq!(taken(&tree(Some(100))).len(), 100);
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let engine = within(10_000, 0, Some(5), 256);
        let tree = TreeDescriptors::new(Some(3), &engine);
        let process = Descriptors::new(2, &tree);
        let held = taken(&process);
        assert_eq!((held.len(), tree.held(), engine.account.used()), (2, 2, 2));
        let text = process.take().unwrap_err().to_string();
        assert!(text.contains("2 descriptors") && text.contains("`--max-descriptors`"));
        let sibling = Descriptors::new(2, &tree);
        let last = taken(&sibling);
        assert_eq!((last.len(), tree.held()), (1, 3));
        let text = sibling.take().unwrap_err().to_string();
        assert!(text.contains("`--tree-descriptors`"), "{text}");
        drop((held, last));
        assert_eq!((tree.held(), engine.account.used()), (0, 0));
    }

    #[test]
    fn this_process_has_descriptors() {
        assert!(in_use().unwrap() >= 3);
        assert!(EngineDescriptors::new(None, 256).unwrap().limit() > 0);
    }
}
