//! The descriptors of a guest's sockets.

use crate::limits::Taken;
use std::collections::BTreeMap;

/// The count of descriptors for each socket, by its number in the guest's table.
#[derive(Debug, Default)]
pub(crate) struct SocketDescriptors(BTreeMap<u32, Vec<Taken>>);

impl SocketDescriptors {
    pub(crate) fn add(&mut self, socket: u32, taken: Taken) {
        self.0.entry(socket).or_default().push(taken);
    }

    pub(crate) fn remove(&mut self, socket: u32) {
        self.0.remove(&socket);
    }
}
