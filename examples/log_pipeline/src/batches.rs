//! Gathers lines into batches: a number of lines, or the lines of a period.

use crate::config::Config;
use crate::lines::Input;
use anyhow::Result;
use futures_util::stream::{self, Stream};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

/// The unit that goes through the chain.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Its number, from 1 on.
    pub(crate) number: u64,
    /// Its lines, each with its line end.
    pub(crate) lines: Vec<u8>,
}

/// Makes batches of the lines that are read.
pub(crate) struct Batches {
    input: Receiver<Input>,
    most_lines: usize,
    longest_wait: Duration,
    made: u64,
    is_over: bool,
    failure: Option<anyhow::Error>,
}

impl Batches {
    pub(crate) fn new(input: Receiver<Input>, config: &Config) -> Batches {
        Batches {
            input,
            most_lines: config.batch_lines.0,
            longest_wait: config.batch_time.0,
            made: 0,
            is_over: false,
            failure: None,
        }
    }

    /// The batches one after the other.
    pub(crate) fn stream(&mut self) -> impl Stream<Item = Batch> {
        // Boxed, so that it can be polled in place.
        Box::pin(stream::unfold(self, async |batches| {
            let batch = batches.next().await?;
            Some((batch, batches))
        }))
    }

    /// Checks that the batches ended with the lines.
    ///
    /// # Errors
    /// The error that ended the batches before the end of the lines.
    pub(crate) fn end(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }

    async fn next(&mut self) -> Option<Batch> {
        let mut lines = self.line().await?;
        let end = Instant::now() + self.longest_wait;
        for _ in 1..self.most_lines {
            match timeout_at(end, self.line()).await {
                Ok(Some(line)) => lines.extend(line),
                Ok(None) | Err(_) => break,
            }
        }
        self.made += 1;
        Some(Batch {
            number: self.made,
            lines,
        })
    }

    /// The next line, with its line end.
    async fn line(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        match self.input.recv().await {
            Some(Input::Line(mut line)) => {
                line.push(b'\n');
                return Some(line);
            }
            Some(Input::Failed(error)) => self.failure = Some(error),
            Some(Input::Interrupted) | None => {}
        }
        self.is_over = true;
        None
    }
}
