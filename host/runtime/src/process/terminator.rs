//! Ends processes, pools and plugins from any thread.

use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, Tree};
use std::fmt::Debug;
use std::sync::{Arc, Weak};

/// The manner in which a process is asked to end from outside.
///
/// ```no_run
/// # fn example(process: &isopod_host::Process) {
/// process.end_tree(isopod_host::Ending::Kill);
/// assert_eq!(process.join_tree(), isopod_host::ExitStatus::Killed);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Exit status [`ExitStatus::Terminated`].
    Terminate,
    /// Exit status [`ExitStatus::Killed`].
    Kill,
}

impl Ending {
    pub(super) fn status(self) -> ExitStatus {
        match self {
            Ending::Terminate => ExitStatus::Terminated,
            Ending::Kill => ExitStatus::Killed,
        }
    }
}

/// A part that can be ended from outside: a pool or a plugin.
pub(crate) trait Ends: Debug + Send + Sync {
    /// Asks for the end of all that runs in the part. Returns at once.
    fn end(&self);
}

/// Ends a process, the workers of a pool or the calls of a plugin, from any thread. Clones have the same
/// target.
///
/// It keeps nothing of its target alive: no process, pool or plugin lives longer because of it. When the
/// target is gone, it does nothing.
///
/// | from | `terminate` and `kill` | `end_tree` |
/// |---|---|---|
/// | [`Process::terminator`](crate::Process::terminator) | the process | all processes of its tree, which starts no new ones |
/// | [`Pool::terminator`](crate::pool::Pool::terminator) | the workers; jobs that have not begun are cancelled | the same |
/// | [`Plugin::terminator`](crate::plugin::Plugin::terminator) | the calls that run now, each of which fails with [`ErrorKind::Terminated`](crate::ErrorKind::Terminated) within milliseconds; later calls run | the same |
///
/// ```no_run
/// # fn example(process: &isopod_host::Process, plugin: &isopod_host::plugin::Plugin) {
/// use isopod_host::Ending;
/// let terminator = process.terminator();
/// std::thread::spawn(move || terminator.end_tree(Ending::Kill));
///
/// let terminator = plugin.terminator();
/// std::thread::scope(|scope| {
///     scope.spawn(|| plugin.call_here("slow", b"", &[]));
///     terminator.terminate();
/// });
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Terminator {
    target: Target,
}

#[derive(Debug, Clone)]
enum Target {
    /// The tree too, since it may outlive the process.
    Process(Weak<ProcessState>, Weak<Tree>),
    Part(Weak<dyn Ends>),
}

impl Terminator {
    pub(crate) fn of_process(process: &Arc<ProcessState>) -> Terminator {
        let target = Target::Process(Arc::downgrade(process), Arc::downgrade(&process.tree));
        Terminator { target }
    }

    pub(crate) fn of_part(part: Weak<dyn Ends>) -> Terminator {
        let target = Target::Part(part);
        Terminator { target }
    }

    /// Asks for the end, with exit status [`ExitStatus::Terminated`]. Returns at once.
    pub fn terminate(&self) {
        self.end(Ending::Terminate);
    }

    /// As [`terminate`](Self::terminate), with exit status [`ExitStatus::Killed`] for a process. Its work
    /// ends in the same way and as fast.
    pub fn kill(&self) {
        self.end(Ending::Kill);
    }

    /// Ends a process with all others of its tree, which starts no new ones. Returns at once.
    pub fn end_tree(&self, ending: Ending) {
        match &self.target {
            Target::Process(_, tree) => {
                if let Some(tree) = tree.upgrade() {
                    tree.end_all_by(Requester::Embedder, &ending.status());
                }
            }
            Target::Part(_) => self.end(ending),
        }
    }

    fn end(&self, ending: Ending) {
        match &self.target {
            Target::Process(process, _) => {
                if let Some(process) = process.upgrade() {
                    process.request_end_by(Requester::Embedder, &ending.status());
                }
            }
            Target::Part(part) => {
                if let Some(part) = part.upgrade() {
                    part.end();
                }
            }
        }
    }
}
