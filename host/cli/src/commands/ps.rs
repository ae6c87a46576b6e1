//! `isopod ps`: what the user's running programs do, and what waits for whom.

use crate::args::PsArgs;
use crate::printer::Printer;
use crate::report;
use crate::what_runs::{socket, table};

/// Prints the processes of one running program, or of all.
///
/// # Errors
/// If the one that was named does not run, or none can be asked.
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
