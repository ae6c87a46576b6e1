//! Streams of files: at most one operation of each is outstanding.
//!
//! A file is read and written at a position. A FIFO or a device has none, and is read and written in order.

use super::held::Held;
use super::room::{DiskRoom, Full};
use crate::guest::{Busy, Operations, Slots, start};
use crate::limits::Taken;
use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags, pwritev2};
use std::fs::File;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;

/// The most that one operation reads or writes, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// The size of a read for a guest that waits before it has said how much it wants, in bytes.
const FIRST_BYTES: usize = 4 << 10;

/// Reads a file from a position on.
pub(super) struct FileInput {
    file: Arc<File>,
    taken: Option<Arc<Taken>>,
    position: u64,
    operations: Operations,
    state: Reading,
}

enum Reading {
    Idle,
    Running(AbortOnDropJoinHandle<io::Result<Bytes>>),
    Read(Bytes),
    /// The guest has not received the error yet.
    Failed(wasmtime::Error),
    Closed,
}

impl FileInput {
    /// Reads `file`, which is the file of `held`.
    pub(super) fn new(
        file: &Arc<File>,
        held: &Held,
        position: u64,
        operations: &Operations,
    ) -> FileInput {
        FileInput {
            file: Arc::clone(file),
            taken: held.taken.clone(),
            position,
            operations: operations.clone(),
            state: Reading::Idle,
        }
    }

    fn start(&mut self, slots: Slots, size: usize) {
        let (file, position) = (Arc::clone(&self.file), self.position);
        let taken = self.taken.clone();
        self.state = Reading::Running(start(slots, move || {
            let bytes = read(&file, position, size);
            drop((file, taken));
            bytes
        }));
    }

    /// Waits until there is a result, and begins a read of this size if none is under way.
    async fn read_ahead(&mut self, size: usize) {
        if let Reading::Idle = self.state {
            match self.operations.begin().await {
                Ok(slots) => self.start(slots, size),
                Err(busy) => self.state = Reading::Failed(busy.into()),
            }
        }
        if let Reading::Running(operation) = &mut self.state {
            self.state = match operation.await {
                Ok(bytes) if bytes.is_empty() => Reading::Closed,
                Ok(bytes) => Reading::Read(bytes),
                Err(error) => Reading::Failed(error.into()),
            };
        }
    }
}

#[async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match mem::replace(&mut self.state, Reading::Closed) {
            Reading::Idle => {
                self.state = Reading::Idle;
                // Without a slot the guest finds nothing yet; its next wait waits for a slot as well.
                if size > 0
                    && let Some(slots) = self.operations.try_begin()
                {
                    self.start(slots, size);
                }
                Ok(Bytes::new())
            }
            Reading::Running(operation) => {
                self.state = Reading::Running(operation);
                Ok(Bytes::new())
            }
            Reading::Read(mut bytes) => {
                let taken = bytes.split_to(bytes.len().min(size));
                let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
                self.position = self.position.saturating_add(count);
                self.state = match bytes.is_empty() {
                    true => Reading::Idle,
                    false => Reading::Read(bytes),
                };
                Ok(taken)
            }
            Reading::Failed(error) => {
                // A read that found no slot was never begun.
                if error.is::<Busy>() {
                    self.state = Reading::Idle;
                }
                Err(StreamError::LastOperationFailed(error))
            }
            Reading::Closed => Err(StreamError::Closed),
        }
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size > 0 {
            self.read_ahead(size).await;
        }
        self.read(size)
    }
}

#[async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {
        self.read_ahead(FIRST_BYTES).await;
    }
}

/// Where the next bytes go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Position(u64),
    End,
}

/// Writes a file.
pub(super) struct FileOutput {
    file: Arc<File>,
    taken: Option<Arc<Taken>>,
    room: DiskRoom,
    place: Place,
    operations: Operations,
    state: Writing,
}

enum Writing {
    Idle,
    /// There was no slot.
    Waiting(Bytes),
    Running(AbortOnDropJoinHandle<io::Result<()>>),
    /// The guest has not received the error yet.
    Failed(wasmtime::Error),
    Closed,
}

impl FileOutput {
    /// Writes `file`, which is the file of `held`.
    pub(super) fn new(
        file: &Arc<File>,
        held: &Held,
        place: Place,
        operations: &Operations,
    ) -> FileOutput {
        FileOutput {
            file: Arc::clone(file),
            taken: held.taken.clone(),
            room: held.room.clone(),
            place,
            operations: operations.clone(),
            state: Writing::Idle,
        }
    }

    fn start(&mut self, slots: Slots, bytes: Bytes) {
        let (file, place) = (Arc::clone(&self.file), self.place);
        if let Place::Position(position) = &mut self.place {
            let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            *position = position.saturating_add(count);
        }
        let (room, taken) = (self.room.clone(), self.taken.clone());
        self.state = Writing::Running(start(slots, move || {
            let written = count_write(&room, &file, place, bytes.len())
                .and_then(|()| write(&file, place, &bytes));
            drop((file, taken));
            written
        }));
    }

    /// The error that the guest has not received yet, if there is one.
    fn failure(&mut self) -> StreamResult<()> {
        match mem::replace(&mut self.state, Writing::Closed) {
            Writing::Failed(error) => Err(StreamError::LastOperationFailed(error)),
            Writing::Closed => Err(StreamError::Closed),
            other => {
                self.state = other;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.failure()?;
        if !matches!(self.state, Writing::Idle) || bytes.len() > MOST_BYTES {
            return Err(StreamError::trap("written without a look at `check-write`"));
        }
        match self.operations.try_begin() {
            Some(slots) => self.start(slots, bytes),
            None => self.state = Writing::Waiting(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Nothing is held back.
        self.failure()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.failure()?;
        Ok(match self.state {
            Writing::Idle => MOST_BYTES,
            _ => 0,
        })
    }

    async fn cancel(&mut self) {
        // A guest that drops a stream expects its bytes to be written.
        self.ready().await;
    }
}

#[async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {
        if let Writing::Waiting(bytes) = &self.state {
            let bytes = bytes.clone();
            match self.operations.begin().await {
                Ok(slots) => self.start(slots, bytes),
                Err(busy) => self.state = Writing::Failed(busy.into()),
            }
        }
        if let Writing::Running(operation) = &mut self.state {
            self.state = match operation.await {
                Ok(()) => Writing::Idle,
                Err(error) => Writing::Failed(error.into()),
            };
        }
    }
}

fn read(file: &File, position: u64, size: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; size.min(MOST_BYTES)];
    loop {
        let read = match file.read_at(&mut buffer, position) {
            Err(error) if has_no_position(&error) => (&mut &*file).read(&mut buffer),
            read => read,
        };
        match read {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(buffer.into());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Counts the bytes that are about to be written, and the gap before them, by which a file grows as well.
///
/// # Errors
/// `EDQUOT` if there is no room for it.
pub(super) fn count_write(
    room: &DiskRoom,
    file: &File,
    place: Place,
    length: usize,
) -> io::Result<()> {
    if !room.counts_bytes() {
        return Ok(());
    }
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let growth = match place {
        Place::End => 0,
        Place::Position(position) => {
            let size = file.metadata()?.len();
            position.saturating_add(length).saturating_sub(size)
        }
    };
    let room = room.write(growth.max(length));
    room.map_err(|Full| Errno::DQUOT.into())
}

fn write(file: &File, place: Place, bytes: &[u8]) -> io::Result<()> {
    let written = match place {
        Place::Position(position) => file.write_all_at(bytes, position),
        Place::End => append(file, bytes),
    };
    match written {
        Err(error) if has_no_position(&error) => (&mut &*file).write_all(bytes),
        written => written,
    }
}

fn append(file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match pwritev2(file, &[IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Whether the file has no position. Such a file fails at its first byte, before anything is transferred.
fn has_no_position(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::SPIPE)
}
