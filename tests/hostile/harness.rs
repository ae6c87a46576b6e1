//! The assertions that hold for every hostile guest.

use isopod_host::sync::Queue;
use isopod_host::sync::{Bounds, Handle, Message};
use isopod_host::{Capture, Command, Engine, ExitStatus, Output, Process, Program};
use isopod_tests::{GUARD, Remains, build, eventually, root};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The limit of processes; small, so that the engine is soon full.
pub(crate) const MAX_PROCESSES: u32 = 200;

/// The memory limit of each process of a hostile guest, unless its test sets another.
const MEMORY_BYTES: u64 = 64 << 20;

/// The longest wait until nothing is left. Only a guard.
pub(crate) const LEFT_GUARD: Duration = Duration::from_secs(3);

/// The most rounds of a hostile guest that may leave more behind than was there before.
pub(crate) const MOST_ATTEMPTS: u32 = 5;

/// The end that a test expects of a hostile guest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expectation {
    /// It makes the calls that it may, is refused the others, and exits with 0. Its output contains this
    /// text.
    Exits(&'static str),
    /// With a trap whose text contains this.
    Traps(&'static str),
    /// At its memory limit.
    RunsOutOfMemory,
    /// At another limit, whose text contains this.
    ReachesItsLimit(&'static str),
    /// At the deadline of its command.
    ReachesItsDeadline,
    /// With a failure whose text begins with this.
    Fails(&'static str),
    /// Never: it reports that it has come to its point, and the test kills it.
    IsKilled,
}

/// One engine for all hostile guests of this test binary, one after the other, because the counts are those
/// of the whole operating-system process.
pub(crate) struct Arena {
    pub(crate) engine: Engine,
    program: Program,
    ready: Queue,
}

/// The arena, for one test at a time.
pub(crate) fn arena() -> MutexGuard<'static, Arena> {
    static ARENA: OnceLock<Mutex<Arena>> = OnceLock::new();
    let arena = ARENA.get_or_init(|| Mutex::new(Arena::new()));
    let arena = arena.lock().unwrap_or_else(PoisonError::into_inner);
    arena.clear();
    arena
}

/// Runs a scenario of `tests/hostile-guests`. Asserts how it ends, that a well-behaved sibling keeps
/// working meanwhile, and that nothing is left of the guest.
pub(crate) fn hostile(scenario: &str, expectation: Expectation) {
    hostile_with(scenario, expectation, |command| command);
}

/// Like [`hostile`], with changes to the command.
pub(crate) fn hostile_with(
    scenario: &str,
    expectation: Expectation,
    change: impl Fn(Command) -> Command,
) {
    let arena = arena();
    let command = change(arena.command(scenario));
    arena.withstands(command, expectation);
}

impl Arena {
    fn new() -> Arena {
        let binaries = std::env::current_exe().unwrap();
        let cache = binaries.parent().unwrap().parent().unwrap();
        let engine = Engine::builder()
            .max_processes(MAX_PROCESSES)
            .cache_directory(cache.join("isopod-test-code"))
            .cache_key_file(cache.join("isopod-test-state/cache.key"))
            .build()
            .unwrap();
        let component = build(&root().join("tests/hostile-guests")).unwrap();
        let program = Program::from_bytes(&engine, "hostile", &component).unwrap();
        let arena = Arena {
            ready: Queue::new(Bounds::default()),
            engine,
            program,
        };
        arena.fill_pools();
        arena
    }

    /// Uses every slot and thread once.
    fn fill_pools(&self) {
        let bomb = self.start(&self.command("fork-chain"));
        assert_eq!(bomb.0.join_tree_timeout(GUARD), Some(ExitStatus::Exited(0)));
    }

    /// Removes the remains of a failed test, so that they do not make the next one fail.
    pub(crate) fn clear(&self) {
        for process in self.engine.processes() {
            process.kill();
            process.join_tree_timeout(GUARD).expect("never ended");
        }
        self.forget_ready();
    }

    /// The queue on which guests report that they have come to their point.
    pub(crate) fn ready(&self) -> Handle {
        self.ready.to_handle()
    }

    pub(crate) fn command(&self, scenario: &str) -> Command {
        Command::new(&self.program)
            .arg(scenario)
            .handle("ready", &self.ready.to_handle())
            .memory_limit(MEMORY_BYTES)
    }

    pub(crate) fn withstands(&self, command: Command, expectation: Expectation) {
        let sibling = Sibling::start(self);
        // One round first, to fill everything that is kept for reuse: idle threads, warm slots, the
        // allocator's memory.
        self.round(&sibling, &command, expectation);
        // Every kept resource has a bound, and one round may not reach it. A leak has no bound.
        for attempt in 1..=MOST_ATTEMPTS {
            let before = Remains::count().unwrap();
            for _ in 0..2 {
                self.round(&sibling, &command, expectation);
            }
            match Arena::come_back_to(&before, LEFT_GUARD) {
                Ok(()) => break,
                Err(after) if attempt == MOST_ATTEMPTS => panic!("left: {before:?} {after:?}"),
                Err(_) => {}
            }
        }
        sibling.end();
        // The command holds `ready` too.
        drop(command);
        let holders = self.ready.holders();
        assert_eq!((holders.embedder, holders.messages), (1, 0), "{holders:?}");
        assert!(holders.processes.is_empty(), "{holders:?}");
        assert!(self.engine.processes().is_empty());
    }

    /// Threads leave only after their processes have ended.
    pub(crate) fn come_back_to(before: &Remains, guard: Duration) -> Result<(), Remains> {
        let start = Instant::now();
        loop {
            let after = Remains::count().unwrap();
            if after.is_as(before) {
                return Ok(());
            }
            if start.elapsed() > guard {
                return Err(after);
            }
            std::thread::yield_now();
        }
    }

    fn round(&self, sibling: &Sibling, command: &Command, expectation: Expectation) {
        let (process, stdout, stderr) = self.start(command);
        if matches!(expectation, Expectation::IsKilled) {
            self.wait_ready();
        }
        sibling.works();
        if matches!(expectation, Expectation::IsKilled) {
            assert!(process.is_alive(), "{}", stderr.text());
            process.kill();
        }
        let status = process
            .join_tree_timeout(GUARD)
            .expect("the tree never ended");
        sibling.works();
        let context = format!("{status}\n{}\n{}", cut(&stdout), cut(&stderr));
        match (expectation, &status) {
            (Expectation::Exits(text), ExitStatus::Exited(0)) => {
                assert!(stdout.text().contains(text), "{context}");
            }
            (Expectation::Traps(expected), ExitStatus::Trapped(text)) => {
                assert!(text.contains(expected), "{context}");
            }
            (Expectation::ReachesItsLimit(expected), ExitStatus::Limit(text)) => {
                assert!(text.contains(expected), "{context}");
            }
            (Expectation::Fails(expected), ExitStatus::Failed(text)) => {
                assert!(text.starts_with(expected), "{context}");
            }
            (Expectation::RunsOutOfMemory, ExitStatus::MemoryLimit(_))
            | (Expectation::ReachesItsDeadline, ExitStatus::Deadline(_))
            | (Expectation::IsKilled, ExitStatus::Killed) => {}
            _ => panic!("expected: {expectation:?}; was: {context}"),
        }
        self.forget_ready();
    }

    pub(crate) fn forget_ready(&self) {
        while self.ready.try_get().is_ok() {}
    }

    pub(crate) fn start(&self, command: &Command) -> (Process, Capture, Capture) {
        let (stdout, stderr) = (Capture::new(), Capture::new());
        let command = command
            .clone()
            .stdout(Output::Capture(stdout.clone()))
            .stderr(Output::Capture(stderr.clone()));
        (command.spawn().unwrap(), stdout, stderr)
    }

    /// A well-behaved tree that is ready to work.
    pub(crate) fn sibling(&self) -> Sibling {
        Sibling::start(self)
    }

    /// Waits until the process is ready, or has ended.
    pub(crate) fn wait_ready_or_end(&self, process: &Process) {
        eventually("ready, or its end", || {
            self.ready.try_get().is_ok() || !process.is_alive()
        });
    }

    pub(crate) fn wait_ready(&self) {
        self.ready.get_timeout(GUARD).expect("never ready");
    }
}

/// A tree that has its processes before the hostile one begins, and works on request.
pub(crate) struct Sibling {
    process: Process,
    rounds: Queue,
    answers: Queue,
}

impl Sibling {
    fn start(arena: &Arena) -> Sibling {
        let (rounds, answers) = (Queue::new(Bounds::default()), Queue::new(Bounds::default()));
        let command = arena
            .command("well-behaved-sibling")
            .handle("rounds", &rounds.to_handle())
            .handle("answers", &answers.to_handle());
        let process = command.spawn().unwrap();
        arena.wait_ready();
        Sibling {
            process,
            rounds,
            answers,
        }
    }

    /// The tree finishes a round of its work.
    pub(crate) fn works(&self) {
        self.rounds.put(Message::from_bytes([0])).unwrap();
        self.answers
            .get_timeout(GUARD)
            .expect("the sibling never answered");
    }

    pub(crate) fn end(self) {
        self.rounds.close();
        let status = self.process.join_tree_timeout(GUARD);
        assert_eq!(status, Some(ExitStatus::Exited(0)));
    }
}

/// The beginning of an output.
fn cut(output: &Capture) -> String {
    output.text().chars().take(2_000).collect()
}
