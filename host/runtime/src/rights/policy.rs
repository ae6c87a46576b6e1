//! The rights of a program, as the embedder sets them.

use super::network::{Network, NetworkAddress};
use super::{GrantedDirectory, Rights};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::EngineDescriptors;
use crate::stdio::{Output, Stdin};
use std::path::{Path, PathBuf};

/// The access of guests to a directory.
///
/// ```
/// use isopod_host::{Access, Policy};
/// let policy = Policy::default().directory("/srv/data", "/data", Access::ReadOnly);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    ReadOnly,
    /// Read, write, make and remove files.
    ReadWrite,
}

/// A directory that the processes of a tree see.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) access: Access,
    /// Whether data stored there always counts.
    pub(crate) is_temporary: bool,
}

/// The rights of a program. [`Policy::default`] allows nothing: no file, no variable, no stream, no
/// network. A program may always compute, make processes and shared objects within the
/// [limits](crate::Limits), read clocks and get random bytes. The [`Command`](crate::Command) itself
/// gives arguments and [handles](crate::Command::handle).
///
/// A policy holds for all processes of the tree; a process can start another one with fewer rights, never
/// with more.
///
/// ```
/// use isopod_host::{Access, Output, Policy};
/// let policy = Policy::default()
///     .directory("/srv/data", "/data", Access::ReadOnly)
///     .env("LEVEL", "3")
///     .stdout(Output::Inherit)
///     .connect("192.0.2.7:443".parse()?)
///     .listen("127.0.0.1:*".parse()?);
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a policy holds for the command that it is given to"]
pub struct Policy {
    env: Vec<(String, String)>,
    directories: Vec<Directory>,
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    network: Network,
    special_files: bool,
}

impl Policy {
    /// Sets an environment variable. Nothing is inherited.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Policy {
        let name = name.into();
        self.env.retain(|(other, _)| *other != name);
        self.env.push((name, value.into()));
        self
    }

    /// Lets the program see the directory `host` as `guest`: the regular files and directories in it.
    pub fn directory(
        mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
        access: Access,
    ) -> Policy {
        self.directories.push(Directory {
            host: host.into(),
            guest: guest.into(),
            access,
            is_temporary: false,
        });
        self
    }

    /// Lets the program read and write the directory `host` as `guest`, for files that only this tree
    /// needs and that are not kept. Its storage there is limited, whether or not
    /// [`Limits::tree_written`](crate::Limits::tree_written) and
    /// [`Limits::tree_files`](crate::Limits::tree_files) are set. The embedder makes the directory and
    /// removes it.
    ///
    /// ```
    /// use isopod_host::Policy;
    /// let policy = Policy::default().temporary_directory("/var/tmp/run-7", "/tmp");
    /// ```
    pub fn temporary_directory(
        mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
    ) -> Policy {
        self.directories.push(Directory {
            host: host.into(),
            guest: guest.into(),
            access: Access::ReadWrite,
            is_temporary: true,
        });
        self
    }

    /// Lets the program open the other kinds of files in its directories: FIFOs and devices. They are
    /// refused by default, because opening one may wait for ever or have effects of its own.
    pub fn special_files(mut self, allowed: bool) -> Policy {
        self.special_files = allowed;
        self
    }

    /// Sets main's standard input. The other processes read nothing.
    pub fn stdin(mut self, stdin: Stdin) -> Policy {
        self.stdin = stdin;
        self
    }

    /// Sets the standard output of all processes.
    pub fn stdout(mut self, stdout: Output) -> Policy {
        self.stdout = stdout;
        self
    }

    /// Sets the standard error of all processes.
    pub fn stderr(mut self, stderr: Output) -> Policy {
        self.stderr = stderr;
        self
    }

    /// Lets the program open TCP connections to this address, and exchange datagrams with it.
    pub fn connect(mut self, address: NetworkAddress) -> Policy {
        self.network.connect.push(address);
        self
    }

    /// Lets the program accept TCP connections, and receive datagrams, at this address of the machine. To
    /// answer datagrams, the program also needs the right to [`connect`](Self::connect) to their senders.
    pub fn listen(mut self, address: NetworkAddress) -> Policy {
        self.network.listen.push(address);
        self
    }

    /// Lets the program look up the addresses of host names, with the machine's resolver.
    pub fn name_lookup(mut self, allowed: bool) -> Policy {
        self.network.name_lookup = allowed;
        self
    }

    /// The directories, as paths of this machine.
    pub(crate) fn granted_directories(&self) -> impl Iterator<Item = (&Path, Access)> {
        let directories = self.directories.iter();
        directories.map(|directory| (directory.host.as_path(), directory.access))
    }

    pub(crate) fn granted_network(&self) -> &Network {
        &self.network
    }

    /// The rights of the first process. Opens the directories: from here on the grants mean these
    /// directories, wherever their paths lead later.
    ///
    /// # Errors
    /// The errors of [`Command::spawn`](crate::Command::spawn) for directories and variables.
    pub(crate) fn rights(&self, descriptors: &EngineDescriptors) -> Result<Rights> {
        for text in self.env.iter().flat_map(|(name, value)| [name, value]) {
            check_text(text)?;
        }
        let open = |granted| GrantedDirectory::open(granted, descriptors);
        let directories = self.directories.iter().map(open);
        Ok(Rights {
            env: self.env.clone(),
            directories: directories.collect::<Result<_>>()?,
            network: self.network.clone(),
            special_files: self.special_files,
        })
    }
}

/// Checks that a guest can receive this text.
pub(crate) fn check_text(text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("`{}` holds a NUL byte", text.escape_debug()),
        )),
        false => Ok(()),
    }
}
