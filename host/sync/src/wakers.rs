//! Who could end a wait for an object: for `ps` and the deadlock report.
//!
//! The answer errs on one side only. It names everybody who could act on the object, or who gives
//! something back by ending, and where that cannot be known it says so
//! ([`others`](Wakers::others)). Whoever is not named cannot end the wait, except by ending the
//! process that waits.
//!
//! It is true for one moment. To conclude from several of them that nobody will ever be woken, the
//! processes must have rested from before the first look until after the last.

use std::collections::BTreeSet;

use crate::object::{Holders, Kind, Object, ObjectId};
use crate::party::{Party, ProcessId};
use crate::tree::find_object;

/// Who could end a wait for an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakers {
    /// These processes.
    pub processes: BTreeSet<ProcessId>,
    /// Somebody else too: the embedder, or whoever gets a message that holds the object.
    pub others: bool,
}

/// An object that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectView {
    /// Its number.
    pub object: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// Who has references to it.
    pub holders: Holders,
    /// Who owns it, if it is a lock or a recursive lock that is taken.
    pub owner: Option<Party>,
    /// Who could end a wait for it.
    pub wakers: Wakers,
}

impl ObjectView {
    /// Looks at the object of this number, of whatever tree; `None` if there is none, or if it is
    /// nothing that travels (a [`Completion`](crate::Completion), a [`Batch`](crate::Batch), the
    /// [`Jobs`](crate::Jobs) of a pool). Does not block.
    ///
    /// ```
    /// use isopod_sync::{Lock, ObjectView, Party};
    /// let lock = Lock::new();
    /// lock.acquire()?;
    /// let view = ObjectView::of(lock.object_id()).expect("it exists");
    /// assert_eq!(view.owner, Some(Party::Embedder));
    /// assert!(view.wakers.others);
    /// # Ok::<(), isopod_sync::AcquireError>(())
    /// ```
    #[must_use]
    pub fn of(object: ObjectId) -> Option<Self> {
        let found = find_object(object)?;
        let mut wakers = Wakers::default();
        found.add_wakers(&mut wakers);
        Some(Self {
            object,
            kind: found.kind(),
            holders: found.base().holders(),
            owner: found.owner(),
            wakers,
        })
    }
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

    /// Adds the holders of another object: somebody unknown, if it is gone.
    pub(crate) fn add_holders_of(&mut self, object: ObjectId) {
        match find_object(object) {
            Some(found) => self.add_holders(&found.base().holders()),
            None => self.others = true,
        }
    }
}

/// Of an object of any kind: whoever has a reference to it.
pub(crate) fn holders_are_wakers<T: Object + ?Sized>(object: &T, wakers: &mut Wakers) {
    wakers.add_holders(&object.base().holders());
}
