//! `types`: handles.

use super::bindings::isopod::multiprocessing::types::{
    ErrorCode, Host, HostHandle, Message as WitMessage,
};
use super::errors::Failure;
use crate::events::RefusalKind;
use crate::exit_status::ExitStatus;
use crate::guest::{State, Stop};
use crate::limit_kind::LimitKind;
use crate::limits::{self, ProcessLimit};
use isopod_sync::{Handle, Holder, LARGEST_OBJECT_BYTES, Message, OverBudget};
use wasmtime::component::Resource;

impl Host for State {
    fn convert_error_code(&mut self, failure: Failure) -> wasmtime::Result<ErrorCode> {
        match failure {
            Failure::Code(code) => {
                if let ErrorCode::AccessDenied(text) = &code {
                    self.process
                        .tell_refused(RefusalKind::ChildRight, || text.clone());
                }
                if let ErrorCode::MessageTooLarge(text) = &code {
                    self.process.tell_refusal(LimitKind::MessageSize, text);
                }
                // This is a limit of a child above the process's own. Other limits take the branches below.
                if let ErrorCode::LimitExceeded(text) = &code {
                    self.process
                        .tell_refused(RefusalKind::ChildRight, || text.clone());
                }
                Ok(code)
            }
            Failure::Limit(limit, text) => {
                self.process.tell_refusal(limit, &text);
                Ok(ErrorCode::LimitExceeded(text))
            }
            Failure::OverBudget(over) => {
                let (limit, text) = self.process.tree.over_budget(over);
                self.process.tell_refusal(limit, &text);
                Ok(ErrorCode::LimitExceeded(text))
            }
            Failure::TooLarge(size_bytes, limit_bytes) => {
                let (limit, text) = self.process.tree.too_large(size_bytes, limit_bytes);
                self.process.tell_refusal(limit, &text);
                Ok(ErrorCode::MessageTooLarge(text))
            }
            Failure::TooManyHandles => {
                let (limit, text) = self.full_table();
                self.process.tell_refusal(limit, &text);
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
        Ok(self.push(duplicate)?)
    }

    fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl State {
    /// The holder to which this guest's references are counted.
    pub(super) fn holder(&self) -> Holder {
        Holder::Process(self.process.id)
    }

    /// Checks that the guest may hold one more handle. For calls that begin something and then return a
    /// handle to it: such a call fails before it has begun anything.
    pub(super) fn check_room(&mut self) -> Result<(), Failure> {
        let place = self.push(())?;
        self.table.delete(place)?;
        Ok(())
    }

    /// A message from the guest. The guest keeps its handles.
    ///
    /// The bytes are charged until the next call: a message that waits to be put takes the host's memory too.
    pub(super) fn message(
        &mut self,
        bytes: Vec<u8>,
        handles: &[Resource<Handle>],
    ) -> Result<Message, Failure> {
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let limit_bytes = self.process.birth.limits.message_bytes;
        if size_bytes > limit_bytes {
            let text = self.message_too_large(size_bytes);
            return Err(ErrorCode::MessageTooLarge(text).into());
        }
        self.carry(size_bytes)?;
        self.part_of_message(bytes, handles)
    }

    /// As [`message`](Self::message), for the several messages of one call, which are carried together.
    pub(super) fn messages(
        &mut self,
        parts: impl IntoIterator<Item = (Vec<u8>, Vec<Resource<Handle>>)>,
    ) -> Result<Vec<Message>, Failure> {
        let limit_bytes = self.process.birth.limits.message_bytes;
        let mut total_bytes = 0_u64;
        let mut messages = Vec::new();
        for (bytes, handles) in parts {
            let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if size_bytes > limit_bytes {
                let text = self.message_too_large(size_bytes);
                return Err(ErrorCode::MessageTooLarge(text).into());
            }
            let message = self.part_of_message(bytes, &handles)?;
            total_bytes = total_bytes.saturating_add(message.charged_bytes());
            messages.push(message);
        }
        self.carry(total_bytes)?;
        Ok(messages)
    }

    fn message_too_large(&self, size_bytes: u64) -> String {
        let limit = self.process.birth.limits.message_bytes;
        limits::message_too_large(
            size_bytes,
            limit,
            &self.process.raised(ProcessLimit::MessageSize),
        )
    }

    fn part_of_message(
        &self,
        bytes: Vec<u8>,
        handles: &[Resource<Handle>],
    ) -> Result<Message, Failure> {
        let handles = handles
            .iter()
            .map(|handle| Ok(self.table.get(handle)?.clone()))
            .collect::<Result<_, Failure>>()?;
        Ok(Message { bytes, handles })
    }

    /// A message for the guest. The guest holds the message's handles already: objects make the receiver
    /// their holder.
    ///
    /// A guest that cannot hold them is ended: it has taken the message, and must not go on as if there had
    /// been none.
    pub(super) fn deliver(&mut self, message: Message) -> Result<WitMessage, Failure> {
        // Until now it counted as queued.
        self.carry_on(u64::try_from(message.bytes.len()).unwrap_or(u64::MAX));
        self.deliver_copy(message).map_err(|_| {
            let (limit, text) = self.full_table();
            self.end_at(limit, text)
        })
    }

    /// A copy of a message for the guest, which is carried already. If the guest cannot hold its handles, it gets
    /// none of them.
    pub(super) fn deliver_copy(&mut self, message: Message) -> Result<WitMessage, Failure> {
        Ok(WitMessage {
            handles: self.push_all(message.handles)?,
            bytes: message.bytes,
        })
    }

    /// Ends the guest at a limit, in a call that cannot return an error for it.
    pub(super) fn end_at(&self, limit: LimitKind, text: String) -> Failure {
        Failure::End(self.stop_at(limit, text))
    }

    /// As [`end_at`](Self::end_at), as an error of the call.
    pub(crate) fn stop_at(&self, limit: LimitKind, text: String) -> wasmtime::Error {
        self.process.tell_limit_of_end(limit, &text);
        Stop::Now(ExitStatus::Limit(text)).into()
    }

    /// As [`end_at`](Self::end_at), at the limit on queued bytes or host memory.
    pub(super) fn end_over_budget(&self, over: OverBudget) -> wasmtime::Error {
        let (limit, text) = self.process.tree.over_budget(over);
        self.stop_at(limit, text)
    }

    /// Checks that there is room for one more object. For calls that make one.
    pub(super) fn check_object(&self) -> Result<(), Failure> {
        Ok(self.process.tree.objects.check_room(LARGEST_OBJECT_BYTES)?)
    }

    /// Puts an object's handle into the guest's table.
    pub(super) fn give(&mut self, handle: Handle) -> wasmtime::Result<Resource<Handle>> {
        Ok(self.push(handle)?)
    }
}
