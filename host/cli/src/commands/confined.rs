//! Before the first guest runs, isopod gives up what was not granted: see [`isopod_host::confine`].
//!
//! All that is opened by its path for isopod's own use is open by then: the program, its code, files of results.

use crate::output;
use crate::printer::Printer;
use isopod_host::confine::Confinement;

/// Confines this process, for ever; it must have no other threads. `-v` tells it in one line, with what the kernel lacks.
///
/// # Errors
/// If it cannot be confined though the kernel could: then nothing is run.
pub(crate) fn confine(confinement: Confinement, printer: &Printer) -> anyhow::Result<()> {
    let confined = confinement.apply()?;
    output::begin_bounds();
    match confined.missing() {
        [] => printer.detail(
            "confined",
            "isopod itself reaches no file, program, process or socket beside what is granted",
        ),
        missing => printer.detail(
            "confined in part",
            &format!("this kernel lacks: {}", missing.join("; ")),
        ),
    }
    Ok(())
}
