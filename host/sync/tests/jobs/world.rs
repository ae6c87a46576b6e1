//! Jobs beside the model of them: which job begins, the outcome of each, the holders and the charges.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use isopod_sync::{
    Batch, BatchOptions, BegunJob, Bounds, Handle, Killed, Message, Outcome, ProcessId, Queue,
    SubmitError, TakeError, Tree,
};

use crate::reference::{Begins, Content, Reference};
use crate::step::Step;
use crate::{Jobs, OWNER, text, until, waiter};

const TREE_LIMIT_BYTES: u64 = 6_000;
pub(super) const WORKERS: usize = 3;

type Submitted = (Batch<&'static str>, Arc<BatchOptions>);

struct World {
    tree: Tree,
    jobs: Jobs,
    carried: Handle,
    batches: Vec<Option<Submitted>>,
    /// The jobs that workers have begun, until the guest has seen them.
    begun: [Option<BegunJob>; WORKERS],
    /// The number of each worker's last beginning.
    numbers: [u64; WORKERS],
    /// The number of outcomes of each job of each batch.
    taken: Vec<Vec<u32>>,
    reference: Reference,
    made: u8,
}

fn process(worker: usize) -> ProcessId {
    ProcessId::new(worker as u64 + 1)
}

/// Runs these steps on the real jobs and in the model, and compares everything visible after each.
pub(super) fn run(steps: impl IntoIterator<Item = Step>) {
    let mut world = World::new();
    for step in steps {
        world.apply(&step);
        world.check();
    }
    world.end();
}

impl World {
    fn new() -> Self {
        let tree = Tree::new(TREE_LIMIT_BYTES);
        Self {
            jobs: Jobs::new(&tree, OWNER),
            tree,
            carried: Queue::new(Bounds::default()).to_handle(),
            batches: Vec::new(),
            begun: [const { None }; WORKERS],
            numbers: [0; WORKERS],
            taken: Vec::new(),
            reference: Reference::new(TREE_LIMIT_BYTES, WORKERS),
            made: 0,
        }
    }

    fn message(&self, content: Content, name: u8) -> Message {
        let mut bytes = vec![0; usize::try_from(content.length).unwrap()];
        bytes[0] = name;
        let handles = (0..content.handles).map(|_| self.carried.clone()).collect();
        Message { bytes, handles }
    }

    fn messages(&mut self, content: Content, count: u8) -> (Vec<Message>, Vec<u8>) {
        let names: Vec<u8> = (0..count)
            .map(|_| {
                self.made = self.made.wrapping_add(1);
                self.made
            })
            .collect();
        let messages = names.iter().map(|name| self.message(content, *name));
        (messages.collect(), names)
    }

    fn apply(&mut self, step: &Step) {
        let count = self.batches.len();
        let index = |batch: usize| (count > 0).then(|| batch % count);
        match *step {
            Step::Submit(content, count, fails_fast) => {
                let (messages, names) = self.messages(content, count);
                let options = BatchOptions {
                    fails_fast,
                    ..BatchOptions::default()
                };
                let submitted = self.jobs.submit(messages, options);
                let expected = self.reference.submit(fails_fast, &names, content);
                assert_eq!(submitted.as_ref().map(drop).map_err(Clone::clone), expected);
                if let Ok(submitted) = submitted {
                    self.batches.push(Some(submitted));
                    self.taken.push(vec![0; usize::from(count)]);
                }
            }
            Step::Add(batch, content, count) => {
                let (messages, names) = self.messages(content, count);
                if let Some(batch) = index(batch)
                    && let Some((added_to, options)) = &self.batches[batch]
                {
                    let added: Result<(), SubmitError> = self.jobs.add(added_to, options, messages);
                    assert_eq!(added, self.reference.add(batch, &names, content));
                    if added.is_ok() {
                        let length = self.taken[batch].len() + usize::from(count);
                        self.taken[batch].resize(length, 0);
                    }
                }
            }
            Step::Begin(worker) => self.begin(worker),
            Step::See(worker) => {
                self.begun[worker] = None;
                self.reference.see(worker);
            }
            Step::Value(worker, content) => {
                let report = Ok(self.message(content, 200));
                let reported = self.jobs.report(process(worker), report);
                let expected = self.reference.report(worker, content, "value 200");
                assert_eq!(reported.is_ok(), expected);
            }
            Step::Error(worker, length) => {
                let error = "e".repeat(length);
                let told = format!("failed: {error}");
                let charged = Content {
                    length: (length as u64).saturating_sub(1_000),
                    handles: 0,
                };
                let reported = self.jobs.report(process(worker), Err(error));
                let expected = self.reference.report(worker, charged, &told);
                assert_eq!(reported.is_ok(), expected);
            }
            Step::Lose(worker) => {
                let ended = self
                    .jobs
                    .end(process(worker), Outcome::WorkerLost("killed"));
                assert_eq!(ended, self.reference.end(worker, "lost: killed"));
            }
            Step::Expire(worker, right) => {
                let number = self.numbers[worker] + u64::from(!right);
                let expired = self.jobs.expire(process(worker), number);
                assert_eq!(expired, right && self.reference.expire(worker));
            }
            Step::GiveBack(worker) => {
                if let Some(job) = self.begun[worker].take() {
                    let is_current = job.number == self.numbers[worker];
                    self.jobs.give_back(process(worker), job);
                    self.reference.give_back(worker, is_current);
                }
            }
            Step::Close => {
                self.jobs.close();
                self.reference.close();
            }
            Step::Terminate => {
                self.jobs.terminate();
                self.reference.stop(false);
            }
            Step::BreakDown => {
                self.jobs.break_down("no workers");
                self.reference.stop(true);
            }
            Step::Next(batch) => {
                if let Some(batch) = index(batch) {
                    self.next(batch);
                }
            }
            Step::NextEnded(batch) => {
                if let Some(batch) = index(batch) {
                    self.next_ended(batch);
                }
            }
            Step::TakeAll(batch) => {
                if let Some(batch) = index(batch)
                    && let Some((taken_from, _)) = &self.batches[batch]
                {
                    let all = taken_from.take_all_within(Some(Duration::ZERO));
                    let all = all.map(|all| all.iter().map(text).collect::<Vec<_>>());
                    assert_eq!(all, self.reference.take_all(batch));
                    if all.is_ok() {
                        self.taken[batch].iter_mut().for_each(|count| *count += 1);
                    }
                }
            }
            Step::Drop(batch) => {
                if let Some(batch) = index(batch) {
                    self.batches[batch] = None;
                    self.reference.forsake(batch);
                }
            }
        }
    }

    fn begin(&mut self, worker: usize) {
        // It does not own its last job any more.
        self.begun[worker] = None;
        self.reference.see(worker);
        let expected = self.reference.begin(worker);
        if expected == Begins::Waits {
            let victim = waiter(process(worker));
            let killed = thread::scope(|scope| {
                let begin = scope.spawn(|| {
                    let _entered = victim.enter();
                    self.jobs.begin(process(worker))
                });
                until(|| victim.waiting_for().is_some() || begin.is_finished());
                victim.kill();
                begin.join().unwrap()
            });
            assert_eq!(killed.unwrap_err(), Killed);
            return;
        }
        let begun = self.jobs.begin(process(worker));
        let name = |begun: &Option<BegunJob>| begun.as_ref().map(|job| job.message.bytes[0]);
        let expected = match expected {
            Begins::Job(name) => Ok(Some(name)),
            Begins::Nothing => Ok(None),
            Begins::Expired | Begins::Waits => Err(Killed),
        };
        assert_eq!(begun.as_ref().map(name), expected.as_ref().copied());
        if let Ok(Some(job)) = begun {
            self.numbers[worker] = job.number;
            self.begun[worker] = Some(job);
        }
    }

    fn next(&mut self, batch: usize) {
        if let Some((taken_from, _)) = &self.batches[batch] {
            let next = taken_from.next_within(Some(Duration::ZERO));
            let expected = self.reference.next(batch);
            let position = expected.as_ref().map(|(position, _)| *position);
            assert_eq!(
                next.map(|outcome| text(&outcome)),
                expected.clone().map(|e| e.1)
            );
            if let Ok(position) = position {
                self.taken[batch][position] += 1;
            }
        }
    }

    fn next_ended(&mut self, batch: usize) -> bool {
        let Some((taken_from, _)) = &self.batches[batch] else {
            return false;
        };
        let next = taken_from.next_ended_within(Some(Duration::ZERO));
        let next = next.map(|(position, outcome)| (position as usize, text(&outcome)));
        assert_eq!(next, self.reference.next_ended(batch));
        if let Ok((position, _)) = &next {
            self.taken[batch][*position] += 1;
        }
        next != Err(TakeError::Empty)
    }

    fn check(&self) {
        assert_eq!(self.tree.queued_bytes(), self.reference.charged());
        let held = self.carried.holders();
        let by_owner: u64 = held.processes.iter().map(|(_, count)| *count as u64).sum();
        assert_eq!((by_owner, held.messages), (self.reference.held(), 0));
        assert_eq!(self.jobs.waiting(), self.reference.waiting());
        for (index, batch) in self.batches.iter().enumerate() {
            if let Some((batch, _)) = batch {
                let state = (batch.size(), batch.is_done(), batch.has_failed());
                assert_eq!(state, self.reference.state(index));
            }
        }
    }

    /// The pool is over and all workers have ended.
    fn end(&mut self) {
        self.apply(&Step::Terminate);
        for worker in 0..WORKERS {
            self.apply(&Step::See(worker));
            self.apply(&Step::Lose(worker));
            self.check();
        }
        for batch in 0..self.batches.len() {
            while self.next_ended(batch) {}
            if self.batches[batch].is_some() {
                assert!(self.taken[batch].iter().all(|count| *count == 1));
            }
        }
        self.check();
        assert_eq!(self.tree.queued_bytes(), 0);
        assert!(self.carried.holders().processes.is_empty());
    }
}
