//! Lines from files or standard input, read by a thread of their own, which waits while no line is taken.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A longer line is cut into several: an endless line must not fill the memory.
const LONGEST_LINE_BYTES: u64 = 64 << 10;

/// The findings of the reader.
pub(crate) enum Input {
    /// A line, without its line end.
    Line(Vec<u8>),
    /// The input cannot be read any further.
    Failed(anyhow::Error),
    /// The user asked for the end.
    Interrupted,
}

/// A file, and its name for messages.
type Named = (File, String);

/// Opens all files before it reads the first, so a wrong name is reported at once.
pub(crate) fn open(names: impl Iterator<Item = OsString>) -> Result<Vec<Named>> {
    let files = names.map(|name| {
        let shown = name.display().to_string();
        let file = File::open(&name).with_context(|| format!("cannot open `{shown}`"))?;
        Ok((file, shown))
    });
    files.collect()
}

/// Reads these files one after the other, or standard input if there are none, until their end or an
/// interrupt. At most `most_waiting` lines are read ahead.
pub(crate) fn read(files: Vec<Named>, most_waiting: usize) -> Result<Receiver<Input>> {
    let (sender, receiver) = channel(most_waiting);
    end_at_signals(&sender)?;
    let read_all = move || {
        let result = match files.is_empty() {
            true => each_line(io::stdin().lock(), &sender).context("cannot read standard input"),
            false => files.into_iter().try_for_each(|(file, shown)| {
                each_line(BufReader::new(file), &sender)
                    .with_context(|| format!("cannot read `{shown}`"))
            }),
        };
        if let Err(error) = result {
            // If this fails, no receiver is left.
            let _ = sender.blocking_send(Input::Failed(error));
        }
    };
    thread::Builder::new()
        .name("reader".to_owned())
        .spawn(read_all)?;
    Ok(receiver)
}

fn each_line(mut reader: impl BufRead, lines: &Sender<Input>) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LONGEST_LINE_BYTES);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        line.pop_if(|last| *last == b'\n');
        if lines.blocking_send(Input::Line(line)).is_err() {
            return Ok(());
        }
    }
}

/// After the first interrupt, reading ends, and the lines read are processed; the second interrupt ends the
/// process.
fn end_at_signals(sender: &Sender<Input>) -> Result<()> {
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // Weak: after the last file no sender is left, and that is the end of the lines.
    let sender = sender.downgrade();
    let wait = move || {
        if signals.forever().next().is_some()
            && let Some(sender) = sender.upgrade()
        {
            let _ = sender.blocking_send(Input::Interrupted);
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)?;
    Ok(())
}
