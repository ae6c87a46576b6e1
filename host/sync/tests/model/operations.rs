//! Operations that run on the real objects and in the model, and whose results are compared.

use std::time::Duration;

use isopod_sync::{
    AcquireError, Acquired, Connection, GetError, Handle, Holder, Lock, Message, PutError, Queue,
    RecvError, SendError, Waiter,
};

use crate::world::{Body, Letter, Slot, TREE_LIMIT_BYTES, World};

impl World {
    pub(super) fn put(&mut self, slot: usize, length: usize, carry: Option<usize>) {
        let carried = carry.map(|carry| &self.slots[carry]);
        let letter = Letter {
            length: length as u64,
            carries: carried.iter().map(|slot| slot.thing).collect(),
        };
        let message = Message {
            bytes: vec![7; length],
            handles: carried.iter().map(|slot| slot.handle.clone()).collect(),
        };
        let handle = &self.slots[slot].handle;
        let expected = self.expect_put(self.slots[slot].thing, &letter);
        let outcome = if let Some(queue) = Queue::open(handle) {
            queue
                .try_put(message)
                .map_err(|error| (put_name(&error), error.into_message()))
        } else if let Some(end) = Connection::open(handle) {
            end.try_send(message)
                .map_err(|error| (send_name(&error), error.into_message()))
        } else {
            return;
        };
        match outcome {
            Ok(()) => {
                assert_eq!(expected, "ok");
                let target = match self.things[self.slots[slot].thing].body {
                    Body::End { peer, .. } => peer,
                    _ => self.slots[slot].thing,
                };
                self.things[target].letters.push_back(letter);
            }
            Err((name, message)) => {
                assert_eq!(expected, name);
                assert_eq!(message.bytes.len(), length);
                let holders = |handles: &[Handle]| -> Vec<Holder> {
                    handles.iter().map(Handle::holder).collect()
                };
                let before: Vec<Holder> = carried.iter().map(|slot| slot.handle.holder()).collect();
                assert_eq!(holders(&message.handles), before);
            }
        }
    }

    pub(super) fn expect_put(&self, thing: usize, letter: &Letter) -> &'static str {
        let (target, max_messages, max_bytes, one_larger) = match &self.things[thing].body {
            Body::Queue { closed: true, .. } => return "closed",
            Body::Queue { bounds, .. } => (
                thing,
                bounds.max_messages.map_or(u64::MAX, u64::from),
                bounds.max_bytes,
                false,
            ),
            Body::End { peer, .. } => match &self.things[*peer].body {
                Body::End {
                    receives: false, ..
                } => return "read-only",
                _ if !self.things[*peer].alive => return "broken",
                _ => (*peer, 1024, Some(64 * 1024), true),
            },
            Body::Lock { .. } | Body::Primitive(_) => return "no",
        };
        let letters = &self.things[target].letters;
        let queued: u64 = letters.iter().map(|letter| letter.length).sum();
        let max_bytes = max_bytes.unwrap_or(u64::MAX);
        if letter.length > max_bytes || letter.length > TREE_LIMIT_BYTES {
            return "too-large";
        }
        let alone = one_larger && letters.is_empty();
        let fits = queued + letter.length <= max_bytes || alone;
        if letters.len() as u64 >= max_messages || !fits {
            "full"
        } else if self.charged() + letter.charge() > TREE_LIMIT_BYTES {
            "budget"
        } else {
            "ok"
        }
    }

    pub(super) fn get(&mut self, slot: usize) {
        let thing = self.slots[slot].thing;
        let handle = &self.slots[slot].handle;
        let holder = handle.holder();
        let outcome = if let Some(queue) = Queue::open(handle) {
            queue.try_get().map_err(|error| match error {
                GetError::Empty => "empty",
                GetError::Closed => "closed",
                GetError::Killed => "killed",
            })
        } else if let Some(end) = Connection::open(handle) {
            let ready = end.poll(Some(Duration::ZERO));
            let outcome = end.try_recv().map_err(|error| match error {
                RecvError::TimedOut => "empty",
                RecvError::EndOfFile => "closed",
                RecvError::WriteOnly => "write-only",
                RecvError::Killed => "killed",
            });
            match ready {
                Ok(ready) => assert_eq!(ready, !matches!(outcome, Err("empty"))),
                Err(error) => assert_eq!(error, RecvError::WriteOnly),
            }
            outcome
        } else {
            return;
        };
        let expected = match &self.things[thing].body {
            Body::End {
                receives: false, ..
            } => Err("write-only"),
            _ if !self.things[thing].letters.is_empty() => Ok(()),
            Body::Queue { closed: true, .. } => Err("closed"),
            Body::End { peer, .. } if !self.things[*peer].alive => Err("closed"),
            _ => Err("empty"),
        };
        assert_eq!(outcome.as_ref().map(|_| ()).map_err(|name| *name), expected);
        if let Ok(message) = outcome {
            let letter = self.things[thing].letters.pop_front().unwrap();
            assert_eq!(message.bytes.len() as u64, letter.length);
            assert_eq!(message.handles.len(), letter.carries.len());
            for (handle, thing) in message.handles.into_iter().zip(letter.carries) {
                assert_eq!(handle.holder(), holder);
                self.slots.push(Slot { handle, thing });
            }
        }
    }

    pub(super) fn acquire(&mut self, slot: usize, party: usize) {
        let Some(lock) = Lock::open(&self.slots[slot].handle) else {
            return;
        };
        let actor = self.party(party);
        let outcome = {
            let _entered = self.waiters.get(party).map(Waiter::enter);
            lock.try_acquire()
        };
        let Body::Lock { owner, abandoned } = &mut self.things[self.slots[slot].thing].body else {
            panic!("a lock")
        };
        if owner.is_some() {
            assert_eq!(outcome, Err(AcquireError::TimedOut));
        } else {
            let expected = if *abandoned {
                Acquired::Abandoned
            } else {
                Acquired::Clean
            };
            assert_eq!(outcome, Ok(expected));
            (*owner, *abandoned) = (Some(actor), false);
        }
    }
}

fn put_name(error: &PutError) -> &'static str {
    match error {
        PutError::Full(_) => "full",
        PutError::Closed(_) => "closed",
        PutError::TooLarge { .. } => "too-large",
        PutError::BudgetExceeded { .. } => "budget",
        PutError::Killed(_) => "killed",
    }
}

fn send_name(error: &SendError) -> &'static str {
    match error {
        SendError::TimedOut(_) => "full",
        SendError::BrokenPipe(_) => "broken",
        SendError::ReadOnly(_) => "read-only",
        SendError::TooLarge { .. } => "too-large",
        SendError::BudgetExceeded { .. } => "budget",
        SendError::Killed(_) => "killed",
    }
}
