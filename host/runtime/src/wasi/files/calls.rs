//! Calls of operations on files: not on the process's own thread, but where they may block.

use super::QUOTA;
use super::held::Held;
use super::room::{DiskRoom, Full};
use super::streams::{FileOutput, Place};
use crate::guest::{Busy, State};
use crate::limit_kind::LimitKind;
use crate::limits::{Taken, TooMany};
use rustix::io::Errno;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{ErrorCode, Host};
use wasmtime_wasi::p2::{DynOutputStream, FsError, FsResult};
use wasmtime_wasi::runtime::poll_noop;

/// wasmtime-wasi's implementation, with the tables that one call needs.
pub(super) type Files<'a> = WasiFilesystemCtxView<'a>;

/// The error for a guest when there is no slot for its operation.
pub(super) const BUSY: ErrorCode = ErrorCode::WouldBlock;

impl State {
    /// Runs an operation on a descriptor, not on the process's own thread. It runs on a thread that it may
    /// block, so its future is never pending.
    pub(super) async fn on<R: Send + 'static>(
        &mut self,
        descriptor: Resource<Descriptor>,
        body: impl AsyncFnOnce(&mut Files<'_>, Resource<Descriptor>) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        // With its charge as a descriptor, until the operation has returned.
        let held = self.held(&descriptor)?.clone();
        let mut context = self.filesystem().ctx.clone();
        let operation = self.operations.run(move || {
            let held = held;
            let mut table = ResourceTable::new();
            let descriptor = table.push(held.descriptor.clone())?;
            let mut files = Files {
                ctx: &mut context,
                table: &mut table,
            };
            now(body(&mut files, descriptor))?
        });
        match operation.await {
            Ok(result) => result,
            Err(Busy) => Err(BUSY.into()),
        }
    }

    /// Counts a descriptor that is about to be opened; none if the process may have no more, which is
    /// reported.
    pub(crate) fn take_descriptor(&self) -> Option<Taken> {
        let taken = self.descriptors.take();
        let refused = |too_many: TooMany| {
            let text = too_many.to_string();
            self.process.tell_refusal(LimitKind::Descriptors, &text);
        };
        taken.map_err(refused).ok()
    }

    pub(super) fn output(
        &mut self,
        descriptor: &Resource<Descriptor>,
        place: Place,
    ) -> FsResult<Resource<DynOutputStream>> {
        let held = self.held(descriptor)?;
        let file = match &held.descriptor {
            Descriptor::File(file) => file,
            Descriptor::Dir(_) => return Err(ErrorCode::BadDescriptor.into()),
        };
        if file.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted.into());
        }
        held.room.check_any().map_err(|Full| QUOTA)?;
        let stream = FileOutput::new(&file.file, held, place, &self.operations);
        let stream: DynOutputStream = Box::new(stream);
        Ok(self.push(stream)?)
    }
}

/// The result of a future that does all its work in its first poll, because the context and the
/// descriptors say that it may block.
fn now<R>(future: impl Future<Output = R>) -> FsResult<R> {
    poll_noop(pin!(future)).ok_or_else(|| {
        FsError::trap(wasmtime::format_err!(
            "a file operation did not run where it was called"
        ))
    })
}

impl preopens::Host for State {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let granted = Arc::clone(&self.process.birth.rights);
        granted
            .directories
            .iter()
            .map(|granted| {
                let storage = &self.process.tree.storage;
                let held = Held {
                    descriptor: Descriptor::Dir(granted.directory.clone()),
                    room: DiskRoom::new(storage, granted.is_temporary, &self.process),
                    taken: None,
                };
                Ok((self.put(held)?, granted.name.clone()))
            })
            .collect()
    }
}

impl Host for State {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        let failed = self.table.get(&error)?;
        if failed.is::<Busy>() {
            return Ok(Some(BUSY));
        }
        // wasmtime-wasi does not know this error.
        let failed = failed.downcast_ref::<std::io::Error>();
        if failed.and_then(Errno::from_io_error) == Some(Errno::DQUOT) {
            return Ok(Some(QUOTA));
        }
        self.filesystem().filesystem_error_code(error)
    }
}
