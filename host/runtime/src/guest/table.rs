//! The guest's table of handles, and the bytes of its calls: the use of a guest's [room](super::room).

use super::in_flight::Charging;
use super::room::size;
use super::state::State;
use crate::limit_kind::LimitKind;
use crate::limits::{self, ProcessLimit};
use isopod_sync::{OverBudget, Tree};
use wasmtime::component::{Resource, ResourceTableError};

/// The cost of a handle or another resource, in bytes: an entry of a table that has grown for twice as
/// many, the object in the entry, wasmtime's own entry, and the object's count of its holders.
const PLACE_BYTES: u64 = 256;
/// The number of places that one search looks for.
const LOOKED_FOR: usize = 64;

impl State {
    /// Puts something into the guest's table.
    pub(crate) fn push<T: Send + 'static>(
        &mut self,
        value: T,
    ) -> Result<Resource<T>, ResourceTableError> {
        self.take_place();
        self.table.push(value)
    }

    /// Puts several things into the guest's table, all or none.
    pub(crate) fn push_all<T: Send + 'static>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Resource<T>>, ResourceTableError> {
        let mut pushed = Vec::new();
        for value in values {
            match self.push(value) {
                Ok(resource) => pushed.push(resource),
                Err(full) => {
                    for resource in pushed {
                        // It was put there a moment ago, so this succeeds.
                        let _ = self.table.delete(resource);
                    }
                    return Err(full);
                }
            }
        }
        Ok(pushed)
    }

    /// The limit that made the table full, with its text.
    pub(crate) fn full_table(&self) -> (LimitKind, String) {
        match self.room.refused {
            Some(over) => self.process.tree.over_budget(over),
            None => (
                LimitKind::Handles,
                limits::too_many_handles(
                    self.process.birth.limits.handles,
                    &self.process.raised(ProcessLimit::Handles),
                ),
            ),
        }
    }

    /// Counts a place of the table, which the caller may use now.
    pub(crate) fn take_place(&mut self) {
        match self.room.free.checked_sub(1) {
            Some(free) => self.room.free = free,
            None => self.look_for_places(),
        }
    }

    /// Finds out how many places are free, and adds some if there are few.
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

    /// Adds places. False if the limits allow no more.
    fn add_places(&mut self) -> bool {
        let (present, most) = (
            self.table.max_capacity(),
            size(self.process.birth.limits.handles),
        );
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
                self.room.refused = Some(over);
                false
            }
        }
    }

    /// Until the returned value is dropped, the thread runs this guest, and arguments are charged before they
    /// are copied.
    pub(crate) fn charge_arguments(&mut self) -> Charging {
        self.room.charges_arguments = true;
        Charging::begin(&self.room.in_flight)
    }

    /// Charges this many bytes, which came with the call, unless they are charged already.
    pub(crate) fn carry(&mut self, bytes: u64) -> Result<(), OverBudget> {
        match self.room.charges_arguments {
            true => Ok(()),
            false => self.room.carry(bytes),
        }
    }

    /// Charges this many bytes, which leave with the result of the call. Until now another charge covered
    /// them.
    pub(crate) fn carry_on(&mut self, bytes: u64) {
        self.room.in_flight.carry_on(bytes);
    }

    /// The guest makes a call. Fails if its arguments were refused.
    pub(crate) fn arrive(&mut self) -> Result<(), OverBudget> {
        self.room.in_flight.begin()
    }

    /// The guest makes a call whose arguments are not charged.
    pub(crate) fn set_down(&mut self) {
        // Nothing was charged, so nothing was refused.
        let _ = self.room.in_flight.begin();
    }

    fn objects(&self) -> &Tree {
        &self.process.tree.objects
    }
}
