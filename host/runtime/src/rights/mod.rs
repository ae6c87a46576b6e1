//! The rights of one process: all of its parent's rights, or fewer.

pub(crate) mod kernel_files;
mod network;
mod policy;

pub(crate) use network::Network;
pub use network::NetworkAddress;
pub(crate) use policy::check_text;
pub use policy::{Access, Policy};

use crate::error::{Error, ErrorKind, Result};
use crate::limit_kind::LimitKind;
use crate::limits::{EngineDescriptors, Taken};
use policy::Directory;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

/// The rights of a process. The default is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    pub(crate) env: Vec<(String, String)>,
    pub(crate) directories: Vec<GrantedDirectory>,
    pub(crate) network: Network,
    /// Whether FIFOs and devices may be opened.
    pub(crate) special_files: bool,
}

/// A directory that stays open while any process has it.
#[derive(Clone)]
pub(crate) struct GrantedDirectory {
    /// The guest's name for it.
    pub(crate) name: String,
    /// The path that it was opened by.
    pub(crate) host: Arc<Path>,
    pub(crate) directory: Dir,
    /// Whether data stored there always counts.
    pub(crate) is_temporary: bool,
    _taken: Arc<Taken>,
}

impl GrantedDirectory {
    pub(crate) fn open(
        granted: &Directory,
        descriptors: &EngineDescriptors,
    ) -> Result<GrantedDirectory> {
        let shown = granted.host.display();
        let taken = descriptors
            .take(1)
            .map_err(|refused| Error::at_limit(LimitKind::Descriptors, refused.to_string()))?;
        // Opened as wasmtime-wasi opens its own directories: a reference that serves to look up names
        // below it, and cannot itself be read.
        let flags = (rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::PATH).bits();
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.cast_signed())
            .open(&granted.host)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory => Error::new(
                    ErrorKind::InvalidArgument,
                    format!("`{shown}` is no directory"),
                ),
                io::ErrorKind::NotFound => Error::new(
                    ErrorKind::NotFound,
                    format!("the directory `{shown}` does not exist"),
                ),
                _ => Error::new(
                    ErrorKind::Io,
                    format!("the directory `{shown}` cannot be opened"),
                )
                .with_cause(error),
            })?;
        let may_write = matches!(granted.access, Access::ReadWrite);
        if kernel_files::is_refused(&opened, may_write).unwrap_or(true) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "`{shown}` cannot be granted: its files are the kernel's, and lead to the memory and the rights of the host"
                ),
            ));
        }
        let (permissions, mode) = match granted.access {
            Access::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
            Access::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
        };
        Ok(GrantedDirectory {
            name: granted.guest.clone(),
            host: granted.host.as_path().into(),
            // Operations run on the calling thread; `files` calls them on threads made for that.
            directory: Dir::new(opened, permissions, mode, true),
            is_temporary: granted.is_temporary,
            _taken: Arc::new(taken),
        })
    }
}

impl fmt::Debug for GrantedDirectory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GrantedDirectory")
            .field("name", &self.name)
            .field("permissions", &self.directory.perms)
            .finish_non_exhaustive()
    }
}

/// A right that a process asks for in a new one, and does not have itself; as text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beyond(String);

impl fmt::Display for Beyond {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The number of names or addresses that a process may pass in one call.
pub(crate) const MOST_NAMES: usize = 10_000;

/// The given names without repetitions, in the order of their first occurrence.
fn once<T: Eq + std::hash::Hash>(given: &[T]) -> impl Iterator<Item = &T> {
    let mut seen = HashSet::new();
    given.iter().filter(move |name| seen.insert(*name))
}

impl Rights {
    /// The host's memory that a copy takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        /// The allocator's overhead for each text, and an entry of a list.
        const ENTRY_BYTES: usize = 128;
        let texts = self
            .env
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let names = self.directories.iter().map(|granted| granted.name.len());
        let texts: usize = texts.chain(names).map(|length| length + ENTRY_BYTES).sum();
        let network = &self.network;
        let addresses = network.connect.len() + network.listen.len();
        size_of::<Rights>() + texts + addresses * size_of::<NetworkAddress>()
    }

    /// Keeps the directories with these names.
    pub(crate) fn keep_directories(
        &mut self,
        names: &[String],
        own: &Rights,
    ) -> Result<(), Beyond> {
        let keep = |name: &String| {
            let granted = own.directories.iter().find(|granted| granted.name == *name);
            granted.cloned().ok_or_else(|| {
                let has = own.directories.iter().map(|granted| granted.name.as_str());
                Beyond::new("directory", name, has)
            })
        };
        self.directories = once(names).map(keep).collect::<Result<_, Beyond>>()?;
        Ok(())
    }

    /// Makes all directories read-only.
    pub(crate) fn read_only(&mut self) {
        for granted in &mut self.directories {
            granted.directory.perms = FsPerms::ReadOnly;
            granted.directory.open_mode = OpenMode::READ;
        }
    }

    /// Keeps the variables with these names.
    pub(crate) fn keep_variables(&mut self, names: &[String], own: &Rights) -> Result<(), Beyond> {
        let keep = |name: &String| {
            let variable = own.env.iter().find(|(other, _)| other == name);
            variable.cloned().ok_or_else(|| {
                let has = own.env.iter().map(|(name, _)| name.as_str());
                Beyond::new("environment variable", name, has)
            })
        };
        self.env = once(names).map(keep).collect::<Result<_, Beyond>>()?;
        Ok(())
    }

    /// Keeps these addresses. Each must lie within one that the process has itself.
    pub(crate) fn keep_addresses(
        &mut self,
        connect: &[NetworkAddress],
        listen: &[NetworkAddress],
        own: &Rights,
    ) -> Result<(), Beyond> {
        for (what, wanted, own) in [
            ("address to connect to", connect, &own.network.connect),
            ("address to listen at", listen, &own.network.listen),
        ] {
            let beyond = wanted
                .iter()
                .find(|wanted| !own.iter().any(|own| own.covers(wanted)));
            if let Some(address) = beyond {
                let has: Vec<String> = own.iter().map(NetworkAddress::to_string).collect();
                let has = has.iter().map(String::as_str);
                return Err(Beyond::new(what, &address.to_string(), has));
            }
        }
        self.network.connect = once(connect).copied().collect();
        self.network.listen = once(listen).copied().collect();
        Ok(())
    }
}

impl Beyond {
    fn new<'a>(what: &str, wanted: &str, has: impl Iterator<Item = &'a str>) -> Beyond {
        /// The limit on the shown name, which a guest chooses.
        const LONGEST_NAME_BYTES: usize = 200;
        let wanted = crate::limits::cut(wanted.to_owned(), LONGEST_NAME_BYTES);
        let has: Vec<&str> = has.collect();
        let has = match has.is_empty() {
            true => "none".to_owned(),
            false => format!("`{}`", has.join("`, `")),
        };
        Beyond(format!(
            "the process that asks has no {what} `{wanted}` to pass on; it has {has}"
        ))
    }
}
