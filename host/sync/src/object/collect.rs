//! Empties the objects that nobody can reach: when it looks for them, and which thread does the work.
//!
//! [`trace`](super::trace) tells garbage from objects in use. This module makes sure that every piece of
//! garbage is found, although no trace looks at all objects.
//!
//! # When
//! An object can become garbage only when somebody gives a reference back and only messages hold the
//! object then. While the tree of the object has processes, the object waits for the end of the tree. That
//! end starts a trace from all objects of the tree that nobody holds. An object of the embedder, or of a
//! tree that is over, becomes a *suspect* at once. A trace then starts from it, on the thread that gave the
//! reference back. `Tree::end` marks the tree as over before it looks at an object. So if a thread gives
//! a reference back at the same time, either the end sees that, or the thread finds a suspect.
//!
//! # All garbage is found
//! Take a circle: objects that refer to each other, that nobody can reach, and to which nothing else
//! refers. Look at the last event that made it so. If this was the end of a tree, the end started a trace
//! in the circle. If this was a reference given back, that thread started a trace in the circle. Either way
//! the trace reaches the whole circle, it finds all references to it, and nothing changes any more: the
//! circle is emptied. If other garbage refers to the circle, the other garbage is emptied first. Then it
//! gives its references back, and the circle has suspects again. A circle through several living trees waits
//! for the last of their ends.
//!
//! # Cost
//! The end of a tree may look at as much as the tree holds. It may look at as much again of the objects of
//! the embedder and of trees that are over. Each suspect earns some looks for its thread. Unused
//! looks remain for later traces. If they do not suffice, the collector remembers the object that was too
//! large, and tries again when twice as many looks have been earned. So a thread pays in proportion to its
//! own objects and references. No process of another tree waits: the trace locks only objects that nobody
//! holds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread_local;

use super::ids::ObjectId;
use super::message::Message;
use super::object::{Base, Object};
use super::trace::{Look, Scope, Trace, Traced};
use super::tree::Tree;

/// The number of objects and references that a trace may look at for each suspect.
const LOOKS_PER_SUSPECT: u64 = 16;
/// The number of looks available at the start. They take some milliseconds.
const FIRST_LOOKS: u64 = 1 << 16;

/// Objects that only messages hold and whose trees are over.
#[derive(Default)]
pub(crate) struct Suspects(BTreeMap<ObjectId, Arc<dyn Object>>);

impl Suspects {
    /// Records an object whose reference was given back and which only messages hold now.
    pub(crate) fn note(&mut self, base: &Base) {
        let (id, tree) = (base.id(), base.tree());
        if tree.is_over()
            && !base.is_garbage()
            && !self.0.contains_key(&id)
            && let Some(object) = tree.find(id)
            // An empty object is in no circle, and a thread that fills it holds it meanwhile.
            && object.contained_references() > 0
        {
            self.0.insert(id, object);
        }
    }
}

/// Objects that were too large for the budget of their traces.
struct Unfinished {
    /// Each with its tree, and with the number of looks that did not suffice.
    objects: BTreeMap<ObjectId, (Tree, u64)>,
    /// The same objects, ordered by that number of looks.
    by_looks: BTreeSet<(u64, ObjectId)>,
    /// The number of looks that are paid for.
    looks: u64,
    /// The length at which entries of objects that are gone are removed.
    prune_at: usize,
}

/// The smallest list that is worth pruning.
const PRUNE_MINIMUM: usize = 64;

/// Empties the objects of a tree that has ended, unless somebody can reach them.
pub(crate) fn end(tree: &Tree) {
    let mut messages = empty(Some(tree), tree.all(), 0);
    messages.append(&mut finish());
    drop_messages(messages, Suspects::default());
}

/// Drops messages and everything that dies with them, at any depth. Uses a list instead of recursion,
/// because a guest decides the depth of a chain of queues in queues, and the stack is ours.
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

/// Drops a value that has references to many objects as one step: the search for unreachable objects
/// happens once, at the end, and not for each reference. Does not block.
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
    /// The suspects of a [`drop_together`] that is under way.
    static POSTPONED: RefCell<Option<Suspects>> = const { RefCell::new(None) };
}

/// While the outermost of these lives, suspects are only recorded.
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
    /// Runs after a panic in a drop too.
    fn drop(&mut self) {
        if self.is_outermost {
            let suspects = POSTPONED.with(|postponed| postponed.borrow_mut().take());
            drop_messages(Vec::new(), suspects.unwrap_or_default());
        }
    }
}

/// Keeps the suspects for later if this drop is part of a larger one.
fn postpone(suspects: &mut Suspects) -> bool {
    let note = |postponed: &RefCell<Option<Suspects>>| {
        let mut postponed = postponed.borrow_mut();
        let Some(postponed) = postponed.as_mut() else {
            return false;
        };
        postponed.0.append(&mut suspects.0);
        true
    };
    // A thread that is being torn down no longer drops anything as one step.
    POSTPONED.try_with(note).unwrap_or(false)
}

impl Traced for Arc<dyn Object> {
    fn id(&self) -> ObjectId {
        self.base().id()
    }

    fn look(&self) -> Look {
        self.base().look()
    }

    fn contained_references(&self) -> u64 {
        self.as_ref().contained_references()
    }

    fn visit_contents(&self, visit: &mut dyn FnMut(&Self)) {
        self.as_ref().visit_contents(visit);
    }
}

/// Returns a function that gives the scope of an object, in the trace at the end of `ending` or
/// in another trace.
pub(super) fn scope(ending: Option<&Tree>) -> impl Fn(&Arc<dyn Object>) -> Scope {
    move |object| {
        let tree = object.base().tree();
        if ending.is_some_and(|ending| ending.is(tree)) {
            Scope::Ending
        } else if tree.is_over() {
            Scope::Over
        } else {
            Scope::Living
        }
    }
}

/// Traces from these objects, and empties the garbage. Returns the messages that the garbage held.
fn empty(
    ending: Option<&Tree>,
    objects: impl IntoIterator<Item = Arc<dyn Object>>,
    earned: u64,
) -> Vec<Message> {
    let looks = {
        let mut unfinished = unfinished();
        std::mem::take(&mut unfinished.looks).saturating_add(earned)
    };
    let mut trace = Trace::new(scope(ending), looks);
    for object in objects {
        trace.add(object);
    }
    trace.read();
    let garbage = trace.garbage();
    let left = trace.left();
    unfinished().add(trace.into_too_large(), looks, left);
    // All are marked before any is emptied: a dropped message may refer to other garbage.
    for object in &garbage {
        object.base().mark_garbage();
    }
    // All messages are collected before any is dropped, for the same reason.
    let mut messages = Vec::new();
    for object in garbage {
        messages.append(&mut object.dismantle());
    }
    messages
}

/// Traces from the objects that were too large before, if enough looks have been earned since.
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
            // A trace needs at least as many looks as the object has references.
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
