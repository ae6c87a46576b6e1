//! The deadlock report: processes that wait for each other, for ever.
//!
//! When a tree has come to rest and is still so after a moment, it is looked at, on a
//! [thread for that](crate::machine::lookout): others' deadlines do not wait for it.
//! A process is *stuck* if it is parked without a time-out for objects that only stuck processes
//! could do something about: all processes that wait are assumed to be, and from those that go on it is
//! followed whom they could wake, and whom these. What remains is a deadlock.
//!
//! # No false report
//! [`Rest`](crate::life::rest::Rest) makes the looks at all processes one moment. A time-out, a wait for
//! something from outside (a timer, a file, standard input), a handle of the embedder's or in a message,
//! a time limit of a job or of a child: each takes the process out. So does a wake that is on its way.
//!
//! # Bounds
//! A guest chooses how many objects it waits for, how many processes hold them and how they are called. One look goes
//! through a bounded number of objects and holders, and a tree whose looks take long is looked at less often, so that
//! looking takes a tenth of a core at most. A report describes a bounded number of processes, and its text is
//! cut.
//!
//! # What it leaves out
//! Trees whose processes wait for, or hold, more than a quarter of a million objects.
//! While some process of the tree runs or sleeps, those that are stuck are found only when it comes to
//! rest; and what the embedder lets go of is seen at the next rest.

use super::waits::{self, Onlooker};
use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, Tree, end_each};
use crate::limits;
use crate::reports::{Deadlock, Deadlocked, OnDeadlock};
use isopod_sync::{Kind, ObjectId, ProcessId};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a tree rests before it is looked at.
const MOMENT: Duration = Duration::from_millis(50);

/// How many processes a report has; more are counted. Each takes some kilobytes where its names are long.
const REPORTED_PROCESSES: usize = 1_000;

/// How many times as long as the last look took the next one waits.
const LOOKS_TO_PAUSES: u32 = 10;

/// How long the writing of a report waits for whoever reads it.
const PRINT_TIME: Duration = Duration::from_secs(30);

/// The claim of a tree's next look, which ends with this: later rests need another one.
struct Claim(Weak<Tree>);

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(tree) = self.0.upgrade() {
            tree.rest.release_claim();
        }
    }
}

/// The tree has come to rest: looks for a deadlock after a moment, unless that is on its way.
pub(crate) fn check_soon(tree: &Arc<Tree>) {
    // A tree that has ended rests for good: no alarm for each short program.
    if !tree.rest.claim() || tree.ended.get().is_some() {
        return;
    }
    let pause = tree.deadlock().look_time.saturating_mul(LOOKS_TO_PAUSES);
    let mut claim = Some(Claim(Arc::downgrade(tree)));
    let delay = pause.max(MOMENT);
    tree.machinery().timer.after(delay, move || {
        // If it does not rest any more, it will come to rest again.
        if let Some(claim) = claim.take()
            && let Some(tree) = claim.0.upgrade()
            && tree.rest.look().is_some()
        {
            tree.machinery().lookout.look(move || {
                let tree = claim.0.upgrade();
                drop(claim);
                if let Some(tree) = tree {
                    check(&tree);
                }
            });
        }
        None
    });
}

/// Looks, and does what is to be done about a deadlock. Takes as long as one look may.
fn check(tree: &Arc<Tree>) {
    let begin = Instant::now();
    let found = find(tree);
    tree.deadlock().look_time = begin.elapsed();
    let Some(deadlock) = found else {
        return;
    };
    {
        let mut last = tree.deadlock();
        // The same one, still there after somebody else has come to rest.
        if last.deadlock.as_ref() == Some(&deadlock) {
            return;
        }
        last.deadlock = Some(deadlock.clone());
    }
    tracing::warn!(deadlock = text(&deadlock), "deadlock");
    tree.tell_deadlock(&deadlock);
    match tree.on_deadlock {
        OnDeadlock::Ignore => {}
        OnDeadlock::Report => print(tree, &deadlock),
        OnDeadlock::End => end(tree, &deadlock),
    }
}

/// Ends the tree. Main's status has the report, that of each other process what it waited for.
fn end(tree: &Tree, deadlock: &Deadlock) {
    end_each(tree.close(), |process| {
        let own = deadlock
            .processes
            .binary_search_by_key(&process.id, |other| other.process);
        let own = own.ok().and_then(|index| deadlock.processes.get(index));
        ExitStatus::Deadlock(match own {
            _ if process.birth.role.is_main() => text(deadlock),
            Some(own) => format!("deadlock: it {}", own.wait),
            None => "its tree was ended, because others of it were in a deadlock".to_owned(),
        })
    });
}

/// Whoever is stuck in a tree at rest.
fn find(tree: &Arc<Tree>) -> Option<Deadlock> {
    let looking = tree.rest.look()?;
    let mut onlooker = Onlooker::new(tree);
    // One that was woken and has not run yet may end or wake the others.
    if onlooker
        .members()
        .any(|process| !process.waiter.is_parked())
    {
        check_soon(tree);
        return None;
    }
    let stuck = stuck(&mut onlooker)?;
    let processes: Vec<Deadlocked> = stuck
        .iter()
        .take(REPORTED_PROCESSES)
        .filter_map(|process| {
            let record = process.waiter.waiting_for()?;
            Some(Deadlocked {
                process: process.id,
                name: process.birth.name.clone(),
                wait: onlooker.wait_of(process, &record),
            })
        })
        .collect();
    let is_true = tree.rest.has_rested(looking) && !processes.is_empty();
    is_true.then_some(Deadlock {
        processes,
        more_processes: stuck.len().saturating_sub(REPORTED_PROCESSES),
    })
}

/// The processes that only others of them could wake, oldest first; none if that is too much to look
/// at.
fn stuck(onlooker: &mut Onlooker) -> Option<Vec<Arc<ProcessState>>> {
    let main = onlooker
        .members()
        .find(|process| process.birth.role.is_main());
    let main_deadline = main.and_then(|main| deadline(main));
    let mut candidates: BTreeMap<ProcessId, Arc<ProcessState>> = BTreeMap::new();
    // Who is woken as soon as somebody goes on, by who that is: through an object, or at once. A
    // pool is another object for its workers.
    type Waited = (ObjectId, bool);
    let mut waiters: BTreeMap<Waited, Vec<ProcessId>> = BTreeMap::new();
    let mut released_by: BTreeMap<ProcessId, Vec<Waited>> = BTreeMap::new();
    let mut owner_of: BTreeMap<ProcessId, ProcessId> = BTreeMap::new();
    let members: Vec<Arc<ProcessState>> = onlooker.members().cloned().collect();
    for process in members {
        let Some(objects) = objects_if_parked(&process, main_deadline) else {
            continue;
        };
        let has_workers = onlooker.workers_of(process.id).is_some();
        let mut may_be_woken = false;
        for (object, kind) in &objects {
            if onlooker.is_exhausted() {
                tracing::debug!("too much to look at for a deadlock report");
                return None;
            }
            let releasers = onlooker.releasers(&process, *object, *kind);
            may_be_woken |= releasers.others;
            may_be_woken |= releasers.processes.is_empty() && !has_workers;
        }
        if may_be_woken {
            continue;
        }
        for (object, kind) in objects {
            let waited = (object, process.birth.role.worker().is_some());
            let waiting = waiters.entry(waited).or_default();
            waiting.push(process.id);
            if waiting.len() == 1 {
                let releasers = onlooker.releasers(&process, object, kind);
                for releaser in &releasers.processes {
                    released_by.entry(*releaser).or_default().push(waited);
                }
            }
        }
        for worker in onlooker.workers_of(process.id).into_iter().flatten() {
            owner_of.insert(*worker, process.id);
        }
        candidates.insert(process.id, process);
    }

    let goes_on = |process: &ProcessId| !candidates.contains_key(process);
    let mut going_on: Vec<ProcessId> = released_by
        .keys()
        .chain(owner_of.keys())
        .copied()
        .filter(goes_on)
        .collect();
    while let Some(process) = going_on.pop() {
        // Each object is gone through once: then nobody waits for it any more.
        let released = released_by.remove(&process).into_iter().flatten();
        let woken = released.filter_map(|object| waiters.remove(&object));
        for woken in woken.flatten().chain(owner_of.remove(&process)) {
            if candidates.remove(&woken).is_some() {
                going_on.push(woken);
            }
        }
    }
    Some(candidates.into_values().collect())
}

/// What a process waits for that nothing but other processes will wake; none if something else may.
fn objects_if_parked(
    process: &ProcessState,
    main_deadline: Option<Instant>,
) -> Option<Vec<(ObjectId, Kind)>> {
    let record = process.waiter.waiting_for()?;
    // Main's own ends the tree, so it is no way out; an earlier one of a child's is.
    let is_limited = deadline(process).is_some() && deadline(process) != main_deadline;
    let worker = process.birth.role.worker();
    let has_job_limit = worker.is_some_and(|worker| worker.has_time_limit());
    let may_go_on = record.deadline.is_some() || is_limited || has_job_limit;
    (!may_go_on && process.waiter.is_parked()).then(|| waits::objects_of(&record).collect())
}

fn deadline(process: &ProcessState) -> Option<Instant> {
    process.birth.deadline.map(|(deadline, _)| deadline)
}

/// The report as text of a bounded size: the names in it are the guest's.
fn text(deadlock: &Deadlock) -> String {
    limits::cut(deadlock.to_string(), limits::LONGEST_STATUS_BYTES)
}

/// Writes the report on a thread of its own, one at a time for each tree: standard error may be slow, and
/// nobody else is to wait for it.
fn print(tree: &Arc<Tree>, deadlock: &Deadlock) {
    let is_printing = Arc::clone(&tree.deadlock().is_printing);
    if is_printing.swap(true, Ordering::SeqCst) {
        tracing::warn!("the last deadlock is still being told on standard error, this one is not");
        return;
    }
    let text = tree.report_within_limits(format!("{}\n", text(deadlock)));
    let stderr = tree.surroundings.stderr.clone();
    let has_printed = Arc::clone(&is_printing);
    let printing = std::thread::Builder::new()
        .name("isopod-deadlock".to_owned())
        .spawn(move || {
            // Nobody is left to be told that it could not be written.
            let _ = stderr.write_all_within(text.as_bytes(), PRINT_TIME);
            has_printed.store(false, Ordering::SeqCst);
        });
    if let Err(error) = printing {
        is_printing.store(false, Ordering::SeqCst);
        tracing::warn!(%error, "the deadlock could not be told on standard error");
    }
}
