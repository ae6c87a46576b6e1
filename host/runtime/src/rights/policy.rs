//! What a program may do, as the embedder says it.

use super::network::{Network, NetworkAddress};
use super::{GrantedDirectory, Rights};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::EngineDescriptors;
use crate::stdio::{Output, Stdin};
use std::path::{Path, PathBuf};

/// What guests may do with a directory.
///
/// ```
/// use isopod_host::{Access, Policy};
/// let policy = Policy::default().directory("/srv/data", "/data", Access::ReadOnly);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    ReadOnly,
    /// Read, write, make and remove.
    ReadWrite,
}

/// A directory that the processes of a tree see.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) access: Access,
    /// Whether what is stored there always counts.
    pub(crate) is_temporary: bool,
}

/// What a program may do. [`Policy::default`] allows nothing: no file, no variable, no stream, no
/// network. What is allowed always is to compute, to make processes and what they share within the
/// [limits](crate::Limits), to read clocks and to get random bytes; arguments and
/// [handles](crate::Command::handle) are what the [`Command`](crate::Command) itself gives.
///
/// It holds for all processes of the tree; a process can start another one with less, never with more.
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

    /// Lets it see the directory `host` as `guest`: the regular files and directories in it.
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

    /// Lets it read and write the directory `host` as `guest`, for what only this tree needs and nobody
    /// keeps. What it stores there is limited, whether or not
    /// [`Limits::tree_written`](crate::Limits::tree_written) and
    /// [`Limits::tree_files`](crate::Limits::tree_files) are set. The embedder makes the directory and removes it.
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

    /// Lets it open what else is in its directories: FIFOs and devices. They are refused otherwise,
    /// because to open one may wait for ever or have effects of its own.
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

    /// Lets it open TCP connections to this address, and exchange datagrams with it.
    pub fn connect(mut self, address: NetworkAddress) -> Policy {
        self.network.connect.push(address);
        self
    }

    /// Lets it accept TCP connections, and receive datagrams, at this address of the machine. To answer
    /// datagrams it must be allowed to [`connect`](Self::connect) to whoever sent them.
    pub fn listen(mut self, address: NetworkAddress) -> Policy {
        self.network.listen.push(address);
        self
    }

    /// Lets it look up the addresses of host names, with the machine's resolver.
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

    /// What the first process may do. Opens the directories: from here on they are these ones,
    /// whatever their paths lead to later.
    ///
    /// # Errors
    /// Those of [`Command::spawn`](crate::Command::spawn) on directories and variables.
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

/// Whether a guest can be given this text.
pub(crate) fn check_text(text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("`{}` holds a NUL byte", text.escape_debug()),
        )),
        false => Ok(()),
    }
}
