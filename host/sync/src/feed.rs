//! Events for a listener that may be slow.
//!
//! A feed keeps a bounded number of items, and a sender never waits. An item that finds no room is
//! dropped and counted, and the count stands in the feed in the place of the dropped items. The feed
//! keeps the oldest items, so every gap in the sequence is marked by such a count.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::object::{Kind, ObjectId};
use crate::wait::interrupt::Interrupt;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::{Operation, Shared, State};
use crate::wait::wait::wait;

/// A bounded buffer that no sender waits for. It does not travel: there are no handles to it.
///
/// ```
/// use isopod_sync::{Feed, ListenError, Told};
/// let feed = Feed::new(2);
/// for number in 1..=4 {
///     feed.tell(number);
/// }
/// feed.close();
/// assert_eq!(feed.listen_within(None), Ok(Told::Item(1)));
/// assert_eq!(feed.listen_within(None), Ok(Told::Item(2)));
/// assert_eq!(feed.listen_within(None), Ok(Told::Lost(2)));
/// assert_eq!(feed.listen_within(None), Err(ListenError::Closed));
/// ```
#[derive(Debug)]
pub struct Feed<T> {
    id: ObjectId,
    state: Shared<FeedState<T>>,
}

/// What a listener receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// An item that was sent.
    Item(T),
    /// This many items found no room here and were dropped.
    Lost(u64),
}

/// Why a listener received nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenError {
    /// No item came before the timeout.
    TimedOut,
    /// The feed is closed, and all its items have been taken.
    Closed,
    /// The party was killed while it waited.
    Killed,
}

impl fmt::Display for ListenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "no event came before the timeout",
            Self::Closed => "no event will come any more",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for ListenError {}

impl From<Interrupt> for ListenError {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::TimedOut => Self::TimedOut,
            Interrupt::Killed => Self::Killed,
        }
    }
}

#[derive(Debug)]
struct FeedState<T> {
    /// At most `capacity` items, and at most one count behind them.
    told: VecDeque<Told<T>>,
    capacity: usize,
    is_closed: bool,
    listeners: WaitList,
}

impl<T> Feed<T> {
    /// A feed that keeps this many items, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            id: ObjectId::next(),
            state: Shared::new(FeedState {
                told: VecDeque::new(),
                capacity: capacity.max(1),
                is_closed: false,
                listeners: WaitList::default(),
            }),
        }
    }

    /// Sends an item. Never waits: a full feed counts the item and drops it, and a closed feed only drops it.
    pub fn tell(&self, item: T) {
        // An item that the feed does not take is dropped here, not under the mutex.
        let mut item = Some(item);
        self.state.change(|state| {
            if state.is_closed {
                return;
            }
            if state.told.len() < state.capacity {
                state.told.extend(item.take().map(Told::Item));
            } else if let Some(Told::Lost(count)) = state.told.back_mut() {
                *count = count.saturating_add(1);
            } else {
                state.told.push_back(Told::Lost(1));
            }
        });
    }

    /// Takes the oldest item. Without a timeout it waits for ever, with a timeout of zero not at all.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn listen_within(&self, timeout: Option<Duration>) -> Result<Told<T>, ListenError> {
        let subject = Subject {
            object: self.id,
            kind: Kind::Queue,
        };
        wait(&self.state, subject, &mut Listen::new(), timeout)?
    }

    /// Like [`listen_within`](Self::listen_within), as a task. Dropping the future takes nothing.
    ///
    /// # Errors
    /// [`ListenError::Closed`].
    pub async fn listen_async(&self) -> Result<Told<T>, ListenError> {
        Wait::new(&self.state, &mut Listen::new()).await
    }

    /// Accepts no more items. Listeners can still take those that the feed holds.
    pub fn close(&self) {
        self.state.change(|state| state.is_closed = true);
    }
}

impl<T> State for FeedState<T> {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.is_closed && self.told.is_empty() {
            self.listeners.wake_all(wakes);
            return;
        }
        while self.listeners.woken_load().count < self.told.len() as u64
            && self.listeners.wake_front(wakes)
        {}
    }
}

#[derive(Debug)]
struct Listen<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Listen<T> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T> Operation for Listen<T> {
    type State = FeedState<T>;
    type Output = Result<Told<T>, ListenError>;

    const NAME: &'static str = "listen";

    fn list(state: &mut FeedState<T>) -> &mut WaitList {
        &mut state.listeners
    }

    fn attempt(&mut self, state: &mut FeedState<T>, place: Place) -> Option<Self::Output> {
        if state.told.len() as u64 <= state.listeners.reserved_against(place).count {
            let is_over = state.is_closed && state.told.is_empty();
            return is_over.then_some(Err(ListenError::Closed));
        }
        state.told.pop_front().map(Ok)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn heard(feed: &Feed<u32>) -> Result<Told<u32>, ListenError> {
        feed.listen_within(Some(Duration::ZERO))
    }

    #[test]
    fn a_gap_stands_where_it_was_and_room_is_never_exceeded() {
        let feed = Feed::new(2);
        for number in 0..5 {
            feed.tell(number);
        }
        assert_eq!(heard(&feed), Ok(Told::Item(0)));
        // One place is free, but the count behind it has taken one more place than the capacity.
        feed.tell(5);
        assert_eq!(heard(&feed), Ok(Told::Item(1)));
        feed.tell(6);
        feed.tell(7);
        assert_eq!(heard(&feed), Ok(Told::Lost(4)));
        assert_eq!(heard(&feed), Ok(Told::Item(6)));
        assert_eq!(heard(&feed), Ok(Told::Lost(1)));
        assert_eq!(heard(&feed), Err(ListenError::TimedOut));
    }

    #[test]
    fn a_closed_feed_says_what_is_left() {
        let feed = Feed::new(0);
        feed.tell(1);
        feed.close();
        feed.tell(2);
        assert_eq!(heard(&feed), Ok(Told::Item(1)));
        assert_eq!(heard(&feed), Err(ListenError::Closed));
    }

    #[test]
    fn listeners_share_what_is_told_and_the_end_reaches_all() {
        let feed = Feed::new(1_000);
        let total: u32 = std::thread::scope(|scope| {
            let listen = || {
                let mut sum = 0;
                while let Ok(Told::Item(number)) = feed.listen_within(None) {
                    sum += number;
                }
                sum
            };
            let listeners: Vec<_> = (0..3).map(|_| scope.spawn(listen)).collect();
            (1..=100).for_each(|number| feed.tell(number));
            feed.close();
            listeners
                .into_iter()
                .map(|listener| listener.join().unwrap())
                .sum()
        });
        assert_eq!(total, 5_050);
    }
}
