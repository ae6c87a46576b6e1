//! The calling process and its relatives, and the text form of processes.

use crate::bindings::process;
use crate::{ExitStatus, Process};
use std::fmt;

/// The calling process: see [`current_process`].
#[derive(Clone, Copy)]
pub struct CurrentProcess(());

/// The calling process. Python: `current_process()`.
///
/// Its text is close to Python's:
/// ```no_run
/// # #[isopod::main]
/// # fn main() {
/// println!("{}", isopod::current_process());
/// // <Process name='MainProcess' parent=None started>
/// # }
/// ```
#[must_use]
pub fn current_process() -> CurrentProcess {
    CurrentProcess(())
}

/// The process that started this one, even if it has ended since; `None` in the main process. Does not block.
/// Python: `parent_process()`.
///
/// A child can wait for it with [`wait`](Process::wait) and [`wait_any`](crate::wait_any), and so notice the
/// death of its parent. A child cannot end it: [`NotAChild`](crate::ErrorKind::NotAChild). Before its normal
/// end, a parent waits for its children. So only a daemon may wait for that end without a timeout.
///
/// ```no_run
/// # use std::time::Duration;
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// if let Some(parent) = isopod::parent_process() {
///     println!("{} is alive: {}", parent.name(), parent.is_alive());
///     parent.wait_timeout(Duration::from_secs(5))?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn parent_process() -> Option<Process> {
    process::parent().map(|raw| Process::from_raw(raw, None))
}

/// The living processes that the calling one started or adopted, including those of its pools. Does not
/// block. Python: `active_children()`. These do not give the return values of their tasks.
#[must_use]
pub fn active_children() -> Vec<Process> {
    process::active_children()
        .into_iter()
        .map(|raw| Process::from_raw(raw, None))
        .collect()
}

/// The number of cores that processes may use. Python: `os.process_cpu_count()`.
#[must_use]
pub fn cpu_count() -> usize {
    usize::try_from(process::core_count()).unwrap_or(1)
}

impl CurrentProcess {
    /// The id of the calling process. Python: `os.getpid()`.
    #[must_use]
    pub fn id(&self) -> u64 {
        process::current_id()
    }

    /// The name of the calling process.
    #[must_use]
    pub fn name(&self) -> String {
        process::current_name()
    }

    /// The id of the process that is responsible for the calling one: the one that started it, or, if that
    /// has ended, the nearest living ancestor; none in the main process. Python: `os.getppid()`.
    #[must_use]
    pub fn parent_id(&self) -> Option<u64> {
        process::parent_id()
    }

    /// Whether the calling process is a daemon. Python: `daemon`.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        process::current_daemon()
    }

    /// Whether the calling process has not ended: true.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        true
    }

    /// The exit code of the calling process: none, since it has not ended. Python: `exitcode`.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        None
    }
}

/// As in Python: `<Process name='Process-1' parent=1 started>`.
impl fmt::Display for CurrentProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = Description {
            name: self.name(),
            id: None,
            parent: Parent::Known(self.parent_id()),
            state: "started",
            exit_code: None,
            is_daemon: self.is_daemon(),
        };
        description.fmt(formatter)
    }
}

impl fmt::Debug for CurrentProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// As in Python: `<Process name='Process-1' pid=2 parent=1 stopped exitcode=0>`.
impl<T> fmt::Display for Process<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id();
        let is_parent = parent_process().is_some_and(|parent| parent.id() == id);
        let exit_code = self.exit_code();
        let description = Description {
            name: self.name(),
            id: Some(id),
            parent: match is_parent {
                true => Parent::Unknown,
                false => Parent::Known(Some(current_process().id())),
            },
            state: match exit_code {
                _ if self.is_closed() => "closed",
                Some(_) => "stopped",
                None => "started",
            },
            exit_code,
            is_daemon: self.is_daemon(),
        };
        description.fmt(formatter)
    }
}

impl<T> fmt::Debug for Process<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The parts of the text of a process.
struct Description {
    name: String,
    id: Option<u64>,
    parent: Parent,
    state: &'static str,
    exit_code: Option<i32>,
    is_daemon: bool,
}

enum Parent {
    Known(Option<u64>),
    /// The parent of the calling process's own parent is not known.
    Unknown,
}

impl Description {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<Process name='{}'", self.name.escape_debug())?;
        if let Some(id) = self.id {
            write!(formatter, " pid={id}")?;
        }
        match self.parent {
            Parent::Known(Some(id)) => write!(formatter, " parent={id}")?,
            Parent::Known(None) => formatter.write_str(" parent=None")?,
            Parent::Unknown => {}
        }
        write!(formatter, " {}", self.state)?;
        match self.exit_code {
            None => {}
            Some(code) => match signal(code) {
                Some(name) => write!(formatter, " exitcode=-{name}")?,
                None => write!(formatter, " exitcode={code}")?,
            },
        }
        if self.is_daemon {
            formatter.write_str(" daemon")?;
        }
        formatter.write_str(">")
    }
}

/// The signal that Python names for this exit code.
fn signal(exit_code: i32) -> Option<&'static str> {
    match exit_code {
        -6 => Some("SIGABRT"),
        -9 => Some("SIGKILL"),
        -14 => Some("SIGALRM"),
        -15 => Some("SIGTERM"),
        -24 => Some("SIGXCPU"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown(Description);

    impl fmt::Display for Shown {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(formatter)
        }
    }

    fn child(exit_code: Option<i32>, state: &'static str, is_daemon: bool) -> String {
        Shown(Description {
            name: "it's".to_owned(),
            id: Some(7),
            parent: Parent::Known(Some(1)),
            state,
            exit_code,
            is_daemon,
        })
        .to_string()
    }

    #[test]
    fn processes_are_written_as_in_python() {
        assert_eq!(
            child(None, "started", true),
            r"<Process name='it\'s' pid=7 parent=1 started daemon>"
        );
        assert!(child(Some(0), "stopped", false).ends_with("stopped exitcode=0>"));
        assert!(child(Some(-15), "stopped", false).ends_with("exitcode=-SIGTERM>"));
        assert!(child(Some(-9), "closed", false).ends_with("closed exitcode=-SIGKILL>"));
        let main = Shown(Description {
            name: "MainProcess".to_owned(),
            id: None,
            parent: Parent::Known(None),
            state: "started",
            exit_code: None,
            is_daemon: false,
        });
        assert_eq!(
            main.to_string(),
            "<Process name='MainProcess' parent=None started>"
        );
    }
}
