//! A resource that many share, up to a limit.

use std::sync::atomic::{AtomicU64, Ordering};

/// The used amount of a limited resource. It is never above the limit.
#[derive(Debug)]
pub(crate) struct Account {
    used: AtomicU64,
    limit: u64,
}

impl Account {
    pub(crate) fn new(limit: u64) -> Account {
        Account {
            used: AtomicU64::new(0),
            limit,
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Resets the used amount to zero.
    pub(crate) fn renew(&self) {
        // Usually the amount is zero already; without a store its cache line stays where it is.
        if self.used() != 0 {
            self.used.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Charges the whole amount, or nothing.
    ///
    /// # Errors
    /// The amount that would then be used, if it is above the limit.
    pub(crate) fn charge(&self, amount: u64) -> Result<(), u64> {
        let add = |used: u64| {
            let total = used.checked_add(amount)?;
            (total <= self.limit).then_some(total)
        };
        // Relaxed, here and below: the number guards no other memory.
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .map(|_| ())
            .map_err(|used| used.saturating_add(amount))
    }

    /// Charges as much of the amount as the limit allows, and returns the part that it has charged.
    pub(crate) fn charge_up_to(&self, amount: u64) -> u64 {
        let mut charged = 0;
        let add = |used: u64| {
            charged = amount.min(self.limit.saturating_sub(used));
            used.checked_add(charged)
        };
        let updated = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        updated.map_or(0, |_| charged)
    }

    /// Returns an amount that was charged before.
    pub(crate) fn credit(&self, amount: u64) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_charged_above_the_limit() {
        let account = Account::new(10);
        assert_eq!(account.charge(6), Ok(()));
        assert_eq!(account.charge(5), Err(11));
        assert_eq!(account.charge(u64::MAX), Err(u64::MAX));
        assert_eq!(account.charge_up_to(5), 4);
        assert_eq!(account.charge_up_to(5), 0);
        account.credit(3);
        assert_eq!(account.charge(3), Ok(()));
        assert_eq!(account.charge(1), Err(11));
    }
}
