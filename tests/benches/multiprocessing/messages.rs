//! Messages between two guests: on two cores, on one core, and without any pinning.

use crate::cpython;
use crate::guest::{Host, MESSAGES, QUEUED_BYTES, Resident};
use crate::measure::{Measure, expect, timed};
use crate::native::{self, Carrier};
use crate::parties::Native;
use crate::peers::{self, IPC_CHANNEL, Peer};
use anyhow::{Context, Result};
use isopod_host::sync::{Bounds, Message, Queue};
use std::hint::black_box;

/// The sizes: their names in the report, their names for the programs, and their bytes.
const SIZES: [(&str, &str, usize); 4] = [
    ("16 B", "16", 16),
    ("1 KiB", "1024", 1 << 10),
    ("64 KiB", "65536", 64 << 10),
    ("1 MiB", "1048576", 1 << 20),
];

/// The number of processes that put, and of those that take, where there are many.
const PAIRS: u64 = 4;

const PIPE: &str = "isopod, guest: Connection::send and recv";
const QUEUE: &str = "isopod, guest: Queue::put and get";

/// Measures queues one way and pipes there and back, on these cores: isopod's engine uses the same.
pub(crate) fn measure(measure: &mut Measure<'_>, host: &Host, cores: &[usize]) -> Result<()> {
    let on = if cores.len() > 1 {
        "two cores"
    } else {
        "one core"
    };
    for size in SIZES {
        measure.group(&format!("pipe round trip {}, {on}", size.0));
        pipe(measure, host, size, cores)?;
        measure.group(&format!("queue one way {}, {on}", size.0));
        queue(measure, host, size, cores)?;
    }
    measure.group(&format!(
        "queue of {PAIRS} who put and {PAIRS} who take, 16 B, {on}"
    ));
    let pairs = PAIRS.to_string();
    cpython::rounds(measure, "CPython: Queue", ["many", &pairs], cores)?;
    Native::Queue(PAIRS).measure(measure, cores)?;
    guest(measure, host, "isopod, guest: Queue", "many", &pairs)
}

/// The same without pinning of threads or other processes, on an engine with all cores. isopod seats its
/// guests itself, here as always; the embedder's own thread on one side is not pinned.
pub(crate) fn unpinned(measure: &mut Measure<'_>, host: &Host) -> Result<()> {
    for size in SIZES {
        measure.group(&format!("pipe round trip {}, unpinned", size.0));
        pipe(measure, host, size, &[])?;
        pipe_of_embedder(measure, host, size)?;
        measure.group(&format!("queue one way {}, unpinned", size.0));
        queue(measure, host, size, &[])?;
        queue_of_embedder(measure, host, size)?;
    }
    Ok(())
}

type Size = (&'static str, &'static str, usize);

fn pipe(measure: &mut Measure<'_>, host: &Host, size: Size, cores: &[usize]) -> Result<()> {
    let (_, size, bytes) = size;
    for carrier in Carrier::ALL {
        native::round_trip(measure, carrier, bytes, cores)?;
    }
    guest(measure, host, PIPE, "round-trip", size)?;
    cpython::rounds(measure, "CPython: Pipe", ["round-trip", size], cores)?;
    let peer = Peer(IPC_CHANNEL, ["round-trip", size]);
    peers::rounds(measure, "ipc-channel: bytes there and back", peer, cores)
}

fn queue(measure: &mut Measure<'_>, host: &Host, size: Size, cores: &[usize]) -> Result<()> {
    let (_, size, bytes) = size;
    for carrier in Carrier::ALL {
        native::one_way(measure, carrier, bytes, cores)?;
    }
    guest(measure, host, QUEUE, "one-way", size)?;
    cpython::rounds(measure, "CPython: Queue", ["one-way", size], cores)?;
    let peer = Peer(IPC_CHANNEL, ["one-way", size]);
    peers::rounds(measure, "ipc-channel: bytes one way", peer, cores)
}

/// A message to a guest and back, from the embedder's own thread.
fn pipe_of_embedder(measure: &mut Measure<'_>, host: &Host, size: Size) -> Result<()> {
    let (ours, theirs) = isopod_host::sync::pipe(true);
    let command = host.command("echo").handle("pipe", &theirs.to_handle());
    let process = command.spawn()?;
    drop(theirs);
    let payload = vec![7; size.2];
    measure.rounds("isopod, embedder and guest: Connection", |rounds| {
        timed(rounds, || {
            expect(
                ours.send(Message::from_bytes(payload.clone()))
                    .context("send"),
            );
            black_box(expect(ours.recv().context("recv")));
        })
    });
    drop(ours);
    let status = process.join();
    anyhow::ensure!(status.success(), "the guest ended badly: {status}");
    Ok(())
}

/// Messages that a guest puts, taken by the embedder's own thread.
fn queue_of_embedder(measure: &mut Measure<'_>, host: &Host, size: Size) -> Result<()> {
    let bounds = Bounds {
        max_messages: u32::try_from(MESSAGES).ok(),
        max_bytes: Some(QUEUED_BYTES),
    };
    let messages = Queue::new(bounds);
    let command = host.command(&format!("produce {}", size.1));
    let resident = Resident::start(command.handle("queue", &messages.to_handle()))?;
    // The message of the round that a resident runs at its start.
    messages.get()?;
    measure.rounds("isopod, guest to embedder: Queue", |rounds| {
        expect(resident.begin(rounds));
        let elapsed = timed(rounds, || {
            black_box(expect(messages.get().context("get")));
        });
        expect(resident.finish());
        elapsed
    });
    resident.end()
}

fn guest(
    measure: &mut Measure<'_>,
    host: &Host,
    name: &str,
    scenario: &str,
    argument: &str,
) -> Result<()> {
    let resident = host.resident(&format!("{scenario} {argument}"))?;
    measure.rounds(name, |rounds| expect(resident.rounds(rounds)));
    resident.end()
}
