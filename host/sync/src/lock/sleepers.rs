//! The parties that wait for a notification of a condition, and how their waits end.

use crate::lock::ownership::Acquired;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// How a wait for a condition ended. The party owns the lock again, to the same depth as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Another party notified this one.
    Notified(Acquired),
    /// No party notified this one before the timeout.
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
    /// Notifications that were sent and not yet received: the same number of waits is woken.
    notifications: u64,
    waits: WaitList,
}

impl Sleepers {
    pub(crate) fn waiting(&self) -> u64 {
        self.waits.waiting_load().count
    }

    /// Sends notifications to parties that wait now. Returns the number sent.
    pub(crate) fn notify(&mut self, count: u64) -> u64 {
        let sent = count.min(self.waiting());
        self.notifications = self.notifications.saturating_add(sent);
        sent
    }
}

impl State for Sleepers {
    fn settle(&mut self, wakes: &mut Wakes) {
        while self.waits.woken_load().count < self.notifications && self.waits.wake_front(wakes) {}
        // A notification without a waiter to receive it is lost: parties that come later do not receive it.
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
