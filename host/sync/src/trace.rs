//! Finds, among objects that only messages hold, those that nobody can reach.
//!
//! Counting frees everything except cycles: a queue that holds a handle to itself, two that hold
//! each other. Those are found as in CPython's cycle collector, but from a few objects on instead of
//! among all: an object is a root if somebody who acts holds it, or if more references to it are in
//! messages than are found in the messages of objects that were looked at. What is not reached from a
//! root is garbage.
//!
//! What is left out only makes roots: references in an object that is not looked at are not found.
//! So the trace reads neither what somebody holds nor what belongs to a tree that lives, and its
//! work is what it reaches from where it starts.
//!
//! # While others go on working
//! Nothing is stopped. Of each object the holders are looked at first, then its contents are read,
//! and after the contents of all have been read the holders are looked at again. An object counts as
//! a root if either look finds it held, or if references to it came to be, or went from messages, in
//! between.
//!
//! Let the objects that are left be the set G, and let S be the moment when the last contents were
//! read. Nobody held an object of G from its first look to its second, S among them: no reference to
//! it came to be. So nobody took anything out of it either, which takes a hold on it. Each reference
//! that was found in its contents therefore lies there at S still. References to it that are in
//! messages are as many as were found, in objects of G, for what is reached from a root is not left.
//! At S all references to objects of G lie in objects of G, and nobody holds one of them: G is garbage,
//! and stays so. Who reads a dict or a list leaves the references where they are and makes new ones,
//! which counts as a change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::object::{Object, ObjectId};
use crate::tree::Tree;

struct Node {
    object: Arc<dyn Object>,
    /// At the first look.
    moves: u64,
    /// What the messages in it refer to.
    contents: Vec<ObjectId>,
}

/// One search for garbage.
pub(crate) struct Trace<'a> {
    /// The tree whose end this is: its objects cost nothing of the budget, and add to it.
    ending: Option<&'a Tree>,
    nodes: HashMap<ObjectId, Node>,
    /// All that were looked at, roots too.
    seen: HashSet<ObjectId>,
    unread: Vec<Arc<dyn Object>>,
    /// How many objects and references may still be looked at.
    budget: u64,
    too_large: Vec<Arc<dyn Object>>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(ending: Option<&'a Tree>, budget: u64) -> Self {
        Self {
            ending,
            nodes: HashMap::new(),
            seen: HashSet::new(),
            unread: Vec::new(),
            budget,
            too_large: Vec::new(),
        }
    }

    /// Takes the first look at an object, unless that was taken.
    pub(crate) fn add(&mut self, object: Arc<dyn Object>) {
        if self.seen.insert(object.base().id()) {
            self.look(object);
        }
    }

    fn look(&mut self, object: Arc<dyn Object>) {
        let (id, tree) = (object.base().id(), object.base().tree());
        let is_own = self.ending.is_some_and(|ending| ending.is(tree));
        if !is_own && !tree.is_over() {
            return;
        }
        let look = object.base().look();
        if look.is_root {
            return;
        }
        let cost = object.contained_references().saturating_add(1);
        let left = match is_own {
            true => Some(self.budget.saturating_add(cost)),
            false => self.budget.checked_sub(cost),
        };
        let Some(left) = left else {
            self.too_large.push(object);
            return;
        };
        self.budget = left;
        self.unread.push(Arc::clone(&object));
        let node = Node {
            object,
            moves: look.moves,
            contents: Vec::new(),
        };
        self.nodes.insert(id, node);
    }

    /// Reads the contents of all objects that were added, and of those that it finds there.
    pub(crate) fn read(&mut self) {
        while let Some(object) = self.unread.pop() {
            let mut contents = Vec::new();
            let mut found = Vec::new();
            if object.contained_references() > 0 {
                object.visit_contents(&mut |content| {
                    let id = content.base().id();
                    contents.push(id);
                    if self.seen.insert(id) {
                        found.push(Arc::clone(content));
                    }
                });
            }
            // Not under the mutex of the object.
            for content in found {
                self.look(content);
            }
            if let Some(node) = self.nodes.get_mut(&object.base().id()) {
                node.contents = contents;
            }
        }
    }

    /// What nobody can reach, of what was read.
    pub(crate) fn garbage(&mut self) -> Vec<Arc<dyn Object>> {
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut found: HashMap<ObjectId, usize> = HashMap::new();
        for id in nodes.values().flat_map(|node| &node.contents) {
            *found.entry(*id).or_default() += 1;
        }
        let is_root = |(id, node): (&ObjectId, &Node)| {
            let look = node.object.base().look();
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

    /// What is left of the budget.
    pub(crate) fn left(&self) -> u64 {
        self.budget
    }

    /// What was not read because the budget did not allow it.
    pub(crate) fn into_too_large(self) -> Vec<Arc<dyn Object>> {
        self.too_large
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::{Bounds, Dict, Handle, Holder, Message, ProcessId, Queue};

    /// Objects of a tree that lives are not emptied behind a test's back.
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

    /// A trace of all objects of the tree, with something done before and after the contents are
    /// read; what it takes for garbage.
    fn interrupted(tree: &Tree, before: impl FnOnce(), after: impl FnOnce()) -> Vec<ObjectId> {
        let mut trace = Trace::new(Some(tree), 0);
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

    /// The contents show two queues that hold each other, which before and after they do not.
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

    /// Nothing moves: a process copies its way from dict to dict, each time behind the collector's
    /// back, and holds none of them when it is looked at.
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
        // It holds itself, so it stays when nobody else does, and nothing moves.
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

    /// Two messages in hand are put so that they hold each other, without a count in messages
    /// changing; who did it goes on holding one of them.
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

    /// What belongs to another tree that lives is not read, and what that refers to is a root.
    #[test]
    fn trees_that_live_are_left_alone() {
        let (ending, living) = (tree(), tree());
        let (own, other) = (queue(&ending), queue(&living));
        own.put(carrying(other.to_handle())).unwrap();
        other.put(carrying(own.to_handle())).unwrap();
        let other_id = other.object_id();
        drop((own, other));
        let mut trace = Trace::new(Some(&ending), 0);
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
