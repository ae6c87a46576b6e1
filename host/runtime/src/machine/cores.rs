//! The logical CPUs ("cores") that processes may be pinned to.
//!
//! The affinity mask of this operating-system process names them, and the cgroup quota limits their
//! number: a container with a quota of two CPUs on a machine of 64 gets two cores, not 64.

use crate::error::{Error, ErrorKind, Result};
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// The cores that the calling thread may use, in rising order, cut to the cgroup quota.
pub(crate) fn available() -> Result<Vec<usize>> {
    let allowed = allowed()?;
    // std reads the cgroup quota; it reads the mask too, so its count never exceeds the mask's.
    let quota = std::thread::available_parallelism().map_or(allowed.len(), |count| count.get());
    Ok(allowed.into_iter().take(quota.max(1)).collect())
}

/// Checks cores that the embedder asked for against the affinity mask.
pub(crate) fn checked(mut wanted: Vec<usize>) -> Result<Vec<usize>> {
    let allowed = allowed()?;
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Err(Error::new(ErrorKind::InvalidCores, "no core was named"));
    }
    match wanted.iter().find(|core| !allowed.contains(core)) {
        None => Ok(wanted),
        Some(core) => Err(Error::new(
            ErrorKind::InvalidCores,
            format!(
                "core {core} cannot be used; usable are {}",
                ranges(&allowed)
            ),
        )),
    }
}

fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None).map_err(|errno| {
        Error::new(ErrorKind::Engine, "the affinity mask could not be read").with_cause(errno)
    })?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|cpu| set.is_set(*cpu))
        .collect())
}

/// The core that the calling thread runs on at the moment of the call.
pub(crate) fn current() -> usize {
    rustix::thread::sched_getcpu()
}

/// Pins a thread to these cores; `None` is the calling thread.
///
/// Failure is not fatal anywhere: the thread then runs where the kernel puts it (a core may have
/// gone offline, or the mask may have been narrowed from outside).
pub(crate) fn pin(thread: Option<Pid>, cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    if let Err(errno) = sched_setaffinity(thread, &set) {
        tracing::warn!(?thread, ?cores, %errno, "thread could not be pinned");
    }
}

/// `0-3, 6` for `[0, 1, 2, 3, 6]`.
fn ranges(cores: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &core in cores {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == core => *last = core,
            _ => parts.push((core, core)),
        }
    }
    let texts: Vec<String> = parts
        .into_iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        assert_eq!(ranges(&[0, 1, 2, 3, 6]), "0-3, 6");
        assert_eq!(ranges(&[4]), "4");
    }

    #[test]
    fn unknown_cores_are_refused() {
        let error = checked(vec![0, 1023]).err().map(|error| error.to_string());
        assert!(error.is_some_and(|text| text.contains("core 1023 cannot be used")));
    }
}
