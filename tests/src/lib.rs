//! The parts that the integration tests share: the guest program, and an engine to run it.
//!
//! The guests are real: each test binary builds `tests/guests` to a component once, with `isopod-build`.
//! The compiled code is cached between binaries.

mod random;
mod remains;
mod rerun;
mod spawns;
mod temporary;

pub use random::Random;
pub use remains::Remains;
pub use rerun::{assert_passed, rerun};
pub use spawns::{ManySpawns, many_spawns};
pub use temporary::Temporary;

use anyhow::{Context, Result};
use isopod_host::pool::Pool;
use isopod_host::sync::{Bounds, Queue};
use isopod_host::{Capture, Command, Engine, EngineBuilder, ExitStatus, Output, Process, Program};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The longest wait for steps that should take milliseconds. Only a guard against hanging tests.
pub const GUARD: Duration = Duration::from_secs(120);

/// The states of `tests/guests/src/blocked.rs` in which a process waits or computes for ever, except the
/// state that reads standard input.
pub const BLOCKED_STATES: [&str; 19] = [
    "busy",
    "queue-get",
    "queue-put",
    "pipe-recv",
    "pipe-poll",
    "pipe-send",
    "lock-acquire",
    "rlock-acquire",
    "semaphore-acquire",
    "event-wait",
    "condition-wait",
    "barrier-wait",
    "wait-any",
    "join",
    "sleep",
    "bulk-memory",
    "big-messages",
    "ending",
    "full-memory",
];

/// The component of `tests/guests`.
///
/// # Errors
/// The error of the build, the first time.
pub fn guests() -> Result<&'static [u8]> {
    static GUESTS: BuiltOnce = OnceLock::new();
    built_once(&GUESTS, "tests/guests")
}

/// The component of `tests/plugin-guests`.
///
/// # Errors
/// The error of the build, the first time.
pub fn plugins() -> Result<&'static [u8]> {
    static PLUGINS: BuiltOnce = OnceLock::new();
    built_once(&PLUGINS, "tests/plugin-guests")
}

/// A component, or the reason why it could not be built.
type BuiltOnce = OnceLock<Result<Vec<u8>, String>>;

fn built_once(place: &'static BuiltOnce, source: &str) -> Result<&'static [u8]> {
    let built =
        place.get_or_init(|| build(&root().join(source)).map_err(|error| format!("{error:#}")));
    match built {
        Ok(component) => Ok(component),
        Err(text) => anyhow::bail!("{text}"),
    }
}

/// Builds a guest crate or a `.rs` file to a component.
///
/// # Errors
/// The error of the build.
pub fn build(source: &Path) -> Result<Vec<u8>> {
    let mut steps = Vec::new();
    let options = isopod_build::Options {
        // Some guests are made with the WIT in this tree.
        read_source: vec![root().join("wit")],
        ..isopod_build::Options::default()
    };
    let built = isopod_build::build(source, &options, &mut |step| steps.push(step.to_owned()));
    let built = built.with_context(|| format!("building {}: {steps:?}", source.display()))?;
    Ok(built.component)
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// An engine and the guest program loaded into it.
#[derive(Debug)]
pub struct Bench {
    /// The engine.
    pub engine: Engine,
    /// The guests.
    pub program: Program,
    /// The queue on which guests report that they have come to their point: see `tests/guests`.
    pub ready: Queue,
}

/// The end of a scenario and its output.
#[derive(Debug)]
pub struct Finished {
    /// How main ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Asserts that main succeeded; `what` names the scenario.
    ///
    /// # Panics
    /// If main did not succeed, with its standard error.
    pub fn assert_success(&self, what: &str) {
        assert_eq!(
            self.status,
            ExitStatus::Exited(0),
            "{what}: {}",
            self.stderr
        );
    }
}

impl Bench {
    /// An engine with the default settings.
    ///
    /// # Errors
    /// The errors of the build and of the engine.
    pub fn new() -> Result<Bench> {
        Bench::with(Engine::builder())
    }

    /// An engine with these settings.
    ///
    /// # Errors
    /// The errors of the build and of the engine.
    pub fn with(settings: EngineBuilder) -> Result<Bench> {
        // Beside the test binaries: `target/release/deps/..`.
        let binaries = std::env::current_exe()?;
        let cache = binaries.parent().and_then(Path::parent);
        let cache = cache.context("test binaries are in a directory")?;
        let engine = settings
            .cache_directory(cache.join("isopod-test-code"))
            .cache_key_file(cache.join("isopod-test-state/cache.key"))
            .build()?;
        Ok(Bench {
            program: Program::from_bytes(&engine, "guests", guests()?)?,
            ready: Queue::new(Bounds::default()),
            engine,
        })
    }

    /// A command for a scenario; blanks separate its arguments.
    pub fn command(&self, scenario: &str) -> Command {
        Command::new(&self.program)
            .args(scenario.split(' '))
            .handle("ready", &self.ready.to_handle())
    }

    /// Starts a scenario and waits until this many of its processes report that they are ready.
    ///
    /// # Errors
    /// If it cannot be started, or is never ready.
    pub fn start(&self, scenario: &str, ready_count: usize) -> Result<Process> {
        let process = self.command(scenario).spawn()?;
        self.wait_ready(ready_count)?;
        Ok(process)
    }

    /// Waits until this many processes have reported that they are ready.
    ///
    /// # Errors
    /// If they have not after [`GUARD`].
    pub fn wait_ready(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.ready.get_timeout(GUARD).context("never ready")?;
        }
        Ok(())
    }

    /// Runs a scenario to its end and captures its output.
    ///
    /// # Errors
    /// If it cannot be started, or never ends.
    pub fn run(&self, scenario: &str) -> Result<Finished> {
        run(self.command(scenario))
    }
}

/// Waits for a condition that comes without an event, and panics with `what` if it never comes.
///
/// # Panics
/// If it has not come after [`GUARD`].
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < GUARD, "never: {what}");
        std::thread::yield_now();
    }
}

/// Kills `count` workers of a pool, which is all that it has, while they compute. No worker is killed
/// before its guest has received its job, since that would put the job back. No killed worker has begun
/// another job meanwhile.
///
/// # Panics
/// If they never compute.
pub fn kill_computing(pool: &Pool, count: usize) {
    /// No worker uses this much time before it has its job.
    const SPENT: Duration = Duration::from_millis(50);
    let workers = pool.workers();
    assert_eq!(workers.len(), count, "the pool's workers");
    eventually("all workers compute", || {
        workers.iter().all(|worker| worker.cpu_time() > SPENT)
    });
    for worker in workers {
        worker.kill();
    }
}

/// Runs a scenario that must succeed, on an engine of its own.
///
/// # Panics
/// If it cannot be run or does not succeed, with its standard error.
pub fn succeeds(scenario: &str) -> Finished {
    let finished = Bench::new().and_then(|bench| bench.run(scenario));
    let finished = finished.expect("a scenario that runs");
    finished.assert_success(scenario);
    finished
}

/// Runs a command to its end and captures its output.
///
/// # Errors
/// If it cannot be started, or never ends.
pub fn run(command: Command) -> Result<Finished> {
    run_with(command, |_| ())
}

/// Like [`run`], and runs `meanwhile` on the main process.
///
/// # Errors
/// If it cannot be started, or never ends.
pub fn run_with(command: Command, meanwhile: impl FnOnce(&Process)) -> Result<Finished> {
    let (stdout, stderr) = (Capture::new(), Capture::new());
    let process = command
        .stdout(Output::Capture(stdout.clone()))
        .stderr(Output::Capture(stderr.clone()))
        .spawn()?;
    meanwhile(&process);
    let status = process
        .join_tree_timeout(GUARD)
        .context("the tree never ended")?;
    Ok(Finished {
        status,
        stdout: stdout.text(),
        stderr: stderr.text(),
    })
}
