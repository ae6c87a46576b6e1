//! The options of a build of source.

use crate::values::{ByteCount, Timeout};
use clap::Args;
use isopod_build::Supervisor;
use std::path::PathBuf;

/// The hidden command that supervises a build tool.
pub(crate) const SERVE_BUILD: &str = "serve-build";

/// Rights and limits of a build.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct ToolchainArgs {
    /// Never install missing build tools. The build fails and names them.
    #[arg(long)]
    pub(crate) no_install: bool,

    /// Build the source without a sandbox. Its build scripts and macros can do anything that you
    /// can do.
    #[arg(long, conflicts_with = "read_source")]
    pub(crate) trust_build: bool,

    /// Let the build also read the directory DIR, for example that of a dependency by path. Can be
    /// given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) read_source: Vec<PathBuf>,

    /// Limit the time of each tool of a sandboxed build [default: 1h].
    #[arg(long, value_name = "TIME", conflicts_with = "trust_build")]
    pub(crate) build_timeout: Option<Timeout>,

    /// Limit the memory of each process of a sandboxed build, and the size of each file that the
    /// build writes [default: half of the machine's memory].
    #[arg(long, value_name = "SIZE", conflicts_with = "trust_build")]
    pub(crate) build_memory: Option<ByteCount>,
}

impl ToolchainArgs {
    fn supervisor(&self) -> Supervisor {
        // The file of the running program, even if its path leads to another file by now.
        let supervisor = Supervisor::new("/proc/self/exe", [SERVE_BUILD]);
        let supervisor = match self.build_timeout {
            Some(time) => supervisor.time(time.duration()),
            None => supervisor,
        };
        let half = isopod_host::code::CompileLimits::default().most_memory_bytes();
        supervisor.memory_bytes(self.build_memory.map_or(half, ByteCount::bytes))
    }

    /// The options in the form of the builder.
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
