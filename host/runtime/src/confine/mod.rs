//! The last line of defence: the operating-system process that runs guests gives up the rights that it
//! does not need.
//!
//! A guest that breaks out of WebAssembly acts with all rights of the process that runs it. A
//! [`Confinement`] takes these rights away before the first guest runs. [Landlock] limits the process to
//! the granted files and, for TCP, to the granted ports. A filter of system calls (seccomp) limits it to
//! the calls that running guests needs: it starts no program, makes no namespace, looks into no other
//! process, and without a grant of the network it makes no socket. The super-user's capabilities are
//! dropped, except those on files and low ports. A call that is not allowed fails with `EPERM`.
//! `isopod run` and `isopod call` confine themselves in this way; an embedder must ask for it.
//!
//! **The order matters.** Before Linux 7.0, Landlock restricts only the calling thread and the threads
//! that it starts later. So load all programs first, confine the process while it has one thread, and
//! start the first process or plugin after that: an [`Engine`](crate::Engine) has no threads until then,
//! and compiling leaves none behind.
//!
//! ```no_run
//! use isopod_host::confine::Confinement;
//! use isopod_host::{Access, Command, Engine, Policy, Program};
//!
//! fn main() -> Result<(), isopod_host::Error> {
//!     let engine = Engine::new()?;
//!     let program = Program::from_file(&engine, "report.wasm")?;
//!     let policy = Policy::default().directory("/srv/data", "/data", Access::ReadOnly);
//!     let log = std::fs::File::create("/var/log/report.log");
//!     // From here on this process opens files below /srv/data to read, and no others. It keeps what is open.
//!     let confined = Confinement::new().policy(&policy).apply()?;
//!     for missing in confined.missing() {
//!         eprintln!("not confined: {missing}");
//!     }
//!     let status = Command::new(&program).policy(policy).spawn()?.join_tree();
//!     println!("{status} {log:?}");
//!     Ok(())
//! }
//! ```
//!
//! # What it cannot do
//!
//! - It holds for the whole process and for ever. The application around the engine loses the same
//!   rights: a program that serves several purposes should run guests in a process of their own.
//! - A program that is loaded later needs its file to be kept, and its compiled code is not kept.
//! - Open files stay open: the process uses the descriptors that it holds, or inherited from its parent,
//!   as before.
//! - One process has one memory: an escaped guest reads and changes the data that other guests of this
//!   process, and its host, hold there.
//! - A grant of the network covers ports, not addresses, and TCP only: an escaped guest reaches a granted
//!   port of any address, and any address with datagrams.
//! - An escaped guest can still learn the names, sizes and times of files that are not granted, and
//!   change their times: Landlock has no right for that.
//! - It can move the user's other processes to other cores, and keep the machine busy.
//! - Without Landlock or seccomp in the kernel, [`Confined::missing`] reports what is not enforced. Both
//!   are off in some containers.
//!
//! [Landlock]: https://landlock.io

mod calls;
mod files;
mod tree;

use crate::error::{Error, ErrorKind, Result};
use crate::rights::{Access, Network, NetworkAddress, Policy};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time for which the kernel may still list a thread after it has been joined.
const LISTED_AFTER_ITS_END: Duration = Duration::from_secs(1);

/// The rights that an operating-system process keeps when it confines itself. A new confinement keeps
/// only the right to compute and the files that are open.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is confined before `apply`"]
pub struct Confinement {
    paths: Vec<(PathBuf, Keep)>,
    network: Network,
}

/// The rights that are kept on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Read the file, or the contents of the directory.
    Read,
    /// Read, write, make and remove there.
    Write,
    /// Remove files in this directory.
    RemoveFiles,
    /// Remove empty directories in this directory.
    RemoveDirectories,
}

/// The result of [`Confinement::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confined {
    missing: Vec<String>,
}

impl Confined {
    /// The restrictions that the kernel cannot enforce on this process, one sentence for each; empty if
    /// it enforces all.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }
}

impl Confinement {
    /// A confinement that keeps nothing yet.
    pub fn new() -> Confinement {
        Confinement::default()
    }

    /// Keeps the grants of this policy: its directories, its addresses and the look-up of names.
    pub fn policy(mut self, policy: &Policy) -> Confinement {
        for (path, access) in policy.granted_directories() {
            self.paths.push((
                path.to_owned(),
                match access {
                    Access::ReadOnly => Keep::Read,
                    Access::ReadWrite => Keep::Write,
                },
            ));
        }
        let granted = policy.granted_network();
        self.network.connect.extend(&granted.connect);
        self.network.listen.extend(&granted.listen);
        self.network.name_lookup |= granted.name_lookup;
        self
    }

    /// Keeps the right to read this file, or the contents of this directory. A symbolic link grants the
    /// file that it leads to now.
    pub fn read(mut self, path: impl Into<PathBuf>) -> Confinement {
        self.paths.push((path.into(), Keep::Read));
        self
    }

    /// Keeps the right to read and write this file; or to read, write, make and remove the contents of
    /// this directory.
    pub fn write(mut self, path: impl Into<PathBuf>) -> Confinement {
        self.paths.push((path.into(), Keep::Write));
        self
    }

    /// Keeps the right to remove files in this directory, and in those below it.
    pub fn remove_files(mut self, directory: impl Into<PathBuf>) -> Confinement {
        self.paths.push((directory.into(), Keep::RemoveFiles));
        self
    }

    /// Keeps the right to remove empty directories in this directory, and in those below it.
    pub fn remove_directories(mut self, directory: impl Into<PathBuf>) -> Confinement {
        self.paths.push((directory.into(), Keep::RemoveDirectories));
        self
    }

    /// Keeps the right to open TCP connections to the port of this address, and to send datagrams.
    pub fn connect(mut self, address: NetworkAddress) -> Confinement {
        self.network.connect.push(address);
        self
    }

    /// Keeps the right to accept TCP connections at the port of this address, and to receive datagrams.
    pub fn listen(mut self, address: NetworkAddress) -> Confinement {
        self.network.listen.push(address);
        self
    }

    /// Keeps the access that the machine's resolver needs to look up host names.
    pub fn name_lookup(mut self) -> Confinement {
        self.network.name_lookup = true;
        self
    }

    /// Confines this operating-system process, for ever. [`Confined::missing`] reports what the kernel
    /// lacks, which is no error.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Io`] for a path that cannot be kept,
    /// [`ErrorKind::Engine`] if the process has other threads that the kernel cannot confine with this
    /// one, or the kernel refuses for another reason. After an error nothing is confined, or less than
    /// was asked for: run no guest.
    pub fn apply(self) -> Result<Confined> {
        let mut missing = Vec::new();
        let rules = files::Rules::open(&self.paths, &self.network)?;
        rules.restrict(&mut missing)?;
        drop_capabilities()?;
        calls::restrict(&self.network, &mut missing)?;
        Ok(Confined { missing })
    }
}

/// Gives up the super-user's capabilities, except those on files, which Landlock restricts, and on low
/// ports: some of them, such as the right to read the memory of other processes, bypass Landlock. Other
/// users have none to give up.
fn drop_capabilities() -> Result<()> {
    let kept = CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::DAC_READ_SEARCH
        | CapabilitySet::FOWNER
        | CapabilitySet::NET_BIND_SERVICE;
    let refused = |error: rustix::io::Errno| {
        let text = "the rights of the super-user cannot be given up";
        Error::new(ErrorKind::Engine, text).with_cause(error)
    };
    let own = capabilities(None).map_err(refused)?;
    let left = CapabilitySets {
        effective: own.effective & kept,
        permitted: own.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    match left == own {
        true => Ok(()),
        false => set_capabilities(None, left).map_err(refused),
    }
}

/// Waits until this is the only thread, which it becomes once the threads that were joined have left the
/// kernel's list.
///
/// # Errors
/// If other threads live on.
fn only_thread() -> Result<()> {
    let begin = Instant::now();
    loop {
        // Without `/proc` the threads cannot be counted, and nothing could be looked up through it
        // either.
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads <= 1 {
            return Ok(());
        }
        if begin.elapsed() > LISTED_AFTER_ITS_END {
            return Err(Error::new(
                ErrorKind::Engine,
                format!(
                    "this process has {threads} threads, and this kernel confines one: confine the process before anything starts a thread"
                ),
            ));
        }
        std::thread::yield_now();
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    let shown = path.display();
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("`{shown}` cannot be kept in a confinement")).with_cause(error)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        reason = "a failed unwrap is a failed test, and a test starts threads as it likes"
    )]
    use super::*;

    #[test]
    fn a_policy_is_kept_whole() {
        let policy = Policy::default()
            .directory("/a", "/x", Access::ReadOnly)
            .directory("/b", "/y", Access::ReadWrite)
            .connect("127.0.0.1:80".parse().unwrap())
            .listen("*:81".parse().unwrap())
            .name_lookup(true);
        let kept = Confinement::new().policy(&policy);
        assert_eq!(
            kept.paths,
            [
                (PathBuf::from("/a"), Keep::Read),
                (PathBuf::from("/b"), Keep::Write)
            ]
        );
        assert_eq!(&kept.network, policy.granted_network());
        let nothing = Confinement::new().policy(&Policy::default());
        assert!(nothing.paths.is_empty() && nothing.network == Network::default());
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_and_confines_nothing() {
        let error = Confinement::new().read("/not/there").apply().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("`/not/there`"), "{error}");
        std::fs::metadata("/proc/self/status").unwrap();
        std::fs::read("/proc/self/status").unwrap();
    }

    #[test]
    fn a_process_with_other_threads_is_not_confined() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || receiver.recv());
        let error = only_thread().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("before anything starts a thread"),
            "{error}"
        );
        drop(sender);
        other.join().unwrap().unwrap_err();
    }
}
