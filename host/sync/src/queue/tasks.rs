//! The unfinished tasks of a joinable queue.

use std::collections::BTreeMap;

use super::error::TooManyTasksDone;
use crate::object::Wakers;
use crate::party::{Party, ProcessId};
use crate::wait::list::{WaitList, Wakes};

/// How the tasks that a join waited for ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The number of tasks of the round that were taken by a process that ended without calling them done.
    /// All parties that join receive this number, until the next round ends.
    pub abandoned_tasks: u64,
}

/// The tasks of a queue, inside its state.
///
/// `unfinished + early` is the number of messages in the queue plus all owed tasks.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(super) unfinished: u64,
    /// Tasks that were called done before they were taken.
    early: u64,
    /// The tasks that each party has taken and not called done; the key `None` is the embedder. No zeroes.
    owed: BTreeMap<Option<ProcessId>, u64>,
    /// Abandoned tasks of the present round.
    pub(super) abandoned: u64,
    pub(super) rounds: u64,
    /// How the round before the present one ended.
    pub(super) last: Option<Joined>,
    pub(super) joiners: WaitList,
}

fn account(party: Party) -> Option<ProcessId> {
    match party {
        Party::Process(process) => Some(process),
        Party::Embedder => None,
    }
}

impl Tasks {
    pub(crate) fn put(&mut self) {
        self.unfinished += 1;
    }

    /// Counts a taken task. Returns whether it is the only one that the party owes.
    pub(crate) fn taken(&mut self, party: Party) -> bool {
        if self.early > 0 {
            self.early -= 1;
            return false;
        }
        let owed = self.owed.entry(account(party)).or_default();
        *owed += 1;
        *owed == 1
    }

    pub(crate) fn owes(&self, process: ProcessId) -> bool {
        self.owed.contains_key(&Some(process))
    }

    /// Adds the parties that owe tasks.
    pub(crate) fn add_debtors(&self, wakers: &mut Wakers) {
        for debtor in self.owed.keys() {
            wakers.add_party(Some(debtor.map_or(Party::Embedder, Party::Process)));
        }
    }

    pub(crate) fn owner_ended(&mut self, process: ProcessId) {
        if let Some(owed) = self.owed.remove(&Some(process)) {
            self.abandoned += owed;
            self.finish(owed);
        }
    }

    pub(crate) fn settle(&mut self, wakes: &mut Wakes) {
        if self.unfinished == 0 {
            self.joiners.wake_all(wakes);
        }
    }

    pub(super) fn done(&mut self, party: Party) -> Result<(), TooManyTasksDone> {
        if self.unfinished == 0 {
            return Err(TooManyTasksDone);
        }
        let own = account(party);
        let payer = if self.owed.contains_key(&own) {
            Some(own)
        } else {
            self.owed.first_key_value().map(|(other, _)| *other)
        };
        match payer {
            Some(payer) => {
                let left = self.owed.remove(&payer).map_or(0, |owed| owed - 1);
                if left > 0 {
                    self.owed.insert(payer, left);
                }
            }
            None => self.early += 1,
        }
        self.finish(1);
        Ok(())
    }

    fn finish(&mut self, tasks: u64) {
        self.unfinished = self.unfinished.saturating_sub(tasks);
        if self.unfinished == 0 {
            self.rounds += 1;
            self.last = Some(Joined {
                abandoned_tasks: std::mem::take(&mut self.abandoned),
            });
        }
    }
}
