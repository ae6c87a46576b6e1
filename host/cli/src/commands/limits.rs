//! The limits of a program, worked out from the options and shown by `-v`.

use crate::args::RunArgs;
use isopod_host::Limits;

/// What the options say; the rest is as the library has it.
pub(crate) fn from_options(options: &RunArgs) -> Limits {
    let given = &options.limits;
    let mut limits = Limits::default();
    if let Some(memory) = options.memory {
        limits = limits.memory(memory.bytes());
    }
    if let Some(timeout) = options.timeout {
        limits = limits.timeout(timeout.duration());
    }
    if let Some(time) = given.cpu_time {
        limits = limits.cpu_time(time.duration());
    }
    if let Some(count) = given.max_handles {
        limits = limits.handles(count);
    }
    if let Some(size) = given.max_message {
        limits = limits.message_size(size.bytes());
    }
    if let Some(size) = given.max_output {
        limits = limits.output(size.bytes());
    }
    if let Some(count) = given.max_file_operations {
        limits = limits.file_operations(count);
    }
    if let Some(count) = given.tree_file_operations {
        limits = limits.tree_file_operations(count);
    }
    if let Some(time) = given.tree_cpu_time {
        limits = limits.tree_cpu_time(time.duration());
    }
    if let Some(cpus) = given.cpus {
        limits = limits.cpus(cpus.number());
    }
    if let Some(count) = given.max_descriptors {
        limits = limits.descriptors(count);
    }
    if let Some(count) = given.tree_descriptors {
        limits = limits.tree_descriptors(count);
    }
    if let Some(size) = given.tree_written {
        limits = limits.tree_written(size.bytes());
    }
    if let Some(count) = given.tree_files {
        limits = limits.tree_files(count);
    }
    if let Some(size) = given.tree_memory {
        limits = limits.tree_memory(size.bytes());
    }
    if let Some(size) = given.tree_output {
        limits = limits.tree_output(size.bytes());
    }
    if let Some(size) = given.max_queued {
        limits = limits.queued_bytes(size.bytes());
    }
    if let Some(size) = given.tree_host_memory {
        limits = limits.tree_host_memory(size.bytes());
    }
    if let Some(count) = given.max_started {
        limits = limits.started_processes(count);
    }
    if let Some(count) = given.max_jobs {
        limits = limits.waiting_jobs(count);
    }
    limits
}

/// Those that were given, a line each.
pub(crate) fn shown(options: &RunArgs) -> Vec<String> {
    let given = &options.limits;
    let lines = [
        options
            .memory
            .map(|size| format!("{size} of memory for each process")),
        options.timeout.map(|time| format!("{time} of time")),
        given
            .cpu_time
            .map(|time| format!("{time} of CPU time for each process")),
        given
            .max_handles
            .map(|count| format!("{count} handles for each process")),
        given
            .max_message
            .map(|size| format!("messages of up to {size}")),
        given
            .max_output
            .map(|size| format!("{size} of output for each process")),
        given
            .max_file_operations
            .map(|count| format!("{count} file operations at a time for each process")),
        given
            .tree_file_operations
            .map(|count| format!("{count} file operations at a time for all processes")),
        given
            .tree_cpu_time
            .map(|time| format!("{time} of CPU time for all processes")),
        given
            .cpus
            .map(|cpus| format!("{cpus} s of CPU time in each second for all processes")),
        given
            .max_descriptors
            .map(|count| format!("{count} descriptors for each process")),
        given
            .tree_descriptors
            .map(|count| format!("{count} descriptors for all processes")),
        given
            .tree_written
            .map(|size| format!("{size} written to files by all processes")),
        given
            .tree_files
            .map(|count| format!("{count} files made by all processes")),
        given
            .tree_memory
            .map(|size| format!("{size} of memory for all processes")),
        given
            .tree_output
            .map(|size| format!("{size} of output for all processes")),
        given
            .max_queued
            .map(|size| format!("{size} in queues and shared memory")),
        given
            .tree_host_memory
            .map(|size| format!("{size} of the host's memory for all processes")),
        given
            .max_started
            .map(|count| format!("{count} processes in all")),
        given
            .max_jobs
            .map(|count| format!("{count} jobs that wait in a pool")),
    ];
    lines.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser as _;
    use std::time::Duration;

    fn options(words: &[&str]) -> RunArgs {
        let words = ["isopod", "run", "x.wasm"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => *args,
            other => panic!("not a run: {other:?}"),
        }
    }

    #[test]
    fn each_option_sets_its_limit() {
        let none = options(&[]);
        assert_eq!(from_options(&none), Limits::default());
        assert!(shown(&none).is_empty());
        let all = options(&[
            "--memory=1MiB",
            "--timeout=1s",
            "--cpu-time=2s",
            "--max-handles=3",
            "--max-message=4",
            "--max-output=5",
            "--tree-memory=6MiB",
            "--tree-cpu-time=13s",
            "--cpus=0.5",
            "--tree-output=7",
            "--max-queued=8",
            "--tree-host-memory=13MiB",
            "--max-started=9",
            "--max-jobs=10",
            "--max-file-operations=11",
            "--tree-file-operations=12",
            "--max-descriptors=13",
            "--tree-descriptors=14",
            "--tree-written=15",
            "--tree-files=16",
        ]);
        let expected = Limits::default()
            .memory(1 << 20)
            .timeout(Duration::from_secs(1))
            .cpu_time(Duration::from_secs(2))
            .handles(3)
            .message_size(4)
            .output(5)
            .tree_memory(6 << 20)
            .tree_cpu_time(Duration::from_secs(13))
            .cpus(0.5)
            .tree_output(7)
            .queued_bytes(8)
            .tree_host_memory(13 << 20)
            .started_processes(9)
            .waiting_jobs(10)
            .file_operations(11)
            .tree_file_operations(12)
            .descriptors(13)
            .tree_descriptors(14)
            .tree_written(15)
            .tree_files(16);
        assert_eq!(from_options(&all), expected);
        assert_eq!(shown(&all).len(), 20);
    }
}
