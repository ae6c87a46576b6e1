//! Who listens to an engine's events.
//!
//! # Order
//! An event is put into each listener's feed on the thread where it happens, before that thread goes on. So
//! what happens after something else, on whatever threads, is told after it; what happens at the same time
//! may be told in either order.
//!
//! # Locks
//! The list of feeds is copied under its mutex, and feeds are told after it. What holds a pool's workers may
//! tell; nothing is taken while a feed's mutex is held.

use super::EngineEvent;
use crate::mutex::lock;
use isopod_sync::Feed;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Those who listen.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// How many listen, and to how many of them jobs and decisions are told. Relaxed everywhere: whoever listens
    /// has been told of by the time that something happens *after* that, which is what orders the two.
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

/// Which listeners hear an event.
#[derive(Debug, Clone, Copy)]
enum Hearing {
    All,
    Jobs,
    Decisions,
}

impl Hub {
    /// Tells everybody who listens. The event is made only if somebody does.
    #[inline]
    pub(crate) fn tell(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_listeners() {
            self.tell_all(Hearing::All, event());
        }
    }

    /// Whether anybody listens.
    #[inline]
    pub(crate) fn has_listeners(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Tells everybody who listens to jobs.
    #[inline]
    pub(crate) fn tell_of_job(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_job_listeners() {
            self.tell_all(Hearing::Jobs, event());
        }
    }

    /// Whether anybody listens to jobs.
    #[inline]
    pub(crate) fn has_job_listeners(&self) -> bool {
        self.job_listeners.load(Ordering::Relaxed) > 0
    }

    /// Tells everybody who listens to decisions.
    #[inline]
    pub(crate) fn tell_decision(&self, event: impl FnOnce() -> EngineEvent) {
        if self.has_decision_listeners() {
            self.tell_all(Hearing::Decisions, event());
        }
    }

    /// Whether anybody listens to decisions.
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
        // What is left of a feed is not dropped under the mutex.
        drop(previous);
    }
}

impl Drop for Hub {
    /// The engine is gone, so nothing will happen in it any more.
    fn drop(&mut self) {
        let feeds = self.feeds.get_mut().unwrap_or_else(PoisonError::into_inner);
        for listening in feeds.iter() {
            listening.feed.close();
        }
    }
}
