//! The life of a worker of a pool: the initializer, then job after job.

use crate::bindings::pool::{self, BegunJob, JobReport};
use crate::bindings::types::{ErrorCode, Handle};
use crate::message::Encoded;
use crate::{Error, named, task};
use std::io::Write;

/// The largest buffer, in bytes, that is kept from one job's value to the next.
const KEPT_BUFFER_BYTES: usize = 1024 * 1024;

/// Runs the initializer, if there is one, and then each job from the host, until the host has no more.
///
/// A panic ends the process through the panic hook, and so the host ends the job.
pub(crate) fn run(initializer: Option<BegunJob>) -> Result<(), Error> {
    if let Some(initializer) = initializer {
        run_job(initializer, Vec::new())?;
        flush();
    }
    let mut report = None;
    let mut handles = Vec::new();
    while let Some(job) = next_job(&mut report, &mut handles)? {
        let ended = run_job(job, buffer_of(report));
        // The output of the job must appear before its value.
        flush();
        match ended {
            Ok(value) => {
                report = Some(JobReport::Value(value.bytes));
                handles = value.handles;
            }
            Err(error) => report = Some(JobReport::Failed(error.to_string())),
        }
    }
    Ok(())
}

/// Reports the outcome of the last job, and waits for the next one. If the host cannot keep a value, it is
/// reported as an error; if it cannot keep an error, as a short one.
fn next_job(
    report: &mut Option<JobReport>,
    handles: &mut Vec<Handle>,
) -> Result<Option<BegunJob>, Error> {
    let mut first_refusal = None;
    loop {
        let lent: Vec<&Handle> = handles.iter().collect();
        let text = match pool::next_job(report.as_ref(), &lent) {
            Ok(job) => {
                handles.clear();
                return Ok(job);
            }
            Err(ErrorCode::LimitExceeded(text) | ErrorCode::MessageTooLarge(text)) => text,
            Err(code) => return Err(code.into()),
        };
        *report = Some(match (report.take(), first_refusal.take()) {
            (Some(JobReport::Value(_)), _) => JobReport::Failed(text.clone()),
            (Some(JobReport::Failed(_)), None) => {
                JobReport::Failed("the error of the task is too large to be reported".to_owned())
            }
            // The host cannot keep even that, so only the end of this process can be reported.
            _ => return Err(ErrorCode::LimitExceeded(text).into()),
        });
        // An error that was made in this function is short already.
        first_refusal = Some(text);
        handles.clear();
    }
}

fn run_job(job: BegunJob, buffer: Vec<u8>) -> Result<Encoded, Error> {
    match job.name {
        None => task::run_message(job.message, buffer),
        Some(name) => named::run(&name, job.message),
    }
}

/// The buffer of a reported value, which is used again for the next one.
fn buffer_of(report: Option<JobReport>) -> Vec<u8> {
    match report {
        Some(JobReport::Value(buffer)) if buffer.capacity() <= KEPT_BUFFER_BYTES => buffer,
        _ => Vec::new(),
    }
}

/// Flushes standard output. There is no way left to report a failure.
pub(crate) fn flush() {
    let _ = std::io::stdout().flush();
}
