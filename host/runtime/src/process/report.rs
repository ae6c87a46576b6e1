//! The last words of a process on its tree's standard error.

use crate::exit_status::ExitStatus;
use crate::inspect::crash_report;
use crate::life::ProcessState;
use crate::stdio::Lines;
use isopod_text::{Line, Lines as Shown};
use std::sync::Arc;

/// Writes the rest of the output and, for an end that the guest did not choose, the reason for it. The end of
/// main is for its embedder to report.
pub(super) fn report(
    process: &ProcessState,
    status: &ExitStatus,
    stdout: &Arc<Lines>,
    stderr: &Arc<Lines>,
) {
    // Nobody is left to learn that output could not be written.
    let _ = stdout.flush();
    let worker = process.birth.role.worker();
    let has_job = worker.is_some_and(|worker| worker.has_job(process.id));
    let text = match status {
        ExitStatus::Exited(_) | ExitStatus::Terminated | ExitStatus::Killed => None,
        // The submitter of the job learns of it.
        _ if has_job => None,
        ExitStatus::Failed(text) if process.birth.role.is_main() => {
            Some(format!("{}\n", Shown(text)))
        }
        _ if process.birth.role.is_main() => None,
        ExitStatus::Failed(text) => Some(format!(
            "Process {}:\n{}\n",
            Line(&process.birth.name),
            Shown(text)
        )),
        other => crash_report::of(process, other)
            .map(|report| format!("Process {}:\n{report}\n", Line(&process.birth.name))),
    };
    if let Some(text) = text {
        let text = process.tree.report_within_limits(text);
        let _ = stderr.write(text.as_bytes());
    }
    let _ = stderr.flush();
}
