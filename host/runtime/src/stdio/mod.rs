//! Standard input and output of processes.
//!
//! Lines of different processes never tear: a process's output is held back until its line is complete,
//! and a complete line goes out in one write. So that prompts and progress bars show, an unfinished line
//! goes out too: before a read of standard input, at the process's end, after
//! [50 ms](lines::UNFINISHED_LINE), and on a terminal at each flush.

mod inherited;
mod lines;
mod sink;

pub(crate) use inherited::prepare;
pub(crate) use lines::Lines;
pub use sink::Capture;
pub(crate) use sink::{Sink, WriteError};

/// The source of the standard input of a tree's main process. Other processes read nothing.
#[derive(Debug, Clone, Default)]
pub enum Stdin {
    /// The end of the file at once.
    #[default]
    Empty,
    /// This operating-system process's standard input.
    Inherit,
    /// These bytes, then the end of the file.
    Bytes(Vec<u8>),
}

/// The destination of one of the output streams of a tree's processes.
#[derive(Debug, Clone, Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    Discard,
    /// The stream of the same name of this operating-system process.
    Inherit,
    /// A buffer in memory.
    Capture(Capture),
}
