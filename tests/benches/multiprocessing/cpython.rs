//! The CPython baseline. It is left out on machines without `python3`.

use crate::driven::{Driven, cores_word};
use crate::measure::Measure;
use anyhow::Result;
use std::process::Command;

/// Measures a run of `cpython.py` with these arguments on these cores; without cores it is not pinned.
pub(crate) fn rounds(
    measure: &mut Measure<'_>,
    name: &str,
    arguments: [&str; 2],
    cores: &[usize],
) -> Result<()> {
    if !measure.wants(name) || version().is_none() {
        return Ok(());
    }
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/benches/multiprocessing/cpython.py"
    );
    let mut command = Command::new("python3");
    command.arg(script).arg(cores_word(cores)).args(arguments);
    Driven::start(&mut command)?.measure(measure, name)
}

/// The version of `python3`, if there is one.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("python3").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
