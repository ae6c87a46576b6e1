//! Finds the objects that nobody can reach, and empties them.
//!
//! Counting frees everything except cycles: a queue that holds a handle to itself, two that hold
//! each other. Those are found as in CPython's cycle collector: an object is a root if somebody who
//! acts holds it, or if more references to it are in messages than are found in queued ones (then a
//! message is in somebody's hands). What is not reached from a root is garbage.
//!
//! # While others go on working
//! Nothing is stopped. Garbage stays garbage, so a verdict need only have been right once; and only
//! what happens to an object that is *not* garbage can mislead. The holders are read before and
//! after the contents, and an object counts as a root if either time somebody held it or if
//! references to it went to or from messages in between. Were an object wrongly left out, all
//! references to it would have lain still in queues that are left out too, from the first reading
//! to the second; whoever takes one out of such a queue holds that queue meanwhile, which one of the
//! two readings of it sees, or has come to hold it by a move that is seen, and so on. Who reads a
//! dict or a list leaves the references where they are and makes new ones, so each new reference
//! counts as a move.

use std::collections::HashMap;
use std::sync::Arc;

use crate::object::{Object, ObjectId, references_in_messages};
use crate::reference::drop_messages;
use crate::tree::all_objects;

struct Node {
    object: Arc<dyn Object>,
    moves: u64,
    root: bool,
    /// References to it found in messages.
    found: usize,
    /// What the messages in it refer to.
    contents: Vec<ObjectId>,
}

/// Closes and empties all objects that nobody can reach.
pub(crate) fn collect() {
    // Every cycle leads through a message.
    if references_in_messages() == 0 {
        return;
    }
    let mut nodes: HashMap<ObjectId, Node> = all_objects().into_iter().map(first_look).collect();
    find_contents(&mut nodes);
    let roots = second_look(&mut nodes);
    let garbage = unreached(nodes, roots);
    // Collect first, drop then: what is dropped may hold other garbage.
    let messages = garbage
        .iter()
        .flat_map(|object| object.dismantle())
        .collect();
    drop_messages(messages);
}

fn first_look(object: Arc<dyn Object>) -> (ObjectId, Node) {
    let (holders, moves) = object.base().holders_and_moves();
    let root = holders.is_root();
    let id = object.base().id();
    (
        id,
        Node {
            object,
            moves,
            root,
            found: 0,
            contents: Vec::new(),
        },
    )
}

fn find_contents(nodes: &mut HashMap<ObjectId, Node>) {
    let mut found: HashMap<ObjectId, usize> = HashMap::new();
    for node in nodes.values_mut() {
        let contents = &mut node.contents;
        node.object.visit_contents(&mut |id| contents.push(id));
        for id in &node.contents {
            *found.entry(*id).or_default() += 1;
        }
    }
    for (id, count) in found {
        if let Some(node) = nodes.get_mut(&id) {
            node.found = count;
        }
    }
}

fn second_look(nodes: &mut HashMap<ObjectId, Node>) -> Vec<ObjectId> {
    let mut roots = Vec::new();
    for (id, node) in nodes {
        let (holders, moves) = node.object.base().holders_and_moves();
        let in_hand = holders.messages > node.found;
        node.root |= holders.is_root() || in_hand || moves != node.moves;
        if node.root {
            roots.push(*id);
        }
    }
    roots
}

fn unreached(mut nodes: HashMap<ObjectId, Node>, roots: Vec<ObjectId>) -> Vec<Arc<dyn Object>> {
    let mut reached = roots;
    while let Some(id) = reached.pop() {
        if let Some(node) = nodes.remove(&id) {
            reached.extend(node.contents);
        }
    }
    nodes.into_values().map(|node| node.object).collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::{Bounds, Dict, Handle, Holder, Message, Queue};

    fn queue() -> Queue {
        Queue::new(Bounds::default())
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

    /// A collection of these objects only, with something done before and after the contents are
    /// read; what it takes for garbage.
    fn interrupted(ids: &[ObjectId], before: impl FnOnce(), after: impl FnOnce()) -> Vec<ObjectId> {
        let objects = all_objects().into_iter();
        let objects = objects.filter(|object| ids.contains(&object.base().id()));
        let mut nodes: HashMap<ObjectId, Node> = objects.map(first_look).collect();
        before();
        find_contents(&mut nodes);
        after();
        let roots = second_look(&mut nodes);
        let garbage = unreached(nodes, roots);
        garbage.iter().map(|object| object.base().id()).collect()
    }

    /// The contents show two queues that hold each other, which before and after they do not.
    #[test]
    fn references_that_move_meanwhile_are_no_garbage() {
        let (root, outer, inner) = (queue(), queue(), queue());
        let ids = [root.object_id(), outer.object_id(), inner.object_id()];
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
        assert_eq!(interrupted(&ids, before, after), []);
        assert_eq!(Some(&take(&take(&root)).object_id()), ids.last());
    }

    /// Nothing moves: a process copies its way from dict to dict, each time behind the collector's
    /// back, and holds none of them when it is looked at.
    #[test]
    fn what_is_copied_out_meanwhile_is_no_garbage() {
        let containing = |handle: Handle| {
            let dict = Dict::new();
            dict.set(b"key", carrying(handle)).unwrap();
            dict
        };
        let open = |dict: &Dict| {
            let message = dict.get(b"key").unwrap();
            Dict::open(message.handles.first().unwrap()).unwrap()
        };
        let object = |id: ObjectId| {
            let mut objects = all_objects().into_iter();
            objects.find(|object| object.base().id() == id).unwrap()
        };
        let look_again = |node: (ObjectId, Node)| second_look(&mut HashMap::from([node]));

        let last = Dict::new();
        let middle = containing(last.to_handle());
        let first = containing(middle.to_handle());
        // It holds itself, so it stays when nobody else does, and nothing moves.
        first.set(b"own", carrying(first.to_handle())).unwrap();
        let (middle_id, last_id) = (middle.object_id(), last.object_id());
        drop((middle, last));
        let (middle_node, last_node) = (first_look(object(middle_id)), first_look(object(last_id)));
        let in_hand = open(&first);
        let first_node = first_look(object(first.object_id()));
        drop(first);
        let mut nodes = HashMap::from([first_node, middle_node, last_node]);
        find_contents(&mut nodes);
        let last_node = nodes.remove_entry(&last_id).unwrap();
        assert_eq!(
            look_again(last_node),
            [],
            "it lies in `middle` all the time"
        );
        let last = open(&in_hand);
        drop(in_hand);
        let roots = second_look(&mut nodes);
        assert!(roots.contains(&middle_id), "it was copied out of `first`");
        let contents = &nodes.get(&middle_id).unwrap().contents;
        assert_eq!(contents, &[last.object_id()]);
        drop(last);
        collect();
    }

    /// Two messages in hand are put so that they hold each other, without a count in messages
    /// changing; who did it goes on holding one of them.
    #[test]
    fn what_came_to_be_held_meanwhile_is_no_garbage() {
        let (first, second) = (queue(), queue());
        let ids = [first.object_id(), second.object_id()];
        let to_first = carrying(first.to_handle().hold_as(Holder::Message));
        let to_second = carrying(second.to_handle().hold_as(Holder::Message));
        drop((first, second));
        let open = |message: &Message| {
            Queue::open(&message.handles.first().unwrap().hold_as(Holder::Embedder)).unwrap()
        };
        let held = std::cell::RefCell::new(None);
        let before = || {
            let (first, second) = (open(&to_first), open(&to_second));
            first.put(to_second).unwrap();
            second.put(to_first).unwrap();
            *held.borrow_mut() = Some(first);
        };
        assert_eq!(interrupted(&ids, before, || {}), []);
        let held = held.borrow_mut().take();
        drop(held);
        let mut garbage = interrupted(&ids, || {}, || {});
        garbage.sort_unstable();
        assert_eq!(garbage, ids);
        collect();
    }
}
