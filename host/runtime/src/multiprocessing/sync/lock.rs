//! `sync.lock`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::{Acquired, HostLock};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Handle, Lock};
use wasmtime::component::Resource;

impl HostLock for State {
    fn create(&mut self) -> Result<Resource<Lock>, Failure> {
        self.check_object()?;
        let lock = Lock::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(lock)?)
    }

    fn acquire(&mut self, lock: Resource<Lock>, timeout: Option<u64>) -> Result<Acquired, Failure> {
        let lock = self.table.get(&lock)?;
        Ok(lock.acquire_within(duration(timeout))?.into())
    }

    fn release(&mut self, lock: Resource<Lock>) -> Result<(), Failure> {
        Ok(self.table.get(&lock)?.release()?)
    }

    fn is_locked(&mut self, lock: Resource<Lock>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&lock)?.is_locked())
    }

    fn number(&mut self, lock: Resource<Lock>) -> wasmtime::Result<u32> {
        Ok(lock.rep())
    }

    fn to_handle(&mut self, lock: Resource<Lock>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&lock)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Lock>, Failure> {
        let lock = Lock::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(lock)?)
    }

    fn drop(&mut self, lock: Resource<Lock>) -> wasmtime::Result<()> {
        self.table.delete(lock)?;
        Ok(())
    }
}
