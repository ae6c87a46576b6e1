//! `--audit FILE`: the grants, refusals, reached limits and kills of a program, as lines of JSON. SECURITY.md describes
//! each record.
//!
//! isopod opens the log before it loads the program, so the log has the limits of loading too. Then one thread listens
//! to the engine's events and appends the lines: no process waits for it. The engine counts repeated events of each
//! process, and [`tally`] counts them for all processes of a tree. Events without room are counted too, and one run
//! writes a bounded number of bytes. Each line is written whole, soon after its event.

mod log;
mod record;
mod tally;

use crate::output;
use crate::written;
use anyhow::Context as _;
use isopod_host::Engine;
use isopod_host::events::Events;
use log::{Log, MOST_EVENTS};
use serde_json::json;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Longest wait for the last lines at the end. The file may be a pipe without a reader.
const END_TIME: Duration = Duration::from_secs(2);

/// The log of one command. It does nothing without `--audit`.
#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    program: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No log was requested, or it has ended.
    None,
    /// The log is open, and isopod has one thread.
    Open(Log),
    /// A thread writes the log.
    Written {
        is_over: Arc<AtomicBool>,
        result: Receiver<std::io::Result<()>>,
    },
}

/// The place of a log, and its program.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The file of the log, if one was requested.
    pub(crate) path: Option<&'a Path>,
    /// The file of the program, if it has one.
    pub(crate) program: Option<&'a Path>,
    /// The name of the program.
    pub(crate) name: String,
}

impl Audit {
    /// Opens the log for appending, and begins it. `writable` are the directories that the program can write: a log
    /// that the program can change proves nothing.
    ///
    /// # Errors
    /// If the file is the program, lies in its source or in one of these directories, could lie there under another
    /// name, or cannot be opened.
    pub(crate) fn open<'a>(
        place: Place<'_>,
        writable: impl Iterator<Item = &'a Path>,
    ) -> anyhow::Result<Audit> {
        let mut audit = Audit {
            path: place.path.map(Path::to_owned).unwrap_or_default(),
            program: place.name,
            state: State::None,
        };
        let Some(path) = place.path else {
            return Ok(audit);
        };
        let file = opened(path, place.program, writable)?;
        let is_regular = file.metadata()?.is_file();
        let mut log = Log::new(file);
        log.line(json!({
            "record": "run",
            "pid": std::process::id(),
            "program": audit.program,
            "isopod": env!("CARGO_PKG_VERSION"),
        }));
        // A pipe can be full, so a thread writes to it.
        if is_regular {
            log.flush()
                .with_context(|| format!("cannot write the audit log `{}`", path.display()))?;
        }
        audit.state = State::Open(log);
        Ok(audit)
    }

    /// Begins to write the engine's events. Call it after isopod has confined itself, which needs a single thread.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(&mut self, engine: &Engine) -> anyhow::Result<()> {
        let State::Open(log) = std::mem::replace(&mut self.state, State::None) else {
            return Ok(());
        };
        let events = Events::builder(engine)
            .capacity(MOST_EVENTS)
            .jobs(false)
            .decisions(true)
            .listen();
        self.spawn(move |is_over| log.write(events, is_over))
    }

    /// Writes the reason why the program was not started. The engine reports later failures.
    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        if let State::Open(log) = &mut self.state {
            log.line(record::of_error(&self.program, error));
        }
    }

    /// Writes all events until now, and the last line. A failure is a warning, so that it does not hide the end of the
    /// program.
    pub(crate) fn end(&mut self) {
        if matches!(self.state, State::Open(_))
            && let State::Open(log) = std::mem::replace(&mut self.state, State::None)
            && let Err(error) = self.spawn(|_| log.end())
        {
            self.warn(&format!("{error:#}"));
        }
        let State::Written { is_over, result } = std::mem::replace(&mut self.state, State::None)
        else {
            return;
        };
        is_over.store(true, Ordering::SeqCst);
        match result.recv_timeout(END_TIME) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.warn(&error.to_string()),
            Err(_) => self.warn("nobody reads it"),
        }
    }

    fn spawn(
        &mut self,
        write: impl FnOnce(&Arc<AtomicBool>) -> std::io::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (sender, result) = mpsc::channel();
        let seen = Arc::clone(&is_over);
        std::thread::Builder::new()
            .name("isopod-audit".to_owned())
            .spawn(move || {
                // The receiver is gone if the result comes too late.
                let _ = sender.send(write(&seen));
            })
            .context("cannot start the thread that writes the audit log")?;
        self.state = State::Written { is_over, result };
        Ok(())
    }

    fn warn(&self, why: &str) {
        let path = self.path.to_string_lossy();
        let shown = isopod_text::Line(&path);
        output::print(&format!(
            "warning: the audit log `{shown}` is incomplete: {why}\n"
        ));
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.end();
    }
}

/// Opens the file of a log.
fn opened<'a>(
    path: &Path,
    program: Option<&Path>,
    writable: impl Iterator<Item = &'a Path>,
) -> anyhow::Result<File> {
    let shown = path.display();
    written::check(path, "audit log", "--audit", program)?;
    let writable: Vec<&Path> = writable.collect();
    // Before opening, so that a refused file is not created; and after, as a link may have changed meanwhile.
    check_place(path, &writable)?;
    let file = isopod_file::append(path, 0o600)
        .with_context(|| format!("cannot open the audit log `{shown}`"))?;
    check_place(path, &writable)?;
    let found = file.metadata()?;
    if found.is_file() && found.nlink() > 1 && !writable.is_empty() {
        return Err(refused(format!(
            "the audit log `{shown}` has {} names, and another name may lie in a directory that the program can write",
            found.nlink()
        )));
    }
    Ok(file)
}

/// Refuses a file in one of these directories.
fn check_place(path: &Path, writable: &[&Path]) -> anyhow::Result<()> {
    match writable
        .iter()
        .find(|directory| written::lies_in(path, directory))
    {
        None => Ok(()),
        Some(directory) => Err(refused(format!(
            "the audit log `{}` lies in `{}`, which the program can write",
            path.display(),
            directory.display()
        ))),
    }
}

fn refused(text: String) -> anyhow::Error {
    crate::report::with_hint(
        text,
        "give `--audit` a file outside all directories of `--dir`",
    )
}
