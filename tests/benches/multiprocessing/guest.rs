//! The guest program of the benchmarks, and the protocol that runs its loops.

use anyhow::{Context, Result};
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Command, Engine, EngineBuilder, Output, Process, Program};
use std::path::Path;
use std::time::Duration;

/// Only a guard against a benchmark that hangs.
const GUARD: Duration = Duration::from_secs(60);

/// The bounds of all measured queues, as in the guest program.
pub(crate) const MESSAGES: usize = 1024;
pub(crate) const QUEUED_BYTES: u64 = (4 << 20) + 4096;

/// An engine with the guest program.
pub(crate) struct Host {
    program: Program,
    engine: Engine,
}

impl Host {
    /// An engine on these cores.
    pub(crate) fn new(component: &[u8], cores: &[usize]) -> Result<Host> {
        Host::with(component, Engine::builder().cores(cores.iter().copied()))
    }

    /// An engine with these settings.
    pub(crate) fn with(component: &[u8], settings: EngineBuilder) -> Result<Host> {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code");
        let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key");
        let engine = settings
            .cache_directory(cache)
            .cache_key_file(key)
            .build()?;
        let program = Program::from_bytes(&engine, "bench-guest", component)?;
        Ok(Host { program, engine })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A command without input or output.
    pub(crate) fn command(&self, scenario: &str) -> Command {
        Command::new(&self.program)
            .args(scenario.split(' '))
            .stdout(Output::Discard)
    }

    /// Starts a guest that runs rounds of its loop on demand.
    pub(crate) fn resident(&self, scenario: &str) -> Result<Resident> {
        Resident::start(self.command(scenario))
    }
}

/// A guest that runs rounds of its loop on demand, and reads the clock around them.
pub(crate) struct Resident {
    process: Process,
    requests: Queue,
    results: Queue,
}

impl Resident {
    /// Starts the guest, and has it run one round.
    pub(crate) fn start(command: Command) -> Result<Resident> {
        let requests = Queue::new(Bounds::default());
        let results = Queue::new(Bounds::default());
        let process = command
            .handle("requests", &requests.to_handle())
            .handle("results", &results.to_handle())
            .spawn()?;
        let resident = Resident {
            process,
            requests,
            results,
        };
        resident.rounds(1)?;
        Ok(resident)
    }

    /// The time of `count` rounds, as the guest measures it.
    pub(crate) fn rounds(&self, count: u64) -> Result<Duration> {
        self.begin(count)?;
        self.finish()
    }

    /// Tells the guest to run `count` rounds.
    pub(crate) fn begin(&self, count: u64) -> Result<()> {
        Ok(self.requests.put(message(count))?)
    }

    /// Waits until the guest has finished them.
    pub(crate) fn finish(&self) -> Result<Duration> {
        let result = match self.results.get_timeout(GUARD) {
            Ok(result) => result,
            Err(error) => {
                let status = self.process.exit_status();
                anyhow::bail!("no result of the guest ({error}); its status: {status:?}")
            }
        };
        Ok(Duration::from_nanos(number(&result.bytes)?))
    }

    /// Ends the guest.
    pub(crate) fn end(self) -> Result<()> {
        self.requests.close();
        let status = self.process.join_tree();
        anyhow::ensure!(status.success(), "the guest ended badly: {status}");
        Ok(())
    }
}

/// The private memory of this operating-system process.
pub(crate) fn private_bytes() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    Ok(text.lines().filter_map(private_bytes_of).sum())
}

/// The private bytes in a line of the kernel's: `Private_Dirty:  12 kB`. None for another line.
pub(crate) fn private_bytes_of(line: &str) -> Option<f64> {
    let value = line.strip_prefix("Private_")?.split_once(':')?.1;
    let kib: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// A number as the guest's library encodes it: LEB128.
fn message(mut number: u64) -> Message {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return Message::from_bytes(bytes);
        }
        bytes.push(low | 0x80);
    }
}

fn number(bytes: &[u8]) -> Result<u64> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        let shift = u32::try_from(index * 7)?;
        let bits = u64::from(byte & 0x7f).checked_shl(shift);
        number |= bits.context("a number is too long")?;
    }
    Ok(number)
}
