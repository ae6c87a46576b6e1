//! Empties the objects that nobody can reach: when that is looked for, and who pays.
//!
//! How garbage is told from what is in use says [`trace`](crate::trace). What is said here is that
//! all of it is found, although no trace looks at everything.
//!
//! # When
//! An object can become garbage only when a reference is given back, and only one that messages hold
//! alone then. While its tree has processes that is left until the tree's end, which starts from all of
//! the tree's objects that nobody holds. Objects of trees that are over, and of the embedder, whose
//! tree never ends, are *suspects* at that moment, and a trace starts from them on the thread that gave
//! the reference back. A tree is over before its objects are looked at for its end, so a reference that is
//! given back meanwhile is seen by that look, or makes a suspect.
//!
//! # All garbage is found
//! Take a set of objects that refer to each other in a circle, whom nobody can reach, and to which
//! nothing outside of the circle refers. If a tree of one of them ended last, that end started there; if a
//! reference to one of them was given back last, the trace started there. Either way each object of the
//! circle is reached, all references to it are found, and nothing about it changes any more: it is
//! emptied. If something outside refers to it, that is garbage too; once that is emptied it has given back
//! its references, and the circle is suspected again. A circle through trees that live waits for the
//! last of their ends.
//!
//! # Who pays
//! The end of a tree may look at as much as the tree holds, and once more as much of what belongs to the
//! embedder and to trees that are over. Who makes suspects earns some looks for each. What is not used
//! is kept for others; where it does not suffice, the object that is too large is remembered, and looked
//! at once twice as much has been earned. So nobody pays for what others made, except with what
//! these have paid, and processes of other trees are never held up: what the trace reads under its
//! mutex, nobody holds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread_local;

use crate::message::Message;
use crate::object::{Base, Object, ObjectId};
use crate::trace::Trace;
use crate::tree::Tree;

/// How many objects and references may be looked at for each suspect.
const LOOKS_PER_SUSPECT: u64 = 64;
/// With this many everything begins: some milliseconds.
const FIRST_LOOKS: u64 = 1 << 16;

/// Objects of trees that are over which messages alone hold.
#[derive(Default)]
pub(crate) struct Suspects(BTreeMap<ObjectId, Arc<dyn Object>>);

impl Suspects {
    /// A reference to the object was given back, and only messages hold it now.
    pub(crate) fn note(&mut self, base: &Base) {
        let (id, tree) = (base.id(), base.tree());
        if tree.is_over()
            && !base.is_garbage()
            && !self.0.contains_key(&id)
            && let Some(object) = tree.find(id)
        {
            self.0.insert(id, object);
        }
    }
}

/// Objects that were too large to be looked at.
struct Unfinished {
    /// Each with its tree, and with how many looks did not suffice.
    objects: BTreeMap<ObjectId, (Tree, u64)>,
    /// The same, by how many looks did not suffice.
    by_looks: BTreeSet<(u64, ObjectId)>,
    /// How many looks are paid for.
    looks: u64,
    /// The length at which objects that are gone are removed.
    prune_at: usize,
}

/// The smallest list that is worth pruning.
const PRUNE_MINIMUM: usize = 64;

/// Empties what nobody can reach of a tree that has ended.
pub(crate) fn end(tree: &Tree) {
    let mut messages = empty(Some(tree), tree.all(), 0);
    messages.append(&mut finish());
    drop_messages(messages, Suspects::default());
}

/// Drops messages and whatever dies with them, however deeply nested: with a list instead of
/// recursion, because a guest decides how deep a chain of queues in queues is, and the stack is ours.
pub(crate) fn drop_messages(messages: Vec<Message>, mut suspects: Suspects) {
    let mut remaining = messages;
    loop {
        while let Some(mut message) = remaining.pop() {
            for mut handle in message.handles.drain(..) {
                remaining.append(&mut handle.reference_mut().release(&mut suspects));
            }
        }
        if suspects.0.is_empty() || postpone(&mut suspects) {
            return;
        }
        let suspects = std::mem::take(&mut suspects).0;
        let earned = LOOKS_PER_SUSPECT.saturating_mul(suspects.len() as u64);
        remaining = empty(None, suspects.into_values(), earned);
        remaining.append(&mut finish());
    }
}

/// Drops something that has references to many objects, as one step: looks for what nobody can reach
/// any more are taken once, at the end, and not for each reference. Does not block.
///
/// ```
/// use isopod_sync::{Bounds, Queue, drop_together};
/// let queues: Vec<Queue> = (0..100).map(|_| Queue::new(Bounds::default())).collect();
/// drop_together(queues);
/// ```
pub fn drop_together<T>(value: T) {
    let postponing = Postponing::begin();
    drop(value);
    drop(postponing);
}

thread_local! {
    /// What was suspected during [`drop_together`].
    static POSTPONED: RefCell<Option<Suspects>> = const { RefCell::new(None) };
}

/// While the outermost of these lives, suspects are only noted.
struct Postponing {
    is_outermost: bool,
}

impl Postponing {
    fn begin() -> Self {
        let is_outermost = POSTPONED.with(|postponed| {
            let mut postponed = postponed.borrow_mut();
            let is_outermost = postponed.is_none();
            postponed.get_or_insert_default();
            is_outermost
        });
        Self { is_outermost }
    }
}

impl Drop for Postponing {
    /// Whether or not something that was dropped has panicked.
    fn drop(&mut self) {
        if self.is_outermost {
            let suspects = POSTPONED.with(|postponed| postponed.borrow_mut().take());
            drop_messages(Vec::new(), suspects.unwrap_or_default());
        }
    }
}

/// Leaves them for later, if this is part of something larger that is dropped.
fn postpone(suspects: &mut Suspects) -> bool {
    let note = |postponed: &RefCell<Option<Suspects>>| {
        let mut postponed = postponed.borrow_mut();
        let Some(postponed) = postponed.as_mut() else {
            return false;
        };
        postponed.0.append(&mut suspects.0);
        true
    };
    // A thread that comes to its end drops nothing as one step any more.
    POSTPONED.try_with(note).unwrap_or(false)
}

/// Empties what nobody can reach of these objects and of what they refer to; gives what they held.
fn empty(
    ending: Option<&Tree>,
    objects: impl IntoIterator<Item = Arc<dyn Object>>,
    earned: u64,
) -> Vec<Message> {
    let looks = {
        let mut unfinished = unfinished();
        std::mem::take(&mut unfinished.looks).saturating_add(earned)
    };
    let mut trace = Trace::new(ending, looks);
    for object in objects {
        trace.add(object);
    }
    trace.read();
    let garbage = trace.garbage();
    let left = trace.left();
    unfinished().add(trace.into_too_large(), looks, left);
    // Mark first, empty then: what is dropped may refer to other garbage.
    for object in &garbage {
        object.base().mark_garbage();
    }
    // Collect first, drop then: likewise.
    let mut messages = Vec::new();
    for object in garbage {
        messages.append(&mut object.dismantle());
    }
    messages
}

/// Looks at what was too large before, as far as that is paid for by now.
fn finish() -> Vec<Message> {
    let mut messages = Vec::new();
    loop {
        let next = unfinished().take_affordable();
        let Some(object) = next else {
            return messages;
        };
        messages.append(&mut empty(None, [object], 0));
    }
}

impl Unfinished {
    fn add(&mut self, too_large: Vec<Arc<dyn Object>>, tried: u64, left: u64) {
        self.looks = self.looks.saturating_add(left);
        for object in too_large {
            let base = object.base();
            let tree = base.tree().clone();
            // At least what it has itself.
            let tried = tried.max(object.contained_references() / 2);
            if let Some((_, before)) = self.objects.insert(base.id(), (tree, tried)) {
                self.by_looks.remove(&(before, base.id()));
            }
            self.by_looks.insert((tried, base.id()));
        }
        if self.objects.len() >= self.prune_at.max(PRUNE_MINIMUM) {
            self.objects
                .retain(|object, (tree, _)| tree.find(*object).is_some());
            self.by_looks
                .retain(|(_, object)| self.objects.contains_key(object));
            self.prune_at = self.objects.len().saturating_mul(2);
        }
    }

    fn take_affordable(&mut self) -> Option<Arc<dyn Object>> {
        loop {
            let (tried, object) = *self.by_looks.first()?;
            if tried.saturating_mul(2) >= self.looks {
                return None;
            }
            self.by_looks.pop_first();
            let (tree, _) = self.objects.remove(&object)?;
            if let Some(found) = tree.find(object) {
                return Some(found);
            }
        }
    }
}

fn unfinished() -> MutexGuard<'static, Unfinished> {
    static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
        objects: BTreeMap::new(),
        by_looks: BTreeSet::new(),
        looks: FIRST_LOOKS,
        prune_at: 0,
    });
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
