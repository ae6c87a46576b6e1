//! How the embedder starts a tree of processes.

use super::handle::Process;
use super::{cpu_time, quota, spawn};
use crate::error::Result;
use crate::guest::Program;
use crate::life::{Birth, Entry, ProcessState, Role, Surroundings, Tree};
use crate::limits::{Limits, ProcessLimits};
use crate::reports::OnDeadlock;
use crate::rights::{Access, Policy, Rights, check_text};
use crate::stdio::{Output, Sink, Stdin};
use isopod_sync::Handle;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The name of a tree's first process, as in Python.
const MAIN_NAME: &str = "MainProcess";

/// A program with its arguments and its grants, ready to be started.
///
/// The program gets no grant that is not named here, in a [`Policy`] or by the methods of the same names: no
/// environment, no directory, no input, no output, no network.
///
/// ```no_run
/// use isopod_host::{Command, Engine, Output, Program};
/// let engine = Engine::new()?;
/// let program = Program::from_file(&engine, "hello.wasm")?;
/// let process = Command::new(&program).arg("world").stdout(Output::Inherit).spawn()?;
/// assert!(process.join_tree().success());
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until it is spawned"]
pub struct Command {
    program: Program,
    args: Vec<String>,
    policy: Policy,
    handles: BTreeMap<String, Handle>,
    limits: Limits,
    on_deadlock: OnDeadlock,
}

impl Command {
    /// A command without arguments or grants.
    pub fn new(program: &Program) -> Command {
        Command {
            program: program.clone(),
            args: vec![program.name().to_owned()],
            policy: Policy::default(),
            handles: BTreeMap::new(),
            limits: Limits::default(),
            on_deadlock: OnDeadlock::default(),
        }
    }

    /// Adds an argument. The program's name comes before the first.
    pub fn arg(mut self, arg: impl Into<String>) -> Command {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Command {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Replaces all of the program's grants at once. Default: none.
    pub fn policy(mut self, policy: Policy) -> Command {
        self.policy = policy;
        self
    }

    /// Sets an environment variable: [`Policy::env`].
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Command {
        self.policy = self.policy.env(name, value);
        self
    }

    /// Lets all processes of the tree see the directory `host` as `guest`: [`Policy::directory`].
    pub fn directory(
        mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
        access: Access,
    ) -> Command {
        self.policy = self.policy.directory(host, guest, access);
        self
    }

    /// Sets main's standard input: [`Policy::stdin`].
    pub fn stdin(mut self, stdin: Stdin) -> Command {
        self.policy = self.policy.stdin(stdin);
        self
    }

    /// Sets the standard output of all processes of the tree: [`Policy::stdout`].
    pub fn stdout(mut self, stdout: Output) -> Command {
        self.policy = self.policy.stdout(stdout);
        self
    }

    /// Sets the standard error of all processes of the tree: [`Policy::stderr`].
    pub fn stderr(mut self, stderr: Output) -> Command {
        self.policy = self.policy.stderr(stderr);
        self
    }

    /// Gives the tree an object of the embedder under a name, by which guests ask for it. The tree holds it
    /// until its last process has ended.
    pub fn handle(mut self, name: impl Into<String>, handle: &Handle) -> Command {
        self.handles.insert(name.into(), handle.clone());
        self
    }

    /// Sets all limits at once. Default: the values that [`Limits`] lists.
    pub fn limits(mut self, limits: Limits) -> Command {
        self.limits = limits;
        self
    }

    /// Bounds the linear memories of each process of the tree, in bytes: [`Limits::memory`].
    pub fn memory_limit(mut self, bytes: u64) -> Command {
        self.limits = self.limits.memory(bytes);
        self
    }

    /// Ends main, and with it the tree, when `timeout` has passed since its start: [`Limits::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Command {
        self.limits = self.limits.timeout(timeout);
        self
    }

    /// Sets the reaction to processes of the tree that wait for each other without a timeout:
    /// [`OnDeadlock::Report`] unless set.
    pub fn on_deadlock(mut self, on_deadlock: OnDeadlock) -> Command {
        self.on_deadlock = on_deadlock;
        self
    }

    /// Starts the program's main process. Does not wait for it to run.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) and [`Io`](crate::ErrorKind::Io) for a directory that
    /// cannot be opened, [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a limit below the
    /// smallest or an argument that holds a NUL byte,
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if too many processes live.
    pub fn spawn(self) -> Result<Process> {
        let timeout = self.limits.timeout;
        // A deadline beyond the end of the clock is no deadline.
        let deadline = Instant::now().checked_add(timeout);
        let deadline = deadline.map(|deadline| (deadline, timeout));
        let (program, limits) = (self.program.clone(), self.limits.process);
        let (tree, rights) = self.into_tree()?;
        let birth = Birth {
            name: MAIN_NAME.to_owned(),
            task: "main".to_owned(),
            role: Role::Main,
            is_daemon: false,
            lineage: Vec::new(),
            limits,
            rights,
            deadline,
        };
        let state = spawn::spawn(&program, &tree, None, birth, 0, |_| Entry::Main);
        let state = state.inspect_err(|error| {
            tree.tell_refused_start(ProcessState::next_id(), MAIN_NAME, error)
        })?;
        Ok(Process::new(state))
    }

    /// The command for the instances of another version of a plugin. It bounds nothing but the calls. It
    /// reports no deadlock, since any holder of the handles could end one.
    pub(crate) fn for_plugin(mut self, program: &Program) -> Command {
        self.program = program.clone();
        self.limits.tree.output_bytes = u64::MAX;
        self.limits.tree.started_processes = u64::MAX;
        self.on_deadlock = OnDeadlock::Ignore;
        self
    }

    /// The longest time that a call of a plugin may take; none if no limit was set.
    pub(crate) fn call_deadline(&self) -> Option<Duration> {
        self.limits.call_deadline()
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn process_limits(&self) -> ProcessLimits {
        self.limits.process
    }

    /// A tree without processes and the rights of its first ones, for a program with a main function.
    pub(crate) fn into_tree(self) -> Result<(Arc<Tree>, Arc<Rights>)> {
        self.program.command()?;
        self.into_any_tree()
    }

    /// The same for any program.
    pub(crate) fn into_any_tree(self) -> Result<(Arc<Tree>, Arc<Rights>)> {
        self.limits.check()?;
        for argument in &self.args {
            check_text(argument)?;
        }
        let rights = self
            .policy
            .rights(&self.program.engine().machinery().descriptors)?;
        let surroundings = Surroundings {
            args: self.args,
            stdin: self.policy.stdin,
            stdout: sink(self.policy.stdout, Sink::Stdout),
            stderr: sink(self.policy.stderr, Sink::Stderr),
        };
        let machinery = self.program.engine().machinery();
        machinery.start_serving()?;
        let tree = Tree::new(
            machinery,
            surroundings,
            self.handles,
            &self.limits,
            self.on_deadlock,
        );
        cpu_time::watch_tree(&tree);
        quota::watch(&tree);
        Ok((tree, Arc::new(rights)))
    }
}

fn sink(output: Output, inherited: Sink) -> Sink {
    match output {
        Output::Discard => Sink::Discard,
        Output::Inherit => inherited,
        Output::Capture(capture) => Sink::Capture(capture),
    }
}
