//! Fair shares of a core among the trees whose processes compete for it.
//!
//! The kernel gives each *thread* that wants a core an equal share, so a tree of a hundred processes
//! would get a hundred times as much as a tree of one. Therefore, while trees compete for a core, the
//! processes of a tree that takes more than its share take turns there: one of them runs, the others are
//! paused at their [gates](crate::machine::gate). The kernel then divides the core among the trees, with
//! all its usual rules for threads that wake up, and nothing is lost if a tree does not want its share.
//!
//! A process that parks or ends hands its turn on at once. Otherwise a turn lasts one [tick](TICK) of the
//! timer, which ticks only while trees compete for some core. The processes of a tree that competes with
//! no other tree take no turns.
//!
//! This module holds the state of one core, without a clock and a thread;
//! [`placement`](crate::machine::placement) has both.

use crate::machine::{Gate, Reason};
use isopod_sync::ProcessId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The length of a turn, and the interval between looks at the shares while trees compete.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// A tree that takes turns sits out while it is ahead of its share by more than this, in nanoseconds:
/// when another thread takes a thread's place, the kernel forgets what that thread has had beyond its own
/// share.
const MOST_AHEAD: i128 = 2_500_000;

/// The largest lead that a tree is charged with, and the part of it that is forgotten at each tick that
/// the tree sits out, in nanoseconds: another process that wants the core may be waiting for something
/// that this core does not show.
const LARGEST_LEAD: i128 = 20_000_000;
const FORGOTTEN: i128 = 300_000;

/// A tree takes turns if it has used more of a core than its share by this many hundredths.
const TOLERANCE: u32 = 10;

/// Shares are judged over this many ticks: the kernel lets a thread run for some milliseconds at a time.
const WINDOW_TICKS: u32 = 8;

/// A tree continues to take turns for this many windows after no other tree has wanted the core:
/// otherwise a tree that wants the core now and then would have to wait for the next judgement each time.
const CALM_WINDOWS: u32 = 25;

/// The processes that are runnable on one core, by their trees.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    lanes: HashMap<u64, Lane>,
    /// The number of trees with a runnable process, and of trees with several.
    wanting: usize,
    crowding: usize,
    /// Ticks of the current window so far.
    ticks: u32,
}

/// The runnable processes of one tree.
#[derive(Debug, Default)]
struct Lane {
    runnable: usize,
    /// CPU time in this window, and since the last tick.
    used: Duration,
    used_in_tick: Duration,
    turns: Option<Turns>,
}

/// The turns of a tree's processes.
#[derive(Debug, Default)]
struct Turns {
    active: Option<Member>,
    waiting: BTreeMap<u64, Member>,
    next_ticket: u64,
    /// The CPU time that the tree has had beyond its share, in nanoseconds.
    lead: i128,
    sits_out: bool,
    calm_windows: u32,
}

/// A process that is runnable on the core.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) process: ProcessId,
    pub(crate) gate: Arc<Gate>,
}

/// The place of a process in the line for its tree's turns; `None` for the process whose turn it is, and
/// where no turns are taken.
pub(crate) type Ticket = Option<u64>;

impl Crowd {
    /// A process becomes runnable here.
    pub(crate) fn arrive(&mut self, tree: u64, member: Member) -> Ticket {
        let lane = self.lanes.entry(tree).or_default();
        lane.runnable += 1;
        match lane.runnable {
            1 => self.wanting += 1,
            2 => self.crowding += 1,
            _ => {}
        }
        lane.turns.as_mut()?.enter(member)
    }

    /// A process is no longer runnable here. Its turn passes to the next process, whose ticket is void
    /// then.
    pub(crate) fn depart(
        &mut self,
        tree: u64,
        member: &Member,
        ticket: Ticket,
    ) -> Option<ProcessId> {
        let lane = self.lanes.get_mut(&tree)?;
        lane.runnable = lane.runnable.saturating_sub(1);
        match lane.runnable {
            0 => self.wanting = self.wanting.saturating_sub(1),
            1 => self.crowding = self.crowding.saturating_sub(1),
            _ => {}
        }
        let next = lane
            .turns
            .as_mut()
            .and_then(|turns| turns.leave(member, ticket));
        if lane.runnable == 0 && lane.turns.is_none() {
            self.lanes.remove(&tree);
        }
        // If only one tree is left that wants the core, it sits out no longer.
        next.or_else(|| match self.wanting {
            0 | 1 => self.end_sitting_out(),
            _ => None,
        })
    }

    /// Whether trees compete here, and the kernel alone might not divide the core fairly.
    pub(crate) fn is_contended(&self) -> bool {
        self.wanting > 1 && self.crowding > 0
    }

    /// Whether any tree takes turns here.
    pub(crate) fn has_turns(&self) -> bool {
        self.lanes.values().any(|lane| lane.turns.is_some())
    }

    /// Adds CPU time that a process of the tree has used of the core.
    pub(crate) fn note_use(&mut self, tree: u64, used: Duration) {
        if let Some(lane) = self.lanes.get_mut(&tree) {
            lane.used += used;
            lane.used_in_tick += used;
        }
    }

    /// Counts a tick, and judges the shares at the end of a window. Returns the trees that must take
    /// turns from now on: see [`begin_turns`](Self::begin_turns).
    pub(crate) fn look(&mut self) -> Vec<u64> {
        self.ticks += 1;
        if self.ticks < WINDOW_TICKS {
            return Vec::new();
        }
        self.ticks = 0;
        let took_part = |lane: &Lane| lane.runnable > 0 || !lane.used.is_zero();
        let parties = self.lanes.values().filter(|lane| took_part(lane)).count();
        let total: Duration = self.lanes.values().map(|lane| lane.used).sum();
        let share = total / u32::try_from(parties).unwrap_or(u32::MAX).max(1);
        let most = share * (100 + TOLERANCE) / 100;
        let mut greedy = Vec::new();
        for (tree, lane) in &mut self.lanes {
            let is_alone = parties <= usize::from(took_part(lane));
            match &mut lane.turns {
                Some(turns) if is_alone => turns.calm_windows += 1,
                Some(turns) => turns.calm_windows = 0,
                None if !is_alone && lane.used > most => greedy.push(*tree),
                None => {}
            }
            if lane
                .turns
                .as_ref()
                .is_some_and(|turns| turns.calm_windows > CALM_WINDOWS)
            {
                lane.turns = None;
            }
            lane.used = Duration::ZERO;
        }
        self.lanes
            .retain(|_, lane| lane.runnable > 0 || lane.turns.is_some());
        greedy
    }

    /// Makes the processes of a tree take turns from now on. Takes the runnable ones and returns them
    /// with their tickets.
    pub(crate) fn begin_turns(
        &mut self,
        tree: u64,
        members: Vec<Member>,
    ) -> Vec<(ProcessId, Ticket)> {
        let Some(lane) = self.lanes.get_mut(&tree) else {
            return Vec::new();
        };
        let turns = lane.turns.insert(Turns::default());
        let members = members.into_iter();
        members
            .map(|member| (member.process, turns.enter(member)))
            .collect()
    }

    /// Lets the trees that take turns continue without sitting out. Returns the process whose turn it is.
    fn end_sitting_out(&mut self) -> Option<ProcessId> {
        let mut turns = self
            .lanes
            .values_mut()
            .filter_map(|lane| lane.turns.as_mut());
        turns.find_map(|turns| {
            let sat_out = std::mem::take(&mut turns.sits_out);
            sat_out.then(|| turns.activate_next()).flatten()
        })
    }

    /// Passes the turn of each tree that takes turns to its next process, or lets the tree sit out.
    /// Returns the tickets that have changed.
    pub(crate) fn pass_turns(&mut self) -> Vec<(ProcessId, Ticket)> {
        let took_part = |lane: &Lane| lane.runnable > 0 || !lane.used_in_tick.is_zero();
        let parties = self.lanes.values().filter(|lane| took_part(lane)).count();
        let total: Duration = self.lanes.values().map(|lane| lane.used_in_tick).sum();
        let share = total / u32::try_from(parties).unwrap_or(u32::MAX).max(1);
        let others_want = self.wanting > 1;
        for lane in self.lanes.values_mut() {
            let used = std::mem::take(&mut lane.used_in_tick);
            if let Some(turns) = &mut lane.turns {
                turns.settle(used, share, others_want);
            }
        }
        let turns = self
            .lanes
            .values_mut()
            .filter_map(|lane| lane.turns.as_mut());
        turns.flat_map(Turns::pass).collect()
    }
}

impl Turns {
    /// Decides after a tick whether the tree sits out the next one.
    fn settle(&mut self, used: Duration, share: Duration, others_want: bool) {
        let nanoseconds = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(LARGEST_LEAD);
        let forgotten = if self.sits_out { FORGOTTEN } else { 0 };
        let lead = self.lead + nanoseconds(used) - nanoseconds(share) - forgotten;
        // The tree does not get back time that it has left to others: no tree is owed more than a turn.
        self.lead = lead.clamp(-MOST_AHEAD, LARGEST_LEAD);
        let most = if self.sits_out { 0 } else { MOST_AHEAD };
        self.sits_out = others_want && self.lead > most;
    }

    fn enter(&mut self, member: Member) -> Ticket {
        if self.active.is_none() && !self.sits_out {
            self.active = Some(member);
            return None;
        }
        member.gate.close(Reason::Turn);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(ticket, member);
        Some(ticket)
    }

    /// Returns the process whose turn it is now, if that is another one.
    fn leave(&mut self, member: &Member, ticket: Ticket) -> Option<ProcessId> {
        if let Some(ticket) = ticket {
            self.waiting.remove(&ticket);
            member.gate.open(Reason::Turn);
            return None;
        }
        self.active
            .take_if(|active| active.process == member.process)?;
        self.activate_next()
    }

    fn activate_next(&mut self) -> Option<ProcessId> {
        if self.sits_out {
            return None;
        }
        let (_, next) = self.waiting.pop_first()?;
        next.gate.open(Reason::Turn);
        let process = next.process;
        self.active = Some(next);
        Some(process)
    }

    fn pass(&mut self) -> Vec<(ProcessId, Ticket)> {
        if self.waiting.is_empty() && !self.sits_out {
            return Vec::new();
        }
        let last = self.active.take();
        let next = self.activate_next().map(|process| (process, None));
        let last = last.map(|member| (member.process, self.enter(member)));
        next.into_iter().chain(last).collect()
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        for member in self.waiting.values() {
            member.gate.open(Reason::Turn);
        }
    }
}

#[cfg(test)]
mod tests;
