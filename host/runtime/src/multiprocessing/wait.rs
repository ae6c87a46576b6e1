//! `wait`.

use super::bindings::isopod::multiprocessing::types::ErrorCode;
use super::bindings::isopod::multiprocessing::wait::Host;
use super::errors::Failure;
use super::process::Relative;
use super::timeout::duration;
use crate::guest::State;
use crate::limit_kind::LimitKind;
use isopod_sync::{Connection, Event, Handle, Queue, Waitable, wait_any};
use wasmtime::component::Resource;

/// The cost of a wait for one of several objects, in bytes: a reference, its places in the object's
/// list and in ours, and its place in reports.
const WAIT_BYTES: u64 = 384;

/// An object that a guest waits for, as its own type.
enum Object {
    Queue(Queue),
    Connection(Connection),
    Event(Event),
}

impl Object {
    fn open(handle: &Handle) -> Result<Object, Failure> {
        Queue::open(handle)
            .map(Object::Queue)
            .or_else(|| Connection::open(handle).map(Object::Connection))
            .or_else(|| Event::open(handle).map(Object::Event))
            .ok_or_else(|| ErrorCode::WrongKind.into())
    }

    fn waitable(&self) -> Result<Waitable<'_>, Failure> {
        Ok(match self {
            Object::Queue(queue) => queue.into(),
            Object::Connection(connection) => connection.try_into()?,
            Object::Event(event) => event.into(),
        })
    }
}

impl Host for State {
    fn any(
        &mut self,
        handles: Vec<Resource<Handle>>,
        processes: Vec<Resource<Relative>>,
        timeout: Option<u64>,
    ) -> Result<Vec<u32>, Failure> {
        let count = handles.len().saturating_add(processes.len());
        let limit = self.process.birth.limits.handles;
        if count > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Failure::Limit(
                LimitKind::Handles,
                format!(
                    "a wait for {count} objects is for more than the {limit} handles that the process may hold; raise it with `Limits::handles` or `--max-handles`"
                ),
            ));
        }
        self.room.carry(
            u64::try_from(count)
                .unwrap_or(u64::MAX)
                .saturating_mul(WAIT_BYTES),
        )?;
        let objects = handles
            .iter()
            .map(|handle| Object::open(self.table.get(handle)?))
            .collect::<Result<Vec<_>, Failure>>()?;
        let mut waitables = objects
            .iter()
            .map(Object::waitable)
            .collect::<Result<Vec<_>, Failure>>()?;
        for process in &processes {
            waitables.push(self.table.get(process)?.status().into());
        }
        let ready = wait_any(&waitables, duration(timeout))?;
        Ok(ready
            .into_iter()
            .map(|position| u32::try_from(position).unwrap_or(u32::MAX))
            .collect())
    }
}
