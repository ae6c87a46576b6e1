//! Confinement of isopod itself before the first guest runs: see [`isopod_host::confine`].
//!
//! By then all files for isopod's own use are open: the program, its code, files of results.

use crate::output;
use crate::printer::Printer;
use isopod_host::confine::Confinement;

/// Confines this process for ever. It must have no other threads. `-v` prints one line, with the features that the
/// kernel lacks.
///
/// # Errors
/// If the confinement fails although the kernel supports it. The program must not run then.
pub(crate) fn confine(confinement: Confinement, printer: &Printer) -> anyhow::Result<()> {
    let confined = confinement.apply()?;
    output::begin_bounds();
    match confined.missing() {
        [] => printer.detail(
            "confined",
            "isopod itself reaches no file, program, process or socket without a grant",
        ),
        missing => printer.detail(
            "confined in part",
            &format!("this kernel lacks: {}", missing.join("; ")),
        ),
    }
    Ok(())
}
