//! The model of the jobs of a pool: lists and counts, one thread.

use std::collections::VecDeque;

use isopod_sync::{SubmitError, TakeError};

use crate::{GIVEN_UP, JOB_BYTES, TERMINATED};

/// The contents of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    pub(super) length: u64,
    pub(super) handles: u64,
}

impl Content {
    fn bytes(self) -> u64 {
        self.length + 96 * self.handles
    }
}

#[derive(Clone, Copy, Debug)]
struct Job {
    batch: usize,
    position: usize,
    name: u8,
    content: Content,
}

#[derive(Debug)]
struct Running {
    job: Job,
    is_expired: bool,
}

#[derive(Debug)]
enum Slot {
    Running,
    Ended(u64, String, Content),
    Taken,
}

#[derive(Debug, Default)]
struct Batch {
    slots: Vec<Slot>,
    /// The first position that was not passed over.
    next: usize,
    is_any_taken: bool,
    fails_fast: bool,
    has_failed: bool,
    is_forsaken: bool,
}

impl Batch {
    fn is_given_up(&self) -> bool {
        self.fails_fast && self.has_failed
    }

    fn is_done(&self) -> bool {
        let runs = |slot: &Slot| matches!(slot, Slot::Running);
        self.is_given_up() || !self.slots.iter().any(runs)
    }

    fn take(&mut self, position: usize) -> Result<(usize, String), TakeError> {
        self.is_any_taken = true;
        match std::mem::replace(&mut self.slots[position], Slot::Taken) {
            Slot::Ended(_, text, _) => Ok((position, text)),
            slot => panic!("{slot:?} was taken"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Closed,
    Terminated,
    Broken,
}

/// The answer to a worker that asks for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    Job(u8),
    Nothing,
    Waits,
    Expired,
}

#[derive(Debug)]
pub(super) struct Reference {
    limit_bytes: u64,
    stage: Stage,
    line: VecDeque<Job>,
    running: Vec<Option<Running>>,
    /// The job that each worker has received and its guest has not seen.
    unseen: Vec<Option<Content>>,
    batches: Vec<Batch>,
    ends: u64,
}

impl Reference {
    pub(super) fn new(limit_bytes: u64, workers: usize) -> Self {
        Self {
            limit_bytes,
            stage: Stage::Open,
            line: VecDeque::new(),
            running: (0..workers).map(|_| None).collect(),
            unseen: vec![None; workers],
            batches: Vec::new(),
            ends: 0,
        }
    }

    pub(super) fn submit(
        &mut self,
        fails_fast: bool,
        names: &[u8],
        content: Content,
    ) -> Result<(), SubmitError> {
        self.batches.push(Batch {
            fails_fast,
            ..Batch::default()
        });
        let submitted = self.add(self.batches.len() - 1, names, content);
        if submitted.is_err() {
            self.batches.pop();
        }
        submitted
    }

    pub(super) fn add(
        &mut self,
        batch: usize,
        names: &[u8],
        content: Content,
    ) -> Result<(), SubmitError> {
        let queued_bytes = self.charged();
        let bytes = (JOB_BYTES + content.bytes()) * names.len() as u64;
        if queued_bytes + bytes > self.limit_bytes {
            return Err(SubmitError::BudgetExceeded {
                queued_bytes,
                charged_bytes: bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        match self.stage {
            Stage::Open => {}
            Stage::Closed | Stage::Terminated => return Err(SubmitError::NotRunning),
            Stage::Broken => return Err(SubmitError::Broken("no workers".to_owned())),
        }
        for name in names {
            let slots = &mut self.batches[batch].slots;
            self.line.push_back(Job {
                batch,
                position: slots.len(),
                name: *name,
                content,
            });
            slots.push(Slot::Running);
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, worker: usize) -> Begins {
        if self.running[worker].as_ref().is_some_and(|r| r.is_expired) {
            return Begins::Expired;
        }
        self.end(
            worker,
            "failed: its worker began another job without a report",
        );
        while let Some(job) = self.line.pop_front() {
            if self.batches[job.batch].is_given_up() {
                self.finish(job, GIVEN_UP, Content::default());
                continue;
            }
            self.running[worker] = Some(Running {
                job,
                is_expired: false,
            });
            self.unseen[worker] = Some(job.content);
            return Begins::Job(job.name);
        }
        match self.stage {
            Stage::Open => Begins::Waits,
            _ => Begins::Nothing,
        }
    }

    pub(super) fn see(&mut self, worker: usize) {
        self.unseen[worker] = None;
    }

    pub(super) fn report(&mut self, worker: usize, value: Content, text: &str) -> bool {
        let fits = self.charged() + value.bytes() <= self.limit_bytes;
        match &self.running[worker] {
            Some(running) if fits && !running.is_expired => {
                let job = running.job;
                self.running[worker] = None;
                self.finish(job, text, value);
                true
            }
            _ => false,
        }
    }

    pub(super) fn end(&mut self, worker: usize, text: &str) -> bool {
        let Some(running) = self.running[worker].take() else {
            return false;
        };
        self.finish(running.job, text, Content::default());
        true
    }

    pub(super) fn expire(&mut self, worker: usize) -> bool {
        let running = self.running[worker].as_mut();
        running.is_some_and(|running| {
            running.is_expired = true;
            true
        })
    }

    pub(super) fn give_back(&mut self, worker: usize, is_current: bool) {
        self.see(worker);
        if !is_current {
            return;
        }
        let Some(running) = self.running[worker].take() else {
            return;
        };
        match self.unbegun() {
            None => self.line.push_front(running.job),
            Some(text) => self.finish(running.job, text, Content::default()),
        }
    }

    pub(super) fn close(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Closed;
        }
    }

    pub(super) fn stop(&mut self, broken: bool) {
        if self.unbegun().is_some() {
            return;
        }
        self.stage = match broken {
            true => Stage::Broken,
            false => Stage::Terminated,
        };
        let text = self.unbegun().unwrap_or_default();
        for job in std::mem::take(&mut self.line) {
            self.finish(job, text, Content::default());
        }
    }

    pub(super) fn next(&mut self, batch: usize) -> Result<(usize, String), TakeError> {
        let batch = &mut self.batches[batch];
        while let Some(slot) = batch.slots.get(batch.next) {
            match slot {
                Slot::Running if !batch.is_given_up() => return Err(TakeError::TimedOut),
                Slot::Running | Slot::Taken => batch.next += 1,
                Slot::Ended(..) => return batch.take(batch.next),
            }
        }
        Err(TakeError::Empty)
    }

    pub(super) fn next_ended(&mut self, batch: usize) -> Result<(usize, String), TakeError> {
        let batch = &mut self.batches[batch];
        let ended = batch.slots.iter().enumerate();
        let first = ended
            .filter_map(|(position, slot)| match slot {
                Slot::Ended(end, ..) => Some((*end, position)),
                Slot::Running | Slot::Taken => None,
            })
            .min();
        match first {
            Some((_, position)) => batch.take(position),
            None if batch.is_done() => Err(TakeError::Empty),
            None => Err(TakeError::TimedOut),
        }
    }

    pub(super) fn take_all(&mut self, batch: usize) -> Result<Vec<String>, TakeError> {
        let batch = &mut self.batches[batch];
        if !batch.is_done() {
            return Err(TakeError::TimedOut);
        }
        if batch.is_any_taken {
            return Err(TakeError::Empty);
        }
        batch.is_any_taken = !batch.slots.is_empty();
        batch.next = batch.slots.len();
        let taken = batch.slots.iter_mut();
        let taken = taken.map(|slot| match std::mem::replace(slot, Slot::Taken) {
            Slot::Ended(_, text, _) => text,
            Slot::Running | Slot::Taken => GIVEN_UP.to_owned(),
        });
        Ok(taken.collect())
    }

    pub(super) fn forsake(&mut self, batch: usize) {
        let batch = &mut self.batches[batch];
        batch.is_forsaken = true;
        for slot in &mut batch.slots {
            if matches!(slot, Slot::Ended(..)) {
                *slot = Slot::Taken;
            }
        }
    }

    /// The outcome of jobs that have not begun, if the pool will not begin them any more.
    fn unbegun(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Open | Stage::Closed => None,
            Stage::Terminated => Some(TERMINATED),
            Stage::Broken => Some("broken: no workers"),
        }
    }

    fn finish(&mut self, job: Job, text: &str, value: Content) {
        let batch = &mut self.batches[job.batch];
        let slot = &mut batch.slots[job.position];
        if !matches!(slot, Slot::Running) {
            // Taken as given up while it ran.
            return;
        }
        batch.has_failed |= !text.starts_with("value");
        *slot = match batch.is_forsaken {
            true => Slot::Taken,
            false => Slot::Ended(self.ends, text.to_owned(), value),
        };
        self.ends += 1;
    }

    fn kept(&self) -> impl Iterator<Item = Content> {
        let slots = self.batches.iter().flat_map(|batch| &batch.slots);
        slots.filter_map(|slot| match slot {
            Slot::Ended(_, _, value) => Some(*value),
            Slot::Running | Slot::Taken => None,
        })
    }

    /// The messages that no guest has seen.
    fn unseen(&self) -> impl Iterator<Item = Content> {
        let unseen = self.unseen.iter().flatten().copied();
        unseen.chain(self.line.iter().map(|job| job.content))
    }

    pub(super) fn charged(&self) -> u64 {
        let jobs = self.line.len() + self.running.iter().flatten().count() + self.kept().count();
        let contents = self.unseen().chain(self.kept()).map(Content::bytes);
        JOB_BYTES * jobs as u64 + contents.sum::<u64>()
    }

    pub(super) fn held(&self) -> u64 {
        self.unseen().chain(self.kept()).map(|c| c.handles).sum()
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// The size of a batch, whether it is done, and whether it has failed.
    pub(super) fn state(&self, batch: usize) -> (usize, bool, bool) {
        let batch = &self.batches[batch];
        (batch.slots.len(), batch.is_done(), batch.has_failed)
    }
}
