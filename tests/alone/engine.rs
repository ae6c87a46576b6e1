//! The settings of an engine: a pool of instances or none, and the target of its log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::{Engine, ExitStatus};
use isopod_tests::{Bench, GUARD};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// One test at a time. All tests share one count of address space, and `tracing` misses events that are
/// logged for the first time at the moment when a listener is made.
static ALONE: Mutex<()> = Mutex::new(());

/// The address space that this operating-system process has mapped, with or without memory behind it.
fn address_space_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmSize:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn without_a_pool_nothing_is_reserved_and_everything_runs() {
    const PER_PROCESS: u64 = 4 << 30;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = address_space_bytes();
    let pooled = Bench::with(Engine::builder().max_processes(100)).unwrap();
    let reserved = address_space_bytes() - before;
    assert!(pooled.engine.is_pooled());
    assert!(reserved > 100 * PER_PROCESS, "{reserved}");

    let before = address_space_bytes();
    let on_demand = Engine::builder().max_processes(100).pooling(false);
    let on_demand = Bench::with(on_demand).unwrap();
    let reserved = address_space_bytes().saturating_sub(before);
    assert!(!on_demand.engine.is_pooled());
    assert!(reserved < 50 * PER_PROCESS, "{reserved}");
    let finished = on_demand.run("end-child exit-3").unwrap();
    finished.assert_success("end-child");
    assert!(finished.stdout.starts_with("code 3"), "{}", finished.stdout);
    // Its limits hold as well.
    let command = on_demand.command("end memory").memory_limit(8 << 20);
    let process = command.spawn().unwrap();
    let status = process.join_tree_timeout(GUARD).unwrap();
    assert!(matches!(status, ExitStatus::MemoryLimit(_)), "{status}");
}

/// Keeps the names in spans `process`, and the messages of events.
#[derive(Default)]
struct Heard {
    spans: AtomicU64,
    lines: Arc<Mutex<Vec<String>>>,
}

struct Only<'a>(&'static str, &'a mut Option<String>);

impl Visit for Only<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == self.0 {
            *self.1 = Some(format!("{value:?}"));
        }
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("isopod")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut name = None;
        span.record(&mut Only("name", &mut name));
        let line = format!("{} {}", span.metadata().name(), name.unwrap_or_default());
        self.lines.lock().unwrap().push(line);
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = None;
        event.record(&mut Only("message", &mut message));
        self.lines.lock().unwrap().extend(message);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn an_engine_logs_where_it_is_told_to() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let heard = Heard::default();
    let lines = Arc::clone(&heard.lines);
    let settings = Engine::builder().max_processes(2);
    let bench = Bench::with(settings.tracing(Dispatch::new(heard))).unwrap();
    let silent = Bench::with(Engine::builder().max_processes(2)).unwrap();
    for bench in [&bench, &silent] {
        let finished = bench.run("end-child exit-3").unwrap();
        finished.assert_success("end-child");
    }
    let lines = lines.lock().unwrap();
    // Main may end before or after the thread of its child has logged everything.
    let mut sorted = lines.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "process \"MainProcess\"",
            "process \"Process-1\"",
            "process ended",
            "process ended",
            "process started",
            "process started",
        ]
    );
}
