//! The options that grant files, variables and the network.

use crate::values::{DirectoryGrant, EnvironmentEntry};
use clap::Args;
use isopod_host::NetworkAddress;

/// Grants of a program or a plugin.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// Let the program read and write the directory HOST and everything below it. The program sees
    /// the directory under the name GUEST [default: as given]. Can be given several times.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(crate) directories: Vec<DirectoryGrant>,

    /// Like `--dir`, but read-only. isopod refuses a directory that holds the key of its cache.
    #[arg(long = "read-dir", value_name = "HOST[::GUEST]")]
    pub(crate) read_directories: Vec<DirectoryGrant>,

    /// Allow `--dir` for a directory that contains a compiler or another build tool, or lies in the
    /// directory of one. A program that writes there can run native code as you, so use this for
    /// trusted programs only. isopod still refuses its cache and the key of the cache.
    #[arg(long)]
    pub(crate) allow_overlap: bool,

    /// Set an environment variable of the program. NAME alone copies the value from isopod's own
    /// environment. Can be given several times.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<EnvironmentEntry>,
}

/// Grants that a plugin never gets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct ProgramGrantArgs {
    /// Let the program open FIFOs and devices in its directories. Operations on them can wait for
    /// ever.
    #[arg(long)]
    pub(crate) allow_special_files: bool,

    /// Let the program connect to this address, for example `192.0.2.7:443` or `[::1]:80`. `*`
    /// stands for any address or any port. Can be given several times.
    #[arg(long = "net", value_name = "ADDRESS:PORT")]
    pub(crate) connect: Vec<NetworkAddress>,

    /// Let the program accept connections at this address of the machine. Can be given several
    /// times.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<NetworkAddress>,

    /// Let the program look up the addresses of host names.
    #[arg(long)]
    pub(crate) allow_name_lookup: bool,
}
