//! The lines of a log, and the thread that writes them.

use super::record;
use super::tally::Tally;
use isopod_host::events::{EngineEvent, Events, ListenError};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many events wait for the thread; more are counted.
pub(super) const MOST_EVENTS: usize = 16_384;
/// How soon a line is written, and the end is seen.
const INTERVAL: Duration = Duration::from_millis(50);
/// What one run writes at most, in bytes; what comes then is counted.
const MOST_BYTES: usize = 64 << 20;

/// A log that is open. Its lines are written by [`flush`](Self::flush).
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    lines: Vec<u8>,
    room: usize,
    /// What was told and is not in the file.
    missed: u64,
    tally: Tally,
}

impl Log {
    pub(super) fn new(file: File) -> Log {
        Log {
            file,
            lines: Vec::new(),
            room: MOST_BYTES,
            missed: 0,
            tally: Tally::default(),
        }
    }

    /// Writes what happens in an engine, until it is over.
    pub(super) fn write(
        mut self,
        events: Events,
        is_over: &Arc<AtomicBool>,
    ) -> std::io::Result<()> {
        self.flush()?;
        loop {
            // Looked at first: what happened before the end is in the feed by then.
            let is_over = is_over.load(Ordering::SeqCst);
            match events.recv_timeout(INTERVAL) {
                Ok(event) => {
                    self.event(&event);
                    // All that is there, with one write.
                    for _ in 0..MOST_EVENTS {
                        match events.try_recv() {
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
        self.end()
    }

    /// Writes what is left, and the last line.
    pub(super) fn end(mut self) -> std::io::Result<()> {
        let rest: Vec<Value> = self.tally.rest().collect();
        // The last lines always have room: they are few.
        self.room = usize::MAX;
        for record in rest {
            self.line(record);
        }
        self.line(json!({"record": "end", "missed": self.missed}));
        self.flush()?;
        // A pipe has nothing to be made durable.
        let _ = self.file.sync_data();
        Ok(())
    }

    fn event(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::Lagged(count) => self.missed = self.missed.saturating_add(*count),
            event => {
                if let Some(record) = record::of_event(event) {
                    self.line(record);
                }
            }
        }
    }

    /// Adds a line, unless there were enough of its kind.
    pub(super) fn line(&mut self, record: Value) {
        if !self.tally.takes(&record) {
            return;
        }
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

    /// Writes the lines until now.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.file.write_all(&lines)
    }
}
