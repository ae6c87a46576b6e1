//! `--audit FILE`: what a program was granted, what it was refused, which limits it has reached, and who ended what, as
//! lines of JSON. SECURITY.md describes each record.
//!
//! The log is opened before the program is loaded, so that a limit of loading is in it too. Then the lines are appended
//! by one thread that listens to the engine's events: no process waits for it. What a guest
//! can repeat is counted by the engine for each process, and [here](tally) for all processes of a tree. Events that find
//! no room are counted too, and a file takes a bounded number of bytes from one run. Each line is written whole, soon
//! after what it tells.

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

/// How long the end waits for the last lines. The file may be a pipe that nobody reads.
const END_TIME: Duration = Duration::from_secs(2);

/// The log of one command; nothing is done where none is wanted.
#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    program: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nobody has asked for it, or it is over.
    None,
    /// It is open, and isopod has one thread.
    Open(Log),
    /// A thread writes it.
    Written {
        is_over: Arc<AtomicBool>,
        result: Receiver<std::io::Result<()>>,
    },
}

/// Where a log lies, and what it is of.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The file, if a log is wanted.
    pub(crate) path: Option<&'a Path>,
    /// The file of the program, if it has one.
    pub(crate) program: Option<&'a Path>,
    /// What the program is called.
    pub(crate) name: String,
}

impl Audit {
    /// Opens the log to append to it, and begins it. `writable` are the directories that the program may
    /// write: a log that it can change says nothing.
    ///
    /// # Errors
    /// If the file is the program or lies in its source, lies in such a directory, could lie in one by another name, or cannot be opened.
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
        // A pipe can be full: a thread is to wait for that.
        if is_regular {
            log.flush()
                .with_context(|| format!("cannot write the audit log `{}`", path.display()))?;
        }
        audit.state = State::Open(log);
        Ok(audit)
    }

    /// Begins to write what happens in the engine: after isopod has confined itself, which it does with one thread.
    ///
    /// # Errors
    /// If there is no thread for it.
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

    /// Writes why nothing was started. What fails later is the engine's to tell.
    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        if let State::Open(log) = &mut self.state {
            log.line(record::of_error(&self.program, error));
        }
    }

    /// Has what has happened until now written, and the last line. A log that cannot be is warned of: how the program has
    /// ended is not to be lost for it.
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
                // Nobody waits any more if it comes too late.
                let _ = sender.send(write(&seen));
            })
            .context("cannot start the thread that writes the audit log")?;
        self.state = State::Written { is_over, result };
        Ok(())
    }

    fn warn(&self, why: &str) {
        let path = self.path.to_string_lossy();
        let shown = isopod_text::Line(&path);
        output::tell(&format!(
            "warning: the audit log `{shown}` is not complete: {why}\n"
        ));
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.end();
    }
}

/// The file of a log.
fn opened<'a>(
    path: &Path,
    program: Option<&Path>,
    writable: impl Iterator<Item = &'a Path>,
) -> anyhow::Result<File> {
    let shown = path.display();
    written::check(path, "audit log", "--audit", program)?;
    let writable: Vec<&Path> = writable.collect();
    // Looked at first, so that nothing is made where it is refused; and again, as a link may have led there.
    check_place(path, &writable)?;
    let file = isopod_file::append(path, 0o600)
        .with_context(|| format!("cannot open the audit log `{shown}`"))?;
    check_place(path, &writable)?;
    let found = file.metadata()?;
    if found.is_file() && found.nlink() > 1 && !writable.is_empty() {
        return Err(refused(format!(
            "the audit log `{shown}` has {} names, and another one may lie in a directory which the program may write",
            found.nlink()
        )));
    }
    Ok(file)
}

/// Refuses a file that lies in one of these directories.
fn check_place(path: &Path, writable: &[&Path]) -> anyhow::Result<()> {
    match writable
        .iter()
        .find(|directory| written::lies_in(path, directory))
    {
        None => Ok(()),
        Some(directory) => Err(refused(format!(
            "the audit log `{}` lies in `{}`, which the program may write",
            path.display(),
            directory.display()
        ))),
    }
}

fn refused(text: String) -> anyhow::Error {
    crate::report::with_hint(
        text,
        "`--audit` takes a file outside of all directories of `--dir`",
    )
}
