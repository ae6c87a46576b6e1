//! `memory`.

use super::bindings::isopod::multiprocessing::memory::{Host, HostSharedMemory};
use super::bindings::isopod::multiprocessing::types::ErrorCode;
use super::errors::Failure;
use crate::guest::State;
use crate::limits;
use isopod_sync::{Handle, NameNotFound, SHARED_MEMORY_NAME_BYTES, SharedMemory};
use wasmtime::component::Resource;

impl Host for State {}

impl State {
    fn memory(&self, memory: &Resource<SharedMemory>) -> Result<&SharedMemory, Failure> {
        Ok(self.table.get(memory)?)
    }
}

impl HostSharedMemory for State {
    fn create(
        &mut self,
        size: u64,
        name: Option<String>,
    ) -> Result<Resource<SharedMemory>, Failure> {
        self.check_object()?;
        let tree = &self.process.tree.objects;
        let memory = match name {
            Some(name) => SharedMemory::new_named(tree, self.holder(), &name, size)?,
            None => SharedMemory::new_in(tree, self.holder(), size)?,
        };
        Ok(self.push(memory)?)
    }

    fn find(&mut self, name: String) -> Result<Resource<SharedMemory>, Failure> {
        let tree = &self.process.tree.objects;
        let memory = SharedMemory::open_named(tree, self.holder(), &name)
            .map_err(|NameNotFound| no_name(&name))?;
        Ok(self.push(memory)?)
    }

    fn unlink(&mut self, name: String) -> Result<(), Failure> {
        SharedMemory::unlink(&self.process.tree.objects, &name)
            .map_err(|NameNotFound| no_name(&name))
    }

    fn size(&mut self, memory: Resource<SharedMemory>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&memory)?.size_bytes())
    }

    fn read(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, Failure> {
        let size_bytes = self.memory(&memory)?.size_bytes();
        // The memory itself refuses a length above its size, with its own error text.
        if length <= size_bytes {
            self.room.carry(length)?;
        }
        Ok(self.memory(&memory)?.read_vec(offset, length)?)
    }

    fn write(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Failure> {
        self.carry(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        Ok(self.memory(&memory)?.write(offset, &bytes)?)
    }

    fn load_u32(&mut self, memory: Resource<SharedMemory>, offset: u64) -> Result<u32, Failure> {
        Ok(self.memory(&memory)?.load_u32(offset)?)
    }

    fn store_u32(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        value: u32,
    ) -> Result<(), Failure> {
        Ok(self.memory(&memory)?.store_u32(offset, value)?)
    }

    fn add_u32(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        value: u32,
    ) -> Result<u32, Failure> {
        Ok(self.memory(&memory)?.add_u32(offset, value)?)
    }

    fn compare_exchange_u32(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        expected: u32,
        new: u32,
    ) -> Result<u32, Failure> {
        let memory = self.memory(&memory)?;
        Ok(memory.compare_exchange_u32(offset, expected, new)?)
    }

    fn load_u64(&mut self, memory: Resource<SharedMemory>, offset: u64) -> Result<u64, Failure> {
        Ok(self.memory(&memory)?.load_u64(offset)?)
    }

    fn store_u64(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        value: u64,
    ) -> Result<(), Failure> {
        Ok(self.memory(&memory)?.store_u64(offset, value)?)
    }

    fn add_u64(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        value: u64,
    ) -> Result<u64, Failure> {
        Ok(self.memory(&memory)?.add_u64(offset, value)?)
    }

    fn compare_exchange_u64(
        &mut self,
        memory: Resource<SharedMemory>,
        offset: u64,
        expected: u64,
        new: u64,
    ) -> Result<u64, Failure> {
        let memory = self.memory(&memory)?;
        Ok(memory.compare_exchange_u64(offset, expected, new)?)
    }

    fn number(&mut self, memory: Resource<SharedMemory>) -> wasmtime::Result<u32> {
        Ok(memory.rep())
    }

    fn to_handle(&mut self, memory: Resource<SharedMemory>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&memory)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<SharedMemory>, Failure> {
        let handle = self.table.get(&reference)?;
        let memory = SharedMemory::open(handle).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(memory)?)
    }

    fn drop(&mut self, memory: Resource<SharedMemory>) -> wasmtime::Result<()> {
        self.table.delete(memory)?;
        Ok(())
    }
}

fn no_name(name: &str) -> Failure {
    let name = limits::cut(name.to_owned(), SHARED_MEMORY_NAME_BYTES);
    ErrorCode::NotFound(format!("no shared memory has the name `{name}`")).into()
}
