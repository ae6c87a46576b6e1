//! The report on a process that ended abnormally: how it ended, where in the guest, and with which resources.
//!
//! The report names the interface of the last host call, not its function. The linker runs one line per
//! interface at each call, while a function's name would need a line in each function. If the guest was
//! stopped inside the call, the top frames of the backtrace show the function.

use isopod_sync::ProcessId;
use isopod_text::{Line, Lines};
use std::fmt;

/// The allocator's own bytes beside each allocation.
const ALLOCATION_BYTES: usize = 16;

/// The report on a process that did not choose its end: a trap, a limit, a deadlock or an error of the
/// host ended it. From [`Process::crash_report`](crate::Process::crash_report).
///
/// The host prints its text on standard error: the kind of the end, the backtrace, and a line with the
/// rest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrashReport {
    /// The process.
    pub process: ProcessId,
    /// Its name.
    pub name: String,
    /// The code that it ran, for people: a task's name, or `main`.
    pub task: String,
    /// The number of the job that it had begun, if it was a worker of a pool; its first job is 1.
    pub job: Option<u32>,
    /// The case of the exit status, as [`ExitStatus::kind`](crate::ExitStatus::kind) spells it.
    pub kind: &'static str,
    /// The kind of the trap, the limit with its value, or its wait in a deadlock.
    pub cause: String,
    /// The calls that the guest was executing, innermost first. Empty if it was executing nothing, or if
    /// the calls are unknown.
    pub backtrace: Vec<Frame>,
    /// The logical CPU that it was pinned to at the end.
    pub core: Option<usize>,
    /// The interface of the host that it called last, such as `isopod:multiprocessing/queue`; `WASI`
    /// for all of WASI. None if it called none.
    pub last_host_call: Option<&'static str>,
    /// The size of its linear memories at the end.
    pub memory_bytes: u64,
}

/// One call in the backtrace of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The name of the function, without the hashes that compilers add. A function without a name
    /// is `function 7` of its module.
    pub function: String,
    /// The offset of the call in the bytes of the module as compiled, that is, after the change that makes it
    /// interruptible.
    pub offset: Option<usize>,
}

impl fmt::Display for CrashReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Lines(&self.cause))?;
        write_backtrace(formatter, &self.backtrace)?;
        write!(formatter, "\nin task `{}`", Line(&self.task))?;
        if let Some(job) = self.job {
            write!(formatter, ", job {job}")?;
        }
        if let Some(interface) = self.last_host_call {
            write!(formatter, ", last called `{interface}`")?;
        }
        if let Some(core) = self.core {
            write!(formatter, ", on core {core}")?;
        }
        write!(formatter, ", with {} of memory", rounded(self.memory_bytes))
    }
}

/// Memory for people, rounded down: `1.5 MiB`.
fn rounded(bytes: u64) -> String {
    match bytes {
        bytes if bytes < 1 << 20 => format!("{} KiB", bytes >> 10),
        bytes => {
            let tenths = (u128::from(bytes) * 10) >> 20;
            match tenths % 10 {
                0 => format!("{} MiB", tenths / 10),
                tenth => format!("{}.{tenth} MiB", tenths / 10),
            }
        }
    }
}

impl Frame {
    /// Its size in the host's memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Frame>() + self.function.capacity() + ALLOCATION_BYTES
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Line(&self.function))?;
        match self.offset {
            Some(offset) => write!(formatter, " at {offset:#x}"),
            None => Ok(()),
        }
    }
}

/// The kind of a trap and its backtrace, as the text of an exit status.
pub(crate) fn with_backtrace(cause: &str, backtrace: &[Frame]) -> String {
    struct Text<'a>(&'a str, &'a [Frame]);
    impl fmt::Display for Text<'_> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)?;
            write_backtrace(formatter, self.1)
        }
    }
    let mut text = Text(cause, backtrace).to_string();
    // The text lives as long as the record of the process, so it keeps no spare capacity.
    text.shrink_to_fit();
    text
}

fn write_backtrace(formatter: &mut fmt::Formatter<'_>, backtrace: &[Frame]) -> fmt::Result {
    if backtrace.is_empty() {
        return Ok(());
    }
    formatter.write_str("\nbacktrace:")?;
    for (number, frame) in backtrace.iter().enumerate() {
        write!(formatter, "\n  {number:>3}: {frame}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_forges_no_frame() {
        let frame = Frame {
            function: "a\n  1: b \u{202e}".to_owned(),
            offset: Some(7),
        };
        assert_eq!(frame.to_string(), "a\\n  1: b \\u{202e} at 0x7");
    }

    #[test]
    fn a_report_says_how_where_and_with_what() {
        let frame = |function: &str, offset: Option<usize>| Frame {
            function: function.to_owned(),
            offset,
        };
        let mut report = CrashReport {
            process: ProcessId::new(2),
            name: "worker".to_owned(),
            task: "square".to_owned(),
            job: Some(3),
            kind: "trapped",
            cause: "out of bounds".to_owned(),
            backtrace: vec![frame("a::b", Some(0x1a2b)), frame("a::c", None)],
            core: Some(1),
            last_host_call: Some("isopod:multiprocessing/queue"),
            memory_bytes: 1 << 20,
        };
        assert_eq!(
            report.to_string(),
            "out of bounds\nbacktrace:\n    0: a::b at 0x1a2b\n    1: a::c\n\
             in task `square`, job 3, last called `isopod:multiprocessing/queue`, on core 1, \
             with 1 MiB of memory"
        );
        report.backtrace.clear();
        (report.job, report.core, report.last_host_call) = (None, None, None);
        assert_eq!(
            report.to_string(),
            "out of bounds\nin task `square`, with 1 MiB of memory"
        );
    }
}
