//! The states that the embedder's extensions have for one process.

use std::any::{Any, TypeId};

/// The state of each extension, by the type of the extension.
pub(crate) struct ExtensionStates(Vec<(TypeId, Box<dyn Any + Send>)>);

impl ExtensionStates {
    pub(crate) fn new(states: Vec<(TypeId, Box<dyn Any + Send>)>) -> ExtensionStates {
        ExtensionStates(states)
    }

    /// The state of the extension of this type, if the engine has it.
    pub(crate) fn of(&mut self, wanted: TypeId) -> Option<&mut (dyn Any + Send)> {
        let mut states = self.0.iter_mut();
        let (_, state) = states.find(|(extension, _)| *extension == wanted)?;
        Some(state.as_mut())
    }
}
