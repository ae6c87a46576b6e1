//! The memory in which processes note their operations, before and after each.

use super::layout::{MESSAGES, VIOLATIONS};
use crate::Outcome;
use isopod::{Error, SharedMemory};
use std::cell::OnceCell;

/// Runs `act` on the ledger, which each process opens once.
pub fn ledger<R>(act: impl FnOnce(&SharedMemory) -> Result<R, Error>) -> Result<R, Error> {
    thread_local! {
        static LEDGER: OnceCell<SharedMemory> = const { OnceCell::new() };
    }
    LEDGER.with(|ledger| {
        if ledger.get().is_none() {
            let _ = ledger.set(isopod::inherited("ledger")?);
        }
        act(ledger.get().expect("it was set"))
    })
}

/// Adds to a word of the ledger.
pub fn add(word: u32, number: u32) -> Outcome {
    ledger(|ledger| ledger.add_u32(u64::from(word) * 4, number)).map(drop)
}

/// Adds one to a word.
pub fn note(word: u32) -> Outcome {
    add(word, 1)
}

/// Notes a step of a message.
pub fn note_message(number: u32, what: u32) -> Outcome {
    add(MESSAGES + number, what)
}

/// Notes an observation that must never happen.
pub fn violated(what: &str) -> Outcome {
    eprintln!("violation: {what}");
    note(VIOLATIONS)
}
