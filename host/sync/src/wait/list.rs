//! The waits for an object, in order.
//!
//! A wait list lies inside the state of its object, under the object's mutex. A wait enters it once, gets a
//! key, and stays until the wait ends, in any way. In between it changes sides: it is *waiting* (nothing is
//! there for it) or *woken* (something may be there, and its waker was called). Keys grow and are kept, so
//! a wait that was woken in vain returns to its old place.
//!
//! # No lost notification
//! A notification is not a token that travels. After each change of a state its object restores an
//! invariant (`State::settle` in [`wait`](crate::wait::wait)): the number of woken waits is the number that
//! the available items can serve. When a woken wait times out, is killed or is dropped, it leaves the list,
//! and the invariant wakes the next in line.
//!
//! # Fairness
//! First in, first out, with bounded bypass, as in parking_lot and `tokio::sync`. A newcomer may take an
//! item before a woken wait gets to run, because a handover each time would cost a thread switch per
//! operation. But a wait that was woken in vain is *starved*: the item for which it is woken the next time
//! is reserved for it.

use std::collections::BTreeMap;
use std::task::Waker;

/// Identifies one wait in one list, and its place: smaller is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

/// The combined needs of some waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Load {
    fn add(&mut self, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn subtract(&mut self, bytes: u64) {
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// The place of an attempt in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not in the list. It comes after all waits, except that it may overtake the woken ones.
    Newcomer,
    /// Woken for the first time.
    Woken,
    /// Woken again, after a wake in vain.
    Starved,
}

#[derive(Debug)]
struct Waiting {
    waker: Waker,
    bytes: u64,
    starved: bool,
}

#[derive(Debug)]
struct Woken {
    bytes: u64,
    starved: bool,
}

#[derive(Debug, Default)]
pub(crate) struct WaitList {
    next_key: u64,
    waiting: BTreeMap<Key, Waiting>,
    woken: BTreeMap<Key, Woken>,
    waiting_load: Load,
    woken_load: Load,
    starved_load: Load,
}

impl WaitList {
    /// Enters a new wait at the end.
    pub(crate) fn register(&mut self, bytes: u64, waker: Waker) -> Key {
        let key = Key(self.next_key);
        self.next_key = self.next_key.wrapping_add(1);
        self.insert(key, bytes, waker, false);
        key
    }

    /// Puts a wait that was woken in vain back into its place, as starved.
    pub(crate) fn register_again(&mut self, key: Key, bytes: u64, waker: Waker) {
        // A woken entry holds no waker, so no user code is dropped here.
        self.remove(key);
        self.insert(key, bytes, waker, true);
    }

    /// Takes a wait out of the list. The caller must drop the waker outside the mutex, because dropping it
    /// may run user code.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        if let Some(woken) = self.woken.remove(&key) {
            self.woken_load.subtract(woken.bytes);
            if woken.starved {
                self.starved_load.subtract(woken.bytes);
            }
        }
        let waiting = self.waiting.remove(&key)?;
        self.waiting_load.subtract(waiting.bytes);
        Some(waiting.waker)
    }

    /// The place of a wait that has been woken; `None` while nothing is there for it.
    pub(crate) fn woken_place(&self, key: Key) -> Option<Place> {
        let woken = self.woken.get(&key)?;
        Some(if woken.starved {
            Place::Starved
        } else {
            Place::Woken
        })
    }

    /// Replaces the waker of a wait and returns the one that is no longer needed.
    pub(crate) fn replace_waker(&mut self, key: Key, waker: Waker) -> Option<Waker> {
        match self.waiting.get_mut(&key) {
            Some(waiting) => Some(std::mem::replace(&mut waiting.waker, waker)),
            None => Some(waker),
        }
    }

    /// The bytes that the first wait needs that is not woken.
    pub(crate) fn front_bytes(&self) -> Option<u64> {
        if self.waiting_load.count == 0 {
            return None;
        }
        self.waiting
            .first_key_value()
            .map(|(_, waiting)| waiting.bytes)
    }

    /// Moves the first waiting wait to the woken side. Returns false if there is none.
    pub(crate) fn wake_front(&mut self, wakes: &mut Wakes) -> bool {
        // The common case on every operation: answered without a call into the map.
        if self.waiting_load.count == 0 {
            return false;
        }
        let Some((key, waiting)) = self.waiting.pop_first() else {
            return false;
        };
        self.waiting_load.subtract(waiting.bytes);
        self.woken_load.add(waiting.bytes);
        if waiting.starved {
            self.starved_load.add(waiting.bytes);
        }
        let Waiting {
            waker,
            bytes,
            starved,
        } = waiting;
        self.woken.insert(key, Woken { bytes, starved });
        wakes.push(waker);
        true
    }

    /// Whether any wait is not woken.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting_load.count > 0
    }

    /// Wakes all waits: no wait can be in vain any more.
    pub(crate) fn wake_all(&mut self, wakes: &mut Wakes) {
        while self.wake_front(wakes) {}
    }

    /// Whether an item is reserved for a wait that was woken in vain before.
    pub(crate) fn has_starved(&self) -> bool {
        self.starved_load.count > 0
    }

    /// The combined needs of the waits that are not woken.
    pub(crate) fn waiting_load(&self) -> Load {
        self.waiting_load
    }

    /// The combined needs of the woken waits.
    pub(crate) fn woken_load(&self) -> Load {
        self.woken_load
    }

    /// The share that an attempt at this place must leave for others.
    pub(crate) fn reserved_against(&self, place: Place) -> Load {
        match place {
            Place::Newcomer => Load {
                count: self
                    .waiting_load
                    .count
                    .saturating_add(self.starved_load.count),
                bytes: self
                    .waiting_load
                    .bytes
                    .saturating_add(self.starved_load.bytes),
            },
            Place::Woken => self.starved_load,
            Place::Starved => Load::default(),
        }
    }

    fn insert(&mut self, key: Key, bytes: u64, waker: Waker, starved: bool) {
        self.waiting_load.add(bytes);
        self.waiting.insert(
            key,
            Waiting {
                waker,
                bytes,
                starved,
            },
        );
    }
}

/// Wakers collected under a mutex and called outside it. Usually there is none or one, which
/// costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl Wakes {
    fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }

    #[inline]
    pub(crate) fn wake(self) {
        if let Some(waker) = self.first {
            waker.wake();
            for waker in self.rest {
                waker.wake();
            }
        }
    }
}
