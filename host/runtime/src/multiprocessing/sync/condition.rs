//! `sync.condition`.

use crate::guest::State;
use crate::multiprocessing::bindings::isopod::multiprocessing::sync::{Acquired, HostCondition};
use crate::multiprocessing::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::multiprocessing::errors::Failure;
use crate::multiprocessing::timeout::duration;
use isopod_sync::{Condition, Handle, Lock, RLock};
use wasmtime::component::Resource;

impl HostCondition for State {
    fn create(&mut self) -> Result<Resource<Condition>, Failure> {
        self.check_object()?;
        let condition = Condition::new_in(&self.process.tree.objects, self.holder());
        Ok(self.push(condition)?)
    }

    fn create_on(&mut self, lock: Resource<Lock>) -> Result<Resource<Condition>, Failure> {
        self.check_object()?;
        let lock = self.table.get(&lock)?;
        let tree = &self.process.tree.objects;
        let condition = Condition::new_with_in(tree, self.holder(), lock);
        Ok(self.push(condition)?)
    }

    fn create_on_rlock(&mut self, lock: Resource<RLock>) -> Result<Resource<Condition>, Failure> {
        self.check_object()?;
        let lock = self.table.get(&lock)?;
        let tree = &self.process.tree.objects;
        let condition = Condition::with_rlock_in(tree, self.holder(), lock);
        Ok(self.push(condition)?)
    }

    fn acquire(
        &mut self,
        condition: Resource<Condition>,
        timeout: Option<u64>,
    ) -> Result<Acquired, Failure> {
        let condition = self.table.get(&condition)?;
        Ok(condition.acquire_within(duration(timeout))?.into())
    }

    fn release(&mut self, condition: Resource<Condition>) -> Result<(), Failure> {
        Ok(self.table.get(&condition)?.release()?)
    }

    fn wait(
        &mut self,
        condition: Resource<Condition>,
        timeout: Option<u64>,
    ) -> Result<(bool, Acquired), Failure> {
        let condition = self.table.get(&condition)?;
        let waited = condition.wait_within(duration(timeout))?;
        Ok((waited.is_notified(), waited.acquired().into()))
    }

    fn notify(&mut self, condition: Resource<Condition>, count: u32) -> Result<(), Failure> {
        self.table.get(&condition)?.notify(u64::from(count))?;
        Ok(())
    }

    fn notify_all(&mut self, condition: Resource<Condition>) -> Result<(), Failure> {
        self.table.get(&condition)?.notify_all()?;
        Ok(())
    }

    fn to_handle(&mut self, condition: Resource<Condition>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&condition)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Condition>, Failure> {
        let condition = Condition::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(condition)?)
    }

    fn drop(&mut self, condition: Resource<Condition>) -> wasmtime::Result<()> {
        self.table.delete(condition)?;
        Ok(())
    }
}
