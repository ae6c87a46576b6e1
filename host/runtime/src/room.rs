//! The host's memory for one guest, as far as this module charges its tree: the places of its table, and
//! the bytes that a call carries.
//!
//! # Places
//! The charge of a process covers the first places of its table. When these are used up, the table gets
//! twice as many, and the tree is charged for them. The charge is for the limit of the table itself. So
//! WASI respects it too: WASI finds a full table at worst. The host looks now and then whether the
//! table is nearly full.
//!
//! # Bytes that a call carries
//! The bytes of a message that comes with a call are the host's copy while the call waits. The bytes of
//! a result are the host's copy while the guest takes them. The tree is charged for such bytes as soon as
//! their number is known, until the guest's next call. The charge of a process covers short messages, so
//! most calls pay nothing for this but one look.

use crate::events::LimitKind;
use crate::limits;
use crate::run::State;
use isopod_sync::{Charge, OverBudget, Tree};
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

/// The cost of a handle or another resource, in bytes: an entry of a table that has grown for twice as
/// many, the object in the entry, wasmtime's own entry, and the object's count of its holders.
const PLACE_BYTES: u64 = 256;
/// The places of a new table.
const FIRST_PLACES: usize = 256;
/// How many places are looked for at a time.
const LOOKED_FOR: usize = 64;
/// The charge of a process covers copies below this size, in bytes.
const SMALLEST_CARRIED_BYTES: u64 = 64 << 10;

/// The charges for a guest beside its objects.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// For the places that were added to the table.
    places: Vec<Charge>,
    /// So many places are free, as far as is known.
    free: usize,
    /// The limit for which the table was not made larger.
    refused: Option<u64>,
    carried: Vec<Charge>,
}

impl Room {
    /// This many bytes come with the call, or are copied for it.
    pub(crate) fn carry(&mut self, tree: &Tree, bytes: u64) -> Result<(), OverBudget> {
        if bytes >= SMALLEST_CARRIED_BYTES {
            self.carried.push(tree.hold_host_charge(bytes)?);
        }
        Ok(())
    }
}

/// A table for a process that may have this many handles.
pub(crate) fn table(handles: u32) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(FIRST_PLACES.min(size(handles)));
    table
}

fn size(handles: u32) -> usize {
    usize::try_from(handles).unwrap_or(usize::MAX)
}

impl State {
    /// Puts something into the guest's table.
    pub(crate) fn push<T: Send + 'static>(
        &mut self,
        value: T,
    ) -> Result<Resource<T>, ResourceTableError> {
        self.take_place();
        self.table.push(value)
    }

    /// The limit that made the table full, with its text.
    pub(crate) fn full_table(&self) -> (LimitKind, String) {
        match self.room.refused {
            Some(limit_bytes) => self.process.tree.over_budget(limit_bytes),
            None => (
                LimitKind::Handles,
                limits::too_many_handles(self.process.limits.handles),
            ),
        }
    }

    /// Counts a place of the table that may be used now.
    pub(crate) fn take_place(&mut self) {
        match self.room.free.checked_sub(1) {
            Some(free) => self.room.free = free,
            None => self.look_for_places(),
        }
    }

    /// Looks how many places are free, and adds some if they are few.
    #[cold]
    fn look_for_places(&mut self) {
        loop {
            let taken: Vec<Resource<()>> = (0..LOOKED_FOR)
                .map_while(|_| self.table.push(()).ok())
                .collect();
            self.room.free = taken.len().saturating_sub(1);
            for place in taken {
                // It was put there a moment ago.
                let _ = self.table.delete(place);
            }
            if self.room.free + 1 >= LOOKED_FOR / 4 || !self.add_places() {
                return;
            }
        }
    }

    /// False if there may not be more.
    fn add_places(&mut self) -> bool {
        let (present, most) = (self.table.max_capacity(), size(self.process.limits.handles));
        let wanted = present.saturating_mul(2).min(most);
        self.room.refused = None;
        if wanted <= present {
            return false;
        }
        let places = u64::try_from(wanted - present).unwrap_or(u64::MAX);
        let bytes = places.saturating_mul(PLACE_BYTES);
        match self.objects().hold_host_charge(bytes) {
            Ok(charge) => {
                self.room.places.push(charge);
                self.table.set_max_capacity(wanted);
                true
            }
            Err(over) => {
                self.room.refused = Some(over.limit_bytes);
                false
            }
        }
    }

    /// This many bytes come with the call.
    pub(crate) fn carry(&mut self, bytes: u64) -> Result<(), OverBudget> {
        self.room.carry(&self.process.tree.objects, bytes)
    }

    /// This many bytes, which were charged until now, leave with the result of the call.
    pub(crate) fn carry_on(&mut self, bytes: u64) {
        if bytes >= SMALLEST_CARRIED_BYTES {
            let charge = self.objects().count_host_bytes(bytes);
            self.room.carried.push(charge);
        }
    }

    /// The guest calls again, so nothing of the last call is on its way.
    pub(crate) fn set_down(&mut self) {
        if !self.room.carried.is_empty() {
            self.room.carried = Vec::new();
        }
    }

    fn objects(&self) -> &Tree {
        &self.process.tree.objects
    }
}
