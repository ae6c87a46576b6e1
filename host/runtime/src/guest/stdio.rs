//! A process's streams as WASI sees them.

use super::output_limit::OutputLimit;
use crate::stdio::{Lines, Stdin, WriteError};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::pipe::{ClosedInputStream, MemoryInputPipe};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// The largest write of one call, in bytes.
const WRITE_BYTES: usize = 64 << 10;

/// A process's standard output or error.
#[derive(Debug, Clone)]
pub(crate) struct GuestOutput {
    lines: Arc<Lines>,
    limit: Arc<OutputLimit>,
}

impl GuestOutput {
    pub(crate) fn new(lines: &Arc<Lines>, limit: &Arc<OutputLimit>) -> GuestOutput {
        GuestOutput {
            lines: Arc::clone(lines),
            limit: Arc::clone(limit),
        }
    }

    /// Writes as much as the limits allow. If that is not everything, ends the process.
    fn write_within_limits(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let (allowed, rest) = self.limit.split(bytes);
        self.lines.write(allowed)?;
        match rest.is_empty() {
            true => Ok(()),
            false => Err(WriteError::Killed),
        }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        self.lines.is_terminal()
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.write_within_limits(&bytes).map_err(stream_error)
    }

    fn flush(&mut self) -> StreamResult<()> {
        match self.lines.is_terminal() {
            true => self.lines.flush().map_err(stream_error),
            // Guests flush after each write; the host holds an unfinished line back all the same.
            false => Ok(()),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

#[async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.write_within_limits(bytes).map_err(io_error);
        Poll::Ready(written.map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.lines.is_terminal() {
            true => Poll::Ready(self.lines.flush().map_err(io_error)),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn stream_error(error: WriteError) -> StreamError {
    match error {
        WriteError::Killed | WriteError::TimedOut => StreamError::trap("the process is ended"),
        // A closed pipe too: for `Closed`, the preview 1 adapter would report EIO instead of EPIPE.
        WriteError::Io(error) => StreamError::LastOperationFailed(error.into()),
    }
}

fn io_error(error: WriteError) -> io::Error {
    match error {
        WriteError::Killed | WriteError::TimedOut => io::Error::other("the process is ended"),
        WriteError::Io(error) => error,
    }
}

/// A process's standard input. Prompts go out before it is read.
#[derive(Debug, Clone)]
pub(crate) struct GuestInput {
    source: Source,
    outputs: [Arc<Lines>; 2],
}

#[derive(Debug, Clone)]
enum Source {
    Empty,
    Inherit,
    /// Clones continue where the others stopped, as WASI requires.
    Bytes(MemoryInputPipe),
}

impl GuestInput {
    pub(crate) fn new(source: &Stdin, stdout: &Arc<Lines>, stderr: &Arc<Lines>) -> GuestInput {
        GuestInput {
            source: match source {
                Stdin::Empty => Source::Empty,
                Stdin::Inherit => Source::Inherit,
                Stdin::Bytes(bytes) => Source::Bytes(MemoryInputPipe::new(bytes.clone())),
            },
            outputs: [Arc::clone(stdout), Arc::clone(stderr)],
        }
    }
}

impl IsTerminal for GuestInput {
    fn is_terminal(&self) -> bool {
        matches!(self.source, Source::Inherit) && io::IsTerminal::is_terminal(&io::stdin())
    }
}

impl StdinStream for GuestInput {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        match &self.source {
            Source::Inherit => tokio::io::stdin().async_stream(),
            Source::Empty => Box::new(tokio::io::empty()),
            Source::Bytes(pipe) => pipe.async_stream(),
        }
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        let inner: Box<dyn InputStream> = match &self.source {
            Source::Empty => Box::new(ClosedInputStream),
            Source::Inherit => tokio::io::stdin().p2_stream(),
            Source::Bytes(pipe) => Box::new(pipe.clone()),
        };
        Box::new(Prompting {
            inner,
            outputs: self.outputs.clone(),
        })
    }
}

/// An input stream that writes out the process's unfinished lines before each read.
struct Prompting {
    inner: Box<dyn InputStream>,
    outputs: [Arc<Lines>; 2],
}

impl Prompting {
    fn show_prompts(&self) {
        for lines in &self.outputs {
            // A prompt that cannot be written is not the reader's error.
            let _ = lines.flush();
        }
    }
}

#[async_trait]
impl InputStream for Prompting {
    fn read(&mut self, size: usize) -> StreamResult<bytes::Bytes> {
        self.show_prompts();
        self.inner.read(size)
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

#[async_trait]
impl Pollable for Prompting {
    async fn ready(&mut self) {
        self.show_prompts();
        self.inner.ready().await;
    }
}
