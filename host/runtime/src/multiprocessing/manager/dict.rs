//! `manager.dict`.

use super::unless_changed;
use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::manager::{
    HostDict, Value, Versioned,
};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use crate::multiprocessing::errors::Failure;
use isopod_sync::{Dict, Handle};
use wasmtime::component::Resource;

impl HostDict for State {
    fn create(&mut self) -> Result<Resource<Dict>, Failure> {
        self.check_object()?;
        let dict = Dict::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(dict)?)
    }

    fn len(&mut self, dict: Resource<Dict>) -> wasmtime::Result<u64> {
        let length = self.table.get(&dict)?.len();
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    fn contains(&mut self, dict: Resource<Dict>, key: Vec<u8>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&dict)?.contains(&key))
    }

    fn get(&mut self, dict: Resource<Dict>, key: Vec<u8>) -> Result<Option<Versioned>, Failure> {
        let room = &self.room;
        let dict = self.table.get(&dict)?;
        let found = dict.get_versioned_if(&key, |bytes| room.carry(bytes))?;
        found.map(|found| self.deliver_versioned(found)).transpose()
    }

    fn set(
        &mut self,
        dict: Resource<Dict>,
        key: Vec<u8>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<(), Failure> {
        let value = self.message(bytes, &handles)?;
        Ok(self.table.get(&dict)?.set(&key, value)?)
    }

    fn compare_exchange(
        &mut self,
        dict: Resource<Dict>,
        key: Vec<u8>,
        expected: Option<u64>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<bool, Failure> {
        let value = self.message(bytes, &handles)?;
        let dict = self.table.get(&dict)?;
        unless_changed(dict.compare_exchange(&key, expected, value))
    }

    fn set_default(
        &mut self,
        dict: Resource<Dict>,
        key: Vec<u8>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
    ) -> Result<Message, Failure> {
        let value = self.message(bytes, &handles)?;
        let value = self.table.get(&dict)?.set_default(&key, value)?;
        self.deliver(value)
    }

    fn update(
        &mut self,
        dict: Resource<Dict>,
        entries: Vec<(Vec<u8>, Value)>,
    ) -> Result<(), Failure> {
        let (keys, values): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|(key, value)| (key, (value.bytes, value.handles)))
            .unzip();
        let entries = keys.into_iter().zip(self.messages(values)?).collect();
        Ok(self.table.get(&dict)?.update(entries)?)
    }

    fn pop(&mut self, dict: Resource<Dict>, key: Vec<u8>) -> Result<Option<Message>, Failure> {
        let removed = self.table.get(&dict)?.remove(&key);
        removed.map(|value| self.deliver(value)).transpose()
    }

    fn pop_item(&mut self, dict: Resource<Dict>) -> Result<Option<(Vec<u8>, Message)>, Failure> {
        let removed = self.table.get(&dict)?.pop_last();
        removed
            .map(|(key, value)| Ok((key, self.deliver(value)?)))
            .transpose()
    }

    fn clear(&mut self, dict: Resource<Dict>) -> wasmtime::Result<()> {
        self.table.get(&dict)?.clear();
        Ok(())
    }

    fn keys(&mut self, dict: Resource<Dict>) -> wasmtime::Result<Vec<Vec<u8>>> {
        let room = &self.room;
        let keys = self.table.get(&dict)?;
        let keys = keys.keys_if(|bytes| room.carry(bytes));
        keys.map_err(|over| self.end_over_budget(over))
    }

    fn values(&mut self, dict: Resource<Dict>) -> Result<Vec<Message>, Failure> {
        let room = &self.room;
        let dict = self.table.get(&dict)?;
        let values = dict.values_if(|bytes| room.carry(bytes))?;
        self.deliver_copies(values)
    }

    fn items(&mut self, dict: Resource<Dict>) -> Result<Vec<(Vec<u8>, Message)>, Failure> {
        let room = &self.room;
        let dict = self.table.get(&dict)?;
        let items = dict.items_if(|bytes| room.carry(bytes))?;
        let (keys, values): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let values = self.deliver_copies(values)?;
        Ok(keys.into_iter().zip(values).collect())
    }

    fn to_handle(&mut self, dict: Resource<Dict>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&dict)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Dict>, Failure> {
        let dict = Dict::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(dict)?)
    }

    fn drop(&mut self, dict: Resource<Dict>) -> wasmtime::Result<()> {
        self.table.delete(dict)?;
        Ok(())
    }
}
