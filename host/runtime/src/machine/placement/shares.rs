//! Reads the shares that trees have of the cores for which they compete.

use super::{Placement, Seat, Seats};
use crate::machine::kernel::{thread_cpu_time, thread_time};
use crate::machine::turns::{Crowd, Member, TICK};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Placement {
    /// Notes that trees compete for a core: their shares are read from now on, and until they no longer
    /// compete.
    pub(super) fn begin_sharing(&self) {
        // The load comes first: the flag is usually true when this is called.
        if self.is_sharing.load(Ordering::Relaxed) || self.is_sharing.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(timer) = &self.timer {
            let weak = self.me.clone();
            timer.after(TICK, move || weak.upgrade()?.share());
        }
    }

    /// The clock of the calling thread, with the number of the last look, while shares are read.
    pub(super) fn look_at_own_clock(&self) -> Option<(u64, Duration)> {
        let is_sharing = self.is_sharing.load(Ordering::Relaxed);
        is_sharing.then(|| (self.looks.load(Ordering::Relaxed), thread_cpu_time()))
    }

    /// Adds the CPU time that a thread has used since the last look to its tree.
    pub(super) fn note_use(&self, crowds: &mut [Crowd], seat: &Seat, now: Duration) {
        let look = self.looks.load(Ordering::Relaxed);
        if let Some((seen, before)) = seat.seen
            && seen == look
            && let Some(crowd) = crowds.get_mut(seat.slot)
        {
            crowd.note_use(seat.sitter.tree, now.saturating_sub(before));
        }
    }

    /// Reads the shares, and passes on turns. Returns the delay until the next look.
    fn share(&self) -> Option<Duration> {
        let mut seats = self.lock();
        let Seats { of, crowds } = &mut *seats;
        let is_shared = |crowd: &Crowd| crowd.is_contended() || crowd.has_turns();
        for seat in of.values_mut() {
            // Processes at rest are included: they may have run until a moment ago.
            if crowds.get(seat.slot).is_some_and(is_shared)
                && let Some(now) = seat.thread.and_then(thread_time)
            {
                self.note_use(crowds, seat, now);
                seat.seen = Some((self.looks.load(Ordering::Relaxed) + 1, now));
            }
        }
        self.looks.fetch_add(1, Ordering::Relaxed);
        for (slot, crowd) in crowds.iter_mut().enumerate() {
            let mut changed = crowd.pass_turns();
            for tree in crowd.look() {
                let members = of
                    .values()
                    .filter(|seat| seat.slot == slot && seat.sitter.tree == tree && seat.counts());
                // In the order of their births, as if they had arrived one by one.
                let members: BTreeMap<_, Member> = members
                    .map(|seat| (seat.sitter.gate.seat(), seat.member()))
                    .collect();
                changed.extend(crowd.begin_turns(tree, members.into_values().collect()));
            }
            for (process, ticket) in changed {
                if let Some(seat) = of.get_mut(&process) {
                    seat.ticket = ticket;
                }
            }
        }
        for seat in of.values() {
            if seat.counts() && seat.sitter.gate.is_closed() {
                seat.sitter.gate.call();
            }
        }
        if crowds.iter().any(is_shared) {
            return Some(TICK);
        }
        // Contention begins under this same mutex: the thread that notices it from now on sets the next
        // alarm.
        self.is_sharing.store(false, Ordering::SeqCst);
        None
    }
}
