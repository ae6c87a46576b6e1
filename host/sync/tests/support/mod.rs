//! The parts that tests with several threads share.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "not every test uses all of it, and tests start threads as they like"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use isopod_sync::{Hooks, Party, ProcessId, Waiter};

/// Hooks that count their calls.
#[derive(Default)]
pub(crate) struct Counting {
    pub(crate) spin: bool,
    pub(crate) parking: AtomicUsize,
    pub(crate) unparked: AtomicUsize,
    pub(crate) inspections: AtomicUsize,
}

impl Hooks for Counting {
    fn may_spin(&self) -> bool {
        self.spin
    }
    fn parking(&self) {
        self.parking.fetch_add(1, Ordering::SeqCst);
    }
    fn unparked(&self) {
        self.unparked.fetch_add(1, Ordering::SeqCst);
    }
    fn inspect(&self) {
        self.inspections.fetch_add(1, Ordering::SeqCst);
    }
}

/// The waiter of the process with this number, and its hooks.
pub(crate) fn process(number: u64) -> (Arc<Waiter>, Arc<Counting>) {
    let hooks = Arc::new(Counting::default());
    let party = Party::Process(ProcessId::new(number));
    (Waiter::new(party, hooks.clone()), hooks)
}

/// Runs `body` on a thread of its own that waits with `waiter`.
pub(crate) fn run<R: Send + 'static>(
    waiter: &Arc<Waiter>,
    body: impl FnOnce() -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let waiter = waiter.clone();
    thread::spawn(move || {
        let _entered = waiter.enter();
        body()
    })
}

/// Waits for an event that another thread is sure to cause.
pub(crate) fn until(mut event: impl FnMut() -> bool) {
    let failure = Instant::now() + Duration::from_secs(30);
    while !event() {
        assert!(Instant::now() < failure, "the event did not come");
        thread::yield_now();
    }
}
