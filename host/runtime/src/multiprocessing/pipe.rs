//! `pipe`.

use super::bindings::isopod::multiprocessing::pipe::{Host, HostConnection};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use super::errors::Failure;
use super::timeout::duration;
use crate::guest::State;
use isopod_sync::{Connection, Handle, pipe_in};
use wasmtime::component::Resource;

impl Host for State {
    fn create(
        &mut self,
        duplex: bool,
    ) -> Result<(Resource<Connection>, Resource<Connection>), Failure> {
        self.check_object()?;
        let (first, second) = pipe_in(&self.process.tree.objects, self.holder(), duplex);
        let first = self.push(first)?;
        match self.push(second) {
            Ok(second) => Ok((first, second)),
            Err(full) => {
                // A call that fails leaves nothing: without a handle the guest could never drop this end.
                self.table.delete(first)?;
                Err(full.into())
            }
        }
    }
}

impl HostConnection for State {
    fn send(
        &mut self,
        connection: Resource<Connection>,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
        timeout: Option<u64>,
    ) -> Result<(), Failure> {
        let message = self.message(bytes, &handles)?;
        let connection = self.table.get(&connection)?;
        Ok(connection.send_within(message, duration(timeout))?)
    }

    fn recv(
        &mut self,
        connection: Resource<Connection>,
        timeout: Option<u64>,
    ) -> Result<Message, Failure> {
        let connection = self.table.get(&connection)?;
        let message = connection.recv_within(duration(timeout))?;
        self.deliver(message)
    }

    fn poll(
        &mut self,
        connection: Resource<Connection>,
        timeout: Option<u64>,
    ) -> Result<bool, Failure> {
        let connection = self.table.get(&connection)?;
        Ok(connection.poll(duration(timeout))?)
    }

    fn readable(&mut self, connection: Resource<Connection>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&connection)?.is_readable())
    }

    fn writable(&mut self, connection: Resource<Connection>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&connection)?.is_writable())
    }

    fn number(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u32> {
        Ok(connection.rep())
    }

    fn to_handle(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Resource<Handle>> {
        let handle = self.table.get(&connection)?.to_handle();
        self.give(handle)
    }

    fn open(&mut self, reference: Resource<Handle>) -> Result<Resource<Connection>, Failure> {
        let connection =
            Connection::open(self.table.get(&reference)?).ok_or(ErrorCode::WrongKind)?;
        Ok(self.push(connection)?)
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
