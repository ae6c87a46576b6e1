//! Processes.

use crate::bindings::pipe::Connection as RawConnection;
use crate::bindings::process::Process as RawProcess;
use crate::bindings::types::ErrorCode;
use crate::process_builder::Builder;
use crate::task::{self, Task, Value};
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, ErrorKind, ExitStatus, blocking, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::marker::PhantomData;
use std::time::Duration;

/// A process that this one started: an isolated instance of the same program, whose task returns a `T`.
///
/// Dropping this neither ends nor joins the process. Before its normal end, a process waits for its children.
/// Daemons do not delay it: they are ended with it.
///
/// [`parent_process`](crate::parent_process) also returns a `Process`, which the caller can query and wait
/// for, but not end.
pub struct Process<T = ()> {
    raw: RawProcess,
    /// The pipe of the value, until the value has arrived.
    value: Cell<Option<RawConnection>>,
    is_closed: Cell<bool>,
    returns: PhantomData<fn() -> T>,
}

impl Process {
    /// Starts a process that runs `task` with `arguments`, and does not wait for it. Python:
    /// `Process(target=task, args=arguments).start()`.
    ///
    /// A task is a function, or a closure that captures nothing. Arguments travel as a message: they are
    /// copied, and handles in them refer to the same objects in both processes. Nothing else is shared: the
    /// new process begins with the initial globals of the program.
    ///
    /// ```no_run
    /// # use isopod::Process;
    /// # #[isopod::main]
    /// # fn main() -> isopod::Result<()> {
    /// let child = Process::spawn(|from: u64, to: u64| (from..to).sum::<u64>(), (1, 10))?;
    /// assert_eq!(child.join()?, 45);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoEntry`] if main is not marked with `#[isopod::main]`; [`ErrorKind::AccessDenied`] in a
    /// daemon; [`ErrorKind::LimitExceeded`] if there are too many live processes; [`ErrorKind::Encode`] for
    /// arguments that cannot be encoded.
    pub fn spawn<F, Args>(task: F, arguments: Args) -> Result<Process<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        Builder::default().spawn(task, arguments)
    }

    /// Options for a process: its name, whether it is a daemon, its limits.
    ///
    /// ```no_run
    /// # use isopod::Process;
    /// # #[isopod::main]
    /// # fn main() -> isopod::Result<()> {
    /// let child = Process::builder()
    ///     .name("worker")
    ///     .memory_limit(64 << 20)
    ///     .spawn(|| println!("a small process"), ())?;
    /// child.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl<T> Process<T> {
    pub(crate) fn from_raw(raw: RawProcess, value: Option<RawConnection>) -> Process<T> {
        Process {
            raw,
            value: Cell::new(value),
            is_closed: Cell::new(false),
            returns: PhantomData,
        }
    }

    pub(crate) fn raw(&self) -> &RawProcess {
        &self.raw
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// The process's id, which is unique and never used again. Python: `pid`.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.raw.id()
    }

    /// The process's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.raw.name()
    }

    /// Whether the process is a daemon.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.raw.daemon()
    }

    /// Whether the process has not yet ended. Does not block.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.raw.is_alive()
    }

    /// The exit status, or `None` while the process lives. Does not block.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.raw.exit_status().map(ExitStatus::from)
    }

    /// The exit code, with Python's numbers, or `None` while the process lives: see
    /// [`ExitStatus::code`]. Does not block. Python: `exitcode`.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_status().map(|exit_status| exit_status.code())
    }

    /// Waits until the process has ended, and returns its exit status, whether or not it succeeded. May be
    /// called again. [`join`](Process::join) returns the value of the task.
    ///
    /// To wait for several processes, or for queues and connections as well, pass the process to
    /// [`wait_any`](crate::wait_any), as Python's `sentinel`.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after [`close`](Process::close).
    pub fn wait(&self) -> Result<ExitStatus, Error> {
        self.wait_within(None)
    }

    /// As [`wait`](Process::wait), for `timeout` at most. Python: `join(timeout)`.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`], and those of [`wait`](Process::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<ExitStatus, Error> {
        self.wait_within(Some(nanoseconds(timeout)))
    }

    fn wait_within(&self, timeout: Option<u64>) -> Result<ExitStatus, Error> {
        let raw = self.open()?;
        Ok(blocking::wait(timeout, |timeout| raw.join(timeout))?.into())
    }

    /// Asks the host to end the process in any state, and returns before it has ended. No effect on a process
    /// that has ended.
    ///
    /// # Errors
    /// [`ErrorKind::NotAChild`] if it is the [`parent_process`](crate::parent_process);
    /// [`ErrorKind::Closed`] after [`close`](Process::close).
    pub fn terminate(&self) -> Result<(), Error> {
        Ok(self.open()?.terminate()?)
    }

    /// As [`terminate`](Process::terminate), with the exit status [`ExitStatus::Killed`].
    ///
    /// # Errors
    /// As [`terminate`](Process::terminate).
    pub fn kill(&self) -> Result<(), Error> {
        Ok(self.open()?.kill()?)
    }

    /// Releases a process that has ended. Its value is dropped if it was not taken. After that, waiting for
    /// it and ending it are errors, but its id, name and status remain known. Closing twice is fine.
    ///
    /// It is needed only if a program wants an error for a process that still runs: dropping this does the
    /// same without a check. Does not block. Python: `close()`.
    ///
    /// # Errors
    /// [`ErrorKind::StillRunning`] if the process has not ended: nothing changes.
    pub fn close(&self) -> Result<(), Error> {
        if self.is_alive() {
            let text = format!("process `{}` has not ended: join it first", self.name());
            return Err(Error::with_text(ErrorKind::StillRunning, text));
        }
        self.is_closed.set(true);
        drop(self.value.take());
        Ok(())
    }

    /// The process, unless it was closed.
    fn open(&self) -> Result<&RawProcess, Error> {
        if self.is_closed() {
            let text = format!("process `{}` is closed", self.name());
            return Err(Error::with_text(ErrorKind::Closed, text));
        }
        Ok(&self.raw)
    }
}

impl<T: DeserializeOwned> Process<T> {
    /// Waits until the process has ended, and returns the value of its task.
    ///
    /// # Errors
    /// [`ErrorKind::ProcessFailed`] if the process did not succeed: it panicked, its task returned an error,
    /// or it was ended. The text tells which, with the message and place of a panic, and
    /// [`Error::exit_status`] has it as a value. [`ErrorKind::NotFound`] if the value was taken before;
    /// [`ErrorKind::Closed`] after [`close`](Process::close).
    pub fn join(self) -> Result<T, Error> {
        let exit_status = self.wait()?;
        self.finish(exit_status)
    }

    /// As [`join`](Process::join), for `timeout` at most. The value can be taken once.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: the process goes on and can be joined later; [`ErrorKind::NotFound`] if the
    /// value was taken before; and those of [`join`](Process::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<T, Error> {
        let exit_status = self.wait_timeout(timeout)?;
        self.finish(exit_status)
    }

    fn finish(&self, exit_status: ExitStatus) -> Result<T, Error> {
        if !exit_status.success() {
            return Err(Error::process_failed(
                &format!("process `{}`", self.name()),
                exit_status,
            ));
        }
        if !task::has_value::<T>() {
            return message::decode_parts(&[], Vec::new());
        }
        let missing = |what: &str| {
            let text = format!("process `{}` {what}", self.name());
            Error::with_text(ErrorKind::NotFound, text)
        };
        let value = self
            .value
            .take()
            .ok_or_else(|| missing("has no value, or it was taken"))?;
        match value.recv(NO_WAIT) {
            Ok(message) => message::decode(message),
            Err(ErrorCode::EndOfFile) => Err(missing("exited before its task returned a value")),
            Err(code) => Err(code.into()),
        }
    }
}
