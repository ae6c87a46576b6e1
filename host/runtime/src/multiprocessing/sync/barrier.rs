//! `sync.barrier`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::{Arrival, HostBarrier};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Barrier, Handle};
use wasmtime::component::Resource;

impl HostBarrier for State {
    fn create(&mut self, parties: u32) -> Result<Resource<Barrier>, Failure> {
        self.check_object()?;
        let barrier = Barrier::new_in(&self.process.tree.objects, self.holder(), parties);
        Ok(self.push(barrier)?)
    }

    fn wait(
        &mut self,
        barrier: Resource<Barrier>,
        timeout: Option<u64>,
    ) -> Result<Arrival, Failure> {
        let barrier = self.table.get(&barrier)?;
        Ok(match barrier.wait_within(duration(timeout))? {
            isopod_sync::Arrival::Passed(index) => Arrival::Passed(index),
            isopod_sync::Arrival::Last(index) => Arrival::Last(index),
        })
    }

    fn pass(&mut self, barrier: Resource<Barrier>) -> Result<(), Failure> {
        Ok(self.table.get(&barrier)?.pass()?)
    }

    fn abort(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<()> {
        self.table.get(&barrier)?.abort();
        Ok(())
    }

    fn reset(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<()> {
        self.table.get(&barrier)?.reset();
        Ok(())
    }

    fn parties(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&barrier)?.parties())
    }

    fn waiting(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&barrier)?.waiting())
    }

    fn is_broken(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&barrier)?.is_broken())
    }

    fn to_handle(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&barrier)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Barrier>, Failure> {
        let barrier = Barrier::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(barrier)?)
    }

    fn drop(&mut self, barrier: Resource<Barrier>) -> wasmtime::Result<()> {
        self.table.delete(barrier)?;
        Ok(())
    }
}
