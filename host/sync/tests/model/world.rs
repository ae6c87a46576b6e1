//! The model: the objects, the references to them, and the moment when each is freed.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isopod_sync::{
    Bounds, End, Handle, Holder, Hooks, Lock, NotHeld, Party, ProcessId, Queue, Tree, Waiter,
    pipe_in,
};

use crate::primitives::Primitive;
use crate::step::Step;

struct NoHooks;
impl Hooks for NoHooks {}

pub(super) const TREE_LIMIT_BYTES: u64 = 3_500;
pub(super) const PROCESSES: usize = 2;

#[derive(Debug)]
pub(super) struct Letter {
    pub(super) length: u64,
    /// The objects that the message refers to.
    pub(super) carries: Vec<usize>,
}

impl Letter {
    pub(super) fn charge(&self) -> u64 {
        self.length + 160 + 96 * self.carries.len() as u64
    }
}

#[derive(Debug)]
pub(super) enum Body {
    Queue {
        bounds: Bounds,
        closed: bool,
    },
    End {
        peer: usize,
        receives: bool,
    },
    Lock {
        owner: Option<Party>,
        abandoned: bool,
    },
    Primitive(Primitive),
}

#[derive(Debug)]
pub(super) struct Thing {
    pub(super) alive: bool,
    pub(super) body: Body,
    /// The messages in a queue, or on the way to an end.
    pub(super) letters: VecDeque<Letter>,
}

/// A reference that some party holds, in reality and in the model.
pub(super) struct Slot {
    pub(super) handle: Handle,
    pub(super) thing: usize,
}

pub(super) struct World {
    pub(super) tree: Tree,
    pub(super) waiters: Vec<Arc<Waiter>>,
    pub(super) slots: Vec<Slot>,
    pub(super) things: Vec<Thing>,
    /// The tree has ended once: from then on, an unreachable object is freed at once.
    is_over: bool,
}

fn new_process() -> Arc<Waiter> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let process = ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed));
    Waiter::new(Party::Process(process), Arc::new(NoHooks))
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            tree: Tree::new(TREE_LIMIT_BYTES),
            waiters: (0..PROCESSES).map(|_| new_process()).collect(),
            slots: Vec::new(),
            things: Vec::new(),
            is_over: false,
        }
    }

    /// Runs these steps in reality and in the model, and compares everything visible after each.
    pub(super) fn run(steps: impl IntoIterator<Item = Step>) {
        let mut world = Self::new();
        for step in steps {
            world.apply(&step);
            world.check();
        }
        world.slots.clear();
        world.tree.end();
        assert_eq!(
            (world.tree.object_count(), world.tree.queued_bytes()),
            (0, 0)
        );
    }

    /// The last party is the embedder.
    pub(super) fn party(&self, party: usize) -> Party {
        self.waiters
            .get(party)
            .map_or(Party::Embedder, |waiter| waiter.party())
    }

    pub(super) fn holder(&self, party: usize) -> Holder {
        match self.party(party) {
            Party::Process(process) => Holder::Process(process),
            Party::Embedder => Holder::Embedder,
        }
    }

    pub(super) fn add(&mut self, handle: Handle, body: Body) {
        self.slots.push(Slot {
            handle,
            thing: self.things.len(),
        });
        self.things.push(Thing {
            alive: true,
            body,
            letters: VecDeque::new(),
        });
    }

    pub(super) fn apply(&mut self, step: &Step) {
        let slot_count = self.slots.len();
        let index = |slot: usize| (slot_count > 0).then(|| slot % slot_count);
        match *step {
            Step::NewQueue {
                party,
                max_messages,
                max_bytes,
            } => {
                let bounds = Bounds {
                    max_messages,
                    max_bytes,
                };
                let queue = Queue::new_in(&self.tree, self.holder(party), bounds);
                self.add(
                    queue.to_handle(),
                    Body::Queue {
                        bounds,
                        closed: false,
                    },
                );
            }
            Step::NewPipe { party, duplex } => {
                let (near, far) = pipe_in(&self.tree, self.holder(party), duplex);
                let first = self.things.len();
                self.add(
                    near.to_handle(),
                    Body::End {
                        peer: first + 1,
                        receives: true,
                    },
                );
                self.add(
                    far.to_handle(),
                    Body::End {
                        peer: first,
                        receives: duplex,
                    },
                );
            }
            Step::NewLock { party } => {
                let lock = Lock::new_in(&self.tree, self.holder(party));
                self.add(
                    lock.to_handle(),
                    Body::Lock {
                        owner: None,
                        abandoned: false,
                    },
                );
            }
            Step::NewPrimitive {
                party,
                which,
                number,
            } => self.new_primitive(party, which, number),
            Step::UsePrimitive { slot, party, which } => {
                if let Some(slot) = index(slot) {
                    self.use_primitive(slot, party, which);
                }
            }
            Step::Hold { slot, party } => {
                if let Some(slot) = index(slot) {
                    let (holder, slot) = (self.holder(party), &self.slots[slot]);
                    let handle = slot.handle.hold_as(holder);
                    let thing = slot.thing;
                    self.slots.push(Slot { handle, thing });
                }
            }
            Step::Drop { slot } => {
                if let Some(slot) = index(slot) {
                    self.slots.swap_remove(slot);
                }
            }
            Step::Put {
                slot,
                length,
                carry,
            } => {
                if let Some(slot) = index(slot) {
                    self.put(slot, length, carry.and_then(index));
                }
            }
            Step::Get { slot } => {
                if let Some(slot) = index(slot) {
                    self.get(slot);
                }
            }
            Step::Close { slot } => {
                if let Some(slot) = index(slot)
                    && let Some(queue) = Queue::open(&self.slots[slot].handle)
                    && let Body::Queue { closed, .. } =
                        &mut self.things[self.slots[slot].thing].body
                {
                    queue.close();
                    *closed = true;
                }
            }
            Step::Acquire { slot, party } => {
                if let Some(slot) = index(slot) {
                    self.acquire(slot, party);
                }
            }
            Step::Release { slot } => {
                if let Some(slot) = index(slot)
                    && let Some(lock) = Lock::open(&self.slots[slot].handle)
                    && let Body::Lock { owner, .. } = &mut self.things[self.slots[slot].thing].body
                {
                    assert_eq!(lock.release(), owner.take().map(|_| ()).ok_or(NotHeld));
                }
            }
            Step::EndProcess { party } => self.end_process(party),
            Step::EndTree => {
                self.tree.end();
                self.is_over = true;
            }
        }
        if self.is_over {
            self.collect();
        }
        self.bury();
    }

    /// Frees the objects without a reference, and everything that they held.
    pub(super) fn bury(&mut self) {
        loop {
            let mut held: HashSet<usize> = self.slots.iter().map(|slot| slot.thing).collect();
            let letters = self
                .things
                .iter()
                .filter(|thing| thing.alive)
                .flat_map(|t| &t.letters);
            held.extend(letters.flat_map(|letter| &letter.carries));
            let dead: Vec<usize> = (0..self.things.len())
                .filter(|thing| self.things[*thing].alive && !held.contains(thing))
                .collect();
            if dead.is_empty() {
                return;
            }
            for thing in dead {
                self.kill(thing);
            }
        }
    }

    pub(super) fn kill(&mut self, thing: usize) {
        self.things[thing].alive = false;
        self.things[thing].letters.clear();
    }

    pub(super) fn collect(&mut self) {
        let mut reached = HashSet::new();
        let mut next: Vec<usize> = self.slots.iter().map(|slot| slot.thing).collect();
        while let Some(thing) = next.pop() {
            if reached.insert(thing) {
                next.extend(
                    self.things[thing]
                        .letters
                        .iter()
                        .flat_map(|letter| &letter.carries),
                );
            }
        }
        for thing in 0..self.things.len() {
            if !reached.contains(&thing) {
                self.kill(thing);
            }
        }
    }

    pub(super) fn charged(&self) -> u64 {
        self.things
            .iter()
            .flat_map(|thing| &thing.letters)
            .map(Letter::charge)
            .sum()
    }

    pub(super) fn end_process(&mut self, party: usize) {
        let Some(waiter) = self.waiters.get(party).cloned() else {
            return;
        };
        let (actor, holder) = (waiter.party(), self.holder(party));
        let how = if self.things.len().is_multiple_of(3) {
            End::Normal
        } else {
            End::Abandoned
        };
        // Both orders occur: the references are dropped first, or the process ends first.
        if self.slots.len().is_multiple_of(2) {
            waiter.end(how);
        }
        self.slots.retain(|slot| slot.handle.holder() != holder);
        waiter.end(how);
        for thing in &mut self.things {
            if let Body::Primitive(primitive) = &mut thing.body {
                primitive.end(actor, how);
            }
            if let Body::Lock { owner, abandoned } = &mut thing.body
                && *owner == Some(actor)
            {
                (*owner, *abandoned) = (None, true);
            }
        }
        self.waiters[party] = new_process();
    }
}
