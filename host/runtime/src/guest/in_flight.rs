//! Bytes on their way between a guest and the host: the arguments of a call and its result.
//!
//! The bytes of a message that comes with a call are the host's copy while the call waits. The bytes of a
//! result are the host's copy while the guest takes them. The tree is charged for such bytes until the
//! guest's next call. Arguments are charged before they are copied, because many processes may call at
//! the same moment. wasmtime copies arguments before the host's function runs. So the types of these
//! arguments (`guest/arguments.rs`) charge the account of the guest that the thread runs.

use crate::mutex::lock;
use isopod_sync::{Charge, OverBudget, Tree};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The bytes of a call that the charge of a process covers, and also the bytes of one copy of a result.
const COVERED_BYTES: u64 = 64 << 10;

thread_local! {
    /// The account of the guest that this thread runs.
    static ACCOUNT: RefCell<Option<Arc<InFlight>>> = const { RefCell::new(None) };
}

/// The bytes on their way for one guest. Only the thread that runs the guest uses this.
#[derive(Debug)]
pub(crate) struct InFlight {
    tree: Tree,
    /// The bytes of arguments that are not charged yet.
    covered_bytes: AtomicU64,
    /// Whether `call` has content.
    is_used: AtomicBool,
    is_refused: AtomicBool,
    call: Mutex<Call>,
}

#[derive(Debug, Default)]
struct Call {
    charge: Charge,
    /// Arguments were charged, and the function has not begun.
    is_arriving: bool,
    refused: Option<OverBudget>,
}

impl InFlight {
    pub(crate) fn new(tree: &Tree) -> InFlight {
        InFlight {
            tree: tree.clone(),
            covered_bytes: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
            call: Mutex::default(),
        }
    }

    /// The function that the arguments belong to begins, so the last call is over.
    pub(crate) fn begin(&self) -> Result<(), OverBudget> {
        if self.covered_bytes.load(Ordering::Relaxed) != 0 {
            self.covered_bytes.store(0, Ordering::Relaxed);
        }
        match self.is_used.load(Ordering::Relaxed) {
            false => Ok(()),
            true => self.begin_used(),
        }
    }

    #[cold]
    fn begin_used(&self) -> Result<(), OverBudget> {
        let mut call = self.call();
        if call.is_arriving {
            call.is_arriving = false;
            self.is_refused.store(false, Ordering::Relaxed);
            return call.refused.take().map_or(Ok(()), Err);
        }
        self.is_used.store(false, Ordering::Relaxed);
        let over = std::mem::take(&mut call.charge);
        drop(call);
        drop(over);
        Ok(())
    }

    /// Charges this many bytes, which are copied for the call.
    pub(crate) fn carry(&self, bytes: u64) -> Result<(), OverBudget> {
        if bytes >= COVERED_BYTES {
            self.add(self.tree.hold_host_charge(bytes)?);
        }
        Ok(())
    }

    /// Charges this many bytes, which leave with the result of the call. Until now another charge covered
    /// them.
    pub(crate) fn carry_on(&self, bytes: u64) {
        if bytes >= COVERED_BYTES {
            self.add(self.tree.count_host_bytes(bytes));
        }
    }

    fn add(&self, charge: Charge) {
        self.is_used.store(true, Ordering::Relaxed);
        self.call().charge.merge(charge);
    }

    /// Charges an argument of this many bytes before it is copied. False if it must not be copied.
    fn arrive(&self, bytes: u64) -> bool {
        let bytes = self
            .covered_bytes
            .load(Ordering::Relaxed)
            .saturating_add(bytes);
        if bytes < COVERED_BYTES {
            self.covered_bytes.store(bytes, Ordering::Relaxed);
            return true;
        }
        self.arrive_charged(bytes)
    }

    #[cold]
    fn arrive_charged(&self, bytes: u64) -> bool {
        let mut call = self.call();
        if !call.is_arriving {
            // The last call is over.
            self.is_used.store(true, Ordering::Relaxed);
            *call = Call {
                is_arriving: true,
                ..Call::default()
            };
        }
        if call.refused.is_some() {
            return false;
        }
        match self.tree.hold_host_charge(bytes) {
            Ok(charge) => {
                self.covered_bytes.store(0, Ordering::Relaxed);
                call.charge.merge(charge);
                true
            }
            Err(over) => {
                call.refused = Some(over);
                call.charge = Charge::default();
                self.is_refused.store(true, Ordering::Relaxed);
                false
            }
        }
    }

    fn call(&self) -> MutexGuard<'_, Call> {
        lock(&self.call)
    }
}

/// Until this is dropped, the thread runs a guest with this account.
///
/// An embedder's function, which a guest calls, may call a plugin on the same thread. So dropping this
/// restores the previous account.
pub(crate) struct Charging(Option<Arc<InFlight>>);

impl Charging {
    pub(crate) fn begin(in_flight: &Arc<InFlight>) -> Charging {
        Charging(ACCOUNT.replace(Some(Arc::clone(in_flight))))
    }
}

impl Drop for Charging {
    fn drop(&mut self) {
        drop(ACCOUNT.replace(self.0.take()));
    }
}

/// Charges an argument of this many bytes to the guest that this thread runs. False if the argument must
/// not be copied, because [`InFlight::begin`] is going to refuse the call. None if the thread runs no
/// guest that is charged.
pub(crate) fn charge_argument(bytes: u64) -> Option<bool> {
    ACCOUNT.with_borrow(|account| {
        let account = account.as_ref()?;
        Some(account.arrive(bytes))
    })
}

/// Whether [`charge_argument`] was false in this call.
pub(crate) fn is_refused() -> bool {
    ACCOUNT.with_borrow(|account| {
        let account = account.as_ref();
        account.is_some_and(|account| account.is_refused.load(Ordering::Relaxed))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn arguments_are_charged_before_they_are_copied_until_the_next_call() {
        let tree = Tree::with_limits(u64::MAX, 1_000_000);
        let in_flight = Arc::new(InFlight::new(&tree));
        assert_eq!(charge_argument(1), None);
        let charging = Charging::begin(&in_flight);
        assert_eq!(charge_argument(600_000), Some(true));
        assert_eq!(tree.host_bytes(), 600_000);
        in_flight.begin().unwrap();
        assert_eq!(tree.host_bytes(), 600_000);
        // The next call releases the charge of the last call.
        assert_eq!(charge_argument(700_000), Some(true));
        assert_eq!(tree.host_bytes(), 700_000);
        // One argument that is refused refuses the call, and the next call is a new one.
        assert_eq!(charge_argument(400_000), Some(false));
        assert!(is_refused());
        assert_eq!(charge_argument(100_000), Some(false));
        assert!(in_flight.begin().is_err());
        assert!(!is_refused());
        in_flight.begin().unwrap();
        assert_eq!(tree.host_bytes(), 0);
        drop(charging);
        assert_eq!(charge_argument(1), None);
    }

    #[test]
    fn many_small_arguments_are_charged_together() {
        let tree = Tree::with_limits(u64::MAX, 1_000_000);
        let in_flight = Arc::new(InFlight::new(&tree));
        let _charging = Charging::begin(&in_flight);
        let allowed = (0..1_000).filter(|_| charge_argument(10_000) == Some(true));
        let allowed = allowed.count();
        assert!((90..=106).contains(&allowed), "{allowed}");
        assert!(in_flight.begin().is_err());
    }
}
