//! `--audit FILE`: what a program was granted, what it was refused, which limits it has reached, and who ended what, as
//! lines of JSON. SECURITY.md describes each record.
//!
//! The lines are appended, by one thread that listens to the engine's events: no process waits for it. What a guest
//! can repeat is counted by the engine, events that find no room are counted here, and a file takes a bounded
//! number of bytes from one run. Each line is written whole, soon after what it tells.

use crate::output;
use crate::written;
use anyhow::Context as _;
use isopod_host::{Engine, EngineEvent, Events, ExitStatus, ListenError};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many events wait for the thread; more are counted.
const MOST_EVENTS: usize = 16_384;
/// How soon a line is written, and the end is seen.
const INTERVAL: Duration = Duration::from_millis(50);
/// What one run writes at most, in bytes; what comes then is counted.
const MOST_BYTES: usize = 64 << 20;
/// How long the end waits for the last lines. The file may be a pipe that nobody reads.
const END_TIME: Duration = Duration::from_secs(2);

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    is_over: Arc<AtomicBool>,
    result: Receiver<std::io::Result<()>>,
}

/// A log that is opened: before isopod confines itself, and the thread that writes it starts after that.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    file: File,
}

impl AuditFile {
    /// Looks at the name of a log before anything is built.
    ///
    /// # Errors
    /// If the file is the program or lies in its source.
    pub(crate) fn check(path: Option<&Path>, program: Option<&Path>) -> anyhow::Result<()> {
        let check = |path| written::check(path, "audit log", "--audit", program);
        path.map_or(Ok(()), check)
    }

    /// Opens the log to append to it. `program` is the file that runs. `writable` are the directories that the program may
    /// write: a log that it can change says nothing.
    ///
    /// # Errors
    /// If the file is the program or lies in its source, lies in such a directory, could lie in one by another name, or cannot be opened.
    pub(crate) fn open<'a>(
        path: &Path,
        program: Option<&Path>,
        writable: impl Iterator<Item = &'a Path>,
    ) -> anyhow::Result<AuditFile> {
        let shown = path.display();
        AuditFile::check(Some(path), program)?;
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
        Ok(AuditFile {
            path: path.to_owned(),
            file,
        })
    }

    /// Begins to write what happens in the engine.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(crate) fn start(self, engine: &Engine, program: &str) -> anyhow::Result<Audit> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (sender, result) = mpsc::channel();
        let log = Log {
            file: self.file,
            events: Events::builder(engine)
                .capacity(MOST_EVENTS)
                .jobs(false)
                .decisions(true)
                .listen(),
            is_over: Arc::clone(&is_over),
            lines: Vec::new(),
            room: MOST_BYTES,
            missed: 0,
        };
        let begin = json!({
            "record": "run",
            "pid": std::process::id(),
            "program": program,
            "isopod": env!("CARGO_PKG_VERSION"),
        });
        std::thread::Builder::new()
            .name("isopod-audit".to_owned())
            .spawn(move || {
                // Nobody waits any more if it comes too late.
                let _ = sender.send(log.write(begin));
            })
            .context("cannot start the thread that writes the audit log")?;
        Ok(Audit {
            path: self.path,
            is_over,
            result,
        })
    }
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

impl Drop for Audit {
    /// Has what has happened until now written, and the last line. A log that cannot be is warned of: how the program has
    /// ended is not to be lost for it.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let path = self.path.to_string_lossy();
        let shown = isopod_text::Line(&path);
        let why = match self.result.recv_timeout(END_TIME) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "nobody reads it".to_owned(),
        };
        output::tell(&format!(
            "warning: the audit log `{shown}` is not complete: {why}\n"
        ));
    }
}

/// The thread's side.
struct Log {
    file: File,
    events: Events,
    is_over: Arc<AtomicBool>,
    lines: Vec<u8>,
    room: usize,
    /// What was told and is not in the file.
    missed: u64,
}

impl Log {
    fn write(mut self, begin: Value) -> std::io::Result<()> {
        self.line(begin);
        self.flush()?;
        loop {
            // Looked at first: what happened before the end is in the feed by then.
            let is_over = self.is_over.load(Ordering::SeqCst);
            match self.events.recv_timeout(INTERVAL) {
                Ok(event) => {
                    self.event(&event);
                    // All that is there, with one write.
                    for _ in 0..MOST_EVENTS {
                        match self.events.try_recv() {
                            Ok(event) => self.event(&event),
                            Err(_) => break,
                        }
                    }
                    self.flush()?;
                }
                Err(ListenError::TimedOut) if !is_over => {}
                Err(_) => break,
            }
        }
        let missed = self.missed;
        // The last line always has room.
        self.room = usize::MAX;
        self.line(json!({"record": "end", "missed": missed}));
        self.flush()?;
        // A pipe has nothing to be made durable.
        let _ = self.file.sync_data();
        Ok(())
    }

    fn event(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::Lagged(count) => self.missed = self.missed.saturating_add(*count),
            event => {
                if let Some(record) = record(event) {
                    self.line(record);
                }
            }
        }
    }

    fn line(&mut self, record: Value) {
        let mut members = Map::new();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since_epoch.unwrap_or_default().as_secs_f64();
        members.insert("time".to_owned(), json!(seconds));
        if let Value::Object(record) = record {
            members.extend(record);
        }
        let line = Value::Object(members).to_string();
        let line = format!("{}\n", isopod_text::json(&line));
        if line.len() > self.room {
            self.missed = self.missed.saturating_add(1);
            return;
        }
        self.room -= line.len();
        self.lines.extend_from_slice(line.as_bytes());
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.file.write_all(&lines)
    }
}

/// The record of an event; none of what an audit does not ask for.
fn record(event: &EngineEvent) -> Option<Value> {
    Some(match event {
        EngineEvent::Granted {
            tree,
            grant,
            subject,
            ..
        } => json!({
            "record": "granted",
            "tree": tree,
            "grant": grant.as_str(),
            "subject": subject,
        }),
        EngineEvent::Refused {
            process,
            name,
            tree,
            refusal,
            subject,
            count,
            ..
        } => json!({
            "record": "refused",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "refusal": refusal.as_str(),
            "subject": subject,
            "count": count,
        }),
        EngineEvent::LimitReached {
            process,
            name,
            tree,
            limit,
            text,
            is_end,
            ..
        } => json!({
            "record": "limit",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "limit": limit.as_str(),
            "text": text,
            "ends": is_end,
        }),
        EngineEvent::EndRequested {
            process,
            name,
            tree,
            by,
            status,
            ..
        } => json!({
            "record": "kill",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "by": by.to_string(),
            "status": status.kind(),
        }),
        EngineEvent::Deadlock { tree, deadlock, .. } => json!({
            "record": "deadlock",
            "tree": tree,
            "processes": deadlock.processes.len().saturating_add(deadlock.more_processes),
        }),
        EngineEvent::ProcessEnded {
            process,
            name,
            tree,
            status,
            ..
        } if is_told(status) => json!({
            "record": "ended",
            "tree": tree,
            "process": process.get(),
            "name": name,
            "status": status.kind(),
            "text": status.message().map(|text| isopod_text::cut(text, LONGEST_TEXT_BYTES)),
        }),
        _ => return None,
    })
}

/// What is kept of the text of an end, in bytes.
const LONGEST_TEXT_BYTES: usize = 1 << 10;

/// Ends that the process did not choose.
fn is_told(status: &ExitStatus) -> bool {
    !matches!(status, ExitStatus::Exited(_) | ExitStatus::Failed(_))
}
