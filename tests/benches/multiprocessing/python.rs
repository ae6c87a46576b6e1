//! Python scripts in isopod: the same script beside CPython, which is the baseline.

use crate::cold;
use crate::cpython;
use crate::driven::cores_word;
use crate::guest::{Resident, private_bytes};
use crate::measure::{Measure, expect};
use anyhow::Result;
use isopod_host::{Access, Command, Engine, Output, Program};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The number of processes that wait while the memory of one is measured.
const IDLE: u64 = 40;

/// Measures the scripts on these cores. Where the runner cannot be made they are left out, with a notice.
pub(crate) fn measure(measure: &mut Measure<'_>, available: &[usize]) -> Result<()> {
    let Some(runner) = runner() else {
        return Ok(());
    };
    let cores = available.get(..2).unwrap_or(available);
    let host = Host::new(&runner, cores)?;
    measure.group("Python: process start and join");
    for method in ["spawn", "fork"] {
        let name = format!("CPython, {method}");
        cpython::rounds(measure, &name, ["start", method], cores)?;
    }
    host.rounds(measure, "isopod", ["start", "spawn"])?;
    for (group, scenario) in [
        ("Pool(4).map, default chunks, per item", ["pool", "map-4"]),
        ("pool map, chunks of 1, per job", ["pool", "map"]),
        ("pool apply", ["pool", "apply"]),
        ("Queue one way 16 B", ["one-way", "16"]),
        ("Pipe round trip 16 B", ["round-trip", "16"]),
        ("Lock acquire and release", ["lock", ""]),
        ("Manager dict get", ["manager", "get"]),
        ("Manager dict set", ["manager", "set"]),
    ] {
        measure.group(&format!("Python: {group}"));
        cpython::rounds(measure, "CPython", scenario, cores)?;
        host.rounds(measure, "isopod", scenario)?;
    }
    measure.group("Python: sum of 10**7 squares, CPython");
    for processes in ["1", "2"] {
        let name = format!("processes: {processes}");
        cpython::rounds(measure, &name, ["split", processes], cores)?;
    }
    measure.group("Python: sum of 10**7 squares, isopod");
    for processes in ["1", "2"] {
        host.rounds(
            measure,
            &format!("processes: {processes}"),
            ["split", processes],
        )?;
    }
    command(measure)?;
    memory(measure, &host)
}

/// The component that runs scripts. If there is none, prints the reason.
#[allow(
    clippy::print_stderr,
    reason = "whoever measures must see what is left out"
)]
fn runner() -> Option<PathBuf> {
    let options = isopod_build::Options::default();
    isopod_build::python_runner(&options, &mut |_| {})
        .inspect_err(|error| eprintln!("notice: Python in isopod is not measured: {error}"))
        .ok()
}

/// An engine with the runner.
struct Host {
    program: Program,
    cores: String,
}

impl Host {
    fn new(runner: &Path, cores: &[usize]) -> Result<Host> {
        let engine = Engine::builder()
            .cores(cores.iter().copied())
            .max_processes(256)
            .cache_directory(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code"))
            .cache_key_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key"))
            .build()?;
        let program = Program::from_file(&engine, runner)?;
        let cores = cores_word(cores);
        Ok(Host { program, cores })
    }

    /// A process of the script that CPython runs too.
    fn start(&self, scenario: [&str; 2]) -> Result<Resident> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/multiprocessing");
        let what = format!(
            r#"{{"run":"script","value":"{directory}/cpython.py","shown":"cpython.py","cwd":"{directory}"}}"#
        );
        let command = Command::new(&self.program)
            .args([&what, &self.cores])
            .args(scenario)
            .directory(directory, directory, Access::ReadOnly)
            .stderr(Output::Inherit);
        Resident::start(command)
    }

    fn rounds(&self, measure: &mut Measure<'_>, name: &str, scenario: [&str; 2]) -> Result<()> {
        let resident = self.start(scenario)?;
        measure.rounds(name, |rounds| expect(resident.rounds(rounds)));
        resident.end()
    }
}

/// A whole command, from its start to its end. Where the command `isopod` was not built beside this
/// benchmark, it is left out, with a notice.
#[allow(
    clippy::print_stderr,
    reason = "whoever measures must see what is left out"
)]
fn command(measure: &mut Measure<'_>) -> Result<()> {
    let directory = isopod_tests::Temporary::new("hello")?;
    let script = directory.path().join("hello.py");
    std::fs::write(&script, "print('hello')\n")?;
    measure.group("Python: the whole command, hello.py");
    if cpython::version().is_some() {
        let python = own_path()?;
        measure.single("python3 hello.py", || expect(run(&python, &[], &script)));
    }
    let Some(isopod) = cold::binary() else {
        eprintln!("notice: `isopod run` is not measured: `cargo build --release` makes it");
        return Ok(());
    };
    // The first run compiles.
    run(&isopod, &["run", "-q"], &script)?;
    measure.single("isopod run hello.py", || {
        expect(run(&isopod, &["run", "-q"], &script))
    });
    Ok(())
}

/// The interpreter itself: the command may be a script that looks for it.
fn own_path() -> Result<PathBuf> {
    let output = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

fn run(program: &Path, options: &[&str], script: &Path) -> Result<Duration> {
    cold::time(
        std::process::Command::new(program)
            .args(options)
            .arg(script),
    )
}

/// The private memory of a waiting process: the growth of the host's private memory.
fn memory(measure: &mut Measure<'_>, host: &Host) -> Result<()> {
    if !measure.has_measured("Python") {
        return Ok(());
    }
    measure.group("Python: private memory of a process that waits");
    let resident = host.start(["idle", ""])?;
    let before = private_bytes()?;
    resident.rounds(IDLE)?;
    let grown = private_bytes()? - before;
    resident.end()?;
    measure.bytes("isopod", grown / IDLE as f64);
    Ok(())
}
