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

/// Capacity of the queue of events for the thread; further events are counted.
pub(super) const MOST_EVENTS: usize = 16_384;
/// Longest delay until a line is written, and until the end is noticed.
const INTERVAL: Duration = Duration::from_millis(50);
/// Most bytes that one run writes; further lines are counted.
const MOST_BYTES: usize = 64 << 20;

/// An open log. [`flush`](Self::flush) writes its lines.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    lines: Vec<u8>,
    room: usize,
    /// The number of events and lines that are not in the file.
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

    /// Writes the events of an engine until `is_over`.
    pub(super) fn write(
        mut self,
        events: Events,
        is_over: &Arc<AtomicBool>,
    ) -> std::io::Result<()> {
        self.flush()?;
        loop {
            // Before the events: all events from before the end are in the feed by then.
            let is_over = is_over.load(Ordering::SeqCst);
            match events.recv_timeout(INTERVAL) {
                Ok(event) => {
                    self.event(&event);
                    // All waiting events with one write.
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

    /// Writes the remaining lines and the last one.
    pub(super) fn end(mut self) -> std::io::Result<()> {
        let rest: Vec<Value> = self.tally.rest().collect();
        // The last lines are few, so the bound does not apply to them.
        self.room = usize::MAX;
        for record in rest {
            self.line(record);
        }
        self.line(json!({"record": "end", "missed": self.missed}));
        self.flush()?;
        // Fails for a pipe, which has nothing to make durable.
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

    /// Adds a line, unless the log has enough of its kind.
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

    /// Writes all added lines.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.file.write_all(&lines)
    }
}
