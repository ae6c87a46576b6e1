//! `queue`.

use super::bindings::isopod::multiprocessing::queue::{Host, HostQueue};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use super::errors::Failure;
use super::timeout::duration;
use crate::guest::State;
use isopod_sync::{Bounds, Handle, JoinableQueue, Queue};
use wasmtime::component::Resource;

impl Host for State {}

impl HostQueue for State {
    fn create(
        &mut self,
        max_messages: Option<u32>,
        max_bytes: Option<u64>,
    ) -> Result<Resource<Queue>, Failure> {
        self.check_object()?;
        let bounds = bounds(max_messages, max_bytes)?;
        let queue = Queue::new_in(&self.process.tree.objects, self.holder(), bounds);
        Ok(self.push(queue)?)
    }

    fn create_joinable(
        &mut self,
        max_messages: Option<u32>,
        max_bytes: Option<u64>,
    ) -> Result<Resource<Queue>, Failure> {
        self.check_object()?;
        let bounds = bounds(max_messages, max_bytes)?;
        let queue = JoinableQueue::new_in(&self.process.tree.objects, self.holder(), bounds);
        Ok(self.push(Queue::clone(&queue))?)
    }

    fn task_done(&mut self, queue: Resource<Queue>) -> Result<(), Failure> {
        let queue = joinable(self.table.get(&queue)?)?;
        Ok(queue.task_done()?)
    }

    fn join(&mut self, queue: Resource<Queue>, timeout: Option<u64>) -> Result<u64, Failure> {
        let queue = joinable(self.table.get(&queue)?)?;
        Ok(queue.join_within(duration(timeout))?.abandoned_tasks)
    }

    fn put(
        &mut self,
        queue: Resource<Queue>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
        timeout: Option<u64>,
    ) -> Result<(), Failure> {
        let message = self.message(bytes, &handles)?;
        let queue = self.table.get(&queue)?;
        Ok(queue.put_within(message, duration(timeout))?)
    }

    fn get(&mut self, queue: Resource<Queue>, timeout: Option<u64>) -> Result<Message, Failure> {
        let message = self.table.get(&queue)?.get_within(duration(timeout))?;
        self.deliver(message)
    }

    fn len(&mut self, queue: Resource<Queue>) -> wasmtime::Result<u64> {
        let length = self.table.get(&queue)?.len();
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    fn is_full(&mut self, queue: Resource<Queue>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&queue)?.is_full())
    }

    fn close(&mut self, queue: Resource<Queue>) -> wasmtime::Result<()> {
        self.table.get(&queue)?.close();
        Ok(())
    }

    fn number(&mut self, queue: Resource<Queue>) -> wasmtime::Result<u32> {
        Ok(queue.rep())
    }

    fn to_handle(&mut self, queue: Resource<Queue>) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&queue)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Queue>, Failure> {
        let queue = Queue::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(queue)?)
    }

    fn drop(&mut self, queue: Resource<Queue>) -> wasmtime::Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

fn bounds(max_messages: Option<u32>, max_bytes: Option<u64>) -> Result<Bounds, Failure> {
    if max_messages == Some(0) || max_bytes == Some(0) {
        return Err(ErrorCode::InvalidArgument(
            "a queue's bound is 0; it must be at least 1, or absent for no bound".to_owned(),
        )
        .into());
    }
    Ok(Bounds {
        max_messages,
        max_bytes,
    })
}

fn joinable(queue: &Queue) -> Result<JoinableQueue, Failure> {
    JoinableQueue::open(&queue.to_handle()).ok_or_else(|| ErrorCode::WrongKind.into())
}
