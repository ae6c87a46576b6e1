//! Errors of shared memories.

use std::fmt;

/// The longest name of a shared memory, in bytes.
pub const SHARED_MEMORY_NAME_BYTES: usize = 255;

/// Why a shared memory was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// The charge for the queued messages and shared memories of the tree is already too high.
    BudgetExceeded {
        /// The requested size, in bytes.
        size_bytes: u64,
        /// The charge for them, in bytes.
        queued_bytes: u64,
        /// The limit on this charge, in bytes.
        limit_bytes: u64,
    },
    /// The machine has no memory for it.
    OutOfMemory {
        /// The requested size, in bytes.
        size_bytes: u64,
    },
    /// Another memory of the tree has the name.
    NameTaken,
    /// The name is longer than [`SHARED_MEMORY_NAME_BYTES`](crate::SHARED_MEMORY_NAME_BYTES).
    NameTooLong {
        /// The length of the name, in bytes.
        name_bytes: usize,
    },
}

impl fmt::Display for CreateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetExceeded {
                size_bytes,
                queued_bytes,
                limit_bytes,
            } => write!(
                formatter,
                "shared memory of {size_bytes} bytes does not fit beside {queued_bytes} queued \
                 bytes within the limit of {limit_bytes} bytes"
            ),
            Self::OutOfMemory { size_bytes } => {
                write!(formatter, "no memory for {size_bytes} bytes")
            }
            Self::NameTaken => formatter.write_str("another shared memory has the name"),
            Self::NameTooLong { name_bytes } => write!(
                formatter,
                "name of {name_bytes} bytes is longer than the limit of \
                 {SHARED_MEMORY_NAME_BYTES} bytes"
            ),
        }
    }
}

impl std::error::Error for CreateError {}

/// No shared memory of the tree has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameNotFound;

impl fmt::Display for NameNotFound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no shared memory has the name")
    }
}

impl std::error::Error for NameNotFound {}

/// Why a shared memory was not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Some of the bytes are not within the memory.
    OutOfBounds {
        /// The offset of the first byte.
        offset: u64,
        /// The number of bytes.
        length_bytes: u64,
        /// The size of the memory.
        size_bytes: u64,
    },
    /// The offset of an atomic operation is not a multiple of the number's size.
    Misaligned {
        /// The offset.
        offset: u64,
        /// The size, in bytes.
        alignment: usize,
    },
}

impl fmt::Display for AccessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds {
                offset,
                length_bytes,
                size_bytes,
            } => write!(
                formatter,
                "{length_bytes} bytes at offset {offset} are not within {size_bytes} bytes"
            ),
            Self::Misaligned { offset, alignment } => {
                write!(formatter, "offset {offset} is no multiple of {alignment}")
            }
        }
    }
}

impl std::error::Error for AccessError {}
