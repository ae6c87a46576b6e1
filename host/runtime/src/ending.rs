//! How a process ends: always here, once, in this order, whatever made it end.
//!
//! 1. Its locks are released; the next owner is told that they were abandoned. Its handles are
//!    dropped, with the guest's memory ([`run`](crate::run) does both: it has the store).
//! 2. Its daemons are ended.
//! 3. After a normal end its other children are waited for. After any other end nobody waits: they
//!    pass to the nearest living ancestor, and if there is none, the tree is ended.
//! 4. Its status is published. The pool of a worker is told, and replaces it.

use crate::bug;
use crate::end_request::end_each;
use crate::exit_status::ExitStatus;
use crate::process::ProcessState;
use std::sync::{Arc, PoisonError};

/// Ends a process whose guest has come to an end with `status`. On the process's own thread. A step
/// in which host code panics is left at that, and the next ones follow: the status is published
/// whatever happens.
pub(crate) fn end(process: &Arc<ProcessState>, status: ExitStatus) {
    let name = &process.name;
    bug::contain("end of daemons", name, || end_daemons(process));
    let is_joined = status.is_normal()
        && bug::contain("join of children", name, || join_children(process)).unwrap_or(false);
    let status = match is_joined {
        true => status,
        // Asked to end while it waited for its children: that is how it ended.
        false => process.requested().unwrap_or(status),
    };
    bug::contain("adoption of children", name, || pass_children_on(process));
    publish(process, status);
}

fn end_daemons(process: &Arc<ProcessState>) {
    let daemons: Vec<Arc<ProcessState>> = process
        .children()
        .live
        .iter()
        .filter(|child| child.is_daemon)
        .cloned()
        .collect();
    end_each(daemons, |_| ExitStatus::Terminated);
}

/// Waits for all children. False if the process was asked to end meanwhile.
fn join_children(process: &Arc<ProcessState>) -> bool {
    loop {
        let Some(child) = process.children().live.first().cloned() else {
            return true;
        };
        if child.status.wait_within(None).is_err() {
            return false;
        }
        // The child removes itself too; whoever comes first.
        process.children().live.retain(|other| other.id != child.id);
    }
}

fn pass_children_on(process: &Arc<ProcessState>) {
    let orphans = {
        let mut children = process.children();
        children.is_closed = true;
        std::mem::take(&mut children.live)
    };
    for orphan in orphans {
        if !is_adopted(process, &orphan) {
            process.tree.end_all(&ExitStatus::Terminated);
            return;
        }
    }
}

/// Gives an orphan to the nearest living ancestor. False if there is none.
fn is_adopted(process: &Arc<ProcessState>, orphan: &Arc<ProcessState>) -> bool {
    let mut below = Arc::clone(process);
    while let Some(id) = below.parent() {
        let Some(ancestor) = process.tree.live(id) else {
            // It has ended, and before that it has passed this one on: unless there was nobody.
            if below.parent() == Some(id) {
                return false;
            }
            continue;
        };
        let adopted = orphan.parent.lock();
        *adopted.unwrap_or_else(PoisonError::into_inner) = Some(ancestor.id);
        let mut children = ancestor.children();
        if !children.is_closed {
            // One that ends at this moment removes itself from the list of whom it finds as its
            // parent, after it has set its status: so either it is seen here, or it finds itself.
            if orphan.status.get().is_none() {
                children.live.push(Arc::clone(orphan));
            }
            return true;
        }
        drop(children);
        below = ancestor;
    }
    false
}

fn publish(process: &Arc<ProcessState>, status: ExitStatus) {
    tracing::debug!(process = %process.id, name = process.name, %status, "process ended");
    let name = &process.name;
    // Before the status: whoever is told of the end finds the process gone, its place free and, if
    // it was the last one, its tree's objects emptied. The tree has ended only when all statuses
    // can be read.
    let departure = bug::contain("departure from the tree", name, || {
        process.tree.dismiss(process.id)
    });
    bug::contain("publication of the exit status", name, || {
        process.status.set(status.clone());
    });
    bug::contain("news of an end", name, || process.tell_end(&status));
    if let Some(worker) = &process.worker {
        worker.ended(process, status);
    }
    bug::contain("departure from the parent", name, || {
        if let Some(parent) = process.parent()
            && let Some(parent) = process.tree.live(parent)
        {
            parent
                .children()
                .live
                .retain(|child| child.id != process.id);
        }
    });
    drop(departure);
}
