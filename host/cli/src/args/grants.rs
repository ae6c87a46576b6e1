//! The options that grant files, variables and the network.

use crate::values::{DirectoryGrant, EnvironmentEntry};
use clap::Args;
use isopod_host::NetworkAddress;

/// What the program, or the plugin, may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// Let the program read and write the directory HOST and what is below it, under the name
    /// GUEST (default: as given). May be given several times.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(crate) directories: Vec<DirectoryGrant>,

    /// As `--dir`, but the program can only read it. Not for a directory that holds the key of isopod's cache.
    #[arg(long = "read-dir", value_name = "HOST[::GUEST]")]
    pub(crate) read_directories: Vec<DirectoryGrant>,

    /// Allow `--dir` for a directory that holds a compiler or another program that builds use, or lies in one. Who
    /// writes there has native code run as you: only for a program that you trust. isopod's cache and its key stay
    /// refused.
    #[arg(long)]
    pub(crate) allow_overlap: bool,

    /// Set an environment variable of the program; NAME alone takes the value it has here. May be
    /// given several times.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<EnvironmentEntry>,
}

/// What a plugin never may.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct ProgramGrantArgs {
    /// Let the program open FIFOs and devices in its directories, which may wait for ever.
    #[arg(long)]
    pub(crate) allow_special_files: bool,

    /// Let the program connect to this address, as `192.0.2.7:443` or `[::1]:80`; `*` is any address,
    /// or any port. May be given several times.
    #[arg(long = "net", value_name = "ADDRESS:PORT")]
    pub(crate) connect: Vec<NetworkAddress>,

    /// Let the program accept connections at this address of the machine. May be given several times.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<NetworkAddress>,

    /// Let the program look up the addresses of host names.
    #[arg(long)]
    pub(crate) allow_name_lookup: bool,
}
