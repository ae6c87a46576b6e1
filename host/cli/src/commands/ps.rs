//! `isopod ps`: what the user's running programs do, and what waits for whom.

use crate::args::PsArgs;
use crate::report;
use crate::what_runs::{socket, table};

/// Prints the processes of one running program, or of all.
///
/// # Errors
/// If the one that was named does not run, or one does not answer.
pub(crate) fn ps(options: &PsArgs) -> anyhow::Result<String> {
    let runs = match options.pid {
        None => socket::ask_all()?,
        Some(pid) => vec![socket::ask(pid)?.ok_or_else(|| {
            report::with_hint(
                format!("no `isopod run` of this user has the pid {pid}"),
                "`isopod ps` shows all of them",
            )
        })?],
    };
    Ok(match (options.json, runs.as_slice()) {
        (true, runs) => serde_json::to_string_pretty(runs)?,
        (false, []) => "no `isopod run` of this user is running".to_owned(),
        (false, runs) => table::runs(runs).trim_end().to_owned(),
    })
}
