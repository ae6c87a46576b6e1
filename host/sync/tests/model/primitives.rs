//! The recursive lock, the condition, the semaphore, the event and the barrier: each operation runs on the
//! real object and in the model, and the results are compared.

use std::collections::HashMap;
use std::time::Duration;

use isopod_sync::{
    AcquireError, Acquired, Arrival, Barrier, BarrierError, Condition, ConditionError, End, Event,
    Handle, NotOwner, Party, PassError, RLock, RLockError, SEMAPHORE_MAX_PERMITS, Semaphore,
    Waited, Waiter,
};

use crate::world::{Body, Slot, World};

/// The model of a primitive.
#[derive(Debug)]
pub(super) enum Primitive {
    /// A recursive lock, or a condition on one of its own.
    Recursive {
        owner: Option<Party>,
        depth: u32,
        abandoned: bool,
    },
    Semaphore {
        permits: u32,
        limit: u32,
        taken: HashMap<Party, u32>,
        abandoned: bool,
    },
    Event {
        is_set: bool,
    },
    /// Nobody waits here, so an arriving party is the last or breaks the barrier.
    Barrier {
        parties: u32,
        acting: Option<Party>,
        is_broken: bool,
    },
}

fn told(abandoned: &mut bool) -> Acquired {
    if std::mem::take(abandoned) {
        Acquired::Abandoned
    } else {
        Acquired::Clean
    }
}

impl World {
    pub(super) fn new_primitive(&mut self, party: usize, which: u8, number: u32) {
        let (tree, holder) = (&self.tree, self.holder(party));
        let recursive = Primitive::Recursive {
            owner: None,
            depth: 0,
            abandoned: false,
        };
        let (handle, primitive) = match which {
            0 => (RLock::new_in(tree, holder).to_handle(), recursive),
            1 => {
                let lock = RLock::new();
                let condition = Condition::with_rlock_in(tree, holder, &lock);
                (condition.to_handle(), recursive)
            }
            2 | 3 => {
                let bound = (which == 3).then_some(number);
                let semaphore = Semaphore::new_in(tree, holder, number, bound);
                let primitive = Primitive::Semaphore {
                    permits: number,
                    limit: bound.unwrap_or(SEMAPHORE_MAX_PERMITS),
                    taken: HashMap::new(),
                    abandoned: false,
                };
                (semaphore.to_handle(), primitive)
            }
            4 => {
                let primitive = Primitive::Event { is_set: false };
                (Event::new_in(tree, holder).to_handle(), primitive)
            }
            _ => {
                let primitive = Primitive::Barrier {
                    parties: number,
                    acting: None,
                    is_broken: false,
                };
                let barrier = Barrier::new_in(tree, holder, number);
                (barrier.to_handle(), primitive)
            }
        };
        self.add(handle, Body::Primitive(primitive));
    }

    /// Runs one of several operations, as a party.
    pub(super) fn use_primitive(&mut self, slot: usize, party: usize, which: u8) {
        let actor = self.party(party);
        let _entered = self.waiters.get(party).map(Waiter::enter);
        let Slot { handle, thing } = &self.slots[slot];
        let Body::Primitive(primitive) = &mut self.things[*thing].body else {
            return;
        };
        match primitive {
            Primitive::Recursive { .. } => use_recursive(handle, primitive, actor, which),
            Primitive::Semaphore { .. } => use_semaphore(handle, primitive, actor, which),
            Primitive::Event { is_set } => {
                let event = Event::open(handle).unwrap();
                match which % 3 {
                    0 => {
                        event.set();
                        *is_set = true;
                    }
                    1 => {
                        event.clear();
                        *is_set = false;
                    }
                    _ => {
                        let waited = event.wait_within(Some(Duration::ZERO));
                        assert_eq!(waited.is_ok(), *is_set);
                    }
                }
            }
            Primitive::Barrier { .. } => use_barrier(handle, primitive, actor, which),
        }
    }
}

fn use_recursive(handle: &Handle, primitive: &mut Primitive, actor: Party, which: u8) {
    let Primitive::Recursive {
        owner,
        depth,
        abandoned,
    } = primitive
    else {
        panic!("a lock")
    };
    let (lock, condition) = (RLock::open(handle), Condition::open(handle));
    match (which % 3, &condition) {
        (0, _) => {
            let outcome = match (&lock, &condition) {
                (Some(lock), _) => lock.try_acquire(),
                (_, Some(condition)) => condition.try_acquire(),
                _ => panic!("no lock"),
            };
            if *owner == Some(actor) {
                *depth += 1;
                assert_eq!(outcome, Ok(Acquired::Clean));
            } else if owner.is_some() {
                assert_eq!(outcome, Err(RLockError::TimedOut));
            } else {
                assert_eq!(outcome, Ok(told(abandoned)));
                (*owner, *depth) = (Some(actor), 1);
            }
        }
        (1, Some(condition)) => {
            let outcome = condition.wait_timeout(Duration::ZERO);
            assert_eq!(
                outcome,
                match *owner == Some(actor) {
                    true => Ok(Waited::TimedOut(Acquired::Clean)),
                    false => Err(ConditionError::NotOwner),
                }
            );
        }
        _ => {
            let outcome = match (&lock, &condition) {
                (Some(lock), _) => lock.release(),
                (_, Some(condition)) => condition.release(),
                _ => panic!("no lock"),
            };
            if *owner == Some(actor) {
                assert_eq!(outcome, Ok(()));
                *depth -= 1;
                if *depth == 0 {
                    *owner = None;
                }
            } else {
                assert_eq!(outcome, Err(NotOwner));
            }
        }
    }
}

fn use_semaphore(handle: &Handle, primitive: &mut Primitive, actor: Party, which: u8) {
    let Primitive::Semaphore {
        permits,
        limit,
        taken,
        abandoned,
    } = primitive
    else {
        panic!("a semaphore")
    };
    let semaphore = Semaphore::open(handle).unwrap();
    if which % 3 < 2 {
        let outcome = semaphore.try_acquire();
        if *permits == 0 {
            assert_eq!(outcome, Err(AcquireError::TimedOut));
        } else {
            assert_eq!(outcome, Ok(told(abandoned)));
            *permits -= 1;
            *taken.entry(actor).or_default() += 1;
        }
    } else {
        let count = u32::from(which % 4);
        let outcome = semaphore.release(count);
        if *permits + count > *limit {
            assert_eq!(outcome.map_err(|error| error.limit), Err(*limit));
        } else {
            assert_eq!(outcome, Ok(()));
            *permits += count;
            let taken = taken.entry(actor).or_default();
            *taken = taken.saturating_sub(count);
        }
    }
}

fn use_barrier(handle: &Handle, primitive: &mut Primitive, actor: Party, which: u8) {
    let Primitive::Barrier {
        parties,
        acting,
        is_broken,
    } = primitive
    else {
        panic!("a barrier")
    };
    let barrier = Barrier::open(handle).unwrap();
    match which % 6 {
        0..=2 => {
            let outcome = barrier.wait_within(Some(Duration::ZERO));
            if *is_broken {
                assert_eq!(outcome, Err(BarrierError::Broken));
            } else if acting.is_some() {
                assert_eq!(outcome, Err(BarrierError::TimedOut));
            } else if *parties <= 1 {
                assert_eq!(outcome, Ok(Arrival::Last(0)));
                *acting = Some(actor);
            } else {
                assert_eq!(outcome, Err(BarrierError::TimedOut));
                *is_broken = true;
            }
        }
        3 => {
            let expected = match (*is_broken, *acting == Some(actor)) {
                (true, _) => Err(PassError::Broken),
                (false, false) => Err(PassError::NotLast),
                (false, true) => Ok(()),
            };
            assert_eq!(barrier.pass(), expected);
            if expected.is_ok() {
                *acting = None;
            }
        }
        4 => {
            barrier.reset();
            (*acting, *is_broken) = (None, false);
        }
        _ => {
            barrier.abort();
            (*acting, *is_broken) = (None, true);
        }
    }
}

impl Primitive {
    /// The end of a process.
    pub(super) fn end(&mut self, actor: Party, how: End) {
        match self {
            Self::Recursive {
                owner,
                depth,
                abandoned,
            } => {
                if *owner == Some(actor) {
                    (*owner, *depth, *abandoned) = (None, 0, true);
                }
            }
            Self::Semaphore {
                permits,
                limit,
                taken,
                abandoned,
            } => {
                let count = taken.remove(&actor).unwrap_or(0);
                if how == End::Abandoned && count > 0 {
                    *permits = (*permits + count).min(*limit);
                    *abandoned = true;
                }
            }
            Self::Event { .. } => {}
            Self::Barrier {
                acting, is_broken, ..
            } => {
                if *acting == Some(actor) {
                    (*acting, *is_broken) = (None, true);
                }
            }
        }
    }

    pub(super) fn check(&self, handle: &Handle) {
        match self {
            Self::Recursive { owner, depth, .. } => {
                if let Some(lock) = RLock::open(handle) {
                    assert_eq!((lock.owner(), lock.depth()), (*owner, *depth));
                } else {
                    let condition = Condition::open(handle).unwrap();
                    assert_eq!((condition.owner(), condition.waiting()), (*owner, 0));
                }
            }
            Self::Semaphore { permits, .. } => {
                assert_eq!(Semaphore::open(handle).unwrap().value(), *permits);
            }
            Self::Event { is_set } => {
                assert_eq!(Event::open(handle).unwrap().is_set(), *is_set);
            }
            Self::Barrier {
                parties, is_broken, ..
            } => {
                let barrier = Barrier::open(handle).unwrap();
                assert_eq!(
                    (barrier.parties(), barrier.waiting(), barrier.is_broken()),
                    (*parties, 0, *is_broken)
                );
            }
        }
    }
}
