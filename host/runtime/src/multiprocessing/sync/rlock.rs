//! `sync.rlock`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::{Acquired, HostRlock};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Handle, RLock};
use wasmtime::component::Resource;

impl HostRlock for State {
    fn create(&mut self) -> Result<Resource<RLock>, Failure> {
        self.check_object()?;
        let rlock = RLock::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(rlock)?)
    }

    fn acquire(
        &mut self,
        rlock: Resource<RLock>,
        timeout: Option<u64>,
    ) -> Result<Acquired, Failure> {
        let rlock = self.table.get(&rlock)?;
        Ok(rlock.acquire_within(duration(timeout))?.into())
    }

    fn release(&mut self, rlock: Resource<RLock>) -> Result<(), Failure> {
        Ok(self.table.get(&rlock)?.release()?)
    }

    fn is_locked(&mut self, rlock: Resource<RLock>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&rlock)?.is_locked())
    }

    fn number(&mut self, rlock: Resource<RLock>) -> wasmtime::Result<u32> {
        Ok(rlock.rep())
    }

    fn to_handle(&mut self, rlock: Resource<RLock>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&rlock)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<RLock>, Failure> {
        let rlock = RLock::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(rlock)?)
    }

    fn drop(&mut self, rlock: Resource<RLock>) -> wasmtime::Result<()> {
        self.table.delete(rlock)?;
        Ok(())
    }
}
