//! The end of a process. Whatever caused it, these steps run here, once, in this order.
//!
//! 1. Its locks are released, and the next owner of each learns that it was abandoned. Its handles are
//!    dropped, with the guest's memory ([`run`](crate::run) does both: it has the store).
//! 2. Its daemons are ended.
//! 3. After a normal end, it waits for its other children. After any other end it does not wait: they pass to
//!    its parent, and if that has ended, the tree is ended.
//! 4. Its status is published. If it was a worker, its pool learns of the end and replaces it.

use crate::bug;
use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, end_each};
use std::sync::Arc;

/// Ends a process whose guest has ended with `status`. Runs on the process's own thread. If host code panics
/// in a step, the rest of that step is skipped and the next ones follow: the status is published in any case.
pub(crate) fn end(process: &Arc<ProcessState>, status: ExitStatus) {
    let name = &process.birth.name;
    bug::contain("end of daemons", name, || end_daemons(process));
    let is_joined = status.is_normal()
        && bug::contain("join of children", name, || join_children(process)).unwrap_or(false);
    let status = match is_joined {
        true => status,
        // A request to end came while it waited for its children: that request is how it ended.
        false => process.requested().unwrap_or(status),
    };
    bug::contain("adoption of children", name, || pass_children_on(process));
    publish(process, status);
}

fn end_daemons(process: &Arc<ProcessState>) {
    let daemons: Vec<Arc<ProcessState>> = process
        .children()
        .iter()
        .filter(|child| child.birth.is_daemon)
        .cloned()
        .collect();
    end_each(daemons, |_| ExitStatus::Terminated);
}

/// Waits for all children. False if the process was asked to end meanwhile.
fn join_children(process: &Arc<ProcessState>) -> bool {
    loop {
        let Some(child) = process.children().first().cloned() else {
            return true;
        };
        if child.status.wait_within(None).is_err() {
            return false;
        }
        // The child removes itself too; either may come first.
        process.children().retain(|other| other.id != child.id);
    }
}

/// Gives the children to the parent. If the parent has ended, no heir is left, and the tree is ended.
///
/// The processes of a tree do this one at a time, each for all of its children at once. So the parent of a
/// living process has not yet begun to pass its children on, and is still responsible for this one. No search
/// among processes that end at the same moment is needed.
fn pass_children_on(process: &Arc<ProcessState>) {
    // Only its children could give it more.
    if process.children().is_empty() {
        return;
    }
    let adoption = process.tree.one_adoption();
    let orphans = std::mem::take(&mut *process.children());
    let heir = process.parent().and_then(|id| process.tree.live(id));
    let mut adopted = heir.as_ref().map(|heir| heir.children());
    for orphan in orphans {
        *orphan.parent_mut() = heir.as_ref().map(|heir| heir.id);
        // A process that ends at this moment sets its status first. Then it removes itself from the list of
        // the parent that it finds. So either this loop sees the status, or the process finds itself.
        if let Some(adopted) = &mut adopted
            && orphan.status.get().is_none()
        {
            adopted.push(orphan);
        }
    }
    drop(adopted);
    drop(adoption);
    if heir.is_none() {
        process.tree.end_all(&ExitStatus::Terminated);
    }
}

fn publish(process: &Arc<ProcessState>, status: ExitStatus) {
    tracing::debug!(process = %process.id, name = process.birth.name, %status, "process ended");
    let name = &process.birth.name;
    // This comes before the status. A listener that learns of the end then finds the process gone, its place
    // free and, if it was the last one, its tree's objects emptied. The tree has ended only when all statuses
    // can be read.
    let departure = bug::contain("departure from the tree", name, || {
        process.tree.dismiss(process.id)
    });
    bug::contain("charge for the record", name, || {
        process.charge_end(&status);
    });
    bug::contain("publication of the exit status", name, || {
        process.status.set(status.clone());
    });
    bug::contain("news of an end", name, || process.tell_end(&status));
    if let Some(worker) = process.birth.role.worker() {
        worker.ended(process, status);
    }
    bug::contain("departure from the parent", name, || {
        if let Some(parent) = process.parent()
            && let Some(parent) = process.tree.live(parent)
        {
            parent.children().retain(|child| child.id != process.id);
        }
    });
    drop(departure);
}
