//! `--status-file`: the exact end of a run, as one JSON object.
//!
//! isopod creates or empties the file before the program runs, so the file never shows the status of an earlier run, and
//! a file that cannot be written is an early error. isopod writes in place, so a pipe or `/dev/fd/3` works too.

use crate::output;
use crate::report::Report;
use crate::written;
use anyhow::Context as _;
use isopod_host::ExitStatus;
use serde::Serialize;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time of writing.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// The JSON object.
#[derive(Debug, Serialize)]
struct Status<'a> {
    /// The case of the exit status (`exited`, `memory-limit`, ...), or `error`, or `unknown` if
    /// the main process survived its kill.
    status: &'a str,
    /// The exit code as Python gives it (-15 for terminated); null if the program had none.
    code: Option<i32>,
    /// The exit code of isopod itself.
    exit_code: u8,
    /// The text that belongs to the status.
    message: Option<&'a str>,
    /// The signal that isopod received, for example `SIGINT`.
    signal: Option<&'a str>,
}

/// A file that takes the status of one run.
#[derive(Debug)]
pub(crate) struct StatusFile {
    file: File,
    path: PathBuf,
}

impl StatusFile {
    /// Creates the file, or empties it. `program` is the file that runs.
    ///
    /// # Errors
    /// If it is the program or lies in its source, or cannot be written.
    pub(crate) fn create(path: &Path, program: Option<&Path>) -> anyhow::Result<StatusFile> {
        written::check(path, "status file", "--status-file", program)?;
        let file = isopod_file::create(path)
            .with_context(|| format!("cannot create the status file `{}`", path.display()))?;
        Ok(StatusFile {
            file,
            path: path.to_owned(),
        })
    }

    /// Writes the exit status of the main process (`None` if it survived its kill) and the exit code of isopod.
    pub(crate) fn write_end(
        self,
        status: Option<&ExitStatus>,
        exit_code: u8,
        signal: Option<&str>,
    ) -> anyhow::Result<()> {
        self.write(&Status {
            status: status.map_or("unknown", ExitStatus::kind),
            code: status.map(ExitStatus::code),
            exit_code,
            message: status.and_then(ExitStatus::message),
            signal,
        })
    }

    /// Writes that isopod itself failed, or that a limit left no room for the program, with the exit code of that.
    pub(crate) fn write_error(self, report: &Report, exit_code: u8) -> anyhow::Result<()> {
        self.write(&Status {
            status: "error",
            code: None,
            exit_code,
            message: Some(&report.text()),
            signal: None,
        })
    }

    fn write(mut self, status: &Status<'_>) -> anyhow::Result<()> {
        let mut text = serde_json::to_string(status)?;
        text.push('\n');
        let shown = format!("the status file `{}`", self.path.display());
        // A pipe without a reader takes 64 KiB, and then isopod would wait for ever.
        let written = output::within(WRITE_TIME, move || self.file.write_all(text.as_bytes()));
        match written.with_context(|| format!("cannot write {shown}"))? {
            Some(written) => written.with_context(|| format!("cannot write {shown}")),
            None => anyhow::bail!(
                "{shown} took longer than {} to write: nobody reads it",
                humantime::format_duration(WRITE_TIME)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn written(write: impl FnOnce(StatusFile) -> anyhow::Result<()>) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.json");
        std::fs::write(
            &path,
            "something old that is longer than the new text, by far, to see it go: \
            0123456789 0123456789 0123456789 0123456789",
        )
        .unwrap();
        write(StatusFile::create(&path, None).unwrap()).unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn an_end() {
        let status = ExitStatus::Exited(3);
        assert_eq!(
            written(|file| file.write_end(Some(&status), 3, None)),
            "{\"status\":\"exited\",\"code\":3,\"exit_code\":3,\"message\":null,\"signal\":null}\n"
        );
        let status = ExitStatus::MemoryLimit("too \"much\"".to_owned());
        assert_eq!(
            written(|file| file.write_end(Some(&status), 121, None)),
            "{\"status\":\"memory-limit\",\"code\":-9,\"exit_code\":121,\
             \"message\":\"too \\\"much\\\"\",\"signal\":null}\n"
        );
    }

    #[test]
    fn an_interrupted_end() {
        let status = ExitStatus::Terminated;
        assert_eq!(
            written(|file| file.write_end(Some(&status), 130, Some("SIGINT"))),
            "{\"status\":\"terminated\",\"code\":-15,\"exit_code\":130,\
             \"message\":null,\"signal\":\"SIGINT\"}\n"
        );
        assert!(written(|file| file.write_end(None, 130, Some("SIGINT"))).contains("\"unknown\""));
    }

    #[test]
    fn an_error() {
        let report = Report::new("cannot run `x`").cause("it is a directory");
        assert_eq!(
            written(|file| file.write_error(&report, 125)),
            "{\"status\":\"error\",\"code\":null,\"exit_code\":125,\
             \"message\":\"cannot run `x`: it is a directory\",\"signal\":null}\n"
        );
    }
}
