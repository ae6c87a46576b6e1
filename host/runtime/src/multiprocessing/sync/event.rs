//! `sync.event`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::HostEvent;
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Event, Handle};
use wasmtime::component::Resource;

impl HostEvent for State {
    fn create(&mut self) -> Result<Resource<Event>, Failure> {
        self.check_object()?;
        let event = Event::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(event)?)
    }

    fn is_set(&mut self, event: Resource<Event>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&event)?.is_set())
    }

    fn set(&mut self, event: Resource<Event>) -> wasmtime::Result<()> {
        self.table.get(&event)?.set();
        Ok(())
    }

    fn clear(&mut self, event: Resource<Event>) -> wasmtime::Result<()> {
        self.table.get(&event)?.clear();
        Ok(())
    }

    fn wait(&mut self, event: Resource<Event>, timeout: Option<u64>) -> Result<(), Failure> {
        Ok(self.table.get(&event)?.wait_within(duration(timeout))?)
    }

    fn number(&mut self, event: Resource<Event>) -> wasmtime::Result<u32> {
        Ok(event.rep())
    }

    fn to_handle(&mut self, event: Resource<Event>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&event)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Event>, Failure> {
        let event = Event::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(event)?)
    }

    fn drop(&mut self, event: Resource<Event>) -> wasmtime::Result<()> {
        self.table.delete(event)?;
        Ok(())
    }
}
