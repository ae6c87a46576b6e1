//! Very many jobs, while the embedder kills the workers.

use crate::Outcome;
use isopod::{ErrorKind, Pool, SharedMemory};
use std::cell::OnceCell;
use std::hint::black_box;

/// The outcome of a job, as the embedder reads it in the second half of its cell.
const VALUE: u32 = 1;
const WORKER_LOST: u32 = 2;

/// The number of jobs that are submitted before the first wait.
const AT_ONCE: u32 = 1_000;

/// Runs this many jobs on four workers. The embedder's memory `jobs` has 8 bytes for each job: the number
/// of times that it began, and its outcome.
pub fn run(count: &str) -> Outcome {
    let count: u32 = count.parse().expect("a number");
    let jobs = isopod::inherited::<SharedMemory>("jobs")?;
    let pool = Pool::with_workers(4)?;
    crate::ready()?;
    for first in (0..count).step_by(AT_ONCE as usize) {
        let results = (first..count.min(first + AT_ONCE))
            .map(|job| Ok((job, pool.apply_async(task, (job,))?)))
            .collect::<isopod::Result<Vec<_>>>()?;
        for (job, result) in results {
            let outcome = match result.get() {
                Ok(value) => {
                    assert_eq!(value, value_of(job));
                    VALUE
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WorkerLost, "job {job}: {error}");
                    WORKER_LOST
                }
            };
            jobs.add_u32(u64::from(job) * 8 + 4, outcome)?;
        }
    }
    pool.close();
    pool.join()
}

/// Counts its run, and works for about fifty microseconds.
fn task(job: u32) -> isopod::Result<u64> {
    thread_local! {
        static JOBS: OnceCell<SharedMemory> = const { OnceCell::new() };
    }
    JOBS.with(|jobs| {
        if jobs.get().is_none() {
            let _ = jobs.set(isopod::inherited("jobs")?);
        }
        jobs.get()
            .map_or(Ok(0), |jobs| jobs.add_u32(u64::from(job) * 8, 1))
    })?;
    for step in 0..200_000 {
        black_box(step);
    }
    Ok(value_of(job))
}

fn value_of(job: u32) -> u64 {
    u64::from(job).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
