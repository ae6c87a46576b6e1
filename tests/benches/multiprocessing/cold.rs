//! Whole commands, from the start of the operating system's process to its end.

use crate::measure::{Measure, expect};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The total time of the commands of one line.
const MEASUREMENT: Duration = Duration::from_secs(1);

/// Measures `isopod run` of programs of two sizes that do nothing.
pub(crate) fn measure(measure: &mut Measure<'_>) -> Result<()> {
    measure.group("whole command");
    if crate::cpython::version().is_some() {
        measure.single_within("CPython: python3 -c pass", MEASUREMENT, || {
            expect(time(Command::new("python3").args(["-c", "pass"])))
        });
    }
    let Some(isopod) = binary() else {
        measure.skip(
            "isopod run",
            "the command line is not built: `cargo build --release`",
        );
        return Ok(());
    };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cold");
    std::fs::create_dir_all(&directory)?;
    // One that does not use isopod, and one with all of isopod in it.
    let small =
        isopod_tests::build(&isopod_tests::root().join("host/cli/tests/cli/programs/plain.rs"))?;
    for (component, what) in [
        (small.as_slice(), "normal"),
        (isopod_tests::guests()?, "nothing"),
    ] {
        let size = component.len() / 1000;
        let path = directory.join(format!("{size}.wasm"));
        std::fs::write(&path, component)?;
        let run = |cache: &Path| {
            time(
                Command::new(&isopod)
                    .env("ISOPOD_CACHE", cache)
                    .arg("run")
                    .arg(&path)
                    .args(["--", what]),
            )
        };
        let cache = directory.join("cache");
        run(&cache)?;
        measure.single_within(
            &format!("isopod run of {size} KB, compiled before"),
            MEASUREMENT,
            || expect(run(&cache)),
        );
        let fresh = directory.join("fresh");
        measure.single_within(
            &format!("isopod run of {size} KB for the first time"),
            MEASUREMENT,
            || {
                let _ = std::fs::remove_dir_all(&fresh);
                expect(run(&fresh))
            },
        );
    }
    Ok(())
}

/// The command line, which is built into the same directory.
pub(crate) fn binary() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    let path = this.parent()?.parent()?.join("isopod");
    path.is_file().then_some(path)
}

/// The time of a command, which has no input, and whose output is discarded.
pub(crate) fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("running {command:?}"))?;
    let elapsed = start.elapsed();
    anyhow::ensure!(status.success(), "{command:?} ended with {status}");
    Ok(elapsed)
}
