//! Where the tools of a build run: walls around a compiler and all that it starts.
//!
//! Source is not trusted. Its build scripts and macros are native code, and its text names files (`include_str!`,
//! `#embed`). A sandbox lets a tool and its children read the paths that it names, write below those that it
//! names, and reach the network only if that is allowed; the environment is an allow-list (`variables`).
//!
//! A thread of its own is confined with Landlock and a filter of system calls, and starts the tool: children
//! inherit both, and the rest of this process stays as it is. What the kernel cannot enforce is no sandbox: then
//! nothing runs, see [`available`].
//!
//! It leaves out what a build costs: time, memory and disk are bounded by whoever waits for it.

mod system_calls;
mod variables;

use crate::cache::Cache;
use crate::tool::{self, output_of};
use crate::{Error, ErrorKind};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope,
};
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use tempfile::TempDir;

/// The oldest Landlock that is enough: before it, files that may not be written could be truncated.
const REQUIRED: ABI = ABI::V3;

/// What every program of the system needs: its libraries and tools. Nothing of a user lies there.
const SYSTEM: [&str; 24] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ssl/openssl.cnf",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/osrelease",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Devices that hold nothing of anybody.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What finding a host and trusting its certificate need.
const NETWORK: [&str; 12] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/run/resolvconf",
];

/// What the tools of one step of a build may reach.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// None where the source is trusted: the tool runs with all that the user has.
    walls: Option<Walls>,
}

/// What is let through.
#[derive(Debug)]
struct Walls {
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
    network: bool,
    /// The home directory and the place for temporary files; removed with this.
    temporary: TempDir,
}

impl Sandbox {
    /// No sandbox: for source that the user trusts.
    pub(crate) fn open() -> Sandbox {
        Sandbox { walls: None }
    }

    /// A sandbox in which a tool finds the system's programs and a temporary directory, and nothing else. That directory
    /// lies in the cache, where no guest is granted to write: in `/tmp` one could change the files of a build.
    ///
    /// # Errors
    /// [`ErrorKind::Confinement`] if the kernel cannot confine; [`ErrorKind::Cache`].
    pub(crate) fn closed(cache: &Cache) -> Result<Sandbox, Error> {
        available()?;
        let parent = cache.directory("temporary")?;
        let temporary = tempfile::Builder::new()
            .prefix("build-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent);
        let temporary = temporary.map_err(|error| cannot_confine().because(error))?;
        Ok(Sandbox {
            walls: Some(Walls {
                read: Vec::new(),
                written: Vec::new(),
                network: false,
                temporary,
            }),
        })
    }

    /// One or the other.
    ///
    /// # Errors
    /// Those of [`closed`](Self::closed).
    pub(crate) fn for_source(cache: &Cache, is_trusted: bool) -> Result<Sandbox, Error> {
        match is_trusted {
            true => Ok(Sandbox::open()),
            false => Sandbox::closed(cache),
        }
    }

    /// Lets a file or directory be read, and programs in it be executed. What does not exist is left out.
    pub(crate) fn read(mut self, path: impl Into<PathBuf>) -> Sandbox {
        if let Some(walls) = &mut self.walls {
            walls.read.push(path.into());
        }
        self
    }

    /// The same for several.
    pub(crate) fn read_all<P: Into<PathBuf>>(self, paths: impl IntoIterator<Item = P>) -> Sandbox {
        paths
            .into_iter()
            .fold(self, |sandbox, path| sandbox.read(path))
    }

    /// Lets a file, or a directory and all below it, be written too.
    pub(crate) fn write(mut self, path: impl Into<PathBuf>) -> Sandbox {
        if let Some(walls) = &mut self.walls {
            walls.written.push(path.into());
        }
        self
    }

    /// Lets the network be reached: for tools that run no code of the source.
    pub(crate) fn with_network(mut self) -> Sandbox {
        if let Some(walls) = &mut self.walls {
            walls.network = true;
        }
        self
    }

    /// Whether there are walls.
    pub(crate) fn is_closed(&self) -> bool {
        self.walls.is_some()
    }

    /// A call of a program, with the variables that it may see.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(walls) = &self.walls else {
            return tool::command(program);
        };
        let mut command = match walls.network {
            true => tool::command(program),
            false => {
                // A mask is of a whole process, so the program has to begin with one.
                let mut command = tool::command("/bin/sh");
                let script = "umask 077 && exec \"$0\" \"$@\"";
                command.args(["-c", script]).arg(program);
                command
            }
        };
        variables::restrict(&mut command, walls.network, walls.temporary.path());
        command
    }

    /// Starts a command of [`command`](Self::command).
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.inside(|| command.spawn())
    }

    /// Runs a command for its output, as [`output_of`] does.
    pub(crate) fn output_of(&self, command: &mut Command) -> Result<String, String> {
        self.inside(|| Ok(output_of(command)))
            .unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Does something on a thread that is confined.
    fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        let Some(walls) = &self.walls else {
            return work();
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("isopod-sandbox".to_owned());
            let thread = thread.spawn_scoped(scope, || {
                walls.enclose_this_thread().map_err(io::Error::other)?;
                work()
            })?;
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread of a build panicked")))
        })
    }
}

impl Walls {
    /// Confines the calling thread, and whatever it starts, for good.
    fn enclose_this_thread(&self) -> Result<(), String> {
        self.restrict_files().map_err(|error| error.to_string())?;
        system_calls::restrict(self.network).map_err(|error| error.to_string())
    }

    fn restrict_files(&self) -> Result<(), landlock::RulesetError> {
        let read = AccessFs::from_read(REQUIRED);
        // Devices are made by nobody, and neither are sockets.
        let written = (read | AccessFs::from_write(REQUIRED))
            & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock);
        let device = AccessFs::ReadFile | AccessFs::WriteFile;
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(REQUIRED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::IoctlDev)?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        let network: &[&str] = if self.network { &NETWORK } else { &[] };
        for (paths, access) in [(&SYSTEM[..], read), (network, read), (&DEVICES[..], device)] {
            for path in paths {
                rules = allow(rules, Path::new(path), access)?;
            }
        }
        // Settings of Python that its library has links to.
        let of_python = tool::entries(Path::new("/etc"), "python3");
        for path in self.read.iter().chain(&of_python) {
            rules = allow(rules, path, read)?;
        }
        for path in &self.written {
            rules = allow(rules, path, written)?;
        }
        rules = allow(rules, self.temporary.path(), written)?;
        rules.restrict_self()?;
        Ok(())
    }
}

/// Adds a rule for a path that exists.
fn allow(
    rules: landlock::RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, landlock::RulesetError> {
    let (Ok(metadata), Ok(opened)) = (std::fs::metadata(path), PathFd::new(path)) else {
        return Ok(rules);
    };
    let access = match metadata.is_dir() {
        true => access,
        false => access & AccessFs::from_file(REQUIRED),
    };
    rules.add_rule(PathBeneath::new(opened, access))
}

/// Whether the kernel can confine a build.
///
/// # Errors
/// [`ErrorKind::Confinement`] if not: a build that is not confined can do whatever the user can, so
/// that is for the user to say.
pub(crate) fn available() -> Result<(), Error> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED));
    match rules.and_then(Ruleset::create) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(cannot_confine()
                .because(format!("the kernel lacks Landlock 3 (Linux 6.2): {error}")))
        }
    }
}

fn cannot_confine() -> Error {
    Error::new(
        ErrorKind::Confinement,
        "the build cannot be confined on this machine",
    )
    .with_hint("`--trust-build` builds without a sandbox: the source may then do whatever you can")
}
