//! The answers of single operations, compared with those of the model.

use super::{NO_WAIT, State};
use crate::raw::bindings::direct::{self, Reply};
use crate::raw::bindings::types::ErrorCode;

/// The operations that answer with one word.
pub(super) fn reply(number: u32, operation: u32, permits: u32, state: Option<&mut State>) {
    let said = match operation {
        0 | 1 => direct::acquire_lock(number, NO_WAIT),
        2 => direct::release_lock(number),
        3 | 4 => direct::acquire_rlock(number, NO_WAIT),
        5 => direct::release_rlock(number),
        6 => direct::acquire_semaphore(number, NO_WAIT),
        7 => direct::release_semaphore(number, permits),
        8 => direct::is_event_set(number),
        9 => direct::set_event(number),
        10 => direct::clear_event(number),
        _ => direct::wait_event(number, NO_WAIT),
    };
    let or = |done: bool, otherwise: Reply| match done {
        true => Reply::Done,
        false => otherwise,
    };
    let expected = match (operation, state) {
        (0 | 1, Some(State::Lock { held })) => or(!std::mem::replace(held, true), Reply::TimedOut),
        (2, Some(State::Lock { held })) => or(std::mem::replace(held, false), Reply::NotHeld),
        (3 | 4, Some(State::Rlock { depth })) => {
            *depth += 1;
            Reply::Done
        }
        (5, Some(State::Rlock { depth })) => {
            let owns = *depth > 0;
            *depth = depth.saturating_sub(1);
            or(owns, Reply::NotOwner)
        }
        (6, Some(State::Semaphore { permits })) => {
            let any = *permits > 0;
            *permits = permits.saturating_sub(1);
            or(any, Reply::TimedOut)
        }
        (7, Some(State::Semaphore { permits: free })) => {
            *free += permits;
            Reply::Done
        }
        (8 | 11, Some(State::Event { set })) => or(*set, Reply::TimedOut),
        (9 | 10, Some(State::Event { set })) => {
            *set = operation == 9;
            Reply::Done
        }
        _ => Reply::WrongKind,
    };
    assert_eq!(said, expected, "operation {operation} on {number}");
}

/// The operations on a number in a memory.
pub(super) fn access(
    number: u32,
    operation: u32,
    offset: u64,
    first: u64,
    second: u64,
    bytes: Option<&mut Vec<u8>>,
) {
    let is_wide = operation % 2 == 0;
    let width = if is_wide { 8 } else { 4 };
    let (first_half, second_half) = (first as u32, second as u32);
    let narrow = |value: u32| u64::from(value);
    let said = match operation {
        16 => direct::load_u64(number, offset),
        17 => direct::load_u32(number, offset).map(narrow),
        18 => direct::add_u64(number, offset, first),
        19 => direct::add_u32(number, offset, first_half).map(narrow),
        20 => direct::compare_exchange_u64(number, offset, first, second),
        _ => direct::compare_exchange_u32(number, offset, first_half, second_half).map(narrow),
    };
    let Some(bytes) = bytes else {
        return refused(said);
    };
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let cell = match start % width {
        0 => bytes.get_mut(start..start.saturating_add(width)),
        _ => None,
    };
    let Some(cell) = cell else {
        let is_other = matches!(said, Err(ref code) if !matches!(code, ErrorCode::WrongKind));
        assert!(is_other, "{said:?} at {offset}");
        // The other way to write gives the same answer.
        let stored = match is_wide {
            true => direct::store_u64(number, offset, first),
            false => direct::store_u32(number, offset, first_half),
        };
        return assert_eq!(stored, Reply::Other);
    };
    let mut buffer = [0; 8];
    buffer[..width].copy_from_slice(cell);
    let old = u64::from_le_bytes(buffer);
    assert_eq!(said.expect("inside of the memory"), old);
    let new = match operation {
        16 | 17 => old,
        18 => old.wrapping_add(first),
        19 => narrow((old as u32).wrapping_add(first_half)),
        _ if old == first => second,
        _ => old,
    };
    cell.copy_from_slice(&new.to_le_bytes()[..width]);
}

/// The number belongs to no resource, or to one of another kind.
pub(super) fn refused<T: std::fmt::Debug>(said: Result<T, ErrorCode>) {
    assert!(matches!(said, Err(ErrorCode::WrongKind)), "{said:?}");
}
