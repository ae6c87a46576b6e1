//! Finds, among the objects that only messages hold, the objects that nobody can reach.
//!
//! Counting frees everything except cycles: a queue that holds a handle to itself, two queues that hold
//! each other. A trace finds these cycles as CPython's cycle collector does, but it starts from a few
//! objects. An object is a root if a process or the embedder holds it. An object is also a root if messages
//! have more references to it than the trace has found. Every object that no root leads to is garbage.
//!
//! An object that the trace leaves out can only make more roots, because the trace does not find the
//! references in it. So the trace reads no object that somebody holds, and no object of another tree that
//! lives. Its work is the part of the graph that it can reach from its starts.
//!
//! # While others go on working
//! The trace stops nobody. It looks at the holders of each object first, and then reads the contents of the
//! object. After it has read all contents, it looks at all holders again. An object counts as a root
//! if either look finds a holder. It also counts as a root if a reference to it was made, or left a message,
//! between the two looks.
//!
//! Let G be the set of objects that remain, and let S be the moment after the last contents were read.
//! Nobody held an object of G between its two looks, and S lies between them. So nobody took a message out
//! of an object of G in that time, because a taker holds the object. Each reference that the trace found
//! in an object of G therefore still lies there at S. The trace has found all references to an object of
//! G, and it has found them in objects of G, because no root leads into G. So at S nobody holds an object
//! of G, and all references to objects of G lie in objects of G. Then G is garbage, and it stays garbage. A
//! reader of a dict or a list leaves the references where they are and makes new ones, and the second
//! look sees the new ones.

use std::collections::{HashMap, HashSet};

use super::ids::ObjectId;

/// The holders of an object as the collector sees them at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// A process or the embedder holds the object.
    pub(crate) is_root: bool,
    /// The number of references to it in messages.
    pub(crate) messages: usize,
    /// A number that changes whenever a reference enters or leaves a message. Any new reference may come
    /// from a message, because reading a dict or list copies the references in it.
    pub(crate) moves: u64,
}

/// An object as seen by a trace.
pub(crate) trait Traced: Clone {
    fn id(&self) -> ObjectId;

    /// The holders now.
    fn look(&self) -> Look;

    /// The number of references in its messages. Takes constant time.
    fn contained_references(&self) -> u64;

    /// Calls `visit` with the object of each of these references, under the mutex of this one.
    fn visit_contents(&self, visit: &mut dyn FnMut(&Self));
}

/// The place of an object in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// It belongs to the tree that ends: it costs nothing of the budget, and adds to it.
    Ending,
    /// It belongs to the embedder or to a tree that is over.
    Over,
    /// It belongs to another tree that lives, so the trace leaves it out.
    Living,
}

struct Node<T> {
    object: T,
    /// At the first look.
    moves: u64,
    /// The objects that its messages refer to.
    contents: Vec<ObjectId>,
}

/// One search for garbage.
pub(crate) struct Trace<T, S> {
    /// Tells the scope of an object.
    scope: S,
    nodes: HashMap<ObjectId, Node<T>>,
    /// All objects that were looked at, including roots.
    seen: HashSet<ObjectId>,
    unread: Vec<T>,
    /// The number of objects and references that may still be looked at.
    budget: u64,
    too_large: Vec<T>,
}

impl<T: Traced, S: Fn(&T) -> Scope> Trace<T, S> {
    pub(crate) fn new(scope: S, budget: u64) -> Self {
        Self {
            scope,
            nodes: HashMap::new(),
            seen: HashSet::new(),
            unread: Vec::new(),
            budget,
            too_large: Vec::new(),
        }
    }

    /// Takes the first look at an object, unless the trace has already taken it.
    pub(crate) fn add(&mut self, object: T) {
        if self.seen.insert(object.id()) {
            self.look(object);
        }
    }

    fn look(&mut self, object: T) {
        let id = object.id();
        let scope = (self.scope)(&object);
        if scope == Scope::Living {
            return;
        }
        let look = object.look();
        if look.is_root {
            return;
        }
        let cost = object.contained_references().saturating_add(1);
        let left = match scope {
            Scope::Ending => Some(self.budget.saturating_add(cost)),
            Scope::Over | Scope::Living => self.budget.checked_sub(cost),
        };
        let Some(left) = left else {
            self.too_large.push(object);
            return;
        };
        self.budget = left;
        self.unread.push(object.clone());
        let node = Node {
            object,
            moves: look.moves,
            contents: Vec::new(),
        };
        self.nodes.insert(id, node);
    }

    /// Reads the contents of all added objects, and of the objects that it finds there.
    pub(crate) fn read(&mut self) {
        while let Some(object) = self.unread.pop() {
            let mut contents = Vec::new();
            let mut found = Vec::new();
            if object.contained_references() > 0 {
                object.visit_contents(&mut |content| {
                    let id = content.id();
                    contents.push(id);
                    if self.seen.insert(id) {
                        found.push(content.clone());
                    }
                });
            }
            // Looked at outside the mutex of the object.
            for content in found {
                self.look(content);
            }
            if let Some(node) = self.nodes.get_mut(&object.id()) {
                node.contents = contents;
            }
        }
    }

    /// The objects that were read and that nobody can reach.
    pub(crate) fn garbage(&mut self) -> Vec<T> {
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut found: HashMap<ObjectId, usize> = HashMap::new();
        for id in nodes.values().flat_map(|node| &node.contents) {
            *found.entry(*id).or_default() += 1;
        }
        let is_root = |(id, node): (&ObjectId, &Node<T>)| {
            let look = node.object.look();
            let in_messages_found = found.get(id).copied().unwrap_or_default();
            let is_root =
                look.is_root || look.messages > in_messages_found || look.moves != node.moves;
            is_root.then_some(*id)
        };
        let mut reached: Vec<ObjectId> = nodes.iter().filter_map(is_root).collect();
        while let Some(id) = reached.pop() {
            if let Some(node) = nodes.remove(&id) {
                reached.extend(node.contents);
            }
        }
        nodes.into_values().map(|node| node.object).collect()
    }

    /// The rest of the budget.
    pub(crate) fn left(&self) -> u64 {
        self.budget
    }

    /// The objects that the budget did not allow to read.
    pub(crate) fn into_too_large(self) -> Vec<T> {
        self.too_large
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::object::collect::scope;
    use crate::object::tree::Tree;
    use crate::{Bounds, Dict, Handle, Holder, Message, ProcessId, Queue};

    /// The collector empties no object of a living tree, so it does not interfere with a test.
    fn tree() -> Tree {
        Tree::new(u64::MAX)
    }

    const HOLDER: Holder = Holder::Process(ProcessId::new(1));

    fn queue(tree: &Tree) -> Queue {
        Queue::new_in(tree, HOLDER, Bounds::default())
    }

    fn carrying(handle: Handle) -> Message {
        Message {
            bytes: Vec::new(),
            handles: vec![handle],
        }
    }

    fn take(queue: &Queue) -> Queue {
        Queue::open(queue.get().unwrap().handles.first().unwrap()).unwrap()
    }

    /// Traces all objects of the tree, and runs `before` and `after` before and after the contents are
    /// read. Returns the objects that the trace takes for garbage.
    fn interrupted(tree: &Tree, before: impl FnOnce(), after: impl FnOnce()) -> Vec<ObjectId> {
        let mut trace = Trace::new(scope(Some(tree)), 0);
        for object in tree.all() {
            trace.add(object);
        }
        before();
        trace.read();
        after();
        let garbage = trace.garbage();
        let mut ids: Vec<ObjectId> = garbage.iter().map(|object| object.base().id()).collect();
        ids.sort_unstable();
        ids
    }

    /// The contents show two queues that hold each other, but before and after the reading they do not.
    #[test]
    fn references_that_move_meanwhile_are_no_garbage() {
        let tree = tree();
        let (root, outer, inner) = (queue(&tree), queue(&tree), queue(&tree));
        let last = inner.object_id();
        root.put(carrying(outer.to_handle())).unwrap();
        outer.put(carrying(inner.to_handle())).unwrap();
        inner.put(carrying(outer.to_handle())).unwrap();
        drop((outer, inner));
        let in_hand = std::cell::RefCell::new(None);
        let before = || *in_hand.borrow_mut() = Some(take(&root));
        let after = || {
            let outer = in_hand.borrow_mut().take().unwrap();
            let inner = take(&outer);
            drop(take(&inner));
            outer.put(carrying(inner.to_handle())).unwrap();
            root.put(carrying(outer.to_handle())).unwrap();
        };
        assert_eq!(interrupted(&tree, before, after), []);
        assert_eq!(take(&take(&root)).object_id(), last);
    }

    /// Nothing moves: a process copies its way from dict to dict between the looks of the collector, and
    /// holds none of the dicts when the collector looks at it.
    #[test]
    fn what_is_copied_out_meanwhile_is_no_garbage() {
        let tree = tree();
        let containing = |handle: Handle| {
            let dict = Dict::new_in(&tree, HOLDER);
            dict.set(b"key", carrying(handle)).unwrap();
            dict
        };
        let open = |dict: &Dict| {
            let message = dict.get(b"key").unwrap();
            Dict::open(message.handles.first().unwrap()).unwrap()
        };
        let last = Dict::new_in(&tree, HOLDER);
        let middle = containing(last.to_handle());
        let first = containing(middle.to_handle());
        // It holds itself, so it stays when it has no other holder, and nothing moves.
        first.set(b"own", carrying(first.to_handle())).unwrap();
        let (middle_id, last_id) = (middle.object_id(), last.object_id());
        drop((middle, last));
        let in_hand = open(&first);
        drop(first);
        let (before, held) = (std::cell::Cell::new(None), std::cell::Cell::new(None));
        // `middle` is held at the first look only if that comes before.
        before.set(Some(in_hand));
        let garbage = interrupted(
            &tree,
            || {
                let in_hand = before.take().unwrap();
                held.set(Some(open(&in_hand)));
                drop(in_hand);
            },
            || drop(held.take()),
        );
        assert!(!garbage.contains(&middle_id) && !garbage.contains(&last_id));
        let mut garbage = interrupted(&tree, || {}, || {});
        garbage.retain(|id| [middle_id, last_id].contains(id));
        assert_eq!(garbage, [last_id.min(middle_id), last_id.max(middle_id)]);
        tree.end();
        assert_eq!(tree.object_count(), 0);
    }

    /// Two messages in hand are put into each other's queue, so that the queues hold each other, and no
    /// count of references in messages changes. The thread that put them still holds one of the queues.
    #[test]
    fn what_came_to_be_held_meanwhile_is_no_garbage() {
        let tree = tree();
        let (first, second) = (queue(&tree), queue(&tree));
        let ids = [first.object_id(), second.object_id()];
        let to_first = carrying(first.to_handle().hold_as(Holder::Message));
        let to_second = carrying(second.to_handle().hold_as(Holder::Message));
        drop((first, second));
        let open = |message: &Message| {
            Queue::open(&message.handles.first().unwrap().hold_as(HOLDER)).unwrap()
        };
        let held = std::cell::RefCell::new(None);
        let before = || {
            let (first, second) = (open(&to_first), open(&to_second));
            first.put(to_second).unwrap();
            second.put(to_first).unwrap();
            *held.borrow_mut() = Some(first);
        };
        assert_eq!(interrupted(&tree, before, || {}), []);
        drop(held.borrow_mut().take());
        assert_eq!(interrupted(&tree, || {}, || {}), ids);
        tree.end();
        assert_eq!(tree.object_count(), 0);
    }

    /// The trace does not read an object of another living tree, and the objects in it are roots.
    #[test]
    fn trees_that_live_are_left_alone() {
        let (ending, living) = (tree(), tree());
        let (own, other) = (queue(&ending), queue(&living));
        own.put(carrying(other.to_handle())).unwrap();
        other.put(carrying(own.to_handle())).unwrap();
        let other_id = other.object_id();
        drop((own, other));
        let mut trace = Trace::new(scope(Some(&ending)), 0);
        ending
            .all()
            .into_iter()
            .for_each(|object| trace.add(object));
        trace.read();
        assert!(trace.seen.contains(&other_id) && !trace.nodes.contains_key(&other_id));
        assert!(trace.garbage().is_empty());
        ending.end();
        assert_eq!(ending.object_count(), 1);
        living.end();
        assert_eq!((ending.object_count(), living.object_count()), (0, 0));
    }
}
