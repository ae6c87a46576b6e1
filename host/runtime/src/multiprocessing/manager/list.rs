//! `manager.list`.

use super::unless_changed;
use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::manager::{
    HostList, Value, Versioned,
};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use crate::multiprocessing::errors::Failure;
use isopod_sync::{Handle, List, ReorderError};
use wasmtime::component::Resource;

impl HostList for State {
    fn create(&mut self) -> Result<Resource<List>, Failure> {
        self.check_object()?;
        let list = List::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(list)?)
    }

    fn len(&mut self, list: Resource<List>) -> wasmtime::Result<u64> {
        let length = self.table.get(&list)?.len();
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    fn get(&mut self, list: Resource<List>, index: i64) -> Result<Versioned, Failure> {
        let room = &self.room;
        let list = self.table.get(&list)?;
        let found =
            list.get_versioned_if(index, |bytes| room.carry(bytes).map_err(Failure::from))?;
        self.deliver_versioned(found)
    }

    fn set(
        &mut self,
        list: Resource<List>,
        index: i64,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<(), Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&list)?.set(index, value)?)
    }

    fn compare_exchange(
        &mut self,
        list: Resource<List>,
        index: i64,
        expected: u64,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<bool, Failure> {
        let value = self.message(bytes, &handles)?;
        let list = self.table.get(&list)?;
        unless_changed(list.compare_exchange(index, expected, value))
    }

    fn append(
        &mut self,
        list: Resource<List>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<(), Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&list)?.push(value)?)
    }

    fn insert(
        &mut self,
        list: Resource<List>,
        index: i64,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<(), Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&list)?.insert(index, value)?)
    }

    fn pop(&mut self, list: Resource<List>, index: i64) -> Result<Message, Failure> {
        let removed = self.table.get(&list)?.pop(index)?;
        self.deliver(removed)
    }

    fn remove(
        &mut self,
        list: Resource<List>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<bool, Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&list)?.remove(&value))
    }

    fn index(
        &mut self,
        list: Resource<List>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<Option<u64>, Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&list)?.index(&value))
    }

    fn count(
        &mut self,
        list: Resource<List>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<u64, Failure> {
        let value = self.message(bytes, &handles)?;
        let count = self.table.get(&list)?.count(&value);
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn clear(&mut self, list: Resource<List>) -> wasmtime::Result<()> {
        self.table.get(&list)?.clear();
        Ok(())
    }

    fn slice(
        &mut self,
        list: Resource<List>,
        start: Option<i64>,
        end: Option<i64>,
    ) -> Result<Vec<Message>, Failure> {
        let room = &self.room;
        let list = self.table.get(&list)?;
        let values = list.slice_if(start, end, |bytes| room.carry(bytes))?;
        self.deliver_copies(values)
    }

    fn set_slice(
        &mut self,
        list: Resource<List>,
        start: Option<i64>,
        end: Option<i64>,
        values: Vec<Value>,
    ) -> Result<(), Failure> {
        let values = self.values(values)?;
        Ok(self.table.get(&list)?.set_slice(start, end, values)?)
    }

    fn reverse(&mut self, list: Resource<List>) -> wasmtime::Result<()> {
        self.table.get(&list)?.reverse();
        Ok(())
    }

    fn snapshot(&mut self, list: Resource<List>) -> Result<(Vec<Message>, u64), Failure> {
        let room = &self.room;
        let list = self.table.get(&list)?;
        let (values, version) = list.snapshot_if(|bytes| room.carry(bytes))?;
        Ok((self.deliver_copies(values)?, version))
    }

    fn reorder(
        &mut self,
        list: Resource<List>,
        expected: u64,
        order: Vec<u32>,
    ) -> Result<bool, Failure> {
        // `reorder` checks for positions beyond the list.
        let order: Vec<usize> = order
            .into_iter()
            .map(|position| usize::try_from(position).unwrap_or(usize::MAX))
            .collect();
        match self.table.get(&list)?.reorder(expected, &order) {
            Ok(()) => Ok(true),
            Err(ReorderError::Changed) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn to_handle(&mut self, list: Resource<List>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&list)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<List>, Failure> {
        let list = List::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(list)?)
    }

    fn drop(&mut self, list: Resource<List>) -> wasmtime::Result<()> {
        self.table.delete(list)?;
        Ok(())
    }
}
