//! Messages between two threads of this process: the baselines of messages between two guests.

use crate::guest::{MESSAGES, QUEUED_BYTES};
use crate::measure::{Measure, timed};
use crate::pinned::{Pinned, pin_to_any};
use anyhow::{Context, Result};
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_sync::{Entered, Hooks, Party, ProcessId, Waiter};
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

/// The carrier of the messages.
#[derive(Clone, Copy)]
pub(crate) enum Carrier {
    Mpsc,
    Crossbeam,
    Isopod,
}

type Send = Box<dyn FnMut(Vec<u8>) -> bool + std::marker::Send>;
type Receive = Box<dyn FnMut() -> Option<Vec<u8>> + std::marker::Send>;

impl Carrier {
    pub(crate) const ALL: [(Carrier, &'static str); 3] = [
        (Carrier::Crossbeam, "native threads: crossbeam-channel"),
        (Carrier::Mpsc, "native threads: std::sync::mpsc"),
        (Carrier::Isopod, "native threads: isopod-sync"),
    ];

    /// A bounded channel.
    fn channel(self, bound: usize) -> (Send, Receive) {
        match self {
            Carrier::Mpsc => {
                let (sender, receiver) = mpsc::sync_channel(bound);
                (
                    Box::new(move |bytes| sender.send(bytes).is_ok()),
                    Box::new(move || receiver.recv().ok()),
                )
            }
            Carrier::Crossbeam => {
                let (sender, receiver) = crossbeam_channel::bounded(bound);
                (
                    Box::new(move |bytes| sender.send(bytes).is_ok()),
                    Box::new(move || receiver.recv().ok()),
                )
            }
            Carrier::Isopod => {
                let bounds = Bounds {
                    max_messages: u32::try_from(bound).ok(),
                    max_bytes: Some(QUEUED_BYTES),
                };
                let sender = Queue::new(bounds);
                let receiver = sender.clone();
                (
                    Box::new(move |bytes| sender.put(Message::from_bytes(bytes)).is_ok()),
                    Box::new(move || receiver.get().ok().map(|message| message.bytes)),
                )
            }
        }
    }

    /// The two ends of a pipe.
    fn duplex(self) -> [(Send, Receive); 2] {
        if let Carrier::Isopod = self {
            let (first, second) = isopod_host::sync::pipe(true);
            return [first, second].map(|connection| {
                let receiver = connection.clone();
                let send: Send =
                    Box::new(move |bytes| connection.send(Message::from_bytes(bytes)).is_ok());
                let receive: Receive =
                    Box::new(move || receiver.recv().ok().map(|message| message.bytes));
                (send, receive)
            });
        }
        let (to_second, at_second) = self.channel(MESSAGES);
        let (to_first, at_first) = self.channel(MESSAGES);
        [(to_second, at_first), (to_first, at_second)]
    }

    /// Makes the calling thread wait as a process does; the other carriers have their own ways to wait.
    fn enter(self, may_spin: bool) -> Option<Entered> {
        struct Spinning(bool);
        impl Hooks for Spinning {
            fn may_spin(&self) -> bool {
                self.0
            }
        }
        let party = Party::Process(ProcessId::new(u64::MAX));
        match self {
            Carrier::Isopod => Some(Waiter::new(party, Arc::new(Spinning(may_spin))).enter()),
            _ => None,
        }
    }
}

/// Sends messages to a thread and takes them back.
pub(crate) fn round_trip(
    measure: &mut Measure<'_>,
    (carrier, name): (Carrier, &str),
    bytes: usize,
    cores: &[usize],
) -> Result<()> {
    let [(mut send, mut receive), (mut send_back, mut receive_there)] = carrier.duplex();
    let may_spin = cores.len() != 1;
    let echo = start(cores, move || {
        let _entered = carrier.enter(may_spin);
        while receive_there().is_some_and(&mut send_back) {}
    })?;
    let _pinned = Pinned::to_first(cores)?;
    let entered = carrier.enter(may_spin);
    let payload = vec![7; bytes];
    measure.rounds(name, |rounds| {
        timed(rounds, || {
            send(payload.clone());
            black_box(receive());
        })
    });
    drop((send, receive, entered));
    end(echo)
}

/// Takes messages from a thread.
pub(crate) fn one_way(
    measure: &mut Measure<'_>,
    (carrier, name): (Carrier, &str),
    bytes: usize,
    cores: &[usize],
) -> Result<()> {
    let bound = MESSAGES.min(usize::try_from(QUEUED_BYTES)? / bytes);
    let (mut send, mut receive) = carrier.channel(bound);
    let (orders, order) = mpsc::channel::<u64>();
    let may_spin = cores.len() != 1;
    let producer = start(cores, move || {
        let _entered = carrier.enter(may_spin);
        let payload = vec![7; bytes];
        for count in order {
            for _ in 0..count {
                send(payload.clone());
            }
        }
    })?;
    let _pinned = Pinned::to_first(cores)?;
    let entered = carrier.enter(may_spin);
    measure.rounds(name, |rounds| {
        let start = Instant::now();
        // If the producer is gone, the next line shows it: it would never end.
        let _ = orders.send(rounds);
        for _ in 0..rounds {
            black_box(receive());
        }
        start.elapsed()
    });
    drop((orders, entered));
    end(producer)
}

/// Starts the peer, on the last of the cores, or on any.
fn start(
    cores: &[usize],
    run: impl FnOnce() + std::marker::Send + 'static,
) -> Result<JoinHandle<()>> {
    let core = cores.last().copied();
    let thread = std::thread::Builder::new()
        .name("peer".to_owned())
        .spawn(move || {
            // This process may use the core: the engine is pinned to it too.
            let _ = pin_to_any(core.as_slice());
            run();
        })?;
    Ok(thread)
}

fn end(thread: JoinHandle<()>) -> Result<()> {
    thread.join().ok().context("the peer panicked")
}
