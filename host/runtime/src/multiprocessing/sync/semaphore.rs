//! `sync.semaphore`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::{Acquired, HostSemaphore};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Handle, SEMAPHORE_MAX_PERMITS, Semaphore};
use wasmtime::component::Resource;

impl HostSemaphore for State {
    fn create(&mut self, permits: u32, bound: Option<u32>) -> Result<Resource<Semaphore>, Failure> {
        self.check_object()?;
        let most = bound
            .unwrap_or(SEMAPHORE_MAX_PERMITS)
            .min(SEMAPHORE_MAX_PERMITS);
        if permits > most {
            return Err(ErrorCode::InvalidArgument(format!(
                "a semaphore of {permits} permits is above its bound of {most}"
            ))
            .into());
        }
        let tree = &self.process.tree.objects;
        let semaphore = Semaphore::new_in(tree, self.holder(), permits, bound);
        Ok(self.push(semaphore)?)
    }

    fn acquire(
        &mut self,
        semaphore: Resource<Semaphore>,
        timeout: Option<u64>,
    ) -> Result<Acquired, Failure> {
        let semaphore = self.table.get(&semaphore)?;
        Ok(semaphore.acquire_within(duration(timeout))?.into())
    }

    fn release(&mut self, semaphore: Resource<Semaphore>, permits: u32) -> Result<(), Failure> {
        Ok(self.table.get(&semaphore)?.release(permits)?)
    }

    fn value(&mut self, semaphore: Resource<Semaphore>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&semaphore)?.value())
    }

    fn number(&mut self, semaphore: Resource<Semaphore>) -> wasmtime::Result<u32> {
        Ok(semaphore.rep())
    }

    fn to_handle(&mut self, semaphore: Resource<Semaphore>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&semaphore)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Semaphore>, Failure> {
        let semaphore = Semaphore::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(semaphore)?)
    }

    fn drop(&mut self, semaphore: Resource<Semaphore>) -> wasmtime::Result<()> {
        self.table.delete(semaphore)?;
        Ok(())
    }
}
