//! A tool in a sandbox, from the side of the build. The tool ends with the build, and at a time limit.
//!
//! The tool is a child of a [`Supervisor`]'s process, which ends the tool and all its descendants when a pipe
//! is closed. This side holds the pipe. However this side ends, the kernel closes the pipe for it.

use super::serve::Request;
use super::walls::Walls;
use crate::tool;
use crate::{Error, ErrorKind};
use std::ffi::OsString;
use std::io::{self, PipeWriter, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The default time limit of one tool. A large workspace on a slow machine takes half of it.
const TIME: Duration = Duration::from_secs(3_600);

/// The program whose processes supervise builds, with their limits. Such a process starts a tool in its
/// sandbox. It ends the tool and all its descendants when the tool has ended, at the time limit, and when the
/// building process ends in any way.
///
/// ```no_run
/// use isopod_build::{Options, Supervisor};
///
/// if std::env::args().nth(1).as_deref() == Some("supervise") {
///     let tool = std::env::args_os().skip(2).collect();
///     std::process::exit(isopod_build::serve_build(tool).map_or(1, i32::from));
/// }
/// let supervisor = Supervisor::new("/proc/self/exe", ["supervise"]);
/// let options = Options { supervisor: Some(supervisor), ..Options::default() };
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    program: PathBuf,
    arguments: Vec<OsString>,
    time: Duration,
    memory_bytes: Option<u64>,
}

impl Supervisor {
    /// A program that, when called with these arguments, passes the arguments after them to
    /// [`serve_build`](crate::serve_build).
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Supervisor {
        Supervisor {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            time: TIME,
            memory_bytes: None,
        }
    }

    /// The time limit of each tool of a build. Default: an hour.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Supervisor {
        self.time = time;
        self
    }

    /// The memory limit of each process of a build, and the limit for the size of each file that it writes.
    /// Default: no limit.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Supervisor {
        self.memory_bytes = Some(bytes);
        self
    }

    /// The first words of each call of a tool.
    pub(super) fn words(&self) -> Vec<OsString> {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// Starts a command that begins with [`words`](Self::words).
    pub(super) fn spawn(&self, walls: &Walls, command: &mut Command) -> io::Result<Running> {
        let begin = Instant::now();
        let request = Request {
            walls: walls.clone(),
            time: self.time,
            memory_bytes: self.memory_bytes,
        };
        let (reader, mut lifetime) = io::pipe()?;
        let child = command.stdin(reader).spawn();
        // `command` still holds our copy of the reader. While it exists, a write to a full pipe without a
        // supervisor would block forever.
        command.stdin(Stdio::null());
        let child = child?;
        let running = |lifetime| Running {
            child,
            _lifetime: Some(lifetime),
            limit: Some((begin, self.time)),
        };
        match lifetime.write_all(&request.to_bytes()?) {
            // The supervisor has ended, and has printed the reason.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(running(lifetime)),
            written => written.map(|()| running(lifetime)),
        }
    }
}

/// A running tool.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    /// Closing this ends the tool.
    _lifetime: Option<PipeWriter>,
    /// The start of the tool, and its time limit.
    limit: Option<(Instant, Duration)>,
}

impl Running {
    /// A tool without a supervisor.
    pub(super) fn alone(child: Child) -> Running {
        Running {
            child,
            _lifetime: None,
            limit: None,
        }
    }

    /// Waits for the end of the tool.
    ///
    /// # Errors
    /// Those of the system, and [`ErrorKind::Compile`] at the time limit.
    pub(crate) fn wait(mut self) -> Result<ExitStatus, Error> {
        let status = self.child.wait();
        let status = status.map_err(|error| {
            Error::new(ErrorKind::Toolchain, "a tool cannot be waited for").because(error)
        })?;
        match self.late(status) {
            Some(text) => Err(Error::new(ErrorKind::Compile, text).with_hint(RAISE)),
            None => Ok(status),
        }
    }

    /// Waits for the end of the tool, and collects its output.
    pub(super) fn output(mut self) -> io::Result<Result<Output, String>> {
        let output = tool::output_to_end(&mut self.child)?;
        Ok(match self.late(output.status) {
            Some(text) => Err(format!("{text}; {RAISE}")),
            None => Ok(output),
        })
    }

    fn late(&self, status: ExitStatus) -> Option<String> {
        let (begin, time) = self.limit?;
        let is_late = !status.success() && begin.elapsed() >= time;
        is_late.then(|| format!("a tool of the build did not end within the limit of {time:?}"))
    }
}

const RAISE: &str = "`--build-timeout` raises it, or `Supervisor::time`";
