//! A worker of a pool of plugins: a pinned thread with an instance of its own, which serves one call after
//! another.

use super::instance::Instance;
use super::line::Sleeper;
use super::pool::Shared;
use super::request::{Input, Output, Request};
use super::typed;
use crate::bug;
use crate::error::{Error, ErrorKind, Result};
use crate::life::ProcessState;
use crate::machine::{Gate, Sitter, Slot, threads};
use isopod_sync::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The state of a worker.
struct Worker {
    shared: Arc<Shared>,
    sitter: Sitter,
    instance: Option<Instance>,
    /// The core of the last caller, if it is known.
    caller_core: Option<usize>,
    sleeper: Arc<Sleeper>,
}

/// Starts a worker for a call from the core `core`. The line counts it already.
pub(crate) fn start(shared: &Arc<Shared>, core: Option<usize>) {
    let machinery = shared.plugin.engine().machinery();
    let placement = &machinery.placement;
    let seat = ProcessState::next_id();
    let sitter = Sitter {
        slot: Arc::new(AtomicUsize::new(0)),
        tree: shared.plugin.tree(),
        gate: Arc::new(Gate::new(seat)),
    };
    let slot = placement.seat_away_from(core, sitter.clone());
    let of_thread = Arc::clone(shared);
    let job = Box::new(move || run(of_thread, sitter));
    if let Err(error) = machinery.threads.run(placement, slot, job) {
        placement.leave(seat);
        let text = "the system refuses another thread for a worker (see `ulimit -u` and the pids limit of the cgroup)";
        for request in shared.line.lost_worker(true) {
            let cause = std::io::Error::from(error.kind());
            request.refuse(Error::new(ErrorKind::LimitExceeded, text).with_cause(cause));
        }
    }
}

fn run(shared: Arc<Shared>, sitter: Sitter) -> Option<Slot> {
    let seat = sitter.gate.seat();
    let machinery = Arc::clone(shared.plugin.engine().machinery());
    threads::name_current(&shared.plugin.name());
    machinery.placement.begin(seat, threads::current_id());
    let is_looking = AtomicBool::new(true);
    let ended = bug::contain("worker of a plugin", "a plugin", || {
        let mut worker = Worker {
            sleeper: Sleeper::new(),
            shared: Arc::clone(&shared),
            sitter,
            instance: None,
            caller_core: None,
        };
        worker.work(&is_looking);
    });
    if ended.is_none() {
        let was_looking = is_looking.load(Ordering::Relaxed);
        for request in shared.line.lost_worker(was_looking) {
            request.refuse(Error::new(ErrorKind::Engine, bug::TOLD));
        }
    }
    drop(shared);
    machinery.placement.leave(seat)
}

impl Worker {
    fn work(&mut self, is_looking: &AtomicBool) {
        while let Some(request) = self.next() {
            is_looking.store(false, Ordering::Relaxed);
            let result = request.begin().then(|| self.call(&request));
            self.caller_core = request.core;
            self.shared.line.look_again(self.core());
            is_looking.store(true, Ordering::Relaxed);
            if let Some(result) = result {
                self.finish(request, result);
            }
        }
    }

    fn next(&mut self) -> Option<Arc<Request>> {
        let Worker {
            shared,
            sitter,
            instance,
            caller_core,
            sleeper,
        } = self;
        let placement = &shared.plugin.engine().machinery().placement;
        let may_pause = || {
            let slot: Slot = sitter.slot.load(Ordering::Relaxed);
            caller_core.is_some()
                && placement.core_of(slot) != *caller_core
                && placement.is_alone(slot)
        };
        shared.line.next(sleeper, may_pause, |sleep| {
            // An instance that will not be called again is not kept while the worker sleeps.
            instance.take_if(|instance| !shared.plugin.is_usable(instance));
            if placement.parking(sitter.gate.seat()) {
                shared.plugin.engine().machinery().rebalance_soon();
            }
            sleep();
            placement.unparked(sitter.gate.seat());
        })
    }

    fn core(&self) -> Option<usize> {
        let placement = &self.shared.plugin.engine().machinery().placement;
        placement.core_of(self.sitter.slot.load(Ordering::Relaxed))
    }

    fn finish(&mut self, request: Arc<Request>, result: Result<Output>) {
        let took = request.submitted.elapsed();
        let slot: Slot = self.sitter.slot.load(Ordering::Relaxed);
        self.shared.plugin.counters().note(slot, took, &result);
        let is_wanted = request.finish(result);
        let plugin = &self.shared.plugin;
        self.instance
            .take_if(|instance| !is_wanted || !plugin.is_usable(instance));
        // If no call waits, the instance for the next call is made now.
        if self.instance.is_none() && !self.shared.line.is_waited_for() && plugin.is_fresh() {
            self.instance = self.new_instance(None).ok();
        }
    }

    fn call(&mut self, request: &Request) -> Result<Output> {
        let plugin = &self.shared.plugin;
        self.instance
            .take_if(|instance| !plugin.is_usable(instance));
        let instance = match &mut self.instance {
            Some(instance) => instance,
            None => {
                let new = self.new_instance(Some(request))?;
                self.instance.insert(new)
            }
        };
        request.runs_in(instance.process());
        if request.is_cancelled() {
            return Err(Error::new(ErrorKind::Terminated, "the call was cancelled"));
        }
        let begun = std::time::Instant::now();
        let (function, last) = (&request.function, request.last);
        match &request.input {
            Input::Message(Message { bytes, handles }) => instance
                .call(function, bytes, handles, begun, last)
                .map(Output::Message),
            Input::Typed(arguments) => {
                typed::call(instance, function, arguments, begun, last).map(Output::Typed)
            }
        }
    }

    fn new_instance(&self, request: Option<&Request>) -> Result<Instance> {
        self.shared.plugin.new_instance(
            ProcessState::next_id(),
            |version| version.placed(&self.sitter),
            request.and_then(|request| request.last),
        )
    }
}
