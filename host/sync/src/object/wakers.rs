//! The parties that could end a wait for an object: for `ps` and the deadlock report.
//!
//! The answer errs on one side only. It names all parties that could act on the object, or that give
//! something back when they end. Where these parties cannot be known, it says so
//! ([`others`](Wakers::others)). A party that is not named cannot end the wait, except by ending the
//! process that waits.
//!
//! It is true for one moment. Several answers prove that nobody will ever be woken only if the processes
//! rested from before the first answer until after the last.

use std::collections::BTreeSet;

use super::ids::Holders;
use crate::party::{Party, ProcessId};

/// The parties that could end a wait for an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakers {
    /// These processes.
    pub processes: BTreeSet<ProcessId>,
    /// Another party too: the embedder, or a receiver of a message that holds the object.
    pub others: bool,
}

impl Wakers {
    pub(crate) fn add_holders(&mut self, holders: &Holders) {
        self.others |= holders.embedder > 0 || holders.messages > 0;
        self.processes
            .extend(holders.processes.iter().map(|(process, _)| *process));
    }

    pub(crate) fn add_party(&mut self, party: Option<Party>) {
        match party {
            Some(Party::Process(process)) => {
                self.processes.insert(process);
            }
            Some(Party::Embedder) => self.others = true,
            None => {}
        }
    }
}
