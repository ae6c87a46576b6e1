//! A look at an object that somebody waits for, by its number.

use super::ids::{Holders, Kind, ObjectId};
use super::tree::find_object;
use super::wakers::Wakers;
use crate::party::Party;

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
    /// Adds the holders of another object: somebody unknown, if it is gone.
    pub(crate) fn add_holders_of(&mut self, object: ObjectId) {
        match find_object(object) {
            Some(found) => self.add_holders(&found.base().holders()),
            None => self.others = true,
        }
    }
}
