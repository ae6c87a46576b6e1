//! Resources whose hottest operations are called by number; `direct` in the WIT gives the reason.
//!
//! A [`Numbered`] wraps the resource. A few methods have the same names as the resource's, but pass its
//! number instead of borrowing it. The number is requested at its first use, so a lock that is only passed on
//! never pays for it.

use crate::bindings::direct::{self, Reply};
use crate::bindings::memory::SharedMemory;
use crate::bindings::pipe::Connection;
use crate::bindings::queue::Queue;
use crate::bindings::sync::{Acquired, Event, Lock, Rlock, Semaphore};
use crate::bindings::types::{ErrorCode, Handle, Message};
use std::ops::Deref;
use std::sync::OnceLock;

/// A resource and its number.
#[derive(Debug)]
pub(crate) struct Numbered<R> {
    raw: R,
    number: OnceLock<u32>,
}

/// A resource that has a number.
pub(crate) trait HasNumber {
    /// Requests the number from the host.
    fn ask(&self) -> u32;
}

impl<R: HasNumber> Numbered<R> {
    /// The number is valid for as long as the resource exists, and the resource is not dropped before this.
    #[inline]
    fn number(&self) -> u32 {
        *self.number.get_or_init(|| self.raw.ask())
    }
}

impl<R> From<R> for Numbered<R> {
    fn from(raw: R) -> Numbered<R> {
        Numbered {
            raw,
            number: OnceLock::new(),
        }
    }
}

impl<R> Deref for Numbered<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.raw
    }
}

/// The operations of a kind that are called by number: `operation = function(arguments) -> result`. The
/// prefix `[reply]` marks those whose function reports the outcome as a [`Reply`].
macro_rules! by_number {
    (
        $raw:ty:
        $([reply] $replied:ident = $reply:ident($($told:ident: $kind:ty),*) -> $meant:ty;)*
        $($operation:ident = $function:ident($($argument:ident: $type:ty),*) -> $result:ty;)*
    ) => {
        impl HasNumber for $raw {
            fn ask(&self) -> u32 {
                self.number()
            }
        }

        impl Numbered<$raw> {
            $(
                #[inline]
                pub(crate) fn $replied(&self, $($told: $kind),*) -> Result<$meant, ErrorCode> {
                    meant(direct::$reply(self.number(), $($told),*), || self.raw.$replied($($told),*))
                }
            )*
            $(
                #[inline]
                pub(crate) fn $operation(&self, $($argument: $type),*) -> Result<$result, ErrorCode> {
                    direct::$function(self.number(), $($argument),*)
                }
            )*
        }
    };
}

by_number! { Lock:
    [reply] acquire = acquire_lock(timeout: Option<u64>) -> Acquired;
    [reply] release = release_lock() -> ();
}

by_number! { Rlock:
    [reply] acquire = acquire_rlock(timeout: Option<u64>) -> Acquired;
    [reply] release = release_rlock() -> ();
}

by_number! { Semaphore:
    [reply] acquire = acquire_semaphore(timeout: Option<u64>) -> Acquired;
    [reply] release = release_semaphore(permits: u32) -> ();
}

by_number! { Event:
    [reply] wait = wait_event(timeout: Option<u64>) -> ();
}

/// Methods that always succeed. The host never refuses the number of an existing resource. If it did, the
/// call would go through the resource instead.
impl Numbered<Event> {
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        match direct::is_event_set(self.number()) {
            Reply::Done => true,
            Reply::TimedOut => false,
            _ => self.raw.is_set(),
        }
    }

    #[inline]
    pub(crate) fn set(&self) {
        if direct::set_event(self.number()) != Reply::Done {
            self.raw.set();
        }
    }

    #[inline]
    pub(crate) fn clear(&self) {
        if direct::clear_event(self.number()) != Reply::Done {
            self.raw.clear();
        }
    }
}

by_number! { Queue:
    put = put(bytes: &[u8], handles: &[&Handle], timeout: Option<u64>) -> ();
    get = get(timeout: Option<u64>) -> Message;
}

by_number! { Connection:
    send = send(bytes: &[u8], handles: &[&Handle], timeout: Option<u64>) -> ();
    recv = recv(timeout: Option<u64>) -> Message;
}

by_number! { SharedMemory:
    [reply] store_u32 = store_u32(offset: u64, value: u32) -> ();
    [reply] store_u64 = store_u64(offset: u64, value: u64) -> ();
    load_u32 = load_u32(offset: u64) -> u32;
    add_u32 = add_u32(offset: u64, value: u32) -> u32;
    compare_exchange_u32 = compare_exchange_u32(offset: u64, expected: u32, new: u32) -> u32;
    load_u64 = load_u64(offset: u64) -> u64;
    add_u64 = add_u64(offset: u64, value: u64) -> u64;
    compare_exchange_u64 = compare_exchange_u64(offset: u64, expected: u64, new: u64) -> u64;
}

/// The result that a reply encodes.
trait Meaning: Sized {
    const DONE: Self;
    const ABANDONED: Self;
}

impl Meaning for Acquired {
    const DONE: Acquired = Acquired::Clean;
    const ABANDONED: Acquired = Acquired::Abandoned;
}

impl Meaning for () {
    const DONE: () = ();
    // No operation with this result acquires anything.
    const ABANDONED: () = ();
}

/// The result that the method would return. If the reply does not tell it, `method` is called; the operation
/// has had no effect then.
#[inline]
fn meant<M: Meaning>(
    reply: Reply,
    method: impl FnOnce() -> Result<M, ErrorCode>,
) -> Result<M, ErrorCode> {
    match reply {
        Reply::Done => Ok(M::DONE),
        Reply::Abandoned => Ok(M::ABANDONED),
        Reply::TimedOut => Err(ErrorCode::TimedOut),
        Reply::NotHeld => Err(ErrorCode::NotHeld),
        Reply::NotOwner => Err(ErrorCode::NotOwner),
        Reply::WrongKind | Reply::Other => method(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_is_asked_only_where_nothing_was_done() {
        let text = || ErrorCode::LimitExceeded("too deep".to_owned());
        for (reply, expected) in [
            (Reply::Done, "Ok(Acquired::Clean)"),
            (Reply::Abandoned, "Ok(Acquired::Abandoned)"),
            (Reply::TimedOut, "Err(ErrorCode::TimedOut)"),
            (Reply::NotHeld, "Err(ErrorCode::NotHeld)"),
            (Reply::NotOwner, "Err(ErrorCode::NotOwner)"),
        ] {
            let result = meant::<Acquired>(reply, || unreachable!("{reply:?} says it all"));
            assert_eq!(format!("{result:?}"), expected);
        }
        for reply in [Reply::WrongKind, Reply::Other] {
            let result = meant::<()>(reply, || Err(text()));
            assert!(matches!(result, Err(ErrorCode::LimitExceeded(text)) if text == "too deep"));
        }
    }
}
