//! `types`: handles.

use super::bindings::isopod::multiprocessing::types::{ErrorCode, Host, HostHandle};
use super::errors::Failure;
use crate::events::LimitKind;
use crate::exit_status::ExitStatus;
use crate::limits;
use crate::run::{State, Stop};
use isopod_sync::{Handle, Holder, Message};
use wasmtime::component::Resource;

impl Host for State {
    fn convert_error_code(&mut self, failure: Failure) -> wasmtime::Result<ErrorCode> {
        match failure {
            Failure::Code(code) => {
                if let ErrorCode::MessageTooLarge(text) = &code {
                    self.process.tell_refusal(LimitKind::MessageSize, text);
                }
                Ok(code)
            }
            Failure::Limit(limit, text) => {
                self.process.tell_refusal(limit, &text);
                Ok(ErrorCode::LimitExceeded(text))
            }
            Failure::TooManyHandles => {
                let text = limits::too_many_handles(self.process.limits.handles);
                self.process.tell_refusal(LimitKind::Handles, &text);
                Ok(ErrorCode::LimitExceeded(text))
            }
            Failure::End(error) => Err(error),
        }
    }
}

impl HostHandle for State {
    fn kind(&mut self, handle: Resource<Handle>) -> wasmtime::Result<String> {
        Ok(self.table.get(&handle)?.kind().as_str().to_owned())
    }

    fn duplicate(&mut self, handle: Resource<Handle>) -> wasmtime::Result<Resource<Handle>> {
        let duplicate = self.table.get(&handle)?.clone();
        Ok(self.table.push(duplicate)?)
    }

    fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl State {
    /// In whose name this guest's references are counted.
    pub(super) fn holder(&self) -> Holder {
        Holder::Process(self.process.id)
    }

    /// Whether the guest may hold one handle more. For calls that begin something and then give a
    /// handle to it: one that fails has begun nothing.
    pub(super) fn check_room(&mut self) -> Result<(), Failure> {
        let place = self.table.push(())?;
        self.table.delete(place)?;
        Ok(())
    }

    /// A message as the guest sends it. The guest keeps its handles.
    pub(super) fn message(
        &self,
        bytes: Vec<u8>,
        handles: &[Resource<Handle>],
    ) -> Result<Message, Failure> {
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let limit_bytes = self.process.limits.message_bytes;
        if size_bytes > limit_bytes {
            let text = limits::message_too_large(size_bytes, limit_bytes);
            return Err(ErrorCode::MessageTooLarge(text).into());
        }
        let handles = handles
            .iter()
            .map(|handle| Ok(self.table.get(handle)?.clone()))
            .collect::<Result<_, Failure>>()?;
        Ok(Message { bytes, handles })
    }

    /// A message as the guest gets it. Its handles are held by the guest already: objects give
    /// them in the name of whom they were received by.
    ///
    /// A guest that cannot hold them is ended: it has taken the message, and must not go on as if
    /// there had been none.
    pub(super) fn deliver(
        &mut self,
        message: Message,
    ) -> Result<super::bindings::isopod::multiprocessing::types::Message, Failure> {
        let handles = message
            .handles
            .into_iter()
            .map(|handle| self.table.push(handle))
            .collect::<Result<_, _>>()
            .map_err(|_| {
                let text = limits::too_many_handles(self.process.limits.handles);
                self.process.tell_limit_of_end(LimitKind::Handles, &text);
                Failure::End(Stop::Now(ExitStatus::Limit(text)).into())
            })?;
        Ok(super::bindings::isopod::multiprocessing::types::Message {
            bytes: message.bytes,
            handles,
        })
    }

    /// Puts an object's handle into the guest's table.
    pub(super) fn give(&mut self, handle: Handle) -> wasmtime::Result<Resource<Handle>> {
        Ok(self.table.push(handle)?)
    }
}
