//! Where the tools of a build run: walls around a compiler and all that it starts.
//!
//! Source is not trusted. Its build scripts and macros are native code, and its text names files (`include_str!`,
//! `#embed`). A sandbox lets a tool and its children read the paths that it names, write below those that it
//! names, and reach the network only if that is allowed; the environment is an allow-list (`variables`).
//!
//! A thread of its own is confined with Landlock and a filter of system calls, and starts the tool: children
//! inherit both, and the rest of its process stays as it is. What the kernel cannot enforce is no sandbox: then
//! nothing runs, see [`available`]. With a [`Supervisor`] that thread is in another process (`serve`), which
//! outlives this one by as long as it takes to end the tool, and bounds its time and memory.
//!
//! It leaves out the room that a build takes on disk.

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

/// What the tools of one step of a build may reach.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// None where the source is trusted: the tool runs with all that the user has.
    closed: Option<Closed>,
}

#[derive(Debug)]
struct Closed {
    walls: Walls,
    supervisor: Option<Supervisor>,
    /// The home directory and the place for temporary files; removed with this.
    temporary: Temporary,
}

impl Sandbox {
    /// No sandbox: for source that the user trusts.
    pub(crate) fn open() -> Sandbox {
        Sandbox { closed: None }
    }

    /// A sandbox in which a tool finds the system's programs and a temporary directory, and nothing else. That directory
    /// lies in the cache, where no guest is granted to write: in `/tmp` one could change the files of a build.
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

    /// One or the other, as the options say.
    ///
    /// # Errors
    /// Those of [`closed`](Self::closed).
    pub(crate) fn for_source(cache: &Cache, options: &Options) -> Result<Sandbox, Error> {
        match options.trust {
            true => Ok(Sandbox::open()),
            false => Sandbox::closed(cache, options),
        }
    }

    /// Lets a file or directory be read, and programs in it be executed. What does not exist is left out.
    pub(crate) fn read(mut self, path: impl Into<PathBuf>) -> Sandbox {
        if let Some(closed) = &mut self.closed {
            closed.walls.read.push(path.into().into_os_string());
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
        if let Some(closed) = &mut self.closed {
            closed.walls.written.push(path.into().into_os_string());
        }
        self
    }

    /// Lets the network be reached: for tools that run no code of the source.
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

    /// A call of a program, with the variables that it may see.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(closed) = &self.closed else {
            return tool::command(program);
        };
        let supervisor = closed.supervisor.as_ref();
        let mut words = supervisor.map(Supervisor::words).unwrap_or_default();
        if !closed.walls.network {
            // A mask is of a whole process, so the program has to begin with one.
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
    .with_hint(
        "`--trust-build` builds without a sandbox: the source may then do everything that you can",
    )
}
