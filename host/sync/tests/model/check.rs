//! Compares everything visible of the real objects with the model.

use std::collections::BTreeMap;
use std::time::Duration;

use isopod_sync::{Connection, Holder, Lock, Queue, WaitError, Waitable, wait_any};

use crate::world::{Body, Letter, Slot, World};

impl World {
    pub(super) fn check(&self) {
        assert_eq!(self.tree.queued_bytes(), self.charged());
        let alive = self.things.iter().filter(|thing| thing.alive).count();
        assert_eq!(self.tree.object_count(), alive);
        self.check_ready();
        for slot in &self.slots {
            self.check_holders(slot);
            self.check_state(slot);
        }
    }

    /// An object is ready if a party can take from it without a wait, or if it has ended.
    fn check_ready(&self) {
        let (mut queues, mut ends, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for slot in &self.slots {
            let thing = &self.things[slot.thing];
            let ready = match &thing.body {
                Body::Queue { closed, .. } => {
                    queues.push(Queue::open(&slot.handle).unwrap());
                    *closed
                }
                Body::End {
                    peer,
                    receives: true,
                } => {
                    ends.push(Connection::open(&slot.handle).unwrap());
                    !self.things[*peer].alive
                }
                _ => continue,
            };
            let is_queue = matches!(thing.body, Body::Queue { .. });
            expected.push((!is_queue, ready || !thing.letters.is_empty()));
        }
        // Queues first, each kind in the order of the slots.
        expected.sort_by_key(|(is_end, _)| *is_end);
        let ends = ends.iter().map(|end| Waitable::try_from(end).unwrap());
        let objects: Vec<Waitable<'_>> = queues.iter().map(Waitable::from).chain(ends).collect();
        let expected: Vec<usize> = (0..objects.len()).filter(|i| expected[*i].1).collect();
        let found = wait_any(&objects, Some(Duration::ZERO));
        match found {
            Ok(ready) => assert_eq!(ready, expected),
            Err(error) => {
                assert_eq!((error, expected.len()), (WaitError::TimedOut, 0));
            }
        }
    }

    fn check_holders(&self, slot: &Slot) {
        let (mut embedder, mut processes) = (0, BTreeMap::new());
        for other in self.slots.iter().filter(|other| other.thing == slot.thing) {
            match other.handle.holder() {
                Holder::Embedder => embedder += 1,
                Holder::Process(process) => *processes.entry(process).or_insert(0_usize) += 1,
                Holder::Message => panic!("no slot is a message"),
            }
        }
        let letters = self.things.iter().flat_map(|thing| &thing.letters);
        let messages = letters
            .flat_map(|l| &l.carries)
            .filter(|c| **c == slot.thing)
            .count();
        let holders = slot.handle.holders();
        assert_eq!((holders.embedder, holders.messages), (embedder, messages));
        assert_eq!(holders.processes, processes.into_iter().collect::<Vec<_>>());
    }

    fn check_state(&self, slot: &Slot) {
        let thing = &self.things[slot.thing];
        match &thing.body {
            Body::Queue { closed, .. } => {
                let queue = Queue::open(&slot.handle).unwrap();
                assert_eq!(queue.len(), thing.letters.len());
                assert_eq!(queue.is_empty(), thing.letters.is_empty());
                let bytes: u64 = thing.letters.iter().map(|letter| letter.length).sum();
                assert_eq!(queue.queued_bytes(), bytes);
                assert_eq!(queue.is_closed(), *closed);
                let empty = Letter {
                    length: 0,
                    carries: Vec::new(),
                };
                assert_eq!(
                    queue.is_full(),
                    self.expect_put(slot.thing, &empty) == "full"
                );
            }
            Body::Lock { owner, .. } => {
                let lock = Lock::open(&slot.handle).unwrap();
                assert_eq!(lock.owner(), *owner);
                assert_eq!(lock.is_locked(), owner.is_some());
            }
            Body::Primitive(primitive) => primitive.check(&slot.handle),
            Body::End { receives, .. } => {
                let end = Connection::open(&slot.handle).unwrap();
                assert_eq!(end.is_readable(), *receives);
            }
        }
    }
}
