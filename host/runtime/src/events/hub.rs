//! The listeners of an engine's events.
//!
//! # Order
//! The thread on which an event happens puts it into each listener's feed before the thread continues. So if
//! one event happens after another, on any threads, each listener receives it later. Events that happen at
//! the same time may arrive in either order.
//!
//! # Locks
//! A sender copies the list of feeds under its mutex, and releases the mutex before it sends to the feeds. A
//! caller may send while it holds the lock of a pool's workers. Nothing takes a lock while it holds a feed's
//! mutex.

use super::EngineEvent;
use crate::mutex::lock;
use isopod_sync::Feed;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The listeners of one engine.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// The number of listeners, and the numbers of those that hear jobs and decisions. Relaxed everywhere: an
    /// event happens *after* the start of a listener only if other synchronisation orders the two, and that
    /// makes the new number visible as well.
    listeners: AtomicUsize,
    job_listeners: AtomicUsize,
    decision_listeners: AtomicUsize,
    feeds: Mutex<Arc<[Listening]>>,
}

/// One listener.
#[derive(Debug, Clone)]
pub(super) struct Listening {
    pub(super) feed: Arc<Feed<EngineEvent>>,
    pub(super) hears_jobs: bool,
    pub(super) hears_decisions: bool,
}

/// The listeners that hear an event.
#[derive(Debug, Clone, Copy)]
enum Hearing {
    All,
    Jobs,
    Decisions,
}

impl Hub {
    /// Sends an event to all listeners. Makes the event only if there is a listener.
    #[inline]
    pub(crate) fn tell(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_listeners() {
            self.tell_all(Hearing::All, event());
        }
    }

    /// Whether there is a listener.
    #[inline]
    pub(crate) fn has_listeners(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Sends an event to all listeners that hear jobs.
    #[inline]
    pub(crate) fn tell_of_job(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_job_listeners() {
            self.tell_all(Hearing::Jobs, event());
        }
    }

    /// Whether a listener hears jobs.
    #[inline]
    pub(crate) fn has_job_listeners(&self) -> bool {
        self.job_listeners.load(Ordering::Relaxed) > 0
    }

    /// Sends an event to all listeners that hear decisions.
    #[inline]
    pub(crate) fn tell_decision(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_decision_listeners() {
            self.tell_all(Hearing::Decisions, event());
        }
    }

    /// Whether a listener hears decisions.
    #[inline]
    pub(crate) fn has_decision_listeners(&self) -> bool {
        self.decision_listeners.load(Ordering::Relaxed) > 0
    }

    #[cold]
    fn tell_all(&self, hearing: Hearing, event: EngineEvent) {
        let feeds = Arc::clone(&lock(&self.feeds));
        let mut hearing = feeds.iter().filter(|listening| match hearing {
            Hearing::All => true,
            Hearing::Jobs => listening.hears_jobs,
            Hearing::Decisions => listening.hears_decisions,
        });
        let last = hearing.next_back();
        for listening in hearing {
            listening.feed.tell(event.clone());
        }
        if let Some(last) = last {
            last.feed.tell(event);
        }
    }

    pub(super) fn add(&self, listening: Listening) {
        let (hears_jobs, hears_decisions) = (listening.hears_jobs, listening.hears_decisions);
        self.change(|feeds| feeds.push(listening));
        self.listeners.fetch_add(1, Ordering::Relaxed);
        self.job_listeners
            .fetch_add(usize::from(hears_jobs), Ordering::Relaxed);
        self.decision_listeners
            .fetch_add(usize::from(hears_decisions), Ordering::Relaxed);
    }

    pub(super) fn remove(&self, leaving: &Listening) {
        self.change(|feeds| feeds.retain(|other| !Arc::ptr_eq(&other.feed, &leaving.feed)));
        self.listeners.fetch_sub(1, Ordering::Relaxed);
        self.job_listeners
            .fetch_sub(usize::from(leaving.hears_jobs), Ordering::Relaxed);
        self.decision_listeners
            .fetch_sub(usize::from(leaving.hears_decisions), Ordering::Relaxed);
    }

    fn change(&self, action: impl FnOnce(&mut Vec<Listening>)) {
        let previous = {
            let mut feeds = lock(&self.feeds);
            let mut changed = feeds.to_vec();
            action(&mut changed);
            std::mem::replace(&mut *feeds, changed.into())
        };
        // The old list may hold the last reference to a feed, so it is dropped outside the mutex.
        drop(previous);
    }
}

impl Drop for Hub {
    /// The engine is gone, so there will be no more events.
    fn drop(&mut self) {
        let feeds = self.feeds.get_mut().unwrap_or_else(PoisonError::into_inner);
        for listening in feeds.iter() {
            listening.feed.close();
        }
    }
}
