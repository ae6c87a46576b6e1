//! Standard input and output of processes.
//!
//! Lines of different processes never tear: what a process writes is held back until its line is
//! whole, and a whole line goes out in one write. So that prompts and progress bars show, an
//! unfinished line goes out too: before a read of standard input, at the process's end, after
//! [50 ms](lines::UNFINISHED_LINE), and on a terminal at each flush.

mod inherited;
mod lines;
mod sink;

pub(crate) use inherited::prepare;
pub(crate) use lines::Lines;
pub use sink::Capture;
pub(crate) use sink::{Sink, WriteError};

/// Where a tree's main process reads its standard input from. Other processes read nothing.
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

/// Where the processes of a tree write one of their output streams to.
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
