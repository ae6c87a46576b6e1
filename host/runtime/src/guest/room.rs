//! The host's memory for one guest, beside its objects: the places of its table, and the bytes that are
//! [on their way](super::in_flight).
//!
//! # Places
//! The charge of a process covers the first places of its table. When these are used up, the table gets
//! twice as many, and the tree is charged for them. The charge pays for a higher limit of the table
//! itself. So WASI respects it too: WASI finds a full table at worst. The host checks now and then
//! whether the table is nearly full.

use super::in_flight::InFlight;
use isopod_sync::{Charge, OverBudget, Tree};
use std::sync::Arc;
use wasmtime::component::ResourceTable;

/// The places of a new table.
const FIRST_PLACES: usize = 256;

/// The charges for a guest beside its objects.
#[derive(Debug)]
pub(crate) struct Room {
    /// The charges for the places that were added to the table.
    pub(super) places: Vec<Charge>,
    /// The number of free places, as far as is known.
    pub(super) free: usize,
    /// The limit that kept the table from growing.
    pub(super) refused: Option<OverBudget>,
    pub(super) in_flight: Arc<InFlight>,
    /// Whether arguments are charged before the host's functions begin.
    pub(super) charges_arguments: bool,
}

impl Room {
    pub(crate) fn new(tree: &Tree) -> Room {
        Room {
            places: Vec::new(),
            free: 0,
            refused: None,
            in_flight: Arc::new(InFlight::new(tree)),
            charges_arguments: false,
        }
    }

    /// Charges this many bytes, which the host makes for the call.
    pub(crate) fn carry(&self, bytes: u64) -> Result<(), OverBudget> {
        self.in_flight.carry(bytes)
    }
}

/// A table for a process that may have this many handles.
pub(crate) fn table(handles: u32) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(FIRST_PLACES.min(size(handles)));
    table
}

pub(super) fn size(handles: u32) -> usize {
    usize::try_from(handles).unwrap_or(usize::MAX)
}
