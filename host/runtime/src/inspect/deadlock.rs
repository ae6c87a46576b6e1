//! The deadlock report: processes that wait for each other, for ever.
//!
//! If a tree has come to rest and still rests after a moment, the host looks at it. It does so on a
//! [thread for that](crate::machine::lookout), so that the deadlines of others do not wait for the look.
//!
//! A process is *stuck* if it is parked without a timeout, for objects on which only stuck processes could
//! act. The look first assumes that all waiting processes are stuck. Then it marks as live everything
//! reachable from a live process through "could wake". The processes that remain are in a deadlock.
//!
//! # No false report
//! [`Rest`](crate::life::rest::Rest) makes the looks at all processes count as one moment. Each of these
//! makes a process live: a timeout, a wait for an event from outside (a timer, a file, standard input), a
//! handle to its object that the embedder or a message holds, a time limit of a job or of a child, and a
//! wake that is on its way.
//!
//! # Bounds
//! A guest chooses the number of objects that it waits for, the number of processes that hold them, and
//! their names. One look goes through a bounded number of objects and holders. The host looks less often at a
//! tree whose looks take long, so that looks take a tenth of a core at most. A report describes a bounded
//! number of processes, and its text is cut.
//!
//! # Limits of the search
//! It skips trees whose processes wait for, or hold, more than a quarter of a million objects. While any
//! process of the tree runs or sleeps, stuck processes stay unreported until the tree comes to rest. If the
//! embedder drops a handle, the host sees that at the next rest.

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

/// How long a tree rests before the host looks at it.
const MOMENT: Duration = Duration::from_millis(50);

/// The most processes in a report; it counts the others. Each takes some kilobytes if its names are long.
const REPORTED_PROCESSES: usize = 1_000;

/// The pause before the next look, as a multiple of the time that the last one took.
const LOOKS_TO_PAUSES: u32 = 10;

/// How long the writing of a report waits for the reader of the stream.
const PRINT_TIME: Duration = Duration::from_secs(30);

/// The claim on a tree's next look. Dropping this releases the claim, so later rests need another look.
struct Claim(Weak<Tree>);

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(tree) = self.0.upgrade() {
            tree.rest.release_claim();
        }
    }
}

/// The tree has come to rest: looks for a deadlock after a moment, unless a look is pending already.
pub(crate) fn check_soon(tree: &Arc<Tree>) {
    // A tree that has ended rests for good, so a short program costs no timer.
    if tree.ended.get().is_some() || !tree.rest.claim() {
        return;
    }
    let pause = tree.deadlock().look_time.saturating_mul(LOOKS_TO_PAUSES);
    let mut claim = Some(Claim(Arc::downgrade(tree)));
    let delay = pause.max(MOMENT);
    tree.machinery().timer.after(delay, move || {
        // If the tree no longer rests, it will come to rest again and ask for another look.
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

/// Looks for a deadlock, and reacts to it. Takes as long as one look may.
fn check(tree: &Arc<Tree>) {
    let begin = Instant::now();
    let found = find(tree);
    tree.deadlock().look_time = begin.elapsed();
    let Some(deadlock) = found else {
        return;
    };
    {
        let mut last = tree.deadlock();
        // The same deadlock, still there after another process has come to rest.
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

/// Ends the tree. Main's status has the report; the status of each other process has its wait.
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

/// The deadlock in a tree at rest, if there is one.
fn find(tree: &Arc<Tree>) -> Option<Deadlock> {
    let looking = tree.rest.look()?;
    let mut onlooker = Onlooker::new(tree);
    // A process that was woken and has not run yet may end or wake the others.
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

/// The processes that only others in the list could wake, oldest first; none if there is too much to
/// look at.
fn stuck(onlooker: &mut Onlooker) -> Option<Vec<Arc<ProcessState>>> {
    let main = onlooker
        .members()
        .find(|process| process.birth.role.is_main());
    let main_deadline = main.and_then(|main| deadline(main));
    let mut candidates: BTreeMap<ProcessId, Arc<ProcessState>> = BTreeMap::new();
    // A process that continues could wake the waiters of the objects that it could release
    // (`released_by`, then `waiters`), and the owner of its pool directly (`owner_of`). A pool counts as
    // a different object for its workers.
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
        // Each object is visited once: after that it has no waiters.
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

/// The objects that a process waits for, if only other processes can wake it; none if anything else may.
fn objects_if_parked(
    process: &ProcessState,
    main_deadline: Option<Instant>,
) -> Option<Vec<(ObjectId, Kind)>> {
    let record = process.waiter.waiting_for()?;
    // Main's deadline ends the tree, so it is no way out; an earlier deadline of a child is.
    let is_limited = deadline(process).is_some() && deadline(process) != main_deadline;
    let worker = process.birth.role.worker();
    let has_job_limit = worker.is_some_and(|worker| worker.has_time_limit());
    let may_go_on = record.deadline.is_some() || is_limited || has_job_limit;
    (!may_go_on && process.waiter.is_parked()).then(|| waits::objects_of(&record).collect())
}

fn deadline(process: &ProcessState) -> Option<Instant> {
    process.birth.deadline.map(|(deadline, _)| deadline)
}

/// The report as text. Its size is bounded because the guest chooses the names in it.
fn text(deadlock: &Deadlock) -> String {
    limits::cut(deadlock.to_string(), limits::LONGEST_STATUS_BYTES)
}

/// Writes the report on a thread of its own, one at a time for each tree: standard error may be slow, and
/// nothing else must wait for it.
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
            // There is nowhere left to report a failed write.
            let _ = stderr.write_all_within(text.as_bytes(), PRINT_TIME);
            has_printed.store(false, Ordering::SeqCst);
        });
    if let Err(error) = printing {
        is_printing.store(false, Ordering::SeqCst);
        tracing::warn!(%error, "the deadlock could not be told on standard error");
    }
}
