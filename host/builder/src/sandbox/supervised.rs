//! A tool in a sandbox, from the side of the build: it ends with the build, and at a limit of time.
//!
//! The tool is a child of a [`Supervisor`]'s process, which ends it and all that it has started when a pipe is closed. This
//! side holds the pipe. So it does not matter how this side ends: the kernel closes the pipe for it.

use super::serve::Request;
use super::walls::Walls;
use crate::tool;
use crate::{Error, ErrorKind};
use std::ffi::OsString;
use std::io::{self, PipeWriter, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How long one tool may take unless another time is set: a large workspace on a slow machine takes half of it.
const TIME: Duration = Duration::from_secs(3_600);

/// The program whose processes supervise builds, with their limits. Such a process starts a tool in its sandbox, and ends
/// the tool with all that it has started when the tool has ended, at the limit of time, and when the process that builds
/// ends, however that does.
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
    /// A program that calls [`serve_build`](crate::serve_build) with what follows these arguments.
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

    /// How long each tool of a build may take: an hour unless set.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Supervisor {
        self.time = time;
        self
    }

    /// The memory that each process of a build may take, and the size of a file that it may write: no limit unless set.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Supervisor {
        self.memory_bytes = Some(bytes);
        self
    }

    /// The words that a call of a tool begins with.
    pub(super) fn words(&self) -> Vec<OsString> {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// Starts a command that begins with these words.
    pub(super) fn spawn(&self, walls: &Walls, command: &mut Command) -> io::Result<Running> {
        let begin = Instant::now();
        let request = Request {
            walls: walls.clone(),
            time: self.time,
            memory_bytes: self.memory_bytes,
        };
        let (reader, mut lifetime) = io::pipe()?;
        let child = command.stdin(reader).spawn();
        // The command has kept our copy, with which a write would wait for ever.
        command.stdin(Stdio::null());
        let child = child?;
        let running = |lifetime| Running {
            child,
            _lifetime: Some(lifetime),
            limit: Some((begin, self.time)),
        };
        match lifetime.write_all(&request.to_bytes()?) {
            // It has ended, and says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(running(lifetime)),
            written => written.map(|()| running(lifetime)),
        }
    }
}

/// A tool that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    /// Ends the tool when it is closed.
    _lifetime: Option<PipeWriter>,
    /// When it began, and what it may take.
    limit: Option<(Instant, Duration)>,
}

impl Running {
    /// A tool that nobody supervises.
    pub(super) fn alone(child: Child) -> Running {
        Running {
            child,
            _lifetime: None,
            limit: None,
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The system's, and [`ErrorKind::Compile`] at the limit of time.
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

    /// Waits for the end and all that it says.
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
