//! `pool`.

use super::bindings::isopod::multiprocessing::pool::{
    BegunJob, Host, HostBatch, HostOptions, HostPool, Job, JobReport, Outcome as WitOutcome,
};
use super::bindings::isopod::multiprocessing::types::ErrorCode;
use super::errors::Failure;
use super::timeout::duration;
use crate::exit_status::ExitStatus;
use crate::guest::State;
use crate::life::Initializer;
use crate::limit_kind::LimitKind;
use crate::limits::ProcessLimits;
use crate::pool::{Home, PoolState, Settings};
use isopod_sync::{Batch, BatchOptions, Charge, Handle, Message, Outcome, OverBudget};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Resource;

/// A guest's pool; dropping it terminates the pool.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct GuestPool(Arc<PoolState>);

impl Drop for GuestPool {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

/// A guest's batch, with its pool and the options for jobs that are added to it. It does not keep the pool
/// running.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct GuestBatch {
    pool: Arc<PoolState>,
    options: Arc<BatchOptions>,
    batch: Batch<ExitStatus>,
}

/// The options of a guest for a new pool.
#[derive(Debug, Default)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct PoolOptions {
    workers: Option<u32>,
    max_jobs_per_worker: Option<u32>,
    initializer: Option<(Message, Charge)>,
    /// Set if the initializer was not taken, because the tree has too many bytes queued.
    refused: Option<OverBudget>,
    job_timeout: Option<Duration>,
    memory_limit: Option<u64>,
    fails_fast: bool,
}

impl HostOptions for State {
    fn new(&mut self) -> wasmtime::Result<Resource<PoolOptions>> {
        Ok(self.push(PoolOptions::default())?)
    }

    fn set_workers(&mut self, options: Resource<PoolOptions>, count: u32) -> Result<(), Failure> {
        check_positive("workers of a pool", count)?;
        self.table.get_mut(&options)?.workers = Some(count);
        Ok(())
    }

    fn set_max_jobs_per_worker(
        &mut self,
        options: Resource<PoolOptions>,
        count: u32,
    ) -> Result<(), Failure> {
        check_positive("jobs of a worker", count)?;
        self.table.get_mut(&options)?.max_jobs_per_worker = Some(count);
        Ok(())
    }

    fn set_initializer(
        &mut self,
        options: Resource<PoolOptions>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> wasmtime::Result<()> {
        let message = match self.message(bytes, &handles) {
            Ok(message) => message,
            Err(Failure::End(error)) => return Err(error),
            // This call has no error of its own.
            Err(Failure::Code(ErrorCode::MessageTooLarge(text))) => {
                return Err(self.stop_at(LimitKind::MessageSize, text));
            }
            Err(Failure::OverBudget(over)) => return Err(self.end_over_budget(over)),
            Err(failure) => return Err(wasmtime::format_err!("{failure:?}")),
        };
        let charge = self.hold_charge(&message);
        let options = self.table.get_mut(&options)?;
        // The creation of the pool returns this error.
        options.refused = charge.as_ref().err().copied();
        options.initializer = charge.ok().map(|charge| (message, charge));
        Ok(())
    }

    fn set_job_timeout(
        &mut self,
        options: Resource<PoolOptions>,
        timeout: u64,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.job_timeout = Some(Duration::from_nanos(timeout));
        Ok(())
    }

    fn set_memory_limit(
        &mut self,
        options: Resource<PoolOptions>,
        memory_bytes: u64,
    ) -> Result<(), Failure> {
        self.check_memory_limit(memory_bytes)?;
        self.table.get_mut(&options)?.memory_limit = Some(memory_bytes);
        Ok(())
    }

    fn set_fail_fast(
        &mut self,
        options: Resource<PoolOptions>,
        fail_fast: bool,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.fails_fast = fail_fast;
        Ok(())
    }

    fn drop(&mut self, options: Resource<PoolOptions>) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}

impl HostPool for State {
    fn create(&mut self, options: Resource<PoolOptions>) -> Result<Resource<GuestPool>, Failure> {
        self.check_may_spawn()?;
        self.check_room()?;
        let parent = &self.process;
        let options = self.table.get(&options)?;
        if let Some(over_budget) = options.refused {
            return Err(over_budget.into());
        }
        let (initializer, initializer_charge) = match &options.initializer {
            None => (None, None),
            Some((message, _charge)) => {
                let charge = self.hold_charge(message)?;
                let message = message.clone();
                (
                    Some(Initializer {
                        name: None,
                        message,
                    }),
                    Some(charge),
                )
            }
        };
        let cores = u32::try_from(parent.machinery().cores().len()).unwrap_or(1);
        let settings = Settings {
            workers: options.workers.unwrap_or(cores),
            max_jobs_per_worker: options.max_jobs_per_worker,
            initializer,
            _initializer_charge: initializer_charge,
            job_timeout: options.job_timeout,
            rights: Arc::clone(&parent.birth.rights),
            limits: ProcessLimits {
                memory_bytes: options
                    .memory_limit
                    .unwrap_or(parent.birth.limits.memory_bytes),
                ..parent.birth.limits
            },
            fails_fast: options.fails_fast,
        };
        let home = Home {
            program: self.program.clone(),
            tree: Arc::clone(&parent.tree),
            parent: Some(Arc::downgrade(parent)),
        };
        let pool = PoolState::start(home, self.holder(), settings)?;
        Ok(self.push(GuestPool(pool))?)
    }

    fn submit(
        &mut self,
        pool: Resource<GuestPool>,
        task: String,
        jobs: Vec<Job>,
        job_timeout: Option<u64>,
        notify: bool,
    ) -> Result<Resource<GuestBatch>, Failure> {
        let messages = self.messages(jobs.into_iter().map(|job| (job.bytes, job.handles)))?;
        self.check_room()?;
        let pool = Arc::clone(&self.table.get(&pool)?.0);
        tracing::trace!(process = %self.process.id, task, jobs = messages.len(), "jobs submitted");
        let options = BatchOptions {
            name: None,
            job_timeout: duration(job_timeout),
            fails_fast: pool.settings.fails_fast,
            notified: notify.then(|| Arc::clone(self.process.waiter())),
        };
        let (batch, options) = pool.jobs.submit(messages, options)?;
        Ok(self.push(GuestBatch {
            pool,
            options,
            batch,
        })?)
    }

    fn worker_count(&mut self, pool: Resource<GuestPool>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&pool)?.0.settings.workers)
    }

    fn close(&mut self, pool: Resource<GuestPool>) -> wasmtime::Result<()> {
        self.table.get(&pool)?.0.close();
        Ok(())
    }

    fn terminate(&mut self, pool: Resource<GuestPool>) -> wasmtime::Result<()> {
        self.table.get(&pool)?.0.terminate();
        Ok(())
    }

    fn join(&mut self, pool: Resource<GuestPool>, timeout: Option<u64>) -> Result<(), Failure> {
        let pool = &self.table.get(&pool)?.0;
        if !pool.is_ending() {
            return Err(ErrorCode::PoolStillRunning.into());
        }
        Ok(pool.ended.wait_within(duration(timeout))?)
    }

    fn drop(&mut self, pool: Resource<GuestPool>) -> wasmtime::Result<()> {
        self.table.delete(pool)?;
        Ok(())
    }
}

impl HostBatch for State {
    fn add(&mut self, batch: Resource<GuestBatch>, jobs: Vec<Job>) -> Result<(), Failure> {
        let messages = self.messages(jobs.into_iter().map(|job| (job.bytes, job.handles)))?;
        let batch = self.table.get(&batch)?;
        Ok(batch
            .pool
            .jobs
            .add(&batch.batch, &batch.options, messages)?)
    }

    fn size(&mut self, batch: Resource<GuestBatch>) -> wasmtime::Result<u32> {
        let size = self.table.get(&batch)?.batch.size();
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    fn is_done(&mut self, batch: Resource<GuestBatch>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&batch)?.batch.is_done())
    }

    fn has_failed(&mut self, batch: Resource<GuestBatch>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&batch)?.batch.has_failed())
    }

    fn wait(&mut self, batch: Resource<GuestBatch>, timeout: Option<u64>) -> Result<(), Failure> {
        Ok(self
            .table
            .get(&batch)?
            .batch
            .wait_within(duration(timeout))?)
    }

    fn take_all(
        &mut self,
        batch: Resource<GuestBatch>,
        timeout: Option<u64>,
    ) -> Result<Vec<WitOutcome>, Failure> {
        let batch = &self.table.get(&batch)?.batch;
        let outcomes = batch.take_all_within(duration(timeout))?;
        outcomes
            .into_iter()
            .map(|outcome| self.outcome(outcome))
            .collect()
    }

    fn next(
        &mut self,
        batch: Resource<GuestBatch>,
        timeout: Option<u64>,
    ) -> Result<WitOutcome, Failure> {
        let batch = &self.table.get(&batch)?.batch;
        let outcome = batch.next_within(duration(timeout))?;
        self.outcome(outcome)
    }

    fn next_ended(
        &mut self,
        batch: Resource<GuestBatch>,
        timeout: Option<u64>,
    ) -> Result<(u32, WitOutcome), Failure> {
        let batch = &self.table.get(&batch)?.batch;
        let (position, outcome) = batch.next_ended_within(duration(timeout))?;
        Ok((position, self.outcome(outcome)?))
    }

    fn drop(&mut self, batch: Resource<GuestBatch>) -> wasmtime::Result<()> {
        self.table.delete(batch)?;
        Ok(())
    }
}

impl Host for State {
    fn notified(&mut self) -> wasmtime::Result<bool> {
        Ok(self.process.waiter().take_notice())
    }

    fn next_job(
        &mut self,
        report: Option<JobReport>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<Option<BegunJob>, Failure> {
        let process = Arc::clone(&self.process);
        let Some(worker) = process.birth.role.worker() else {
            return Err(
                ErrorCode::AccessDenied("this process is no worker of a pool".to_owned()).into(),
            );
        };
        if let Some(report) = report {
            let report = match report {
                JobReport::Value(bytes) => Ok(self.message(bytes, &handles)?),
                JobReport::Failed(text) => Err(text),
            };
            worker.report(&process, report)?;
        }
        let Some(job) = worker.next(&process)? else {
            return Ok(None);
        };
        let mut message = job.message;
        message.arrive(self.holder());
        Ok(Some(BegunJob {
            name: job.name.map(|name| name.as_ref().to_owned()),
            message: self.deliver(message)?,
        }))
    }
}

impl State {
    fn hold_charge(&self, message: &Message) -> Result<Charge, OverBudget> {
        let tree = &self.process.tree.objects;
        tree.hold_charge(message.charged_bytes())
    }

    fn outcome(&mut self, outcome: Outcome<ExitStatus>) -> Result<WitOutcome, Failure> {
        Ok(match outcome {
            // The owner of the pool holds the handles already: only the owner can take the outcome.
            Outcome::Value(message) => WitOutcome::Value(self.deliver(message)?),
            Outcome::Failed(text) => WitOutcome::Failed(text),
            Outcome::Panicked(text) => WitOutcome::Panicked(text),
            Outcome::WorkerLost(status) => WitOutcome::WorkerLost(status.into()),
            Outcome::Cancelled(text) => WitOutcome::Cancelled(text),
            Outcome::PoolBroken(text) => WitOutcome::PoolBroken(text),
        })
    }
}

fn check_positive(what: &str, count: u32) -> Result<(), Failure> {
    match count {
        0 => Err(ErrorCode::InvalidArgument(format!("the {what} are 0; 1 is the least")).into()),
        _ => Ok(()),
    }
}
