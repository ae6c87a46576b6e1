//! The engine's one timer thread: deadlines, repeated kills, unfinished lines, rebalancing.
//!
//! An alarm is a closure that the timer thread runs at the alarm's time. The closure must be short and
//! must not block; it may ask to run again. The thread sleeps while no alarm is due. It starts just
//! before the first process does, and not earlier: see [`confine`](crate::confine).

use crate::bug;
use crate::logging::Tracing;
use crate::machine::cores;
use crate::mutex::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The closure that runs at the alarm's time; `Some` runs it again after that delay.
type Action = Box<dyn FnMut() -> Option<Duration> + Send>;

/// Names an alarm, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    due: Instant,
    number: u64,
}

/// A handle to the timer thread. Dropping the last one ends the thread.
#[derive(Debug)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
    /// The arguments for the thread's start, until the thread starts.
    waiting: Mutex<Option<(Vec<usize>, Tracing)>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    alarms: BTreeMap<Alarm, Action>,
    next_number: u64,
    is_closed: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Timer").finish_non_exhaustive()
    }
}

impl Timer {
    /// Makes a timer whose thread is not started yet; the thread may run on all of these cores.
    pub(crate) fn new(cores: Vec<usize>, tracing: Tracing) -> Timer {
        Timer {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            waiting: Mutex::new(Some((cores, tracing))),
        }
    }

    /// Starts the thread, unless it has started already: without the thread no alarm goes off.
    ///
    /// # Errors
    /// The system's error, if the thread cannot be made.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        let mut waiting = lock(&self.waiting);
        let Some((cores, tracing)) = waiting.clone() else {
            return Ok(());
        };
        let of_thread = Arc::clone(&self.shared);
        std::thread::Builder::new()
            .name("isopod-timer".to_owned())
            .spawn(move || {
                cores::pin(None, &cores);
                tracing.scope(|| of_thread.run());
            })?;
        *waiting = None;
        Ok(())
    }

    /// A timer whose thread runs.
    #[cfg(test)]
    pub(crate) fn started() -> Timer {
        let timer = Timer::new(Vec::new(), Tracing::default());
        assert!(timer.start().is_ok());
        timer
    }

    /// Runs `action` on the timer thread when `delay` has passed.
    pub(crate) fn after(
        &self,
        delay: Duration,
        action: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> Alarm {
        let mut state = self.shared.lock();
        let alarm = state.alarm_after(delay);
        let is_first = state
            .alarms
            .first_key_value()
            .is_none_or(|(first, _)| alarm < *first);
        state.alarms.insert(alarm, Box::new(action));
        drop(state);
        if is_first {
            self.shared.changed.notify_one();
        }
        alarm
    }

    /// Removes an alarm. Has no effect if the alarm has run, or runs at this moment.
    pub(crate) fn cancel(&self, alarm: Alarm) {
        // The action is dropped after the mutex is released: it may hold the last reference to anything.
        let action = self.shared.lock().alarms.remove(&alarm);
        drop(action);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
    }
}

impl State {
    fn alarm_after(&mut self, delay: Duration) -> Alarm {
        self.next_number += 1;
        let now = Instant::now();
        Alarm {
            // A delay beyond the clock's range means never: a century is long enough.
            due: now
                .checked_add(delay)
                .unwrap_or(now + Duration::from_secs(100 * 365 * 24 * 3600)),
            number: self.next_number,
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            let now = Instant::now();
            let wait = match state.alarms.first_entry() {
                Some(first) if first.key().due <= now => {
                    let mut action = first.remove();
                    drop(state);
                    // One thread serves all guests, so it must survive a panic in the work for one of
                    // them.
                    let again = bug::contain("alarm", "an alarm", &mut action).flatten();
                    state = self.lock();
                    if let Some(delay) = again {
                        let alarm = state.alarm_after(delay);
                        state.alarms.insert(alarm, action);
                    } else {
                        drop(state);
                        drop(action);
                        state = self.lock();
                    }
                    continue;
                }
                Some(first) => Some(first.key().due - now),
                None => None,
            };
            state = match wait {
                Some(wait) => {
                    let waited = self.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a failed unwrap is a failed test, and a panic is what is tested"
    )]
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn alarms_run_in_the_order_of_their_times() {
        let timer = Timer::started();
        let (sender, receiver) = mpsc::channel();
        for milliseconds in [30, 10, 20] {
            let sender = sender.clone();
            timer.after(Duration::from_millis(milliseconds), move || {
                sender.send(milliseconds).unwrap();
                None
            });
        }
        let order: Vec<u64> = receiver.iter().take(3).collect();
        assert_eq!(order, [10, 20, 30]);
    }

    #[test]
    fn an_alarm_can_repeat_and_be_cancelled() {
        let timer = Timer::started();
        let (sender, receiver) = mpsc::channel();
        let cancelled = timer.after(Duration::from_millis(5), {
            let sender = sender.clone();
            move || {
                sender.send(0).unwrap();
                None
            }
        });
        timer.cancel(cancelled);
        let mut runs = 0;
        timer.after(Duration::from_millis(1), move || {
            runs += 1;
            sender.send(runs).unwrap();
            (runs < 3).then_some(Duration::from_millis(10))
        });
        let order: Vec<u32> = receiver.iter().collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn what_was_set_before_the_start_goes_off_after_it() {
        let timer = Timer::new(vec![], Tracing::default());
        let (sender, receiver) = mpsc::channel();
        timer.after(Duration::ZERO, move || {
            sender
                .send(std::thread::current().name().map(str::to_owned))
                .unwrap();
            None
        });
        assert!(receiver.try_recv().is_err());
        timer.start().unwrap();
        timer.start().unwrap();
        assert_eq!(receiver.recv(), Ok(Some("isopod-timer".to_owned())));
    }

    #[test]
    fn an_alarm_that_panics_does_not_keep_the_others_from_running() {
        let timer = Timer::started();
        let (sender, receiver) = mpsc::channel();
        timer.after(Duration::ZERO, || panic!("a bug in an alarm"));
        timer.after(Duration::from_millis(1), move || {
            sender.send("the next one").unwrap();
            None
        });
        assert_eq!(receiver.recv(), Ok("the next one"));
    }
}
