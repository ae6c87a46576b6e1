//! The object in a guest's table for one of its descriptors: wasmtime-wasi's descriptor, with its charges.
//!
//! Only this module's functions put descriptors into a table and take them out again, under the type that
//! the bindings use for them.

use super::room::DiskRoom;
use crate::guest::State;
use crate::limits::Taken;
use std::sync::Arc;
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::filesystem::Descriptor;

/// A file or directory. Clones are the same one. Each of its streams and operations has a clone, so it counts
/// until the last of them is gone.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) descriptor: Descriptor,
    /// Counts the bytes written to it and the files made in it.
    pub(super) room: DiskRoom,
    /// None for a granted directory, which is open anyway.
    pub(super) taken: Option<Arc<Taken>>,
}

impl State {
    pub(super) fn put(&mut self, held: Held) -> Result<Resource<Descriptor>, ResourceTableError> {
        let own = self.push(held)?;
        Ok(Resource::new_own(own.rep()))
    }

    pub(super) fn held(
        &self,
        descriptor: &Resource<Descriptor>,
    ) -> Result<&Held, ResourceTableError> {
        self.table
            .get(&Resource::<Held>::new_borrow(descriptor.rep()))
    }

    pub(super) fn close(
        &mut self,
        descriptor: &Resource<Descriptor>,
    ) -> Result<(), ResourceTableError> {
        let own = Resource::<Held>::new_own(descriptor.rep());
        self.table.delete(own).map(drop)
    }
}
