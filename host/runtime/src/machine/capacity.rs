//! The capacity of the machine: the number of processes that may live at a time, and the size of its
//! memory.
//!
//! Beyond `vm.max_map_count` a mapping fails where wasmtime does not expect it and the host is ended, and
//! beyond the limits of threads and pids the whole machine suffers. So both are read when an engine is
//! made, and spawns beyond them are refused with the name of the setting.

use super::per_process::MEMORIES_PER_PROCESS;
use crate::error::{Error, ErrorKind, Result};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

/// Mappings that a process may need. Four blocks with a guard each: the thread's stack, the signal stacks
/// of std and of wasmtime, the stack that the guest runs on. Four mappings for each memory: the part
/// before its initial contents, the contents, the part after them, and the guard.
const MAPPINGS_PER_PROCESS: u64 = 8 + 4 * MEMORIES_PER_PROCESS as u64;
/// Mappings left to the rest of this operating-system process.
const OTHER_MAPPINGS: u64 = 1_000;
/// Threads left to others: the engine's own, idle ones, those of file operations (256 at most), and the
/// remaining ones of this operating-system process.
const OTHER_THREADS: u64 = 400;
/// The size that is assumed for the machine's memory where it cannot be read.
const UNKNOWN_MEMORY_BYTES: u64 = 4 << 30;

/// The number of processes that may live at a time, and advice on how to raise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capacity {
    pub(crate) processes: u32,
    advice: String,
}

impl Capacity {
    /// The text for a caller whose spawn is refused.
    pub(crate) fn refusal(&self) -> String {
        format!(
            "{} processes live, which is the limit{}",
            self.processes, self.advice
        )
    }
}

/// One bound of the machine that limits the number of processes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    /// The name by which the user can raise it: `vm.max_map_count`.
    setting: String,
    value: u64,
    used: u64,
    kept_free: u64,
    per_process: u64,
}

impl Bound {
    fn processes(&self) -> u64 {
        let free = self.value.saturating_sub(self.used);
        free.saturating_sub(self.kept_free) / self.per_process
    }
}

/// The capacity of an engine whose embedder has asked for this many processes.
///
/// # Errors
/// [`ErrorKind::Engine`] if the machine has no room for a single process, or its limits cannot be read.
pub(crate) fn capacity(wanted: u32) -> Result<Capacity> {
    let bounds = bounds().map_err(|error| {
        let text = "it cannot be read how many processes the machine holds";
        Error::new(ErrorKind::Engine, text).with_cause(error)
    })?;
    within(wanted, &bounds)
}

fn within(wanted: u32, bounds: &[Bound]) -> Result<Capacity> {
    let tightest = bounds.iter().min_by_key(|bound| bound.processes());
    match tightest.map(|bound| (bound, u32::try_from(bound.processes()))) {
        Some((bound, Ok(0))) => Err(Error::new(
            ErrorKind::Engine,
            format!(
                "the machine holds no process: {} is {}, of which {} are used and {} are kept free; raise it",
                bound.setting, bound.value, bound.used, bound.kept_free
            ),
        )),
        Some((bound, Ok(processes))) if processes < wanted => Ok(Capacity {
            processes,
            advice: format!(
                " of this machine: {} is {}, {} were used at the start, and a process takes up to {}; raise it",
                bound.setting, bound.value, bound.used, bound.per_process
            ),
        }),
        _ => Ok(Capacity {
            processes: wanted,
            advice: "; raise it with `EngineBuilder::max_processes` or `--max-processes`"
                .to_owned(),
        }),
    }
}

/// All bounds of this machine; a bound that the machine does not have, or does not show, is left out.
///
/// # Errors
/// The error of a file that exists and could not be read, for example for lack of descriptors: then
/// nothing is known.
fn bounds() -> io::Result<Vec<Bound>> {
    let mut bounds = Vec::new();
    if let Some(value) = number("/proc/sys/vm/max_map_count")? {
        bounds.push(Bound {
            setting: "the kernel's setting `vm.max_map_count`".to_owned(),
            value,
            used: lines("/proc/self/maps")?,
            kept_free: OTHER_MAPPINGS,
            per_process: MAPPINGS_PER_PROCESS,
        });
    }
    let threads = |setting: &str, value: u64, used: u64| Bound {
        setting: setting.to_owned(),
        value,
        used,
        kept_free: OTHER_THREADS,
        per_process: 1,
    };
    let all_threads = threads_of_the_machine()?;
    for (path, name) in [
        ("/proc/sys/kernel/threads-max", "kernel.threads-max"),
        ("/proc/sys/kernel/pid_max", "kernel.pid_max"),
    ] {
        let setting = format!("the kernel's setting `{name}`");
        let value = number(path)?;
        bounds.extend(value.map(|value| threads(&setting, value, all_threads)));
    }
    // The super-user is exempt. For other users the kernel counts all threads of the user and does not report
    // the number, so only our own threads are counted here.
    let of_user = rustix::process::getrlimit(rustix::process::Resource::Nproc).current;
    if let Some(value) = of_user.filter(|_| !rustix::process::geteuid().is_root()) {
        bounds.push(threads("the limit `ulimit -u`", value, own_threads()?));
    }
    for directory in pids_directories()? {
        let Some(value) = number(directory.join("pids.max"))? else {
            continue;
        };
        let used = number(directory.join("pids.current"))?.unwrap_or(0);
        let setting = format!("the cgroup's `{}`", directory.join("pids.max").display());
        bounds.push(threads(&setting, value, used));
    }
    Ok(bounds)
}

/// The most memory that processes can have, in bytes: the machine's or the cgroup's. It is read once.
///
/// # Errors
/// The error of a file that exists and could not be read.
pub(crate) fn memory_bytes() -> Result<u64> {
    static READ: OnceLock<u64> = OnceLock::new();
    if let Some(bytes) = READ.get() {
        return Ok(*bytes);
    }
    let bytes = read_memory_bytes().map_err(|error| {
        let text = "it cannot be read how much memory the machine has";
        Error::new(ErrorKind::Engine, text).with_cause(error)
    })?;
    Ok(*READ.get_or_init(|| bytes))
}

fn read_memory_bytes() -> io::Result<u64> {
    let mut smallest = total_memory(&text("/proc/meminfo")?);
    for (controllers, path) in groups()? {
        let of_group = match (controllers.as_str(), is_of(&controllers, "memory")) {
            ("", _) => number(Path::new("/sys/fs/cgroup").join(path).join("memory.max"))?,
            (_, true) => number(
                Path::new("/sys/fs/cgroup/memory")
                    .join(path)
                    .join("memory.limit_in_bytes"),
            )?,
            _ => None,
        };
        smallest = [smallest, of_group].into_iter().flatten().min();
    }
    Ok(smallest.unwrap_or(UNKNOWN_MEMORY_BYTES))
}

/// The directories of the control groups that count this process's pids, innermost first.
fn pids_directories() -> io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for (controllers, path) in groups()? {
        let root = match controllers.as_str() {
            "" => "/sys/fs/cgroup",
            _ if is_of(&controllers, "pids") => "/sys/fs/cgroup/pids",
            _ => continue,
        };
        // The groups above bound it too.
        directories.extend(path.ancestors().map(|path| Path::new(root).join(path)));
    }
    Ok(directories)
}

/// The control groups of this process: controllers (empty in version 2) and path below their root.
fn groups() -> io::Result<Vec<(String, PathBuf)>> {
    Ok(text("/proc/self/cgroup")?
        .lines()
        .filter_map(group)
        .collect())
}

/// A line of `/proc/self/cgroup`: `8:pids:/a/b`, `0::/a/b`.
fn group(line: &str) -> Option<(String, PathBuf)> {
    let mut parts = line.splitn(3, ':').skip(1);
    let controllers = parts.next()?.to_owned();
    let path = parts.next()?.trim_start_matches('/');
    Some((controllers, PathBuf::from(path)))
}

fn is_of(controllers: &str, controller: &str) -> bool {
    controllers.split(',').any(|other| other == controller)
}

/// The bytes of `MemTotal`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

/// The number of all threads: the fourth field of `/proc/loadavg` is `RUNNING/ALL`.
fn threads_of_the_machine() -> io::Result<u64> {
    let text = text("/proc/loadavg")?;
    let all = text
        .split_ascii_whitespace()
        .nth(3)
        .and_then(|field| field.split_once('/')?.1.parse().ok());
    Ok(all.unwrap_or(0))
}

fn own_threads() -> io::Result<u64> {
    match fs::read_dir("/proc/self/task") {
        Ok(entries) => Ok(u64::try_from(entries.count()).unwrap_or(u64::MAX)),
        Err(error) if is_absent(&error) => Ok(0),
        Err(error) => Err(error),
    }
}

fn lines(path: &str) -> io::Result<u64> {
    Ok(u64::try_from(text(path)?.lines().count()).unwrap_or(u64::MAX))
}

/// The number in a file; `None` if there is no such file, or it says `max`.
fn number(path: impl AsRef<Path>) -> io::Result<Option<u64>> {
    Ok(text(path)?.trim().parse().ok())
}

/// The contents of a file; empty if there is no such file here.
fn text(path: impl AsRef<Path>) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if is_absent(&error) => Ok(String::new()),
        read => read,
    }
}

/// Whether the machine has no such file, or a sandbox around the host does not show it. Any other error,
/// such as a lack of descriptors, says nothing about the machine.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
    ) || matches!(
        Errno::from_io_error(error),
        // A controller that is switched off, and a group that is being removed.
        Some(Errno::NODEV | Errno::OPNOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn mappings(value: u64) -> Bound {
        Bound {
            setting: "the kernel's setting `vm.max_map_count`".to_owned(),
            value,
            used: 300,
            kept_free: 1_000,
            per_process: 10,
        }
    }

    #[test]
    fn what_was_asked_for_stands_where_it_fits() {
        let capacity = within(1_000, &[mappings(65_530)]).unwrap();
        assert_eq!(capacity.processes, 1_000);
        assert!(capacity.refusal().ends_with("or `--max-processes`"));
        assert_eq!(within(7, &[]).unwrap().processes, 7);
    }

    #[test]
    fn the_tightest_bound_counts_and_is_named() {
        let threads = Bound {
            setting: "the limit `ulimit -u`".to_owned(),
            value: 5_000,
            used: 100,
            kept_free: 200,
            per_process: 1,
        };
        let capacity = within(10_000, &[threads, mappings(20_000)]).unwrap();
        assert_eq!(
            capacity.refusal(),
            "1870 processes live, which is the limit of this machine: the kernel's setting `vm.max_map_count` is 20000, 300 were used at the start, and a process takes up to 10; raise it"
        );
    }

    #[test]
    fn a_machine_without_room_is_an_error() {
        let error = within(10, &[mappings(1_305)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Engine);
        assert!(error.to_string().contains("`vm.max_map_count` is 1305"));
    }

    #[test]
    fn files_of_the_kernel_are_understood() {
        assert_eq!(
            group("8:pids,cpu:/a/b"),
            Some(("pids,cpu".to_owned(), PathBuf::from("a/b")))
        );
        assert_eq!(group("0::/"), Some((String::new(), PathBuf::new())));
        assert!(is_of("cpu,pids", "pids") && !is_of("", "pids"));
        assert_eq!(
            total_memory("MemTotal:     2 kB\nMemFree: 1 kB"),
            Some(2048)
        );
        assert_eq!(total_memory("MemTotal: much"), None);
    }

    #[test]
    fn this_machine_is_read() {
        assert!(memory_bytes().unwrap() > 64 << 20);
        let bounds = bounds().unwrap();
        assert!(
            bounds
                .iter()
                .any(|bound| bound.setting.contains("max_map_count"))
        );
        assert!(
            bounds
                .iter()
                .all(|bound| bound.used > 0 || bound.setting.contains("cgroup")),
            "{bounds:?}"
        );
    }
}
