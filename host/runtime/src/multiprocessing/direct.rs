//! `direct`: the number of an object is its index in the process's table, the same that a resource carries.
//! So each function passes the number to the method of the same name.
//!
//! A guest can pass any number. The table looks it up together with the type of the object, and returns
//! `wrong-kind` for a number that it does not find: see the conversion of `ResourceTableError` in
//! `errors.rs`.

use super::bindings::isopod::multiprocessing::direct::{Host, Reply};
use super::bindings::isopod::multiprocessing::memory::HostSharedMemory;
use super::bindings::isopod::multiprocessing::pipe::HostConnection;
use super::bindings::isopod::multiprocessing::queue::HostQueue;
use super::bindings::isopod::multiprocessing::sync::{
    Acquired, HostEvent, HostLock, HostRlock, HostSemaphore,
};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use super::errors::Failure;
use crate::guest::State;
use isopod_sync::{Event, Handle};
use wasmtime::component::Resource;

impl Host for State {
    fn acquire_lock(&mut self, lock: u32, timeout: Option<u64>) -> wasmtime::Result<Reply> {
        acquired(HostLock::acquire(self, named(lock), timeout))
    }

    fn release_lock(&mut self, lock: u32) -> wasmtime::Result<Reply> {
        done(HostLock::release(self, named(lock)))
    }

    fn acquire_rlock(&mut self, rlock: u32, timeout: Option<u64>) -> wasmtime::Result<Reply> {
        acquired(HostRlock::acquire(self, named(rlock), timeout))
    }

    fn release_rlock(&mut self, rlock: u32) -> wasmtime::Result<Reply> {
        done(HostRlock::release(self, named(rlock)))
    }

    fn acquire_semaphore(
        &mut self,
        semaphore: u32,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Reply> {
        acquired(HostSemaphore::acquire(self, named(semaphore), timeout))
    }

    fn release_semaphore(&mut self, semaphore: u32, permits: u32) -> wasmtime::Result<Reply> {
        done(HostSemaphore::release(self, named(semaphore), permits))
    }

    fn is_event_set(&mut self, event: u32) -> wasmtime::Result<Reply> {
        match self.event(event) {
            Ok(event) if event.is_set() => Ok(Reply::Done),
            Ok(_) => Ok(Reply::TimedOut),
            Err(failure) => refused(failure),
        }
    }

    fn set_event(&mut self, event: u32) -> wasmtime::Result<Reply> {
        done(self.event(event).map(Event::set))
    }

    fn clear_event(&mut self, event: u32) -> wasmtime::Result<Reply> {
        done(self.event(event).map(Event::clear))
    }

    fn wait_event(&mut self, event: u32, timeout: Option<u64>) -> wasmtime::Result<Reply> {
        done(HostEvent::wait(self, named(event), timeout))
    }

    fn put(
        &mut self,
        queue: u32,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
        timeout: Option<u64>,
    ) -> Result<(), Failure> {
        HostQueue::put(self, named(queue), bytes, handles, timeout)
    }

    fn get(&mut self, queue: u32, timeout: Option<u64>) -> Result<Message, Failure> {
        HostQueue::get(self, named(queue), timeout)
    }

    fn send(
        &mut self,
        connection: u32,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
        timeout: Option<u64>,
    ) -> Result<(), Failure> {
        HostConnection::send(self, named(connection), bytes, handles, timeout)
    }

    fn recv(&mut self, connection: u32, timeout: Option<u64>) -> Result<Message, Failure> {
        HostConnection::recv(self, named(connection), timeout)
    }

    fn load_u32(&mut self, memory: u32, offset: u64) -> Result<u32, Failure> {
        HostSharedMemory::load_u32(self, named(memory), offset)
    }

    fn store_u32(&mut self, memory: u32, offset: u64, value: u32) -> wasmtime::Result<Reply> {
        done(HostSharedMemory::store_u32(
            self,
            named(memory),
            offset,
            value,
        ))
    }

    fn add_u32(&mut self, memory: u32, offset: u64, value: u32) -> Result<u32, Failure> {
        HostSharedMemory::add_u32(self, named(memory), offset, value)
    }

    fn compare_exchange_u32(
        &mut self,
        memory: u32,
        offset: u64,
        expected: u32,
        new: u32,
    ) -> Result<u32, Failure> {
        HostSharedMemory::compare_exchange_u32(self, named(memory), offset, expected, new)
    }

    fn load_u64(&mut self, memory: u32, offset: u64) -> Result<u64, Failure> {
        HostSharedMemory::load_u64(self, named(memory), offset)
    }

    fn store_u64(&mut self, memory: u32, offset: u64, value: u64) -> wasmtime::Result<Reply> {
        done(HostSharedMemory::store_u64(
            self,
            named(memory),
            offset,
            value,
        ))
    }

    fn add_u64(&mut self, memory: u32, offset: u64, value: u64) -> Result<u64, Failure> {
        HostSharedMemory::add_u64(self, named(memory), offset, value)
    }

    fn compare_exchange_u64(
        &mut self,
        memory: u32,
        offset: u64,
        expected: u64,
        new: u64,
    ) -> Result<u64, Failure> {
        HostSharedMemory::compare_exchange_u64(self, named(memory), offset, expected, new)
    }
}

impl State {
    /// For methods of an event that always succeed: they have no way to refuse a number.
    fn event(&self, number: u32) -> Result<&Event, Failure> {
        Ok(self.table.get(&named::<Event>(number))?)
    }
}

/// The resource for a method of the object with this number. Nothing has checked the number yet.
fn named<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_borrow(number)
}

fn acquired(result: Result<Acquired, Failure>) -> wasmtime::Result<Reply> {
    match result {
        Ok(Acquired::Clean) => Ok(Reply::Done),
        Ok(Acquired::Abandoned) => Ok(Reply::Abandoned),
        Err(failure) => refused(failure),
    }
}

fn done(result: Result<(), Failure>) -> wasmtime::Result<Reply> {
    match result {
        Ok(()) => Ok(Reply::Done),
        Err(failure) => refused(failure),
    }
}

#[cold]
fn refused(failure: Failure) -> wasmtime::Result<Reply> {
    match failure {
        Failure::Code(ErrorCode::TimedOut) => Ok(Reply::TimedOut),
        Failure::Code(ErrorCode::NotHeld) => Ok(Reply::NotHeld),
        Failure::Code(ErrorCode::NotOwner) => Ok(Reply::NotOwner),
        Failure::Code(ErrorCode::WrongKind) => Ok(Reply::WrongKind),
        Failure::Code(_)
        | Failure::Limit(..)
        | Failure::OverBudget(_)
        | Failure::TooLarge(..)
        | Failure::TooManyHandles => Ok(Reply::Other),
        Failure::End(error) => Err(error),
    }
}
