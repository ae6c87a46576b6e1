//! Errors of queues and pipes: one small enum per operation. The errors of puts and sends give the message
//! back, with its handles held as before.

use std::fmt;

use crate::object::Message;

/// Why a message was not put into a queue.
#[derive(Debug)]
pub enum PutError {
    /// There was no room before the timeout.
    Full(Message),
    /// The queue is closed.
    Closed(Message),
    /// The message could never fit.
    TooLarge {
        /// The message.
        message: Message,
        /// The largest payload that could fit, in bytes.
        limit_bytes: u64,
    },
    /// The charge for the messages queued in the queue's tree is already too high.
    BudgetExceeded {
        /// The message.
        message: Message,
        /// The charge for them, in bytes.
        queued_bytes: u64,
        /// The limit on this charge, in bytes.
        limit_bytes: u64,
    },
    /// The party was killed while it waited.
    Killed(Message),
}

impl PutError {
    /// The message that was not put.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Full(message)
            | Self::Closed(message)
            | Self::TooLarge { message, .. }
            | Self::BudgetExceeded { message, .. }
            | Self::Killed(message) => message,
        }
    }
}

impl fmt::Display for PutError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => formatter.write_str("no room in the queue before the timeout"),
            Self::Closed(_) => formatter.write_str("the queue is closed"),
            Self::TooLarge {
                message,
                limit_bytes,
            } => write_too_large(formatter, message, *limit_bytes),
            Self::BudgetExceeded {
                message,
                queued_bytes,
                limit_bytes,
            } => write_budget_exceeded(formatter, message, *queued_bytes, *limit_bytes),
            Self::Killed(_) => formatter.write_str("killed while waiting"),
        }
    }
}

impl std::error::Error for PutError {}

/// Why no message was taken from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetError {
    /// No message came before the timeout.
    Empty,
    /// The queue is closed, and all its messages have been taken.
    Closed,
    /// The party was killed while it waited.
    Killed,
}

impl fmt::Display for GetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "no message in the queue before the timeout",
            Self::Closed => "the queue is closed and empty",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for GetError {}

/// Why a message was not sent.
#[derive(Debug)]
pub enum SendError {
    /// There was no room in the pipe before the timeout.
    TimedOut(Message),
    /// The other end is gone.
    BrokenPipe(Message),
    /// This end only receives.
    ReadOnly(Message),
    /// The message could never fit.
    TooLarge {
        /// The message.
        message: Message,
        /// The largest payload that could fit, in bytes.
        limit_bytes: u64,
    },
    /// The charge for the messages queued in the pipe's tree is already too high.
    BudgetExceeded {
        /// The message.
        message: Message,
        /// The charge for them, in bytes.
        queued_bytes: u64,
        /// The limit on this charge, in bytes.
        limit_bytes: u64,
    },
    /// The party was killed while it waited.
    Killed(Message),
}

impl SendError {
    /// The message that was not sent.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::TimedOut(message)
            | Self::BrokenPipe(message)
            | Self::ReadOnly(message)
            | Self::TooLarge { message, .. }
            | Self::BudgetExceeded { message, .. }
            | Self::Killed(message) => message,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(_) => formatter.write_str("no room in the pipe before the timeout"),
            Self::BrokenPipe(_) => formatter.write_str("the other end of the pipe is gone"),
            Self::ReadOnly(_) => formatter.write_str("this end of the pipe only receives"),
            Self::TooLarge {
                message,
                limit_bytes,
            } => write_too_large(formatter, message, *limit_bytes),
            Self::BudgetExceeded {
                message,
                queued_bytes,
                limit_bytes,
            } => write_budget_exceeded(formatter, message, *queued_bytes, *limit_bytes),
            Self::Killed(_) => formatter.write_str("killed while waiting"),
        }
    }
}

impl std::error::Error for SendError {}

/// Why no message was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// No message came before the timeout.
    TimedOut,
    /// The other end is gone, and all its messages have been received.
    EndOfFile,
    /// This end only sends.
    WriteOnly,
    /// The party was killed while it waited.
    Killed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "no message in the pipe before the timeout",
            Self::EndOfFile => "the other end of the pipe is gone",
            Self::WriteOnly => "this end of the pipe only sends",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for RecvError {}

/// More tasks were called done than were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyTasksDone;

impl fmt::Display for TooManyTasksDone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`task_done` called more often than there were tasks")
    }
}

impl std::error::Error for TooManyTasksDone {}

fn write_too_large(
    formatter: &mut fmt::Formatter<'_>,
    message: &Message,
    limit_bytes: u64,
) -> fmt::Result {
    let payload_bytes = message.payload_bytes();
    write!(
        formatter,
        "message of {payload_bytes} bytes is larger than the limit of {limit_bytes} bytes"
    )
}

fn write_budget_exceeded(
    formatter: &mut fmt::Formatter<'_>,
    message: &Message,
    queued_bytes: u64,
    limit_bytes: u64,
) -> fmt::Result {
    let charged_bytes = message.charged_bytes();
    write!(
        formatter,
        "message that costs {charged_bytes} bytes does not fit beside {queued_bytes} queued bytes \
         within the limit of {limit_bytes} bytes"
    )
}
