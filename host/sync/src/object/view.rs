//! A view of an object that a party waits for, found by its number.

use super::ids::{Holders, Kind, ObjectId};
use super::tree::find_object;
use super::wakers::Wakers;
use crate::party::Party;

/// An object that a party waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectView {
    /// Its number.
    pub object: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// The holders of references to it.
    pub holders: Holders,
    /// Its owner, if it is a lock or a recursive lock that is taken.
    pub owner: Option<Party>,
    /// The parties that could end a wait for it.
    pub wakers: Wakers,
}

impl ObjectView {
    /// The view of the object with this number, in any tree. `None` if there is no such object, or if it
    /// does not travel (a [`Completion`](crate::Completion), a [`Batch`](crate::Batch), the
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
    /// Adds the holders of another object. If that object is gone, adds unknown others.
    pub(crate) fn add_holders_of(&mut self, object: ObjectId) {
        match find_object(object) {
            Some(found) => self.add_holders(&found.base().holders()),
            None => self.others = true,
        }
    }
}
