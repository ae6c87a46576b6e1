//! Those who wait for a condition to be notified, and how that ends.

use crate::lock::ownership::Acquired;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// How a wait for a condition ended. The lock is owned again, to the depth it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Another party notified this one.
    Notified(Acquired),
    /// Nobody did before the time-out.
    TimedOut(Acquired),
}

impl Waited {
    /// Whether another party notified this one.
    #[must_use]
    pub fn is_notified(self) -> bool {
        matches!(self, Self::Notified(_))
    }

    /// How the lock was taken again.
    #[must_use]
    pub fn acquired(self) -> Acquired {
        match self {
            Self::Notified(acquired) | Self::TimedOut(acquired) => acquired,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    /// Sent and not yet received: as many waits are on the woken side.
    notifications: u64,
    waits: WaitList,
}

impl Sleepers {
    pub(crate) fn waiting(&self) -> u64 {
        self.waits.waiting_load().count
    }

    /// Sends notifications to those who wait now; how many.
    pub(crate) fn notify(&mut self, count: u64) -> u64 {
        let sent = count.min(self.waiting());
        self.notifications = self.notifications.saturating_add(sent);
        sent
    }
}

impl State for Sleepers {
    fn settle(&mut self, wakes: &mut Wakes) {
        while self.waits.woken_load().count < self.notifications && self.waits.wake_front(wakes) {}
        // A notification that nobody is left to receive is gone: it is not for those who come.
        self.notifications = self.waits.woken_load().count;
    }
}

/// Receives a notification.
#[derive(Debug)]
pub(crate) struct Sleep;

/// A notification was received.
#[derive(Debug)]
pub(crate) struct Notification;

impl Operation for Sleep {
    type State = Sleepers;
    type Output = Notification;

    const NAME: &'static str = "wait";

    fn list(state: &mut Sleepers) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut Sleepers, place: Place) -> Option<Notification> {
        if place == Place::Newcomer {
            return None;
        }
        state.notifications = state.notifications.saturating_sub(1);
        Some(Notification)
    }
}
