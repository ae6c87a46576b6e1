//! A pool whose workers end at random: each job's value is right, or its error reports that the worker was
//! lost.

use super::layout::{BAD_ENDS, JOB_RUNS, JOBS, JOBS_LOST, JOBS_RIGHT, MOST_JOBS};
use super::ledger::{add, note, violated};
use super::{Random, mixed};
use crate::Outcome;
use isopod::{Error, ErrorKind, Pool};
use std::hint::black_box;

/// One job in this many ends its worker.
const BAD_JOBS: u32 = 16;

/// Runs some jobs.
pub fn pool(random: &mut Random) -> Outcome {
    let pool = Pool::with_workers(1 + random.below(3) as usize)?;
    let count = random.below(u64::from(MOST_JOBS)) as u32;
    let steps = random.below(50_000);
    let results = (0..count)
        .map(|number| {
            note(JOBS)?;
            Ok((number, pool.apply_async(job, (number, steps))?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    for (number, result) in results {
        match result.get() {
            Ok(value) if value == mixed(u64::from(number)) => note(JOBS_RIGHT)?,
            Ok(value) => violated(&format!("job {number} gave {value}"))?,
            Err(error) if error.kind() == ErrorKind::WorkerLost => note(JOBS_LOST)?,
            Err(error) => violated(&format!("job {number}: {error}"))?,
        }
    }
    pool.close();
    pool.join()
}

fn job(number: u32, steps: u64) -> Result<u64, Error> {
    add(JOB_RUNS + number, 1)?;
    for step in 0..steps {
        black_box(step);
    }
    if number % BAD_JOBS == BAD_JOBS - 1 {
        note(BAD_ENDS)?;
        std::process::exit(7);
    }
    Ok(mixed(u64::from(number)))
}
