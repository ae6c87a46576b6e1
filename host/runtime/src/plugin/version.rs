//! One version of a plugin: its code, its rights and limits, and the tree in which its instances live.

use super::instance::Instance;
use super::watch::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::guest::Program;
use crate::life::{ProcessState, Seating, Tree};
use crate::limits::ProcessLimits;
use crate::machine::{Gate, Sitter};
use crate::multiprocessing::exported::ExportedIndices;
use crate::mutex::lock;
use crate::process::Command;
use crate::process::spawn::PlacementHooks;
use crate::rights::Rights;
use isopod_sync::{Hooks, ProcessId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The longest time that a plugin may take to describe its functions, if its calls have no deadline.
const DESCRIBE_TIME: Duration = Duration::from_secs(10);

/// The largest number of spare watches for the next instances: no more instances than that begin and end in
/// turn.
const MOST_SPARE_WATCHES: usize = 64;

/// The largest number of functions of a plugin, and the longest name and text of one, in bytes.
const MOST_FUNCTIONS: usize = 10_000;
const LONGEST_NAME_BYTES: usize = 255;
const LONGEST_TEXT_BYTES: usize = 64 << 10;

/// A function of a plugin, as the plugin describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginFunction {
    /// The name by which it is called.
    pub name: String,
    /// Its purpose, input and output, for people; may be empty.
    pub text: String,
}

/// The part that all instances of one version share.
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) program: Program,
    /// The exports of the `functions` interface, if the plugin has it.
    pub(crate) functions: Option<ExportedIndices>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) rights: Arc<Rights>,
    pub(crate) limits: ProcessLimits,
    /// The deadline of each call.
    pub(crate) deadline: Option<Duration>,
    /// Watches of instances that are gone.
    spare_watches: Mutex<Vec<Arc<Watch>>>,
}

impl Version {
    /// Makes a version and asks it for its functions. A version that cannot answer is refused.
    pub(crate) fn load(
        command: &Command,
        program: &Program,
        number: u64,
    ) -> Result<(Arc<Version>, Vec<PluginFunction>)> {
        let command = command.clone().for_plugin(program);
        let (limits, deadline) = (command.process_limits(), command.call_deadline());
        let (tree, rights) = command.into_any_tree()?;
        // Its instances come and go, so the tree must outlive moments without one.
        tree.hold();
        let version = Arc::new(Version {
            number,
            program: program.clone(),
            functions: ExportedIndices::new(program.instance()).ok(),
            tree,
            rights,
            limits,
            deadline,
            spare_watches: Mutex::default(),
        });
        let last = Instant::now().checked_add(DESCRIBE_TIME);
        let id = ProcessState::next_id();
        let mut instance = Instance::new(&version, id, unplaced(id), last)?;
        let functions = checked(program.name(), instance.describe(last)?)?;
        Ok((version, functions))
    }

    /// A watch for a new instance.
    pub(crate) fn watch_for(&self, process: &Arc<ProcessState>) -> Arc<Watch> {
        let spare = lock(&self.spare_watches).pop();
        let watch = spare.unwrap_or_else(|| Watch::new(self.deadline, self.limits.cpu_time));
        watch.serve(process);
        watch
    }

    /// Takes the watch of an instance that serves no more calls.
    pub(crate) fn spare(&self, watch: &Arc<Watch>) {
        let mut spare_watches = lock(&self.spare_watches);
        if !watch.is_claimed() && spare_watches.len() < MOST_SPARE_WATCHES {
            spare_watches.push(Arc::clone(watch));
        }
    }

    /// Seating for instances that are called on the thread that has this seat.
    pub(crate) fn placed(&self, sitter: &Sitter) -> Seating {
        let gate = Arc::clone(&sitter.gate);
        let hooks = PlacementHooks::new(gate.seat(), &sitter.slot, &self.tree);
        Seating {
            hooks: Arc::new(hooks),
            gate,
        }
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Version")
            .field("number", &self.number)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// Seating for an instance that is called on the embedder's threads, which placement does not know.
pub(crate) fn unplaced(id: ProcessId) -> Seating {
    #[derive(Debug)]
    struct Unplaced;
    impl Hooks for Unplaced {}
    Seating {
        hooks: Arc::new(Unplaced),
        gate: Arc::new(Gate::new(id)),
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        self.tree.release();
    }
}

/// The functions that a plugin described, if the description is valid.
fn checked(plugin: &str, told: Vec<(String, String)>) -> Result<Vec<PluginFunction>> {
    let refuse = |text: String| {
        let text = format!("`{plugin}` is no valid plugin: {text}");
        Err(Error::new(ErrorKind::InvalidProgram, text))
    };
    if told.len() > MOST_FUNCTIONS {
        return refuse(format!(
            "it says that it has {} functions; {MOST_FUNCTIONS} are the most",
            told.len()
        ));
    }
    let mut names = BTreeSet::new();
    for (name, text) in &told {
        if name.is_empty() || name.len() > LONGEST_NAME_BYTES || name.contains(char::is_control) {
            let shown: String = name.chars().take(50).collect();
            return refuse(format!(
                "`{}` is no name of a function: it has 1 to {LONGEST_NAME_BYTES} bytes, and no control characters",
                shown.escape_debug()
            ));
        }
        if text.len() > LONGEST_TEXT_BYTES {
            return refuse(format!(
                "its text about `{name}` has {} bytes; {LONGEST_TEXT_BYTES} are the most",
                text.len()
            ));
        }
        if !names.insert(name) {
            return refuse(format!("it has two functions of the name `{name}`"));
        }
    }
    let functions = told.into_iter();
    Ok(functions
        .map(|(name, text)| PluginFunction { name, text })
        .collect())
}
