//! The store of a guest, with its bounds and the means to end it.

use super::program::Program;
use super::state::{State, Stop};
use crate::life::ProcessState;
use crate::limits::ProcessLimits;
use std::sync::Arc;
use wasmtime::{Store, UpdateDeadline};

/// The most handles that a guest may have beside those to host objects.
const OWN_HANDLES: usize = 10_000;

/// The most that a guest may pass in one call, in bytes, beside arguments that are charged before they are
/// copied.
pub(crate) const SMALL_CALL_BYTES: usize = 2 << 20;

/// The bytes that a plugin may pass in one call even if its limit on messages is lower.
const SMALLEST_CALL_BYTES: usize = 128 << 20;

/// The data that a guest passes to the host.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passes {
    /// Arguments, which are charged before they are copied.
    Charged,
    /// Results of a plugin's functions as well.
    Results,
}

/// A store for a guest of this program.
pub(crate) fn new_store(
    process: &Arc<ProcessState>,
    program: &Program,
    passes: Passes,
) -> wasmtime::Result<Store<State>> {
    let mut store = Store::new(&process.machinery().wasmtime, State::new(process, program));
    store.limiter(|state| &mut state.memory);
    let ProcessLimits {
        handles,
        message_bytes,
        ..
    } = process.birth.limits;
    // The table of host objects refuses first, with an error; this bounds the handles that a guest makes
    // alone.
    store.set_max_component_handles(size(u64::from(handles)).saturating_add(OWN_HANDLES));
    let most = size(process.tree.objects.host_bytes_limit());
    store.set_hostcall_fuel(match passes {
        // Only without extensions, because the arguments of an embedder's functions are not known here.
        Passes::Charged if program.engine().extensions().are_none() => SMALL_CALL_BYTES.min(most),
        Passes::Charged => size(message_bytes)
            .saturating_add(SMALL_CALL_BYTES)
            .min(most),
        // Twice the limit, so that a message that is somewhat too large gets the error that says so.
        Passes::Results => {
            let results = size(message_bytes).saturating_mul(2);
            results.max(SMALLEST_CALL_BYTES).min(most)
        }
    });
    // The deadline is set before the first look at the flag: a kill in between raises the epoch.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| match context.data().process.is_to_end() {
        true => Err(Stop::Requested.into()),
        false => Ok(UpdateDeadline::Continue(1)),
    });
    Ok(store)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
