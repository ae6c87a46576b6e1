//! The options of a build of source.

use crate::values::{ByteCount, Timeout};
use clap::Args;
use isopod_build::Supervisor;
use std::path::PathBuf;

/// How isopod is told to supervise a tool of a build.
pub(crate) const SERVE_BUILD: &str = "serve-build";

/// What a build may do to this machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct ToolchainArgs {
    /// Never install what a build lacks; fail and say what is missing.
    #[arg(long)]
    pub(crate) no_install: bool,

    /// Build the source without a sandbox: its build scripts and macros may do whatever you can.
    #[arg(long, conflicts_with = "read_source")]
    pub(crate) trust_build: bool,

    /// Let the build read the directory DIR too, as that of a dependency by path. May be given several
    /// times.
    #[arg(long, value_name = "DIR")]
    pub(crate) read_source: Vec<PathBuf>,

    /// Give up when one tool of a sandboxed build has taken so long [default: 1h].
    #[arg(long, value_name = "TIME", conflicts_with = "trust_build")]
    pub(crate) build_timeout: Option<Timeout>,

    /// Limit the memory of each process of a sandboxed build, and the size of each file that it writes [default: half of
    /// the machine's memory].
    #[arg(long, value_name = "SIZE", conflicts_with = "trust_build")]
    pub(crate) build_memory: Option<ByteCount>,
}

impl ToolchainArgs {
    fn supervisor(&self) -> Supervisor {
        // The file of the program that runs, whatever lies at its path by now.
        let supervisor = Supervisor::new("/proc/self/exe", [SERVE_BUILD]);
        let supervisor = match self.build_timeout {
            Some(time) => supervisor.time(time.duration()),
            None => supervisor,
        };
        let half = isopod_host::code::CompileLimits::default().most_memory_bytes();
        supervisor.memory_bytes(self.build_memory.map_or(half, ByteCount::bytes))
    }

    /// How to build.
    pub(crate) fn options(&self, is_quiet: bool) -> isopod_build::Options {
        isopod_build::Options {
            install: !self.no_install,
            quiet: is_quiet,
            trust: self.trust_build,
            read_source: self.read_source.clone(),
            supervisor: Some(self.supervisor()),
            unread: isopod_host::code::cache_key_file().into_iter().collect(),
            cache: None,
        }
    }
}
