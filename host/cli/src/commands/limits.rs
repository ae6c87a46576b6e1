//! The limits of a program or a plugin, as the options set them. `-v` prints them.

use crate::args::{LimitArgs, ProgramLimitArgs};
use isopod_host::Limits;
use std::fmt::Display;

/// The limits from the options; the others have the library's defaults.
#[derive(Debug, Default)]
pub(crate) struct Given {
    limits: Limits,
    shown: Vec<String>,
}

impl Given {
    /// The limits of a program.
    pub(crate) fn to_program(given: &LimitArgs, more: &ProgramLimitArgs) -> Given {
        Given::default()
            .set(given.timeout, "{} of time", |limits, time| {
                limits.timeout(time.duration())
            })
            .set(
                given.cpu_time,
                "{} of CPU time for each process",
                |limits, time| limits.cpu_time(time.duration()),
            )
            .set(
                given.max_output,
                "{} of output for each process",
                |limits, size| limits.output(size.bytes()),
            )
            .set_common(given, "process", "processes")
            .set(
                more.tree_output,
                "{} of output for all processes",
                |limits, size| limits.tree_output(size.bytes()),
            )
            .set(
                more.max_started,
                "{} processes in all",
                Limits::started_processes,
            )
            .set(
                more.max_jobs,
                "{} jobs that wait in a pool",
                Limits::waiting_jobs,
            )
    }

    /// The limits of a plugin, each instance of which is a process.
    pub(crate) fn to_plugin(given: &LimitArgs) -> Given {
        Given::default()
            .set(given.timeout, "{} of time for each call", |limits, time| {
                limits.timeout(time.duration())
            })
            .set(
                given.cpu_time,
                "{} of CPU time for each call",
                |limits, time| limits.cpu_time(time.duration()),
            )
            .set(
                given.max_output,
                "{} of output for each call",
                |limits, size| limits.output(size.bytes()),
            )
            .set_common(given, "instance", "instances")
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// The given limits, one line each.
    pub(crate) fn shown(&self) -> &[String] {
        &self.shown
    }

    fn set_common(self, given: &LimitArgs, one: &str, all: &str) -> Given {
        let each = |what: &str| format!("{{}} {what} for each {one}");
        let of_all = |what: &str| format!("{{}} {what} for all {all}");
        self.set(given.memory, &each("of memory"), |limits, size| {
            limits.memory(size.bytes())
        })
        .set(given.max_handles, &each("handles"), Limits::handles)
        .set(given.max_message, "messages of up to {}", |limits, size| {
            limits.message_size(size.bytes())
        })
        .set(
            given.max_file_operations,
            &each("file operations at a time"),
            Limits::file_operations,
        )
        .set(
            given.max_descriptors,
            &each("descriptors"),
            Limits::descriptors,
        )
        .set(
            given.max_queued,
            "{} in queues and shared memory",
            |limits, size| limits.queued_bytes(size.bytes()),
        )
        .set(given.tree_memory, &of_all("of memory"), |limits, size| {
            limits.tree_memory(size.bytes())
        })
        .set(
            given.tree_host_memory,
            &of_all("of the host's memory"),
            |limits, size| limits.tree_host_memory(size.bytes()),
        )
        .set(
            given.tree_cpu_time,
            &of_all("of CPU time"),
            |limits, time| limits.tree_cpu_time(time.duration()),
        )
        .set(
            given.cpus,
            &of_all("s of CPU time in each second"),
            |limits, cpus| limits.cpus(cpus.number()),
        )
        .set(
            given.tree_file_operations,
            &of_all("file operations at a time"),
            Limits::tree_file_operations,
        )
        .set(
            given.tree_descriptors,
            &of_all("descriptors"),
            Limits::tree_descriptors,
        )
        .set(
            given.tree_written,
            &format!("{{}} written to files by all {all}"),
            |limits, size| limits.tree_written(size.bytes()),
        )
        .set(
            given.tree_files,
            &format!("{{}} files made by all {all}"),
            Limits::tree_files,
        )
    }

    /// Sets a limit if its option is given. `shown` is its line, with `{}` for the value.
    fn set<T: Display + Copy>(
        mut self,
        given: Option<T>,
        shown: &str,
        set: impl FnOnce(Limits, T) -> Limits,
    ) -> Given {
        if let Some(value) = given {
            self.limits = set(self.limits, value);
            self.shown.push(shown.replace("{}", &value.to_string()));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser as _;
    use std::time::Duration;

    const COMMON: [&str; 17] = [
        "--memory=1MiB",
        "--timeout=1s",
        "--cpu-time=2s",
        "--max-handles=3",
        "--max-message=4",
        "--max-output=5",
        "--tree-memory=6MiB",
        "--tree-cpu-time=13s",
        "--cpus=0.5",
        "--max-queued=8",
        "--tree-host-memory=13MiB",
        "--max-file-operations=11",
        "--tree-file-operations=12",
        "--max-descriptors=13",
        "--tree-descriptors=14",
        "--tree-written=15",
        "--tree-files=16",
    ];
    const OF_PROGRAMS: [&str; 3] = ["--tree-output=7", "--max-started=9", "--max-jobs=10"];

    fn given(words: &[&str], options: &[&str]) -> Given {
        let words = [&["isopod"], words, options].concat();
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => Given::to_program(&args.limits, &args.program_limits),
            Command::Call(args) => Given::to_plugin(&args.limits),
            other => panic!("not a run or a call: {other:?}"),
        }
    }

    #[test]
    fn each_option_sets_its_limit_in_run_and_in_call() {
        let common = Limits::default()
            .memory(1 << 20)
            .timeout(Duration::from_secs(1))
            .cpu_time(Duration::from_secs(2))
            .handles(3)
            .message_size(4)
            .output(5)
            .tree_memory(6 << 20)
            .tree_cpu_time(Duration::from_secs(13))
            .cpus(0.5)
            .queued_bytes(8)
            .tree_host_memory(13 << 20)
            .file_operations(11)
            .tree_file_operations(12)
            .descriptors(13)
            .tree_descriptors(14)
            .tree_written(15)
            .tree_files(16);
        let programs = common
            .clone()
            .tree_output(7)
            .started_processes(9)
            .waiting_jobs(10);
        for (command, options, expected) in [
            (
                &["run", "x.wasm"][..],
                &[COMMON.as_slice(), &OF_PROGRAMS].concat(),
                programs,
            ),
            (&["call", "x.wasm", "f"], &COMMON.to_vec(), common),
        ] {
            let none = given(command, &[]);
            assert_eq!(none.limits(), Limits::default());
            assert!(none.shown().is_empty());
            let all = given(command, options);
            assert_eq!(all.limits(), expected);
            assert_eq!(all.shown().len(), options.len());
        }
    }
}
