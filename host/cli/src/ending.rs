//! The report of an abnormal end of the main process.

use crate::report::Report;
use isopod_host::ExitStatus;
use isopod_host::inspect::CrashReport;
use isopod_text::Line;

/// The report of the end of a process; `None` for an exit code, which the program has chosen itself, and for a failure,
/// which the process has printed itself (`Process NAME:` and the message). A crash has its backtrace.
pub(crate) fn report(
    process_name: &str,
    status: &ExitStatus,
    crash: Option<&CrashReport>,
) -> Option<Report> {
    // The text of a limit names the way to raise it.
    let how = match status {
        ExitStatus::Exited(_) | ExitStatus::Failed(_) => return None,
        ExitStatus::Trapped(_) => "trap",
        ExitStatus::MemoryLimit(_) => "memory limit",
        ExitStatus::CpuTimeLimit(_) => "limit of CPU time",
        ExitStatus::Deadline(_) => "timeout",
        other => other.kind(),
    };
    let report = Report::new(format!("process `{}` ended: {how}", Line(process_name)));
    let cause = crash.map(ToString::to_string);
    Some(match cause.as_deref().or_else(|| status.message()) {
        Some(text) => report.cause(text),
        None => report,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_ends_are_not_told() {
        assert_eq!(report("MainProcess", &ExitStatus::Exited(3), None), None);
        let failed = ExitStatus::Failed("boom".to_owned());
        assert_eq!(report("MainProcess", &failed, None), None);
    }

    #[test]
    fn an_end_has_its_cause() {
        let status = ExitStatus::MemoryLimit("1 MiB more than 2 MiB".to_owned());
        let told = report("MainProcess", &status, None);
        assert_eq!(
            told,
            Some(
                Report::new("process `MainProcess` ended: memory limit")
                    .cause("1 MiB more than 2 MiB")
            )
        );
        let told = report("MainProcess", &ExitStatus::Killed, None);
        assert_eq!(
            told,
            Some(Report::new("process `MainProcess` ended: killed"))
        );
    }
}
