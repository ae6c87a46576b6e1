//! Bytes from a guest to the host and back, by size: their cost beyond that of the call itself.

use crate::floor::{self, block_on};
use crate::guest::Host;
use crate::measure::{Measure, expect, timed};
use crate::pinned::Pinned;
use anyhow::{Context, Result};
use isopod_host::sync::{Bounds, Message, Queue};
use std::hint::black_box;
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

const SIZES: [(&str, u32); 4] = [
    ("16 B", 16),
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
];

/// Measures one process that puts into a queue and takes the message itself, and the parts of that work.
pub(crate) fn measure(measure: &mut Measure<'_>, host: &Host, core: usize) -> Result<()> {
    let _pinned = Pinned::to(core)?;
    let mut raw = Raw::new()?;
    for (shown, size) in SIZES {
        measure.group(&format!("bytes to the host and back, {shown}"));
        let payload = vec![7_u8; usize::try_from(size)?];
        let mut place = payload.clone();
        let mut other = payload.clone();
        measure.rounds("native: memcpy, twice", |rounds| {
            timed(rounds, || {
                black_box(&mut place).copy_from_slice(black_box(&payload));
                black_box(&mut other).copy_from_slice(black_box(&place));
            })
        });
        let queue = Queue::new(Bounds::default());
        measure.rounds("native: isopod_sync::Queue, a copy each way", |rounds| {
            timed(rounds, || {
                let _ = queue.put(Message::from_bytes(payload.clone()));
                let message = queue.get().map(|message| message.bytes);
                other.copy_from_slice(&expect(message.context("get")));
            })
        });
        measure.rounds("raw wasmtime: a list there, a list back", |rounds| {
            expect(raw.rounds(rounds, size))
        });
        let resident = host.resident(&format!("bytes {size}"))?;
        measure.rounds("isopod, guest: Queue::put_bytes, get_bytes", |rounds| {
            expect(resident.rounds(rounds))
        });
        resident.end()?;
    }
    Ok(())
}

/// A guest whose loop hands bytes to a host, which keeps them until the guest asks for them.
struct Raw {
    store: Store<Vec<u8>>,
    instance: Instance,
}

impl Raw {
    fn new() -> Result<Raw> {
        let engine = floor::engine()?;
        let component = Component::new(&engine, wat::parse_str(include_str!("bytes.wat"))?)?;
        let mut linker = Linker::<Vec<u8>>::new(&engine);
        let mut host = linker.instance("host")?;
        host.func_wrap(
            "take",
            |mut context: StoreContextMut<'_, Vec<u8>>, (bytes,): (Vec<u8>,)| {
                *context.data_mut() = bytes;
                Ok(())
            },
        )?;
        host.func_wrap(
            "give",
            |mut context: StoreContextMut<'_, Vec<u8>>, (): ()| {
                Ok((std::mem::take(context.data_mut()),))
            },
        )?;
        let mut store = Store::new(&engine, Vec::new());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
        let instance = block_on(linker.instantiate_async(&mut store, &component))?;
        Ok(Raw { store, instance })
    }

    fn rounds(&mut self, rounds: u64, size: u32) -> Result<Duration> {
        let function = self
            .instance
            .get_typed_func::<(u64, u32), ()>(&mut self.store, "there-and-back")?;
        let start = Instant::now();
        // In a fiber, like isopod's guests.
        block_on(function.call_async(&mut self.store, (rounds, size)))?;
        Ok(start.elapsed())
    }
}
