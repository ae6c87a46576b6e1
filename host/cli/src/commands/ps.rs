//! `isopod ps`: the processes of the user's running programs, and their waits.

use crate::args::PsArgs;
use crate::printer::Printer;
use crate::report;
use crate::what_runs::{socket, table};

/// Prints the processes of one running program, or of all.
///
/// # Errors
/// If there is no run with the given pid, or the runs cannot be asked.
pub(crate) fn run(options: &PsArgs, printer: &Printer) -> anyhow::Result<u8> {
    let answers = match options.pid {
        None => socket::ask_all()?,
        Some(pid) => vec![socket::ask(pid)?.ok_or_else(|| {
            report::with_hint(
                format!("no `isopod run` of this user has the pid {pid}"),
                "`isopod ps` shows all of them",
            )
        })?],
    };
    printer.result(&match (options.format.json, answers.as_slice()) {
        (true, answers) => isopod_text::json(&serde_json::to_string_pretty(answers)?).into_owned(),
        (false, []) => "no `isopod run` of this user is running".to_owned(),
        (false, answers) => table::answers(answers).trim_end().to_owned(),
    });
    Ok(0)
}
