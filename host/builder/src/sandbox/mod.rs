//! The sandbox for the tools of a build: walls around a compiler and all processes that it starts.
//!
//! Source is not trusted. Its build scripts and macros are native code, and its text names files
//! (`include_str!`, `#embed`). A sandbox lists the paths that a tool and its children may read, and those
//! below which they may write. They reach the network only if that is allowed. The environment is an
//! allow-list (`variables`).
//!
//! A new thread confines itself with Landlock and a filter of system calls, and starts the tool. Children
//! inherit both, and the rest of the process stays as it is. If the kernel cannot enforce the walls, no tool
//! runs: see [`available`]. With a [`Supervisor`], that thread is in another process (`serve`), which bounds
//! the time and memory of the tool. That process outlives this one for as long as it takes to end the tool.
//!
//! Nothing bounds the disk space of a build.

mod serve;
mod supervised;
mod system_calls;
mod variables;
mod walls;

pub use serve::serve_build;
pub use supervised::Supervisor;

use crate::cache::Cache;
use crate::temporary::Temporary;
use crate::tool;
use crate::{Error, ErrorKind, Options};
use landlock::{Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use supervised::Running;
use walls::{REQUIRED, Walls};

/// The rights of the tools of one step of a build.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// None if the source is trusted: the tool then has all rights of the user.
    closed: Option<Closed>,
}

#[derive(Debug)]
struct Closed {
    walls: Walls,
    supervisor: Option<Supervisor>,
    /// The home directory and the directory for temporary files; removed with the sandbox.
    temporary: Temporary,
}

impl Sandbox {
    /// No sandbox: for source that the user trusts.
    pub(crate) fn open() -> Sandbox {
        Sandbox { closed: None }
    }

    /// A sandbox in which a tool reaches the system's programs and a temporary directory, and nothing else.
    /// That directory is in the cache, where no guest may write. In `/tmp`, a guest could change the files of
    /// a build.
    ///
    /// # Errors
    /// [`ErrorKind::Confinement`] if the kernel cannot confine; [`ErrorKind::Cache`].
    pub(crate) fn closed(cache: &Cache, options: &Options) -> Result<Sandbox, Error> {
        available()?;
        let temporary = Temporary::new(cache)?;
        let walls = Walls {
            written: vec![temporary.path().into()],
            ..Walls::default()
        };
        Ok(Sandbox {
            closed: Some(Closed {
                walls,
                supervisor: options.supervisor.clone(),
                temporary,
            }),
        })
    }

    /// An open or a closed sandbox, as the options ask.
    ///
    /// # Errors
    /// Those of [`closed`](Self::closed).
    pub(crate) fn for_source(cache: &Cache, options: &Options) -> Result<Sandbox, Error> {
        match options.trust {
            true => Ok(Sandbox::open()),
            false => Sandbox::closed(cache, options),
        }
    }

    /// Lets tools read a file or directory, and execute programs in it. A path that does not exist is
    /// ignored.
    pub(crate) fn read(mut self, path: impl Into<PathBuf>) -> Sandbox {
        if let Some(closed) = &mut self.closed {
            closed.walls.read.push(path.into().into_os_string());
        }
        self
    }

    /// The same as [`read`](Self::read), for several paths.
    pub(crate) fn read_all<P: Into<PathBuf>>(self, paths: impl IntoIterator<Item = P>) -> Sandbox {
        paths
            .into_iter()
            .fold(self, |sandbox, path| sandbox.read(path))
    }

    /// Lets tools also write a file, or a directory and everything below it.
    pub(crate) fn write(mut self, path: impl Into<PathBuf>) -> Sandbox {
        if let Some(closed) = &mut self.closed {
            closed.walls.written.push(path.into().into_os_string());
        }
        self
    }

    /// Lets tools reach the network. Only for tools that run no code of the source.
    pub(crate) fn with_network(mut self) -> Sandbox {
        if let Some(closed) = &mut self.closed {
            closed.walls.network = true;
        }
        self
    }

    /// Whether there are walls.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// A command for a program, with only the variables that it may see.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(closed) = &self.closed else {
            return tool::command(program);
        };
        let supervisor = closed.supervisor.as_ref();
        let mut words = supervisor.map(Supervisor::words).unwrap_or_default();
        if !closed.walls.network {
            // The umask belongs to a whole process, so a shell sets it for the program before it starts.
            let script = "umask 077 && exec \"$0\" \"$@\"";
            words.extend(["/bin/sh", "-c", script].map(OsString::from));
        }
        words.push(program.as_ref().to_owned());
        let mut words = words.iter();
        let mut command = tool::command(words.next().unwrap_or(&OsString::new()));
        command.args(words);
        variables::restrict(&mut command, closed.walls.network, closed.temporary.path());
        command
    }

    /// Starts a command of [`command`](Self::command).
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Running> {
        let Some(closed) = &self.closed else {
            return Ok(Running::alone(command.spawn()?));
        };
        if let Some(supervisor) = &closed.supervisor {
            return supervisor.spawn(&closed.walls, command);
        }
        let walls = &closed.walls;
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("isopod-sandbox".to_owned());
            let thread = thread.spawn_scoped(scope, || {
                walls.enclose_this_thread().map_err(io::Error::other)?;
                Ok(Running::alone(command.spawn()?))
            })?;
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread of a build panicked")))
        })
    }

    /// Runs a command for its output, as [`output_of`](tool::output_of) does.
    pub(crate) fn output_of(&self, command: &mut Command) -> Result<String, String> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = self.spawn(command).and_then(Running::output);
        tool::said(&output.map_err(|error| tool::does_not_run(command, &error))??)
    }
}

/// Whether the kernel can confine a build.
///
/// # Errors
/// [`ErrorKind::Confinement`] if it cannot. An unconfined build can do everything that the user can, so only
/// the user may choose it.
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
    .with_hint(
        "`--trust-build` builds without a sandbox: the source may then do everything that you can",
    )
}
